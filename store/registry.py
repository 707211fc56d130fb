"""The enterprise registry as stored: import writes it, the reading and the desk look firms up in it."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from core.addresses import plain_address
from core.records import RegistryEntry
from store.alert_log import create_only
from store.schema import enterprises

LOOKED_UP = ("name", "region_code", "uscc", "parent_id", "address", "person")
"""Fields of an entry that have a column beside it; an address in its plain form, by which neighbours are found."""


def save_entries(db: Connection, entries: Iterable[RegistryEntry], *, now: datetime) -> tuple[int, int]:
    """Write entries by id; returns (new, updated)."""
    new = updated = 0
    for entry in entries:
        values = {name: getattr(entry, name) for name in LOOKED_UP} | {"entry": asdict(entry), "updated_at": now}
        values["address"] = plain_address(entry.address)
        if create_only(db, enterprises, {"id": entry.id, **values}):
            new += 1
        else:
            db.execute(update(enterprises).where(enterprises.c.id == entry.id).values(**values))
            updated += 1
    return new, updated


def load_entries(db: Connection) -> tuple[RegistryEntry, ...]:
    """The whole registry, by id."""
    rows = db.execute(select(enterprises.c.entry).order_by(enterprises.c.id)).scalars()
    return tuple(entry_of(row) for row in rows)


def find_entry(db: Connection, enterprise_id: str) -> RegistryEntry | None:
    """One firm by id."""
    row = db.execute(select(enterprises.c.entry).where(enterprises.c.id == enterprise_id)).scalar_one_or_none()
    return entry_of(row) if row else None


def find_by_name(db: Connection, name: str) -> str | None:
    """The id of the firm registered under exactly this name; None where there is none, or more than one."""
    found = db.execute(select(enterprises.c.id).where(enterprises.c.name == name).limit(2)).scalars().all()
    return found[0] if len(found) == 1 else None


def count_entries(db: Connection) -> int:
    """How many firms the registry holds."""
    return db.execute(select(func.count()).select_from(enterprises)).scalar_one()


def entry_of(row: dict[str, Any]) -> RegistryEntry:
    """The record of a stored entry."""
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return RegistryEntry(**values)
