"""Opening and migrating the database: SQLite (WAL) for one machine, PostgreSQL for a team."""

import logging
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Insert, create_engine, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from core.errors import StoreError, StoreInTrouble
from core.logs import log_event
from store.inserts import create_only, insert_into
from store.queue_schema import keep_queues
from store.schema import facts
from store.wake import forget_wakes, wake_noted

logger = logging.getLogger(__name__)
MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 30.0
MAPPED = "mmap_size=2147418112"
"""SQLite's most. The file is read where the system holds it, not copied page by page: a count takes a third."""
CACHED = "cache_size=-8192"
"""For kept processes, which count nothing: what is mapped counts as theirs, and the file grows for years."""
ROOM_KB = 256 * 1024
IDLE_SECONDS = 120
"""After which PostgreSQL ends a transaction of a kept process that says nothing: one that was stopped in the middle
must not hold the turns of all others."""
WORKS_SINCE = "schema_works_since"
"""Fact: the revision from which on a program may work on this schema. A migration that takes something away from older
programs sets it to itself; one that only adds leaves it."""
BEGIN_AS = "begin_as"
"""Note on a connection: how its next transaction begins, where it is not to take the write lock."""
_HELD = "turns_held"
"""Note on a connection: the turns that its transaction has, so that it asks for none twice."""
Synchronous = Literal["FULL", "NORMAL"]


def open_engine(url: str, *, synchronous: Synchronous = "FULL", kept: bool = False) -> Engine:
    """An engine for `url`. kept: as of Store. Raises StoreError when the address cannot be used."""
    try:
        address = make_url(url)
        if address.get_backend_name() != "sqlite":
            limits = {"options": f"-c idle_in_transaction_session_timeout={IDLE_SECONDS * 1000}"} if kept else {}
            return create_engine(address, pool_pre_ping=True, connect_args=limits, hide_parameters=True)
    except (ArgumentError, ValueError, ImportError):  # what it says quotes the address, and a password stands in it
        raise StoreError(
            "FENGSUI_DATABASE_URL 不是可用的数据库地址（写法：postgresql+psycopg://用户:密码@主机:5432/库名；"
            "密码中的 @、/、: 写成 %40、%2F、%3A）"
        ) from None
    if address.database and address.database != ":memory:":
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    # What an error says stands in logs and beside documents: there the values of a statement have no business.
    engine = create_engine(
        address,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        poolclass=QueuePool,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: Any) -> None:
        # Transactions are begun by us (below): the driver's own habit of a late BEGIN loses claims to races.
        connection.isolation_level = None
        ours = ("journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON", "temp_store=MEMORY")
        for pragma in (*ours, CACHED if kept else MAPPED):
            connection.execute(f"PRAGMA {pragma}")

    # A listener for "begin" would do the same, but with one SQLAlchemy looks for others around each statement.
    engine.dialect.do_begin = _begin  # type: ignore[assignment]
    return engine


def take_turn(db: Connection, key: int) -> None:
    """Wait until no other transaction has this turn, and have it to the end of this one. SQLite's write transactions
    wait for each other anyhow."""
    if db.dialect.name != "postgresql":
        return
    held = db.info.setdefault(_HELD, set())
    if key not in held:
        db.execute(_TURN, {"key": key})
        held.add(key)


@contextmanager
def part_of(db: Connection) -> Iterator[None]:
    """A part of a transaction that is undone by itself when it fails; the turns it took are given back with it."""
    try:
        with db.begin_nested():
            yield
    except BaseException:
        db.info.pop(_HELD, None)
        raise


_TURN = text("select pg_advisory_xact_lock(:key)")


def give_room(db: Connection) -> None:
    """Let this connection keep more pages of an SQLite file in memory: for who writes a million rows, whose indexes are
    touched all over."""
    if db.dialect.name == "sqlite":
        db.exec_driver_sql(f"PRAGMA cache_size=-{ROOM_KB}")


def _begin(connection: PoolProxiedConnection) -> None:
    connection.driver_connection.execute(connection.info.pop(BEGIN_AS, "BEGIN IMMEDIATE"))  # type: ignore[union-attr]


class Store:
    """A database: `with store.write() as db` is one transaction, `with store.read() as db` a consistent look."""

    def __init__(self, url: str, *, synchronous: Synchronous = "FULL", kept: bool = False) -> None:
        """synchronous: SQLite's flush policy. FULL outlives a power cut at any commit; NORMAL outlives a kill, and is
        for work that starts from a file that is still there."""
        self.url = url
        self.engine = open_engine(url, synchronous=synchronous, kept=kept)
        self.fence: Callable[[Connection], None] | None = None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back on any exception."""
        with _explaining(), self.engine.begin() as db:
            forget_wakes(db)
            db.info.pop(_HELD, None)
            if self.fence is not None:
                self.fence(db)
            yield db
            wake_noted(db)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A look that does not keep writers waiting."""
        with _explaining(), self.engine.connect() as db:
            db.connection.info[BEGIN_AS] = "BEGIN"
            with db.begin():
                yield db

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    def migrate(self) -> None:
        """Bring the schema up to this version, forward only. A newer one that only has more than we know is left as it
        is: processes are updated one by one. Raises StoreError on one that we cannot work on, or a foreign database."""
        current = self.schema_version()
        script = ScriptDirectory(str(MIGRATIONS))
        known = {revision.revision for revision in script.walk_revisions()}
        if current is not None and current not in known:
            self._newer(current, known)
            return
        with _explaining():
            if current != script.get_current_head():
                command.upgrade(alembic_config(self.url), "head")
            if self.engine.dialect.name == "postgresql":
                with self.engine.begin() as db:
                    keep_queues(db)

    def _newer(self, current: str, known: Collection[str]) -> None:
        """Go on where what came after us was only added. Raises StoreError."""
        with self.read() as db:
            since = get_fact(db, WORKS_SINCE)
        if since not in known:
            shown = make_url(self.url).render_as_string()
            raise StoreError(
                f"{shown}: the database has schema {current}, newer than this program can work on; update Fengsui here"
            )
        log_event(logger, "newer schema", level=logging.WARNING, schema=current, works_since=since)

    def schema_version(self) -> str | None:
        """The revision of the schema, None for an empty database."""
        with _explaining(), self.engine.connect() as db:
            return MigrationContext.configure(db).get_current_revision()


def alembic_config(url: str) -> Config:
    """What Alembic needs to find our migrations and the database."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def check_profile(db: Connection, profile: str) -> None:
    """Claim this database for `profile`; demo and live data never share one. Raises StoreError otherwise."""
    held = get_fact(db, "profile")
    if held is None:  # another process may start at the same moment: the first one's word holds
        create_only(db, facts, {"key": "profile", "value": profile})
        held = get_fact(db, "profile")
    if held != profile:
        raise StoreError(f"this database holds the profile {held!r}, not {profile!r}: give another --data or database")


def get_fact(db: Connection, key: str) -> str | None:
    """A single remembered value."""
    return db.execute(select(facts.c.value).where(facts.c.key == key)).scalar_one_or_none()


def set_fact(db: Connection, key: str, value: str) -> None:
    """Remember a single value, in place of what was remembered."""
    db.execute(_remember(db.dialect.name), {"key": key, "value": value})


@cache
def _remember(dialect: str) -> Insert:
    """Built once. An update that finds nothing and then an insert would fail where two processes start together."""
    new = insert_into(facts, dialect)
    return new.on_conflict_do_update(index_elements=[facts.c.key], set_={"value": new.excluded.value})


DAMAGED = ("disk image is malformed", "not a database", "invalid page", "could not read block")
"""What SQLite and PostgreSQL say of a file whose bytes are no longer those that were written."""


PASSING = ("08", "53", "57", "58")
"""Classes of PostgreSQL's SQLSTATE: connection, resources (a full disk), an operator's intervention, the system."""
FULL = ("disk is full", "disk I/O error", "is locked")
"""What SQLite says where PostgreSQL would name one of these classes."""


def in_trouble(problem: BaseException) -> bool:
    """Whether the database itself is in trouble: full, away, stopped. No text is to blame, and later it may work."""
    if isinstance(problem, StoreInTrouble):
        return True
    if not isinstance(problem, DatabaseError):
        return False
    if problem.connection_invalidated:
        return True
    state = getattr(problem.orig, "sqlstate", None)
    if state is not None:
        return state[:2] in PASSING
    return isinstance(problem, OperationalError) and (
        not isinstance(problem.orig, sqlite3.Error) or any(word in str(problem.orig) for word in FULL)
    )


@contextmanager
def _explaining(*, damage_only: bool = False) -> Iterator[None]:
    """Tell what the database says in our words. damage_only: nothing else is."""
    try:
        yield
    except DatabaseError as problem:
        text = str(problem.orig)
        if any(word in text for word in DAMAGED):
            told = f"数据库文件已损坏（{text}）：停下系统，由备份恢复：fengsui restore 目录 --only store"
            raise StoreError(told) from problem
        if (isinstance(problem, OperationalError) or in_trouble(problem)) and not damage_only:
            raise _explained(problem) from problem
        raise


def _explained(problem: DatabaseError) -> StoreError:
    text, kind = str(problem.orig), StoreInTrouble if in_trouble(problem) else StoreError
    if any(word in text for word in ("connection failed", "failed to resolve host", "connection timeout")):  # psycopg
        remedy = "看 PostgreSQL 是否在运行，FENGSUI_DATABASE_URL 的主机、端口、账号和口令"
        return kind(f"数据库连不上（{text.splitlines()[0]}）：{remedy}")
    if "no such table" in text or "does not exist" in text:
        return StoreError(f"the database has no tables yet ({text}); run: fengsui migrate")
    if "disk is full" in text or "No space" in text:
        return kind(f"the disk is full ({text}); free space, nothing committed is lost")
    if "locked" in text:
        return kind(f"the database stayed locked for {BUSY_SECONDS:.0f} s ({text}); who else holds it")
    return kind(f"the database cannot be used: {text}")
