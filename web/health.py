"""Is the system itself well: processes, index."""

import concurrent.futures
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection

from core.errors import SearchUnavailable
from search.backend import Health
from store.documents import tally
from store.index_queue import backlog
from store.processes import Process, last_of, list_processes, missed, stale
from web.services import Services
from web.times import short

LATE = timedelta(seconds=5)
"""How long a signal may wait for the index before people are told; usually it waits under one."""
ANSWER_SECONDS = 3.0
"""How long a page waits for the index to say how it is: a cluster that hangs must not hang the desk."""
GAP_EVERY = timedelta(minutes=1)
LOST = "索引缺"
T = TypeVar("T")
_ASKING = concurrent.futures.ThreadPoolExecutor(4, thread_name_prefix="index-health")


def processes_down(db: Connection, services: Services) -> list[Process]:
    """Processes that gave no sign of life lately."""
    return missed(list_processes(db), services.clock())


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
    writer = last_of(list_processes(db), "indexer")
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


def index_health(services: Services, *, complete: bool = True, taken: int | None = None) -> Health:
    """How the index is; one that was not given, cannot be reached or does not answer in time is not well.

    complete: False asks of an empty one alone whether it lost something: that counts the whole store (see GapWatch).
    taken: how many documents it took in, where they were counted just now.
    """
    if services.search is None:
        return Health(False, "none", 0, "没有配置检索索引", "运行 fengsui reindex 重建索引")
    try:
        health = in_time(services.search.health)
        if health is None:
            return Health(False, "unknown", 0, f"{ANSWER_SECONDS:.0f} 秒内没有回答", "查看 fengsui doctor")
        if not complete and health.documents:
            return health
        with services.store.read() as db:
            return complete_health(db, health, taken)
    except SearchUnavailable as problem:
        return Health(False, "unknown", 0, str(problem), "查看 fengsui doctor")


def complete_health(db: Connection, health: Health, taken: int | None = None) -> Health:
    """`health`, not well where the index lost what the store knows it took in: a folder deleted, a copy put back."""
    taken = tally(db).indexed if taken is None else taken
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
