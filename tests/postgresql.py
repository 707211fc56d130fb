"""A real PostgreSQL for the tests: the programs of the machine, a cluster in its own folder, a port of its own.

`pytest --store=postgresql tests/...` gives every test an empty migrated store on it: one database for each test
process, emptied before each test. Durability is off: tests ask what statements do, not what a power cut does.
"""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, make_url, select

from keeping.store_copy import installed
from store.database import Store
from store.schema import metadata
from tests.elasticsearch import free_port

FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB")


class PostgresMissing(Exception):
    """PostgreSQL's programs are not on this machine."""


def program(name: str) -> str:
    """Where a program of PostgreSQL lies, of the newest release. Raises PostgresMissing."""
    found = installed(name)
    if found is None:
        raise PostgresMissing(f"no {name} here: apt-get install postgresql")
    return found


@dataclass(frozen=True)
class Database:
    """A migrated database. seeds: the rows that the migrations left, by table."""

    url: str
    engine: Engine
    seeds: dict[str, list[dict[str, Any]]]

    def empty(self) -> None:
        """Bring it back to how the migrations left it."""
        deletes = " ".join(f'delete from "{table.name}";' for table in metadata.sorted_tables)
        restart = "execute 'alter sequence ' || name || ' restart'"
        restarts = f"for name in select sequencename from pg_sequences loop {restart}; end loop;"
        with self.engine.begin() as db:
            db.exec_driver_sql("delete from procrastinate_jobs")
            db.exec_driver_sql("set local session_replication_role = replica")  # tables in any order
            db.exec_driver_sql(f"do $$ declare name text; begin {deletes} {restarts} end $$")
            for table, rows in self.seeds.items():
                db.execute(metadata.tables[table].insert(), rows)


@dataclass
class Copies:
    """Databases with the rows of an SQLite file, one for each folder that asks. Made as a template once."""

    url: str
    file: Path
    known: dict[Path, str] = field(default_factory=dict)

    def of(self, folder: Path, fresh: bool) -> str | None:
        """Address of the folder's own; None for one that a test has filled by itself."""
        if not fresh and folder not in self.known:
            return None
        if folder not in self.known:
            if not self.known:
                self._command("create database filled")
                self._fill(self._address("filled"))
            name = f"desk_{len(self.known)}"
            self._command(f"create database {name} template filled")
            self.known[folder] = self._address(name)
        return self.known[folder]

    def _fill(self, url: str) -> None:
        target, source = Store(url), Store(f"sqlite:///{self.file}")
        target.migrate()
        with source.read() as there, target.engine.begin() as db:
            db.exec_driver_sql("set local session_replication_role = replica")  # tables in any order
            for table in metadata.sorted_tables:
                rows = [dict(row) for row in there.execute(select(table)).mappings()]
                db.execute(table.delete())
                if rows:
                    db.execute(table.insert(), rows)
                number = table.autoincrement_column
                if number is not None:
                    db.exec_driver_sql(
                        f"select setval(pg_get_serial_sequence('{table.name}', '{number.name}'),"
                        f" (select coalesce(max({number.name}), 0) + 1 from {table.name}), false)"
                        f" where pg_get_serial_sequence('{table.name}', '{number.name}') is not null"
                    )
        target.close()
        source.close()

    def _address(self, name: str) -> str:
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def _command(self, words: str) -> None:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as db:
            db.exec_driver_sql(words)
        engine.dispose()


@dataclass
class Server:
    """A cluster in a folder, at a port of its own. given: its settings, NAME=VALUE."""

    folder: Path
    port: int
    given: Sequence[str]
    process: "subprocess.Popen[bytes] | None" = None

    def make(self, *more: str) -> None:
        """Make the cluster. more: options of initdb."""
        _give_away(self.folder)
        data = str(self.folder / "data")
        made = [program("initdb"), "-D", data, "-U", "fengsui", "-A", "trust", "-E", "UTF8", "--locale=C", "-N", *more]
        _as_server(made)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        _give_away(self.folder)  # a session of pytest that began meanwhile closes the folder above to others
        settings = (*self.given, f"port={self.port}", "listen_addresses=127.0.0.1")
        options = [word for one in settings for word in ("-c", one)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [program("postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder), *options],
                stdout=log, stderr=log, cwd=self.folder, start_new_session=True, **_identity(),
            )  # fmt: skip
        ready = [program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run([*ready, "-t", "1"], check=False).returncode != 0:
            assert self.process.poll() is None, (self.folder / "log").read_text()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: does not wait for clients.  SIGQUIT: at once, without a word to them, as after a crash."""
        if self.process is not None:
            self.process.send_signal(how)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:  # seen once on a busy machine; the second signal ended it
                self.process.send_signal(how)
                self.process.wait(60)

    @property
    def url(self) -> str:
        """SQLAlchemy's."""
        return f"postgresql+psycopg://fengsui@127.0.0.1:{self.port}/postgres"


@contextmanager
def running_postgresql(folder: Path, given: Sequence[str] = FAST) -> Iterator[Database]:
    """A new cluster in a folder that is not there yet, with one migrated database. given: its settings, NAME=VALUE.
    Raises PostgresMissing."""
    folder.mkdir(parents=True)
    server = Server(folder, free_port(), given)
    server.make()
    try:
        server.start()
        with _migrated(server.url) as database:
            yield database
    finally:
        server.stop()


@contextmanager
def _migrated(url: str) -> Iterator[Database]:
    store = Store(url)
    store.migrate()
    with store.read() as db:
        rows = {table.name: db.execute(select(table)).mappings().all() for table in metadata.sorted_tables}
    yield Database(url, store.engine, {name: [dict(one) for one in some] for name, some in rows.items() if some})
    store.close()


def _identity() -> dict[str, Any]:
    """Who runs the server: it refuses to be root."""
    if os.getuid() != 0:
        return {}
    account = pwd.getpwnam("postgres")
    return {"user": account.pw_uid, "group": account.pw_gid}


def _give_away(folder: Path) -> None:
    """Let the server's account reach and own a folder: pytest keeps its folders to itself."""
    if os.getuid() != 0:
        return
    shutil.chown(folder, "postgres", "postgres")
    for parent in folder.parents:
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode | 0o011)


def _as_server(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **_identity())
    assert done.returncode == 0, done.stderr
