"""Supervision: what the system proposes, and what a person lists or ends. It never lists by itself."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from core.clock import beijing
from core.errors import UsageError
from store.ledger import EntryRow, add_row, find_entry
from store.ledger_list import OpenCount
from store.supervisions import Supervision, end_supervision, insert_supervision, list_supervisions


@dataclass(frozen=True)
class Proposal:
    """A territory or firm with many overdue entries that is not under supervision. open: so many are open."""

    kind: str
    subject: str
    overdue: int
    open: int


def proposals(
    places: Iterable[OpenCount], firms: Iterable[OpenCount], *, least: int, place_of: Callable[[str], str],
    listed: Iterable[Supervision],
) -> list[Proposal]:  # fmt: skip
    """Those with at least `least` overdue ones, most first. place_of: the territory that would be listed for a code."""
    opened, overdue = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for kind, counts in (("territory", places), ("firm", firms)):
        for one in counts:
            subject = (kind, place_of(one.subject) if kind == "territory" else one.subject)
            opened[subject] += one.open
            overdue[subject] += one.over
    there = {(one.kind, one.subject) for one in listed if one.ended_on is None}
    found = [
        Proposal(*who, count, opened[who]) for who, count in overdue.items() if count >= least and who not in there
    ]
    return sorted(found, key=lambda one: (-one.overdue, one.kind, one.subject))


def supervise(db: Connection, one: Supervision, *, once: str) -> Supervision:
    """List a territory or firm, with a row in the history of each entry it is about. The same form lists once.

    Raises UsageError for what is lacking, or where it is listed already.
    """
    if len(one.title) < 4 or not one.document or len(one.terms) < 2:
        raise UsageError("督办事项（至少 4 字）、通知文号、摘牌条件须填写")
    if one.due_on < one.began_on:
        raise UsageError(f"责任时限 {one.due_on} 早于督办日 {one.began_on}")
    if not one.entries:
        raise UsageError("没有未销号的隐患可列入附表")
    made, new = insert_supervision(db, one, once=once)
    if not new:
        return made
    same = [other for other in list_supervisions(db) if other.ended_on is None and other.id != made.id]
    if any((other.kind, other.subject) == (one.kind, one.subject) for other in same):
        raise UsageError("已在挂牌督办中，须先解除")
    _note(db, made, "supervised", one.author, one.created_at, f"{made.id} {made.document}：{made.title}")
    return made


def release(db: Connection, one: Supervision, *, on: date, by: str, why: str, now: datetime) -> None:
    """End a supervision. Raises UsageError where it is over, or nothing is told."""
    if len(why.strip()) < 2:
        raise UsageError("解除依据须写明")
    if not one.began_on <= on <= beijing(now).date():
        raise UsageError(f"解除日期须在 {one.began_on} 与今天之间")
    if not end_supervision(db, one, on=on, by=by, why=why):
        raise UsageError(f"{one.id} 已于 {one.ended_on} 由 {one.ended_by} 解除")
    _note(db, one, "unsupervised", by, now, f"{one.id}：{why}")


def _note(db: Connection, one: Supervision, action: str, actor: str, now: datetime, note: str) -> None:
    for number in one.entries:
        entry = find_entry(db, number, hold=True)
        if entry is not None:
            add_row(db, EntryRow(entry.id, 0, now, actor, action, entry.state, note=note, details={"id": one.id}))
