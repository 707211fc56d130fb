"""Who of several schedulers works: one leads, the others wait beside it and take over when it is gone.

On PostgreSQL the leader holds a lock of its session on a connection of its own: it ends with the process, the machine
or the line between. A leader that sleeps keeps its line, so one that gave no sign of life for half a minute is cut off
by who waits. Each transaction of the scheduler asks first whether it still leads, and who takes over waits for those
that have begun: a leader that was cut off writes nothing more, whatever it was about to do. On SQLite a lock on a file
beside the database does the first part, and there is no line that could break.
"""

import fcntl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, create_engine, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from core.errors import FengsuiError
from store.database import Store, set_fact
from store.processes import Process, list_processes, stale
from store.schema import facts

LOCK = 0x73636864
"""Key of the advisory lock ("schd")."""
LEADING = "scheduler_leads"
WATCHFUL = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    # The server's side of the same: a machine without power lets go within eleven seconds.
    "options": "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3",
}


class NotLeading(FengsuiError):
    """Another scheduler has taken over, or the line to the database broke: this one must stop at once."""


class Seat(Protocol):
    """What only one can hold."""

    def take(self) -> bool:
        """Try once; never waits."""

    def held(self) -> bool:
        """Whether it is still ours."""

    def give_up(self) -> None:
        """Let it go."""


class SessionSeat:
    """A lock of a session on PostgreSQL."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(
            make_url(url), poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=WATCHFUL
        )
        self._line: Connection | None = None

    def take(self) -> bool:
        """See Seat."""
        try:
            if self._line is None:
                self._line = self._engine.connect()
            return bool(self._line.execute(text("select pg_try_advisory_lock(:key)"), {"key": LOCK}).scalar_one())
        except OperationalError:
            self.give_up()
            return False

    def held(self) -> bool:
        """See Seat."""
        try:
            return self._line is not None and self._line.execute(text("select true")).scalar_one() is True
        except DBAPIError:
            return False

    def give_up(self) -> None:
        """See Seat."""
        if self._line is not None:
            self._line.invalidate()
            self._line.close()
            self._line = None


class FileSeat:
    """A lock on a file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a")

    def take(self) -> bool:
        """See Seat."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def held(self) -> bool:
        """See Seat."""
        return True

    def give_up(self) -> None:
        """See Seat."""
        fcntl.flock(self._file, fcntl.LOCK_UN)


@dataclass
class Leadership:
    """One scheduler's part in it. who: NAME/MARK."""

    store: Store
    who: str
    seat: Seat

    def take(self, now: datetime) -> bool:
        """Lead if nobody does; True when this one does from now on, and its store refuses to write when it no longer
        does. A leader that fell silent is cut off."""
        if not self.seat.take():
            self._cut_off_the_silent(now)
            return False
        with self.store.write() as db:
            set_fact(db, LEADING, self.who)  # waits for what the one before has begun
        self.store.fence = self._still_leading
        return True

    def check(self) -> None:
        """Raises NotLeading."""
        if not self.seat.held():
            raise NotLeading("与数据库的连接断过，调度权已失；本进程退出，重启后作候补")

    def give_up(self) -> None:
        """It ended as asked: who waits takes over at once."""
        self.store.fence = None
        self.seat.give_up()

    def _still_leading(self, db: Connection) -> None:
        row = select(facts.c.value).where(facts.c.key == LEADING).with_for_update(read=True)
        if (leads := db.execute(row).scalar_one_or_none()) != self.who:
            raise NotLeading(f"调度权已由 {leads} 接管；本进程退出，重启后作候补")

    def _cut_off_the_silent(self, now: datetime) -> None:
        with self.store.read() as db:
            leads = db.execute(select(facts.c.value).where(facts.c.key == LEADING)).scalar_one_or_none()
            leader = next((one for one in list_processes(db) if _is(one, leads)), None)
        if leader is None or not stale(leader, now) or self.store.engine.dialect.name != "postgresql":
            return
        with self.store.write() as db:
            db.execute(_CUT, {"key": LOCK})


_CUT = text(
    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and classid = 0 and objid = :key"
    " and objsubid = 1 and granted"
    " and database = (select oid from pg_database where datname = current_database())"
)


def _is(process: Process, who: str | None) -> bool:
    return who is not None and f"{process.name}/{process.instance}" == who


def leadership_of(store: Store, who: str, folder: Path) -> Leadership:
    """How schedulers of this store agree. folder: the data folder."""
    postgresql = store.engine.dialect.name == "postgresql"
    return Leadership(store, who, SessionSeat(store.url) if postgresql else FileSeat(folder / "scheduler.lock"))


Wait = Callable[[float], bool]


def wait_to_lead(
    leadership: Leadership, *, clock: Callable[[], datetime], wait: Wait, beat: Callable[[], None]
) -> bool:
    """Wait until this one leads; False when it was asked to stop.

    wait: sleeps for seconds, True when asked to stop.  beat: called each second while another leads.
    """
    while not leadership.take(clock()):
        beat()
        if wait(1.0):
            return False
    return True
