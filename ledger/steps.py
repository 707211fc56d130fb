"""What people do to a ledger entry: which step follows which, and who was faster.

to_check → rectifying (→ filed) → to_close → closed; returned from to_close; excluded where there is no hazard; reopen
leads back and keeps the number. Every step is a row of the history that is never changed. What a step asks for beyond
its state stands in ledger/demands.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection

from core.clock import beijing
from core.errors import UsageError
from ledger.book import Deed, Ledger
from ledger.demands import DEMANDS, FIRST_YEAR
from ledger.undoing import before
from ledger.words import ACTION_WORDS, REASONS, STATE_WORDS
from store.ledger import (
    Entry,
    EntryRow,
    add_proof,
    add_row,
    find_entry,
    insert_entry,
    row_of_form,
    rows_of,
    save_entry,
    standing_rows,
)
from store.ledger import HazardState as S

OPEN = tuple(state for state in S if state not in (S.CLOSED, S.EXCLUDED))
WORKING = (S.RECTIFYING, S.RETURNED, S.FILED)


@dataclass(frozen=True)
class Step:
    """From where a step may be taken, and where it leads (None: the state stays)."""

    since: tuple[S, ...]
    to: S | None = None


STEPS: Mapping[str, Step] = {
    "amend": Step(OPEN),
    "dispatch": Step((S.TO_CHECK, S.REOPENED, *WORKING)),
    "receive": Step((S.TO_CHECK, S.REOPENED, *WORKING)),
    "visit": Step((S.TO_CHECK, S.REOPENED), S.RECTIFYING),
    "exclude": Step((S.TO_CHECK, S.REOPENED, S.RECTIFYING), S.EXCLUDED),
    "rectify": Step(WORKING),
    "recheck": Step(WORKING),
    "file": Step((S.TO_CHECK, S.REOPENED, S.RECTIFYING, S.RETURNED), S.FILED),
    "proof": Step(OPEN),
    "apply": Step(WORKING, S.TO_CLOSE),
    "close": Step((S.TO_CLOSE,), S.CLOSED),
    "return": Step((S.TO_CLOSE,), S.RETURNED),
    "reopen": Step((S.CLOSED, S.EXCLUDED), S.REOPENED),
    "extend": Step((S.TO_CHECK, S.REOPENED, *WORKING)),
    "extend_yes": Step(OPEN),
    "extend_no": Step(OPEN),
    "waive": Step(OPEN),
    "talk": Step(OPEN),
    "transfer": Step(OPEN),
    "look_back": Step((S.CLOSED,)),
    "law": Step(OPEN),
    "spotcheck": Step(OPEN),
    "note": Step(tuple(S)),
}


def add(ledger: Ledger, db: Connection, draft: Entry, deed: Deed, *, due_on: date | None = None) -> Entry:
    """Enter a hazard (its id, state, due date and the system's times are not read). The same form enters one.

    due_on: as a person typed it, not later than the rules allow; None: as late as they allow.
    Raises UsageError for what is lacking, in words for the desk.
    """
    there = row_of_form(db, deed.once)
    if there is not None:
        return _found(db, there.entry)
    latest = check_draft(ledger, draft, deed.today, due_on=due_on)
    draft = replace(draft, state=S.TO_CHECK, created_at=deed.now, updated_at=deed.now, closed_at=None)
    made = insert_entry(db, replace(draft, due_on=due_on or latest))
    _row(db, made, "add", deed, {"due_on": made.due_on.isoformat()})
    return made


def check_draft(ledger: Ledger, draft: Entry, today: date, *, due_on: date | None = None) -> date:
    """The latest due date of a new entry. Raises UsageError where it would not be entered; due_on: as typed."""
    _whole(draft, today)
    latest = ledger.latest_due(draft.level, draft.found_on, today)
    if due_on is not None and not draft.found_on <= due_on <= latest:
        raise UsageError(f"期限须在发现日 {draft.found_on} 与 {latest} 之间；更晚须列入后申请延期")
    return latest


def act(ledger: Ledger, db: Connection, entry_id: str, action: str, deed: Deed) -> Entry:
    """Take one step in a write transaction; returns the entry as it is then. The same form does nothing more.

    Raises UsageError, in words for the desk, when the step does not follow from the state (then it says who did
    what and when), when something is lacking, or when this person may not take it.
    """
    entry = find_entry(db, entry_id, hold=True)
    if entry is None:
        raise UsageError(f"台账中没有 {entry_id[:20]}")
    if row_of_form(db, deed.once) is not None:
        return entry
    step = STEPS.get(action)
    if step is None:
        raise UsageError(f"没有“{action[:20]}”这一步")
    rows = standing_rows(rows_of(db, entry.id))
    if entry.state not in step.since:
        raise UsageError(_somebody_was_faster(entry, rows, action))
    _reason(action, deed)
    changed, details = DEMANDS[action](ledger, db, entry, rows, deed)
    changed = replace(changed, state=step.to or changed.state, updated_at=deed.now)
    save_entry(db, changed)
    row = _row(db, changed, action, deed, {**details, "before": before(entry, changed)})
    if deed.proof is not None:
        add_proof(db, replace(deed.proof, entry=entry.id, number=row.number))
    return changed


def _row(db: Connection, entry: Entry, action: str, deed: Deed, details: Mapping[str, Any]) -> EntryRow:
    row = EntryRow(
        entry.id, 0, deed.now, deed.actor, action, entry.state, reason=deed.reason, note=deed.note, details=details
    )
    return add_row(db, row, once=deed.once)


def _whole(draft: Entry, today: date) -> None:
    if len(draft.title.strip()) < 4:
        raise UsageError("隐患须写明，至少 4 字")
    if not 1 <= draft.level <= 4:
        raise UsageError("级别须为蓝、黄、橙、红之一")
    if not draft.territory:
        raise UsageError("属地须选定")
    if draft.found_on > today:
        raise UsageError(f"发现日 {draft.found_on} 在今天之后")
    if draft.found_on.year < FIRST_YEAR:
        raise UsageError(f"发现日 {draft.found_on} 不在可用的年份内")


def _reason(action: str, deed: Deed) -> None:
    known = REASONS.get(action)
    if known is None:
        return
    if deed.reason not in known:
        raise UsageError(f"{ACTION_WORDS[action]}须选定理由")
    if deed.reason == "other" and len(deed.note.strip()) < 2:
        raise UsageError("理由选“其他”的，须写明情况")


def _found(db: Connection, entry_id: str) -> Entry:
    entry = find_entry(db, entry_id)
    assert entry is not None
    return entry


def _somebody_was_faster(entry: Entry, rows: list[EntryRow], action: str) -> str:
    """`不能销号：由 zhang 已于 11-23 14:32 退回补正，现为退回补正`."""
    began = None
    for row in reversed(rows):
        if row.state is not entry.state:
            break
        began = row
    told = f"由 {began.actor} 已于 {beijing(began.at):%m-%d %H:%M} {ACTION_WORDS[began.action]}，" if began else ""
    return f"不能{ACTION_WORDS[action]}：{told}现为{STATE_WORDS[entry.state][0]}"
