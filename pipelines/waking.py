"""How a process waits for work: it looks every third of a second (SQLite), or is woken through a queue (PostgreSQL).

A job of the queue is held until nothing is left to do: while one worker is busy with it the next job wakes another.
Every half minute there is a look without any job: a job may be lost, a row never is.
"""

import asyncio
import logging
import threading
import time
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any, Protocol

from sqlalchemy.engine import make_url

from core.logs import log_event
from store.database import Store
from store.wake import TASK

logger = logging.getLogger(__name__)
IDLE_SECONDS = 0.3
BACKSTOP_SECONDS = 30.0
STOP_SECONDS = 0.25
AGAIN_SECONDS = 5.0
FETCH_SECONDS = 5.0
"""Between looks for a job: one that comes after the first look and before the queue is listened to is not told of."""


class Idle(Protocol):
    """What a process does when it found nothing to do."""

    def idle(self, stop: Event, most: float) -> bool:
        """Wait, `most` seconds at most. True: look again for work; False: it was only the time."""

    def close(self) -> None:
        """It waits no more."""


@dataclass(frozen=True)
class Polling:
    """Looks again after a while."""

    seconds: float = IDLE_SECONDS

    def idle(self, stop: Event, most: float) -> bool:
        """See Idle."""
        stop.wait(min(self.seconds, most))
        return True

    def close(self) -> None:
        """Nothing was opened."""


@dataclass
class Woken:
    """Is woken by the jobs of a queue. url: SQLAlchemy's of a PostgreSQL."""

    url: str
    queue: str
    _wake: Event = field(default_factory=Event, init=False)
    _lock: Any = field(default_factory=threading.Lock, init=False)
    _new: list[Event] = field(default_factory=list, init=False)
    _seen: list[Event] = field(default_factory=list, init=False)
    _closed: Event = field(default_factory=Event, init=False)
    _looked: float = field(default_factory=time.monotonic, init=False)
    _loop: Any = field(default=None, init=False)
    _app: Any = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._thread = Thread(target=lambda: asyncio.run(self._serve()), name=f"queue-{self.queue}", daemon=True)
        self._thread.start()

    def idle(self, stop: Event, most: float) -> bool:
        """See Idle. What was found done ends the jobs that had come before the look."""
        with self._lock:
            done, self._seen, self._new = self._seen, self._new, []
            self._wake.clear()
        for job in done:
            job.set()
        if self._seen:  # came since the look began: it may be about what that did not see
            return self._look()
        end = time.monotonic() + most
        while not stop.is_set() and (left := end - time.monotonic()) > 0:
            if self._wake.wait(min(left, STOP_SECONDS)) or time.monotonic() - self._looked > BACKSTOP_SECONDS:
                return self._look()
        return False

    def close(self) -> None:
        """Hand back what is held, and leave the queue."""
        self._closed.set()
        with self._lock:
            held, self._seen, self._new = self._seen + self._new, [], []
        for job in held:
            job.set()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end)
        self._thread.join(2)

    def _look(self) -> bool:
        self._looked = time.monotonic()
        return True

    def _end(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            if task.get_name() == "serving":
                task.cancel()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        while not self._closed.is_set():
            serving = asyncio.create_task(self._work(), name="serving")
            try:
                await serving
            except asyncio.CancelledError:
                return
            except Exception as problem:  # noqa: BLE001 - a database that is away: the look every half minute remains
                log_event(logger, "queue lost", level=logging.WARNING, queue=self.queue, why=str(problem))
            await asyncio.sleep(AGAIN_SECONDS)

    async def _work(self) -> None:
        import procrastinate  # only where there is a PostgreSQL: a fifth of a second

        address = make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)
        app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(conninfo=address, min_size=1, max_size=2, name=self.queue)
        )
        app.task(name=TASK, queue=self.queue)(self._take_up)
        async with app.open_async():
            await app.run_worker_async(
                queues=[self.queue],
                fetch_job_polling_interval=FETCH_SECONDS,
                abort_job_polling_interval=BACKSTOP_SECONDS,
                update_heartbeat_interval=BACKSTOP_SECONDS,
                stalled_worker_timeout=BACKSTOP_SECONDS * 4,
                delete_jobs="always",
                install_signal_handlers=False,
                shutdown_graceful_timeout=1,
            )

    async def _take_up(self) -> None:
        done = Event()
        with self._lock:
            self._new.append(done)
            self._wake.set()
        while not done.is_set() and not self._closed.is_set():
            await asyncio.to_thread(done.wait, 1.0)


def waiting_for(store: Store, queue: str, *, seconds: float = IDLE_SECONDS) -> Idle:
    """How a process of this store waits for work of a queue (store/wake.py). seconds: between looks where it must."""
    return Woken(store.url, queue) if store.engine.dialect.name == "postgresql" else Polling(seconds)
