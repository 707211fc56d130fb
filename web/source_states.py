"""Sources as the desk shows them: how each is, since when, and how it has fared lately."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, and_, func, select, union

from alerts.source_health.verdict import STATE_WORDS
from config.sources import SourceConfig
from crawlers.problem_words import in_chinese
from store.pulses import Pulse, all_pulses
from store.runs import OPEN, Run, find_runs
from store.schema import documents, runs, source_pulses
from store.source_states import WELL, StateChange, present_states
from web.services import Services

SHOWN_RUNS = 24
FEW_RUNS = 2
"""So many tell how a source is, where one of them went well."""
WEEK = timedelta(days=7)
BAD = ("failed", "changed", "blocked", "silent")
MARKS = {WELL: "done", "silent": "warn", "surging": "warn", "layout_changed": "bad", "blocked": "bad", "failed": "bad"}
HEALTH = {state: (word, MARKS[state]) for state, word in STATE_WORDS.items()}
"""Word and mark of each state."""
LATE = timedelta(minutes=1)
"""A source whose turn was so long ago is late, unless it is being visited."""


@dataclass(frozen=True)
class SourceState:
    """A source as the desk sees it. state: word and mark.

    present: its health as the watch wrote it down.  pulse: None where it was never visited.
    """

    source: SourceConfig
    state: tuple[str, str]
    last: Run | None
    failures: int
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


def source_states(db: Connection, services: Services, *, count: bool = True, only: str = "") -> list[SourceState]:
    """All configured sources, those in trouble first. Six queries, however many sources there are.

    count: False leaves their documents uncounted (0): that goes through them all.  only: this one alone; empty is all.
    """
    sources = [source for source in services.sources if not only or source.key == only]
    closed_by_source, running = _closed_runs(db, services.clock(), only)
    last = find_runs(db, [closed[0]["id"] for closed in closed_by_source.values()])
    pulses, present = all_pulses(db), present_states(db)
    counted = _documents(db, only) if count else {}
    states = []
    for source in sources:
        closed = closed_by_source.get(source.key, [])
        failures = next((i for i, run in enumerate(closed) if run["status"] == "ok"), len(closed))
        found, signals, newest = counted.get(source.key, (0, 0, None))
        states.append(
            SourceState(
                source=source,
                state=_word(source, closed, failures, present.get(source.key)),
                last=last[closed[0]["id"]] if closed else None,
                failures=failures,
                documents=found,
                signals=signals,
                newest=newest,
                running=source.key in running,
                present=present.get(source.key),
                pulse=pulses.get(source.key),
            )
        )
    order = {"bad": 0, "warn": 1, "": 3}
    return sorted(states, key=lambda state: (order.get(state.state[1], 2), state.source.title))


def _documents(db: Connection, only: str = "") -> dict[str, tuple[int, int, datetime | None]]:
    risks = func.count().filter(documents.c.is_risk)
    query = select(documents.c.source, func.count(), risks, func.max(documents.c.event_time)).where(documents.c.latest)
    if only:
        query = query.where(documents.c.source == only)
    return {row[0]: (row[1], row[2], row[3]) for row in db.execute(query.group_by(documents.c.source))}


def marks_of(db: Connection, now: datetime, keys: Sequence[str]) -> dict[str, str]:
    """The last runs of each of these sources as charts.svg.runs draws them, the oldest first."""
    over, _ = _split(_recent_runs(db, now, SHOWN_RUNS, keys))
    return {key: "".join(_mark(run) for run in reversed(closed[:SHOWN_RUNS])) for key, closed in over.items()}


def _closed_runs(db: Connection, now: datetime, only: str = "") -> tuple[dict[str, list[RowMapping]], frozenset[str]]:
    """The newest runs that are over, and the sources where one is not: a few of each source, more only of those whose
    few have all failed, to say how often."""
    over, running = _split(_recent_runs(db, now, FEW_RUNS, [only] if only else None))
    failing = [key for key, closed in over.items() if all(run["status"] != "ok" for run in closed)]
    if failing:
        over |= _split(_recent_runs(db, now, SHOWN_RUNS, failing))[0]
    return over, running


def _recent_runs(
    db: Connection, now: datetime, most: int, keys: Sequence[str] | None = None
) -> dict[str, list[RowMapping]]:
    """The last week's runs of each source, newest first, `most` and what is still open: source by source, so that one
    that is read every half hour does not crowd out one that is read once a day. keys: of these alone; None: of all."""
    known = union(select(source_pulses.c.source), select(runs.c.source).where(runs.c.status.in_(OPEN))).subquery()
    each = runs.alias("each")
    oldest = select(each.c.asked_at).where(each.c.source == known.c.source).order_by(each.c.asked_at.desc())
    since = func.coalesce(oldest.offset(most).limit(1).scalar_subquery(), now - WEEK)
    columns = (runs.c.id, runs.c.source, runs.c.status, runs.c.new, runs.c.changed)
    mine = and_(runs.c.source == known.c.source, runs.c.asked_at >= since, runs.c.asked_at > now - WEEK)
    query = select(*columns).select_from(known.join(runs, mine)).order_by(runs.c.source, runs.c.asked_at.desc())
    if keys is not None:
        query = query.where(known.c.source.in_(list(keys)))
    found: dict[str, list[RowMapping]] = {}
    for row in db.execute(query).mappings():
        found.setdefault(row["source"], []).append(row)
    return found


def _split(found: Mapping[str, Sequence[RowMapping]]) -> tuple[dict[str, list[RowMapping]], frozenset[str]]:
    """The runs that are over, of sources that have some; and the sources where one is not."""
    over = {
        key: closed for key, mine in found.items() if (closed := [run for run in mine if run["status"] not in OPEN])
    }
    return over, frozenset(key for key, mine in found.items() if len(mine) > len(over.get(key, ())))


def _mark(run: RowMapping) -> str:
    if run["status"] in BAD:
        return "f"
    return "o" if run["new"] or run["changed"] else "z"


def _word(
    source: SourceConfig, closed: Sequence[RowMapping], failures: int, present: StateChange | None
) -> tuple[str, str]:
    if not source.enabled:
        return "停用", ""
    if present is not None and present.state != WELL:
        return HEALTH[present.state]
    if not closed:
        return ("未抓取", "warn") if present is None else ("正常", "done")
    if closed[0]["status"] == "interrupted":
        return "中断", "warn"
    if failures == 0:
        return "正常", "done"
    return ("失败", "bad") if present is None or failures > 1 else ("失败一次", "warn")
