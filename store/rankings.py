"""Learnt orders of the alert list: every measurement with its model; the newest one holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select

from store.schema import rankings


@dataclass(frozen=True)
class KeptRanking:
    """A measurement. active: whether it allowed the use of its model."""

    serial: int
    at: datetime
    active: bool
    measured: Mapping[str, Any]
    model: Mapping[str, Any]


def keep_ranking(
    db: Connection, *, active: bool, measured: Mapping[str, Any], model: Mapping[str, Any], now: datetime
) -> None:
    """Append a measurement; from now on it holds."""
    db.execute(insert(rankings).values(at=now, active=active, measured=dict(measured), model=dict(model)))


def last_ranking(db: Connection) -> KeptRanking | None:
    """The one that holds."""
    row = db.execute(select(rankings).order_by(rankings.c.serial.desc()).limit(1)).mappings().first()
    return _kept(row) if row else None


def ranking_mark(db: Connection) -> int:
    """Changes whenever another one holds; 0 where none was ever measured."""
    found: int | None = db.execute(select(func.max(rankings.c.serial))).scalar_one_or_none()
    return found or 0


def _kept(row: RowMapping) -> KeptRanking:
    return KeptRanking(**{name: row[name] for name in KeptRanking.__dataclass_fields__})
