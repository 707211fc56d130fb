"""The processes that report that they live: what they are called, whether a name is free, who fell silent.

A process is called by its role alone where `fengsui run` keeps it (`worker`, the second one `worker-2`), else by role
and place (`worker@HOST-PID`, or what --name says behind the @). What it claims carries its mark as well
(`worker@a/5f0c12ab`): two that are called alike by mistake, or one that slept and its successor, never finish each
other's work.
"""

import os
import re
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, delete, or_, select, update

from core.errors import NameTaken, UsageError
from core.measures import measured
from store.inserts import create_only
from store.schema import processes

HOST = socket.gethostname()
SILENT = timedelta(seconds=30)
"""A process beats every ten seconds."""
REPLACED = timedelta(minutes=2)
"""So long the silence of one of several is told; others do its work, and machines come and go."""
FORGOTTEN = timedelta(days=1)
NAME = re.compile(r"[\w.@-]{1,80}")


@dataclass(frozen=True)
class Process:
    """A process that reports that it lives. host, instance: empty in rows of versions before they were kept."""

    name: str
    pid: int
    started_at: datetime
    beat_at: datetime
    note: str | None
    host: str | None = None
    instance: str | None = None

    @property
    def role(self) -> str:
        """What it does: worker, indexer, crawler, scheduler, sender."""
        return role_of(self.name)


_KNOWN = [processes.c[name] for name in Process.__dataclass_fields__]


def who_am_i(role: str, name: str | None = None) -> str:
    """NAME/MARK of this process, for its beats and claims. name: a whole one, or what follows `role@`; None: from host
    and pid. Raises UsageError."""
    if name is None:
        name = f"{HOST}-{os.getpid()}"
    if not NAME.fullmatch(name):
        raise UsageError(f"--name {name!r}: 1 to 80 letters, digits, dots, hyphens and underscores")
    whole = name if role_of(name) == role else f"{role}@{name}"
    return f"{whole}/{secrets.token_hex(4)}"


def name_of(who: str) -> str:
    """The name without the mark."""
    return who.partition("/")[0]


def role_of(name: str) -> str:
    """`worker` of `worker`, `worker-2`, `worker@host-1`."""
    return re.sub(r"-\d+$", "", name.partition("@")[0])


def claims_of(column: Column[str | None], who: str) -> ColumnElement[bool]:
    """What any process of that name holds, whatever its mark."""
    name = name_of(who)
    return or_(column == name, column.startswith(f"{name}/", autoescape=True))


def take_name(db: Connection, who: str, *, now: datetime) -> None:
    """Be the one of that name from now on. Raises NameTaken while another lives; one without a mark takes any name."""
    name, _, mark = who.partition("/")
    if not mark:
        return
    values = {"pid": os.getpid(), "started_at": now, "beat_at": now, "host": HOST, "instance": mark}
    if create_only(db, processes, {"name": name, **values}):
        return
    row = db.execute(select(processes).where(processes.c.name == name).with_for_update()).mappings().one()
    held = _process(row)
    if held.instance and not stale(held, now) and not _dead(held):
        raise NameTaken(
            f"进程名 {name} 正由 {held.host} 上的进程 {held.pid} 使用：用 --name 另取一个，或先停掉那一个"
            f"（它若已断电，{SILENT.seconds} 秒后名字自动让出）"
        )
    db.execute(update(processes).where(processes.c.name == name).values(note=None, **values))


def beat(db: Connection, who: str, *, pid: int, now: datetime, note: str = "") -> None:
    """A process says that it lives, and what it measured.

    Raises NameTaken when another has taken its name over meanwhile.
    """
    name, _, mark = who.partition("/")
    values = {"pid": pid, "beat_at": now, "note": note, "host": HOST, "instance": mark or None, "measures": measured()}
    if create_only(db, processes, {"name": name, "started_at": now, **values}):
        return
    mine = processes.c.name == name
    if mark:
        mine = mine & or_(processes.c.instance.is_(None), processes.c.instance == mark)
    elif db.execute(select(processes.c.pid).where(mine)).scalar_one() != pid:
        values["started_at"] = now
    if db.execute(update(processes).where(mine).values(**values)).rowcount == 0:
        raise NameTaken(f"进程名 {name} 已被另一个进程接管，本进程退出；每个进程用 --name 取不同的名字")


def leave(db: Connection, who: str) -> None:
    """It ended as it was asked to: one that is called by its place is not missed."""
    name, _, mark = who.partition("/")
    if "@" in name:
        db.execute(delete(processes).where(processes.c.name == name, processes.c.instance == mark))


def list_processes(db: Connection) -> list[Process]:
    """The processes that ever reported, by name."""
    return [_process(row) for row in db.execute(select(*_KNOWN).order_by(processes.c.name)).mappings()]


def measures_of_processes(db: Connection, now: datetime) -> dict[str, Mapping[str, Any]]:
    """What each process that lives measured, by name: see core.measures."""
    rows = db.execute(select(processes.c.name, processes.c.beat_at, processes.c.measures)).all()
    return {row.name: row.measures for row in rows if row.measures and now - row.beat_at <= SILENT}


def stale(process: Process, now: datetime) -> bool:
    """No sign of life for half a minute."""
    return now - process.beat_at > SILENT


def missed(known: Iterable[Process], now: datetime) -> list[Process]:
    """Those whose silence people are told of: of a role that nobody else fills, or fallen silent just now."""
    known = list(known)
    filled = {one.role for one in known if not stale(one, now)}
    return [
        one
        for one in known
        if stale(one, now) and ("@" not in one.name or one.role not in filled or now - one.beat_at < REPLACED)
    ]


def last_of(known: Iterable[Process], role: str) -> Process | None:
    """Of those of a role the one that reported last."""
    return max((one for one in known if one.role == role), key=lambda one: one.beat_at, default=None)


def forget_gone(db: Connection, *, now: datetime) -> int:
    """Drop those called by their place that have been silent for a day, but the last of its role; how many."""
    known = list_processes(db)
    kept = {last.name for role in {one.role for one in known} if (last := last_of(known, role)) is not None}
    gone = [one.name for one in known if "@" in one.name and one.name not in kept and now - one.beat_at > FORGOTTEN]
    return db.execute(delete(processes).where(processes.c.name.in_(gone))).rowcount


def _dead(held: Process) -> bool:
    """Whether the bearer of a name was on this machine and is no more."""
    if held.host != HOST:
        return False
    if held.pid == os.getpid():
        return True
    try:
        os.kill(held.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _process(row: object) -> Process:
    return Process(**{name: row[name] for name in Process.__dataclass_fields__})  # type: ignore[index]
