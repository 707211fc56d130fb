"""The states that sources went through: a row a change, never altered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, select

from store.schema import source_states

WELL = "well"
STATES = (WELL, "silent", "surging", "layout_changed", "blocked", "failed")


@dataclass(frozen=True)
class StateChange:
    """From when on a source was in a state, and why. was: None where it had never been judged."""

    source: str
    was: str | None
    state: str
    at: datetime
    why: str


def add_change(db: Connection, change: StateChange) -> None:
    """Write a change down."""
    values = {name: getattr(change, name) for name in StateChange.__dataclass_fields__}
    db.execute(source_states.insert().values(values))


def present_states(db: Connection, *, before: datetime | None = None) -> Mapping[str, StateChange]:
    """The state of each source: now, or at a moment in the past (changes at that moment do not count yet)."""
    newest = select(func.max(source_states.c.id)).group_by(source_states.c.source)
    if before is not None:
        newest = newest.where(source_states.c.at < before)
    rows = db.execute(select(source_states).where(source_states.c.id.in_(newest))).mappings()
    return {row["source"]: _change(row) for row in rows}


def changes_between(db: Connection, start: datetime, end: datetime) -> list[StateChange]:
    """Changes from `start` on and before `end`, in order."""
    wanted = select(source_states).where(source_states.c.at >= start, source_states.c.at < end)
    return [_change(row) for row in db.execute(wanted.order_by(source_states.c.id)).mappings()]


def changes_of(db: Connection, source: str, *, limit: int = 30) -> list[StateChange]:
    """The last changes of one source, newest first."""
    mine = select(source_states).where(source_states.c.source == source)
    return [_change(row) for row in db.execute(mine.order_by(source_states.c.id.desc()).limit(limit)).mappings()]


def _change(row: RowMapping) -> StateChange:
    return StateChange(**{name: row[name] for name in StateChange.__dataclass_fields__})
