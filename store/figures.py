"""What a scrape of the system's own numbers asks of the store: each answered from an index (web/metrics.py)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from store.canaries import Canary, newest
from store.documents import ANALYSED, DEDUPED, FETCHED, JUDGED, QUARANTINED, REFUSED, last_arrival
from store.index_queue import backlog
from store.processes import Process, list_processes
from store.pulses import due_turns, held_turns
from store.runs import Job, list_jobs
from store.schema import alerts, deliveries, documents, findings
from store.source_states import present_states

LATE_TURN = timedelta(minutes=1)
"""A source whose turn was longer ago is late; `fengsui doctor` says the same of the runs that were."""
WAITING = (FETCHED, DEDUPED, ANALYSED, JUDGED)
ASIDE = (QUARANTINED, REFUSED)
LATELY = timedelta(days=1)


@dataclass(frozen=True)
class Figures:
    """Seconds, counts. waiting, aside: documents by stage.  oldest: seconds that the one waiting longest has waited, by
    stage; 0 where none does.  arrived: documents ever stored.

    late_sources, latest: how many turns of sources are overdue by a minute or more, and by how much the worst is.
    held: sources of which only what may tell of harm is fetched, as too much waits to be read.
    alerts: by state and level.  late_alerts: opened too late, of the last day.  due: seconds that the message waits
    whose time came first.
    """

    waiting: Mapping[str, int]
    aside: Mapping[str, int]
    oldest: Mapping[str, float]
    arrived: int
    late_sources: int
    latest: float
    held: int
    source_states: Mapping[str, int]
    alerts: Mapping[tuple[str, int], int]
    late_alerts: int
    findings: Mapping[str, int]
    deliveries: Mapping[tuple[str, str], int]
    due: float
    processes: tuple[Process, ...]
    jobs: tuple[Job, ...]
    canary: Canary | None


def read_figures(db: Connection, now: datetime, *, sources: Collection[str]) -> Figures:
    """Look once. sources: those that are enabled; what others left does not count."""
    overdue = [(now - at).total_seconds() for name, at in due_turns(db, now - LATE_TURN) if name in sources]
    states = [one.state for name, one in present_states(db).items() if name in sources]
    return Figures(
        waiting={stage: _at(db, stage) for stage in WAITING},
        aside={stage: _at(db, stage) for stage in ASIDE},
        oldest=_oldest(db, now),
        arrived=last_arrival(db),
        late_sources=len(overdue),
        latest=max(overdue, default=0.0),
        held=sum(name in sources for name in held_turns(db, now)),
        source_states={state: states.count(state) for state in sorted(set(states))},
        alerts={(row.state, row.level): row.n for row in db.execute(_ALERTS)},
        late_alerts=db.execute(_LATE.where(alerts.c.created_at >= now - LATELY)).scalar_one(),
        findings={row.rule: row.n for row in db.execute(_FINDINGS)},
        deliveries={(row.channel, row.state): row.n for row in db.execute(_DELIVERIES)},
        due=_due(db, now),
        processes=tuple(list_processes(db)),
        jobs=tuple(list_jobs(db)),
        canary=next(iter(newest(db)), None),
    )


def _at(db: Connection, stage: str) -> int:
    return db.execute(select(func.count()).where(documents.c.stage == stage)).scalar_one()


def _oldest(db: Connection, now: datetime) -> dict[str, float]:
    """Of the worker's and the indexer's queue. A document that is judged anew has no time of its own at which it began
    to wait, so those between are not told: the worker takes a row through all of its steps at once."""
    first = select(documents.c.stored_at).where(documents.c.stage == FETCHED).order_by(documents.c.seq).limit(1)
    since = {FETCHED: db.execute(first).scalar_one_or_none(), JUDGED: backlog(db).since}
    return {stage: _age(at, now) for stage, at in since.items()}


def _due(db: Connection, now: datetime) -> float:
    waits = (deliveries.c.state == "waiting") & (deliveries.c.next_at <= now)
    return _age(db.execute(select(func.min(deliveries.c.next_at)).where(waits)).scalar_one_or_none(), now)


def _age(at: datetime | None, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds()) if at else 0.0


_ALERTS = select(alerts.c.state, alerts.c.level, func.count().label("n")).group_by(alerts.c.state, alerts.c.level)
_LATE = select(func.count()).where(alerts.c.late > 0)
_FINDINGS = select(findings.c.rule, func.count().label("n")).group_by(findings.c.rule)
_DELIVERIES = select(deliveries.c.channel, deliveries.c.state, func.count().label("n")).group_by(
    deliveries.c.channel, deliveries.c.state
)
