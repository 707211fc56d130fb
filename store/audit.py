"""The audit log: who did what to what. Append-only; each row carries the hash of the one before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, text

from core.ids import digest, to_json
from store.schema import audit

CHAIN_LOCK = 0x46656E67
"""Advisory lock of the chain on PostgreSQL; SQLite has one writer anyway."""


@dataclass(frozen=True)
class AuditLine:
    """One row."""

    number: int
    at: datetime
    actor: str
    action: str
    object: str
    details: Mapping[str, Any]
    previous_hash: str
    hash: str


def note(
    db: Connection, actor: str, action: str, object: str, *, at: datetime, details: Mapping[str, Any] | None = None
) -> None:
    """Append a row. Secrets never go in."""
    if db.dialect.name == "postgresql":
        db.execute(text("select pg_advisory_xact_lock(:key)"), {"key": CHAIN_LOCK})
    last = db.execute(select(audit.c.hash).order_by(audit.c.number.desc()).limit(1)).scalar_one_or_none() or ""
    values = {"at": at, "actor": actor, "action": action, "object": object, "details": dict(details or {})}
    db.execute(audit.insert().values(**values, previous_hash=last, hash=_hash(last, values)))


def newest(db: Connection, limit: int = 100) -> list[AuditLine]:
    """The newest rows."""
    return [line_of(row) for row in db.execute(select(audit).order_by(audit.c.number.desc()).limit(limit)).mappings()]


def count(db: Connection) -> int:
    """How many rows there are."""
    return db.execute(select(func.count()).select_from(audit)).scalar_one()


def verify(db: Connection) -> int | None:
    """The number of the first row that was changed, or whose predecessor was changed or removed; None: all is whole.

    Rows cut off at the end leave no trace in the rest: keep the newest hash elsewhere to notice that.
    """
    previous = ""
    for row in db.execute(select(audit).order_by(audit.c.number)).mappings():
        if row["previous_hash"] != previous or row["hash"] != _hash(previous, dict(row)):
            return int(row["number"])
        previous = row["hash"]
    return None


def _hash(previous: str, values: Mapping[str, Any]) -> str:
    at: datetime = values["at"]
    parts = (str(at.timestamp()), values["actor"], values["action"], values["object"], to_json(values["details"]))
    return digest(previous, *parts)


def line_of(row: RowMapping) -> AuditLine:
    """The record of a row of `audit`."""
    return AuditLine(**{name: row[name] for name in AuditLine.__dataclass_fields__})
