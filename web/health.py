"""Is the system itself well: sources, processes, index."""

import concurrent.futures
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, func, select

from config.sources import SourceConfig
from core.errors import SearchUnavailable
from search.backend import Health
from store.documents import count_indexed
from store.index_queue import backlog
from store.runs import OPEN, Process, Run, list_processes, stale
from store.schema import documents, runs
from web.services import Services
from web.times import short

SHOWN_RUNS = 24
BAD = ("failed", "changed", "blocked")
LATE = timedelta(seconds=5)
"""How long a signal may wait for the index before people are told; usually it waits under one."""
ANSWER_SECONDS = 3.0
"""How long a page waits for the index to say how it is: a cluster that hangs must not hang the desk."""
GAP_EVERY = timedelta(minutes=1)
LOST = "索引缺"
T = TypeVar("T")
_ASKING = concurrent.futures.ThreadPoolExecutor(4, thread_name_prefix="index-health")


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


@dataclass(frozen=True)
class Lag:
    """How far the index is behind. since: of what waits longest.  refused: what the index will never take.

    sentence: what people are told where it is late, else empty.
    """

    waiting: int
    since: datetime | None
    refused: int
    why: str
    sentence: str


def index_lag(db: Connection, now: datetime) -> Lag:
    """What waits for the index, and why. now: of the machine's clock. Asks the store only, so it answers at once."""
    behind = backlog(db)
    why = _why_behind(db, now) if behind.waiting else ""
    sentence = ""
    if behind.since is not None and now - behind.since > LATE:
        sentence = f"检索索引落后：{behind.waiting:,} 件待写入，自 {short(behind.since, now)}（{why}）"
    return Lag(behind.waiting, behind.since, behind.refused, why, sentence)


def _why_behind(db: Connection, now: datetime) -> str:
    writer = next((process for process in list_processes(db) if process.name == "indexer"), None)
    if writer is None or stale(writer, now):
        return "写索引的进程没有在运行"
    return writer.note or "正在补写"


def in_time(ask: Callable[[], T]) -> T | None:
    """What `ask` finds, None when the index lets it wait: what stands beside a page's own matter never holds it up."""
    asked = _ASKING.submit(ask)
    try:
        return asked.result(ANSWER_SECONDS)
    except TimeoutError:
        asked.cancel()
        return None


def index_health(services: Services) -> Health:
    """How the index is; one that was not given, cannot be reached or does not answer in time is not well."""
    if services.search is None:
        return Health(False, "none", 0, "没有配置检索索引", "运行 fengsui reindex 重建索引")
    try:
        health = in_time(services.search.health)
        if health is None:
            return Health(False, "unknown", 0, f"{ANSWER_SECONDS:.0f} 秒内没有回答", "查看 fengsui doctor")
        with services.store.read() as db:
            return complete_health(db, health)
    except SearchUnavailable as problem:
        return Health(False, "unknown", 0, str(problem), "查看 fengsui doctor")


def complete_health(db: Connection, health: Health) -> Health:
    """`health`, not well where the index lost what the store knows it took in: a folder deleted, a copy put back."""
    taken = count_indexed(db)
    missing = taken - health.documents
    if not health.well or missing <= (taken // 100 if health.documents else 0):
        return health
    detail = f"{LOST} {missing:,} 件：已写入过 {taken:,} 件，现有 {health.documents:,} 件"
    return replace(health, well=False, detail=detail, remedy="运行 fengsui reindex 从库重建")


class GapWatch:
    """What pages of hits say of an index that has lost documents: looked at once a minute, not for each page."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._sentence, self._until = "", datetime.min.replace(tzinfo=UTC)

    def sentence(self) -> str:
        """Empty where the index is whole, or does not answer: that is said where it is asked."""
        now = self._services.clock()
        if now >= self._until:
            self._until = now + GAP_EVERY
            health = index_health(self._services)
            lost = not health.well and health.detail.startswith(LOST)
            self._sentence = f"检索结果不全：{health.detail}" if lost else ""
        return self._sentence
