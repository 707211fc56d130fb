"""Crawl runs (asked for, claimed, finished), what is known of each address, and scheduled jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, case, delete, func, select, update

from core.ids import short_id
from store.inserts import create_only
from store.processes import claims_of
from store.schema import addresses, documents, holds, jobs, runs
from store.wake import CRAWL, wake

OPEN = ("waiting", "running")
COUNTS = ("new", "changed", "unchanged", "failed", "gone", "items", "not_modified")
LEASE = timedelta(minutes=2)
"""A running crawl whose process has not renewed it for so long has lost its process."""


@dataclass(frozen=True)
class Run:
    """One crawl of one source."""

    id: str
    source: str
    status: str
    reason: str
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    new: int
    changed: int
    unchanged: int
    failed: int
    gone: int
    problems: tuple[str, ...]
    items: int = 0
    not_modified: int = 0
    due_at: datetime | None = None


@dataclass(frozen=True)
class SourceHealth:
    """What the desk says of a source."""

    source: str
    last: Run | None
    last_ok: datetime | None
    failures_in_a_row: int
    documents: int
    signals: int
    newest: datetime | None
    not_before: datetime | None = None


@dataclass(frozen=True)
class Address:
    """What was learnt the last time an address was fetched."""

    etag: str | None
    last_modified: str | None
    body_sha256: str | None
    seen_at: datetime
    gone_at: datetime | None


@dataclass(frozen=True)
class Job:
    """A line of the job table."""

    id: str
    what: str
    trigger: str
    next_at: datetime | None
    last_at: datetime | None
    last_status: str | None
    last_note: str | None
    misfires: int


def ask_for_run(db: Connection, source: str, *, reason: str, now: datetime, due_at: datetime | None = None) -> bool:
    """Ask for a crawl; False when one of that source is waiting or running already (the table's index sees to that).

    A running one whose lease has run out gives way.  due_at: when its turn was, where the schedule asks.
    """
    lost = and_(runs.c.source == source, runs.c.status == "running", runs.c.held_until < now)
    db.execute(update(runs).where(lost).values(status="interrupted", finished_at=now))
    wake(db, CRAWL)
    values = {"id": short_id("r", source, now.isoformat()), "source": source, "status": "waiting", "reason": reason}
    return create_only(db, runs, {**values, "asked_at": now, "due_at": due_at, "problems": []})


def claim_run(
    db: Connection, *, who: str, now: datetime, busy: Sequence[str] = (), source: str | None = None
) -> Run | None:
    """Take the oldest waiting run (not of a source in `busy`; of `source` only, when given) for `LEASE`."""
    waiting = and_(runs.c.status == "waiting", runs.c.source.not_in(list(busy)))
    if source is not None:
        waiting = and_(waiting, runs.c.source == source)
    oldest = select(runs.c.id).where(waiting).order_by(runs.c.asked_at).limit(1)
    one = oldest.with_for_update(skip_locked=True).cte("one")  # a subquery may run for each row on PostgreSQL
    taken = (
        update(runs)
        .where(runs.c.id.in_(select(one.c.id)), runs.c.status == "waiting")
        .values(status="running", started_at=now, claimed_by=who, held_until=now + LEASE)
        .returning(runs)
    )
    row = db.execute(taken).mappings().first()
    return _run(row) if row else None


def renew_runs(db: Connection, ids: Sequence[str], *, now: datetime) -> None:
    """Their process lives and crawls. One that was given up meanwhile stays so."""
    mine = and_(runs.c.id.in_(list(ids)), runs.c.status == "running")
    db.execute(update(runs).where(mine).values(held_until=now + LEASE))


def finish_run(
    db: Connection, run_id: str, *, status: str, counts: Mapping[str, int], problems: Sequence[str], now: datetime
) -> bool:
    """Close a running run with its counts (see COUNTS) and problems. False when it was given up meanwhile: its process
    slept so long that another crawls the source."""
    kept = {name: counts.get(name, 0) for name in COUNTS}
    closed = (
        update(runs)
        .where(runs.c.id == run_id, runs.c.status == "running")
        .values(status=status, finished_at=now, problems=list(problems)[:50], **kept)
    )
    return db.execute(closed).rowcount == 1


def interrupt_runs(db: Connection, *, who: str, now: datetime, only: Sequence[str] | None = None) -> list[str]:
    """Runs (all, or `only` these ids) that `who` held when it died: marked interrupted. Returns their sources, to be
    asked for again."""
    mine = and_(runs.c.status == "running", claims_of(runs.c.claimed_by, who))
    if only is not None:
        mine = and_(mine, runs.c.id.in_(list(only)))
    sources = list(db.execute(select(runs.c.source).where(mine)).scalars())
    db.execute(update(runs).where(mine).values(status="interrupted", finished_at=now))
    return sources


def recent_runs(db: Connection, *, source: str | None = None, limit: int = 50) -> list[Run]:
    """The newest runs."""
    query = select(runs).order_by(runs.c.asked_at.desc()).limit(limit)
    if source is not None:
        query = query.where(runs.c.source == source)
    return [_run(row) for row in db.execute(query).mappings()]


def last_fetch(db: Connection, until: datetime) -> datetime | None:
    """When a run last ended well before a moment, of any source."""
    well = and_(runs.c.status == "ok", runs.c.finished_at < until, runs.c.asked_at < until)
    query = select(runs.c.finished_at).where(well).order_by(runs.c.asked_at.desc()).limit(50)
    return max(db.execute(query).scalars(), default=None)


def find_runs(db: Connection, ids: Sequence[str]) -> dict[str, Run]:
    """The runs of these ids."""
    found: dict[str, Run] = {}
    for start in range(0, len(ids), 400):
        rows = db.execute(select(runs).where(runs.c.id.in_(list(ids[start : start + 400])))).mappings()
        found |= {row["id"]: _run(row) for row in rows}
    return found


def lateness(db: Connection, since: datetime) -> list[float]:
    """Seconds between their turn and their start, of the scheduled runs asked for since then."""
    asked = select(runs.c.due_at, runs.c.started_at).where(runs.c.asked_at >= since, runs.c.started_at.is_not(None))
    rows = db.execute(asked.where(runs.c.due_at.is_not(None)))
    return [max(0.0, (row[1] - row[0]).total_seconds()) for row in rows]


def drop_runs(db: Connection, before: datetime) -> int:
    """Forget closed runs that were asked for earlier; how many."""
    old = delete(runs).where(runs.c.asked_at < before, runs.c.status.not_in(OPEN))
    return int(db.execute(old).rowcount)


def source_health(db: Connection, source: str) -> SourceHealth:
    """How a source has done lately, from its runs and documents."""
    finished = recent_runs(db, source=source, limit=20)
    closed = [run for run in finished if run.status not in OPEN]
    failures = next((i for i, run in enumerate(closed) if run.status == "ok"), len(closed))
    last_ok = db.execute(
        select(func.max(runs.c.finished_at)).where(runs.c.source == source, runs.c.status == "ok")
    ).scalar_one_or_none()
    counted = db.execute(
        select(
            func.count(),
            func.coalesce(func.sum(case((documents.c.is_risk, 1), else_=0)), 0),
            func.max(documents.c.event_time),
        ).where(documents.c.source == source, documents.c.latest)
    ).one()
    held = held_back(db, source)
    last = closed[0] if closed else None
    return SourceHealth(source, last, last_ok, failures, counted[0], counted[1], counted[2], held)


def hold_back(db: Connection, source: str, *, until: datetime, why: str) -> None:
    """The site wants no visit before `until` (Retry-After, a challenge page); the later of two wishes counts."""
    if not create_only(db, holds, {"source": source, "until": until, "why": why}):
        sooner = and_(holds.c.source == source, holds.c.until < until)
        db.execute(update(holds).where(sooner).values(until=until, why=why))


def held_back(db: Connection, source: str) -> datetime | None:
    """The last moment before which the site wanted no visit; may lie in the past."""
    return db.execute(select(holds.c.until).where(holds.c.source == source)).scalar_one_or_none()


def find_address(db: Connection, source: str, url: str) -> Address | None:
    """What is known of an address."""
    row = db.execute(select(addresses).where(addresses.c.source == source, addresses.c.url == url)).mappings().first()
    return Address(**{name: row[name] for name in Address.__dataclass_fields__}) if row else None


def remember_address(db: Connection, source: str, url: str, *, now: datetime, **values: str | None) -> None:
    """Note validators (etag, last_modified, body_sha256) of a fetched address."""
    key = {"source": source, "url": url}
    if not create_only(db, addresses, {**key, "seen_at": now, **values}):
        mine = and_(addresses.c.source == source, addresses.c.url == url)
        db.execute(update(addresses).where(mine).values(seen_at=now, gone_at=None, **values))


def save_job(db: Connection, job_id: str, *, what: str, trigger: str, next_at: datetime | None) -> None:
    """Put a job into the table that people see."""
    values: dict[str, Any] = {"what": what, "trigger": trigger, "next_at": next_at}
    if not create_only(db, jobs, {"id": job_id, **values, "misfires": 0}):
        db.execute(update(jobs).where(jobs.c.id == job_id).values(**values))


def note_job(db: Connection, job_id: str, *, at: datetime, status: str, note: str, next_at: datetime | None) -> None:
    """What happened the last time a job was due; status `misfire` is counted."""
    missed = 1 if status == "misfire" else 0
    values = {"last_at": at, "last_status": status, "last_note": note[:500], "next_at": next_at}
    db.execute(update(jobs).where(jobs.c.id == job_id).values(misfires=jobs.c.misfires + missed, **values))


def keep_jobs(db: Connection, ids: Sequence[str]) -> None:
    """Drop the jobs of sources that are no longer configured."""
    db.execute(jobs.delete().where(jobs.c.id.not_in(list(ids))))


def list_jobs(db: Connection) -> list[Job]:
    """The job table, next first."""
    rows = db.execute(select(jobs).order_by(jobs.c.next_at, jobs.c.id)).mappings()
    return [Job(**{name: row[name] for name in Job.__dataclass_fields__}) for row in rows]


def _run(row: RowMapping) -> Run:
    values = {name: row[name] for name in Run.__dataclass_fields__}
    return Run(**{**values, "problems": tuple(row["problems"])})
