"""Runs of the rule lab: asked for on the desk or by hand, run by one process at a time, kept with their result."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, or_, select, update

from store.inserts import create_only
from store.schema import lab_runs

LEASE = timedelta(hours=1)
"""A run that has not ended by then was cut off."""
OPEN = ("waiting", "running")


@dataclass(frozen=True)
class KeptRun:
    """A run. state: waiting | running | done | failed.  asked: the options.  result: alerts.lab.report.as_json."""

    id: str
    rule: str
    state: str
    actor: str
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    asked: Mapping[str, Any]
    result: Mapping[str, Any] | None
    error: str | None


def ask_for_lab_run(
    db: Connection, run_id: str, rule: str, asked: Mapping[str, Any], *, actor: str, now: datetime, once: str | None
) -> bool:
    """Put a run in line. False where the same rule already waits or runs, or the same form has asked before."""
    free_lab_runs(db, now=now)
    held = select(lab_runs.c.id).where(lab_runs.c.rule == rule, lab_runs.c.state.in_(OPEN)).limit(1)
    if db.execute(held).first() is not None:
        return False
    values = {"id": run_id, "rule": rule, "state": "waiting", "actor": actor, "asked_at": now, "asked": dict(asked)}
    return create_only(db, lab_runs, {**values, "once": once})


def next_lab_run(db: Connection, *, now: datetime) -> KeptRun | None:
    """The run that is to be started: the one that waits longest, where none is running."""
    free_lab_runs(db, now=now)
    running = select(lab_runs.c.id).where(lab_runs.c.state == "running").limit(1)
    if db.execute(running).first() is not None:
        return None
    query = select(lab_runs).where(lab_runs.c.state == "waiting").order_by(lab_runs.c.asked_at, lab_runs.c.id)
    row = db.execute(query.limit(1)).mappings().first()
    return _run(row) if row else None


def start_lab_run(db: Connection, run_id: str, *, now: datetime) -> bool:
    """Claim a waiting run: one conditional update. False where it is no longer waiting."""
    mine = and_(lab_runs.c.id == run_id, lab_runs.c.state == "waiting")
    values = {"state": "running", "started_at": now, "held_until": now + LEASE}
    return db.execute(update(lab_runs).where(mine).values(**values)).rowcount == 1


def end_lab_run(
    db: Connection, run_id: str, *, now: datetime, result: Mapping[str, Any] | None = None, error: str | None = None
) -> None:
    """Keep what a running run came to: its result, or why there is none."""
    mine = and_(lab_runs.c.id == run_id, lab_runs.c.state == "running")
    told = None if result is None else dict(result)
    values = {"state": "failed" if error else "done", "finished_at": now, "result": told, "error": error}
    db.execute(update(lab_runs).where(mine).values(**values, held_until=None))


def keep_lab_run(
    db: Connection, run_id: str, rule: str, asked: Mapping[str, Any], result: Mapping[str, Any], *, actor: str,
    started: datetime, now: datetime,
) -> None:  # fmt: skip
    """Keep a run that was done by hand."""
    values = {"id": run_id, "rule": rule, "state": "done", "actor": actor, "asked_at": started, "started_at": started}
    create_only(db, lab_runs, {**values, "finished_at": now, "asked": dict(asked), "result": dict(result)})


def free_lab_runs(db: Connection, *, now: datetime) -> int:
    """Runs whose process died are failed; returns how many."""
    lost = and_(lab_runs.c.state == "running", or_(lab_runs.c.held_until.is_(None), lab_runs.c.held_until < now))
    values = {"state": "failed", "finished_at": now, "error": "运行中断，没有结果；可以再试"}
    return db.execute(update(lab_runs).where(lost).values(**values)).rowcount


def find_lab_run(db: Connection, run_id: str) -> KeptRun | None:
    """One run."""
    row = db.execute(select(lab_runs).where(lab_runs.c.id == run_id)).mappings().first()
    return _run(row) if row else None


def lab_runs_of(db: Connection, rule: str, *, limit: int = 10) -> list[KeptRun]:
    """The newest runs of a rule, newest first; without their results, which are large."""
    columns = [column for column in lab_runs.c if column.name != "result"]
    query = select(*columns).where(lab_runs.c.rule == rule).order_by(lab_runs.c.asked_at.desc(), lab_runs.c.id)
    return [_run({**row, "result": None}) for row in db.execute(query.limit(limit)).mappings()]


def last_result(db: Connection, rule: str) -> KeptRun | None:
    """The newest run of a rule that came to something."""
    done = select(lab_runs).where(lab_runs.c.rule == rule, lab_runs.c.state == "done")
    row = db.execute(done.order_by(lab_runs.c.asked_at.desc(), lab_runs.c.id).limit(1)).mappings().first()
    return _run(row) if row else None


def _run(row: RowMapping | Mapping[str, Any]) -> KeptRun:
    return KeptRun(**{name: row[name] for name in KeptRun.__dataclass_fields__})
