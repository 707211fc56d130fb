"""Sources as the desk shows them: how each is, since when, and how it has fared lately."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from alerts.source_health.verdict import STATE_WORDS
from config.sources import SourceConfig
from crawlers.problem_words import in_chinese
from store.pulses import Pulse, all_pulses
from store.runs import OPEN, Run
from store.schema import documents, runs
from store.source_states import WELL, StateChange, present_states
from web.services import Services

SHOWN_RUNS = 24
BAD = ("failed", "changed", "blocked", "silent")
MARKS = {WELL: "done", "silent": "warn", "surging": "warn", "layout_changed": "bad", "blocked": "bad", "failed": "bad"}
HEALTH = {state: (word, MARKS[state]) for state, word in STATE_WORDS.items()}
"""Word and mark of each state."""
LATE = timedelta(minutes=1)
"""A source whose turn was so long ago is late, unless it is being visited."""


@dataclass(frozen=True)
class SourceState:
    """A source as the desk sees it. mark: for charts.svg.runs, oldest run first. state: word and mark.

    present: its health as the watch wrote it down.  pulse: None where it was never visited.
    """

    source: SourceConfig
    state: tuple[str, str]
    last: Run | None
    failures: int
    marks: str
    documents: int
    signals: int
    newest: datetime | None
    running: bool
    present: StateChange | None = None
    pulse: Pulse | None = None

    @property
    def bad(self) -> bool:
        """Whether somebody should look."""
        return self.state[1] in ("bad", "warn")

    @property
    def ill(self) -> StateChange | None:
        """Its health where it is not well."""
        return self.present if self.source.enabled and self.present and self.present.state != WELL else None

    @property
    def last_ok(self) -> datetime | None:
        """When its lists were last read, or said that nothing changed."""
        return self.pulse.read_at if self.pulse else None

    @property
    def why(self) -> str:
        """What stands below its name where it is not well."""
        if self.ill is not None:
            return self.ill.why
        return in_chinese(self.last.problems[0]) if self.bad and self.last and self.last.problems else ""

    @property
    def pace(self) -> timedelta:
        """Its interval as it is now."""
        return timedelta(seconds=self.pulse.pace) if self.pulse else self.source.every

    def late(self, now: datetime) -> bool:
        """Whether its turn is over and it was not visited."""
        waits = self.source.enabled and self.pulse is not None and not self.running
        return bool(waits and self.pulse and now - self.pulse.next_at > LATE)


def source_states(db: Connection, services: Services, *, count: bool = True) -> list[SourceState]:
    """All configured sources, those in trouble first. Four queries, however many sources there are.

    count: False leaves their documents uncounted (0): that reads them all.
    """
    by_source, pulses, present = _recent_runs(db, services.clock()), all_pulses(db), present_states(db)
    counted = _documents(db) if count else {}
    states = []
    for source in services.sources:
        mine = by_source.get(source.key, [])
        closed = [run for run in mine if run.status not in OPEN]
        failures = next((i for i, run in enumerate(closed) if run.status == "ok"), len(closed))
        found, signals, newest = counted.get(source.key, (0, 0, None))
        states.append(
            SourceState(
                source=source,
                state=_word(source, closed, failures, present.get(source.key)),
                last=closed[0] if closed else None,
                failures=failures,
                marks="".join(_mark(run) for run in reversed(closed[:SHOWN_RUNS])),
                documents=found,
                signals=signals,
                newest=newest,
                running=len(mine) > len(closed),
                present=present.get(source.key),
                pulse=pulses.get(source.key),
            )
        )
    order = {"bad": 0, "warn": 1, "": 3}
    return sorted(states, key=lambda state: (order.get(state.state[1], 2), state.source.title))


def _documents(db: Connection) -> dict[str, tuple[int, int, datetime | None]]:
    risks = func.count().filter(documents.c.is_risk)
    query = select(documents.c.source, func.count(), risks, func.max(documents.c.event_time))
    rows = db.execute(query.where(documents.c.latest).group_by(documents.c.source))
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def _recent_runs(db: Connection, now: datetime) -> dict[str, list[Run]]:
    names = [name for name in Run.__dataclass_fields__ if name != "problems"]
    query = select(runs).where(runs.c.asked_at > now - timedelta(days=7)).order_by(runs.c.asked_at.desc()).limit(5000)
    found: dict[str, list[Run]] = {}
    for row in db.execute(query).mappings():
        run = Run(**{name: row[name] for name in names}, problems=tuple(row["problems"]))
        mine = found.setdefault(run.source, [])
        if len(mine) <= SHOWN_RUNS:
            mine.append(run)
    return found


def _mark(run: Run) -> str:
    if run.status in BAD:
        return "f"
    return "o" if run.new or run.changed else "z"


def _word(source: SourceConfig, closed: Sequence[Run], failures: int, present: StateChange | None) -> tuple[str, str]:
    if not source.enabled:
        return "停用", ""
    if present is not None and present.state != WELL:
        return HEALTH[present.state]
    if not closed:
        return ("未抓取", "warn") if present is None else ("正常", "done")
    if closed[0].status == "interrupted":
        return "中断", "warn"
    if failures == 0:
        return "正常", "done"
    return ("失败", "bad") if present is None or failures > 1 else ("失败一次", "warn")
