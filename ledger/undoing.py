"""Taking the own last step back, while nothing followed it. The history keeps both rows.

Each row keeps what its step changed. What left the house (a transfer, a talk that was held) is not undone: it is
corrected by a new row. What the system wrote, and entering itself, are not undone either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from core.clock import beijing
from core.errors import UsageError
from ledger.book import Deed
from ledger.words import ACTION_WORDS
from store.ledger import (
    Entry,
    EntryRow,
    HazardState,
    add_row,
    find_entry,
    row_of_form,
    rows_of,
    save_entry,
    standing_rows,
)

LEFT_THE_HOUSE = frozenset({"talk", "transfer"})
NEVER = LEFT_THE_HOUSE | {"add", "note", "supervised", "unsupervised", "overdue", "step_late"}


def before(old: Entry, new: Entry) -> dict[str, Any]:
    """The fields a step changed, as they were, for the row that keeps them."""
    changed = [name for name in Entry.__dataclass_fields__ if getattr(old, name) != getattr(new, name)]
    return {name: _plain(getattr(old, name)) for name in changed if name != "updated_at"}


def undoable(rows: Sequence[EntryRow], actor: str) -> EntryRow | None:
    """The last step that stands, if it is this person's and may be taken back. rows: the whole history."""
    last = standing_rows(rows)[-1]
    mine = last.actor == actor and last.action not in NEVER
    return last if mine and "before" in last.details else None


def undo(db: Connection, entry_id: str, number: int, deed: Deed) -> Entry:
    """Take a step back in a write transaction. The same form does nothing more. Raises UsageError, for the desk."""
    entry = find_entry(db, entry_id, hold=True)
    if entry is None:
        raise UsageError(f"台账中没有 {entry_id[:20]}")
    if row_of_form(db, deed.once) is not None:
        return entry
    rows = rows_of(db, entry.id)
    last = standing_rows(rows)[-1]
    if last.number != number:
        word, at = ACTION_WORDS.get(last.action, last.action), f"{beijing(last.at):%m-%d %H:%M}"
        raise UsageError(f"不能撤销：由 {last.actor} 已于 {at} {word}，请另行登记更正")
    if last.action in LEFT_THE_HOUSE:
        raise UsageError(f"{ACTION_WORDS[last.action]}已对外发出，不能撤销，请另行登记更正")
    if undoable(rows, deed.actor) is None:
        raise UsageError("只能由本人撤销刚办理的一步")
    old = replace(entry, **{name: _read(name, value) for name, value in last.details["before"].items()})
    old = replace(old, updated_at=deed.now)
    save_entry(db, old)
    row = EntryRow(entry.id, 0, deed.now, deed.actor, "undo", old.state, details=_of(last), undoes=last.number)
    add_row(db, row, once=deed.once)
    return old


def _of(row: EntryRow) -> Mapping[str, Any]:
    return {"action": row.action}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value.value if isinstance(value, HazardState) else value


def _read(name: str, value: Any) -> Any:
    if value is None or name not in ("state", "closed_at", "due_on", "found_on", "step_due_on", "done_on", "look_on"):
        return value
    if name == "state":
        return HazardState(value)
    return datetime.fromisoformat(value) if name == "closed_at" else date.fromisoformat(value)
