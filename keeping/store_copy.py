"""The store as a file and back, while it is in use: SQLite's own online copy, or PostgreSQL's pg_dump.

Both are one moment of the store: SQLite copies within one read transaction, pg_dump reads the snapshot in which the
rows were counted.
"""

import gzip
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from urllib.parse import quote

from sqlalchemy import Connection, func, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError

from config.settings import inherited
from core.durable import sync_file
from core.errors import FengsuiError, UsageError
from keeping.manifest import StoreCopy, hash_of, pour
from store.database import Store
from store.schema import metadata

PACKED, DUMPED = "store.db.gz", "store.pgdump"
MAKING = ".making-"
"""How names of what is not finished begin; what a kill left of them goes before the next backup."""
PROGRAMS = Path("/usr/lib/postgresql")
LEVEL = 1
"""Of gzip: a third of the size at 60 MB a second; the next levels gain little and cost twice."""
MOST_TOLD = 3


class StoreDamaged(FengsuiError):
    """The database's file does not hold together."""


def copy_store(store: Store, folder: Path) -> StoreCopy:
    """Copy into `folder`. Raises StoreDamaged where the copy does not hold together, FengsuiError without pg_dump."""
    address = make_url(store.url)
    return _copy_sqlite(address, folder) if address.get_backend_name() == "sqlite" else _dump(store, address, folder)


def restore_sqlite(copy: StoreCopy, folder: Path, target: Path) -> None:
    """Unpack the copy in `folder` to `target`, checked and synced. Raises FengsuiError."""
    with gzip.open(folder / copy.file, "rb") as source, target.open("wb") as file:
        try:
            plain, _size = pour(source, file)
        except (OSError, EOFError) as problem:
            raise FengsuiError(f"{copy.file} 解不开（{problem}），备份已损坏；换一份备份") from problem
        sync_file(file)
    if plain != copy.plain:
        raise FengsuiError(f"{copy.file} 解开后与清单的 SHA-256 不符，备份已损坏；换一份备份")
    if faults := faults_of_file(target):
        raise StoreDamaged(f"备份里的数据库不完整：{'；'.join(faults)}；换一份备份")


def faults_of_copy(copy: StoreCopy, file: Path) -> list[str]:
    """Why a restore of a copy would fail; empty: it would not. It is unpacked beside the backup, read and thrown away.

    SQLite: its own check, and the rows of each table. PostgreSQL: pg_restore reads it to its end and writes it nowhere.
    """
    try:
        with TemporaryDirectory(prefix=f"{MAKING}read-", dir=_writable(file.parent.parent)) as scratch:
            if copy.engine == "postgresql":
                run_program([program("pg_restore"), "-f", os.devnull, str(file)], inherited())
                return []
            plain = Path(scratch) / "store.db"
            restore_sqlite(copy, file.parent, plain)
            with closing(sqlite3.connect(address_of(plain, "immutable=1"), uri=True)) as db:
                rows = {name: db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in copy.tables}
    except (FengsuiError, sqlite3.DatabaseError) as problem:
        return [f"{file.name}：{problem}"]
    except OSError as problem:
        return [f"{file.name}：没有地方解开核对（{problem.strerror}）"]
    return [
        f"{file.name}：{name} 有 {rows[name]} 行，清单 {wanted} 行"
        for name, wanted in copy.tables.items()
        if rows[name] != wanted
    ]


def _writable(folder: Path) -> Path | None:
    """Where a copy is unpacked: beside the backup, since there is room; elsewhere where that disk only reads."""
    return folder if os.access(folder, os.W_OK) else None


def faults_of_file(path: Path) -> list[str]:
    """What SQLite finds wrong with a file that nobody writes; empty: nothing."""
    try:
        with closing(sqlite3.connect(address_of(path, "immutable=1"), uri=True)) as db:
            return faults_in(db)
    except sqlite3.DatabaseError as problem:
        return [str(problem)]


def faults_in(db: sqlite3.Connection, *, thorough: bool = False, table: str = "") -> list[str]:
    """The first faults by SQLite's own check. thorough: indexes are held against their tables, too; so they are for
    one `table`."""
    check = f"integrity_check('{table}')" if table else f"{'integrity' if thorough else 'quick'}_check({MOST_TOLD})"
    try:
        rows = [str(row[0]) for row in db.execute(f"PRAGMA {check}")]
    except sqlite3.DatabaseError as problem:
        return [str(problem)]
    return [] if rows == ["ok"] else rows[:MOST_TOLD]


def tables_of(db: Connection, *, only: Collection[str] | None = None) -> dict[str, int]:
    """Rows of each table."""
    tables = [table for table in metadata.sorted_tables if only is None or table.name in only]
    return {table.name: db.execute(select(func.count()).select_from(table)).scalar_one() for table in tables}


def _copy_sqlite(address: URL, folder: Path) -> StoreCopy:
    plain = folder / "store.db"
    live = sqlite3.connect(address_of(Path(address.database or ""), "mode=ro"), uri=True)
    with closing(live) as source, closing(sqlite3.connect(plain)) as target:
        try:
            source.backup(target)  # all pages within one look: who writes meanwhile is not kept waiting
            target.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        except sqlite3.OperationalError as problem:
            raise _explained(problem, folder) from problem
        except sqlite3.DatabaseError as problem:
            raise StoreDamaged(_damage([str(problem)])) from problem
    with closing(sqlite3.connect(address_of(plain, "immutable=1"), uri=True)) as copied:
        if faults := faults_in(copied):
            raise StoreDamaged(_damage(faults))
        names = [table.name for table in metadata.sorted_tables]
        tables = {name: copied.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}
    packed = folder / PACKED
    with plain.open("rb") as whole, packed.open("xb") as raw, gzip.GzipFile("", "wb", LEVEL, raw, 0) as small:
        sha256, _size = pour(whole, small)
    plain.unlink()
    _sync(packed)
    return StoreCopy("sqlite", PACKED, hash_of(packed), packed.stat().st_size, sha256, tables)


def address_of(path: Path, how: str) -> str:
    """The address of an SQLite file for `sqlite3.connect(..., uri=True)`."""
    return f"file:{quote(str(path))}?{how}"


def _damage(faults: list[str]) -> str:
    return (
        f"数据库已损坏，没有做备份，旧的备份没有动：{'；'.join(faults)}；"
        "停下系统，用 fengsui restore 目录 --only store 由最近一份备份恢复"
    )


def _explained(problem: sqlite3.OperationalError, folder: Path) -> FengsuiError:
    if "full" in str(problem):
        return FengsuiError(f"备份没有做成：{folder} 所在磁盘已满；旧的备份没有动。腾出空间后再做")
    return FengsuiError(f"数据库不能复制：{problem}")


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def installed(name: str) -> str | None:
    """Where a program of PostgreSQL lies, of the newest release here."""
    found = sorted(PROGRAMS.glob(f"*/bin/{name}"), key=lambda one: int(one.parts[-3]))
    return str(found[-1]) if found else shutil.which(name)


def program(name: str) -> str:
    """The same. Raises UsageError with the remedy."""
    found = installed(name)
    if found is None:
        raise UsageError(
            f"这台机器上没有 {name}，PostgreSQL 不能由这里备份和恢复：安装 postgresql-client（版本不低于服务器），"
            "或由数据库管理员备份，两者择一"
        )
    return found


def access(address: URL) -> dict[str, str]:
    """The environment of PostgreSQL's programs: a password on a command line is seen by everybody on the machine."""
    parts = {
        "PGHOST": address.host, "PGPORT": str(address.port or ""), "PGUSER": address.username,
        "PGPASSWORD": address.password, "PGDATABASE": address.database,
    }  # fmt: skip
    known = {f"PG{name.upper()}": str(value) for name, value in address.query.items() if name.startswith("ssl")}
    return {**inherited(), **{name: value for name, value in parts.items() if value}, **known}


def _dump(store: Store, address: URL, folder: Path) -> StoreCopy:
    target = folder / DUMPED
    with store.engine.connect() as db, db.begin():
        db.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        db.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))  # it says nothing while pg_dump reads
        snapshot = db.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        tables = tables_of(db)
        schema = db.execute(text("SELECT current_schema()")).scalar_one()
        words = ["-Fc", "-Z1", "--no-owner", "--no-privileges", "-n", schema, f"--snapshot={snapshot}"]
        with target.open("xb") as file:
            run_program([program("pg_dump"), *words], access(address), out=file)
    _sync(target)
    return StoreCopy("postgresql", DUMPED, hash_of(target), target.stat().st_size, "", tables)


def restore_postgresql(copy: StoreCopy, folder: Path, store: Store, *, aside: str) -> None:
    """Put a dump back in one transaction each for the old and the new. aside: schema that what stands there goes to;
    empty: there is nothing. Raises FengsuiError."""
    try:
        with store.engine.begin() as db:
            schema = db.execute(text("SELECT current_schema()")).scalar_one()
            old = f'ALTER SCHEMA "{schema}" RENAME TO "{aside}"' if aside else f'DROP SCHEMA "{schema}" CASCADE'
            db.execute(text(old))
            db.execute(text(f'CREATE SCHEMA "{schema}"'))
    except DatabaseError as problem:
        told = f"数据库没有换，原样未动：{str(problem.orig).strip()}；账号须能改名和新建模式（数据库的所有者）"
        raise FengsuiError(told) from problem
    environment, dump = access(make_url(store.url)), str(folder / copy.file)
    restorer = program("pg_restore")
    try:
        with TemporaryDirectory(prefix="fengsui-") as scratch:
            listing = Path(scratch) / "list"
            listing.write_bytes(_without_schema(run_program([restorer, "-l", dump], environment)))
            words = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", "-L", str(listing)]
            run_program([restorer, *words, "-d", environment["PGDATABASE"], dump], environment)
    except FengsuiError:
        if aside:
            with store.engine.begin() as db:
                db.execute(text(f'DROP SCHEMA "{schema}" CASCADE'))
                db.execute(text(f'ALTER SCHEMA "{aside}" RENAME TO "{schema}"'))
        raise


def _without_schema(listing: bytes) -> bytes:
    """All of a dump but the schema itself, which is there already."""
    lines = [line for line in listing.splitlines() if b" SCHEMA - " not in line and b" COMMENT - SCHEMA " not in line]
    return b"\n".join(lines) + b"\n"


def run_program(command: list[str], environment: Mapping[str, str], *, out: IO[bytes] | None = None) -> bytes:
    """Run one to its end; what it prints. Raises FengsuiError with what it said."""
    pipe = out if out is not None else subprocess.PIPE
    done = subprocess.run(command, env=dict(environment), stdout=pipe, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        name = Path(command[0]).name
        raise FengsuiError(f"{name} 没有做成：{' '.join(said[:MOST_TOLD]) or done.returncode}")
    return done.stdout or b""
