"""Is the system itself well: sources, processes, index."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from config.sources import SourceConfig
from core.errors import SearchUnavailable
from search.backend import Health
from store.runs import OPEN, Process, Run, list_processes, stale
from store.schema import documents, runs
from web.services import Services

SHOWN_RUNS = 24
BAD = ("failed", "changed", "blocked")


@dataclass(frozen=True)
class SourceState:
    """A source as the desk sees it. mark: for charts.svg.runs, oldest run first. state: word and mark."""

    source: SourceConfig
    state: tuple[str, str]
    last: Run | None
    last_ok: datetime | None
    failures: int
    marks: str
    documents: int
    signals: int
    newest: datetime | None
    running: bool

    @property
    def bad(self) -> bool:
        """Whether somebody should look."""
        return self.state[1] in ("bad", "warn")


def source_states(db: Connection, services: Services) -> list[SourceState]:
    """All configured sources, those in trouble first. Three queries, however many sources there are."""
    by_source = _recent_runs(db, services.clock())
    last_ok = {
        row[0]: row[1]
        for row in db.execute(
            select(runs.c.source, func.max(runs.c.finished_at)).where(runs.c.status == "ok").group_by(runs.c.source)
        )
    }
    counted = {
        row[0]: row[1:]
        for row in db.execute(
            select(
                documents.c.source,
                func.count(),
                func.count().filter(documents.c.is_risk),
                func.max(documents.c.event_time),
            )
            .where(documents.c.latest)
            .group_by(documents.c.source)
        )
    }
    states = []
    for source in services.sources:
        mine = by_source.get(source.key, [])
        closed = [run for run in mine if run.status not in OPEN]
        failures = next((i for i, run in enumerate(closed) if run.status == "ok"), len(closed))
        count, signals, newest = counted.get(source.key, (0, 0, None))
        states.append(
            SourceState(
                source=source,
                state=_word(source, closed, failures),
                last=closed[0] if closed else None,
                last_ok=last_ok.get(source.key),
                failures=failures,
                marks="".join(_mark(run) for run in reversed(closed[:SHOWN_RUNS])),
                documents=count,
                signals=signals,
                newest=newest,
                running=len(mine) > len(closed),
            )
        )
    order = {"bad": 0, "warn": 1, "": 3}
    return sorted(states, key=lambda state: (order.get(state.state[1], 2), state.source.title))


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


def _word(source: SourceConfig, closed: Sequence[Run], failures: int) -> tuple[str, str]:
    if not source.enabled:
        return "停用", ""
    if not closed:
        return "未抓取", "warn"
    if closed[0].status == "interrupted":
        return "中断", "warn"
    return ("正常", "done") if failures == 0 else ("失败", "bad")


def processes_down(db: Connection, services: Services) -> list[Process]:
    """Processes that gave no sign of life lately."""
    return [process for process in list_processes(db) if stale(process, services.clock())]


def index_health(services: Services) -> Health:
    """How the index is; one that was not given or cannot be reached is not well."""
    if services.search is None:
        return Health(False, "none", 0, "没有配置检索索引", "运行 fengsui reindex 重建索引")
    try:
        health: Health = services.search.health()
    except SearchUnavailable as problem:
        return Health(False, "unknown", 0, str(problem), "查看 fengsui doctor")
    return health
