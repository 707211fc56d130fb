"""The queue of recalls abroad: who each may mean, and what people decided. Steps are never changed, only undone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from core.errors import UsageError
from core.told import Outcome
from store.inserts import insert_into
from store.schema import documents, mirror_items, mirror_steps, told_goods

OPEN, CONFIRMED, NOT_OURS, NOBODY = "open", "confirmed", "not_ours", "none"
STATES = (OPEN, CONFIRMED, NOT_OURS)
ENDS = {"confirm": CONFIRMED, "not_ours": NOT_OURS, "undo": OPEN}


@dataclass(frozen=True)
class Candidate:
    """A firm that may be meant. score: 0-1.  reasons: what agrees and what does not, for people."""

    firm: str
    name: str
    region: str
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class MirrorItem:
    """A recall of the queue. firm: whom a person confirmed, or ""."""

    document: str
    day: date | None
    number: str
    maker: str
    product: str
    models: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    score: float
    exact: bool
    state: str
    firm: str


@dataclass(frozen=True)
class MirrorStep:
    """What somebody did with an item. action: confirm | not_ours | undo."""

    document: str
    at: datetime
    actor: str
    action: str
    firm: str
    note: str


def unasked(db: Connection, *, again: bool, limit: int = 500) -> list[str]:
    """Documents that tell of a recall abroad and were not looked at yet. again: also those nobody decided of."""
    known = select(mirror_items.c.document)
    if again:
        known = known.where(mirror_items.c.state.in_((CONFIRMED, NOT_OURS)))
    abroad = and_(told_goods.c.outcome == Outcome.RECALLED_ABROAD, told_goods.c.position == 0)
    query = select(told_goods.c.document).where(abroad, told_goods.c.document.not_in(known))
    return list(db.execute(query.order_by(told_goods.c.day.desc(), told_goods.c.document).limit(limit)).scalars())


def keep_item(db: Connection, values: Mapping[str, Any]) -> None:
    """Write what was found of a recall; one that a person decided of stays as it is."""
    new = insert_into(mirror_items, db.dialect.name)
    changed = {name: new.excluded[name] for name in values if name != "document"}
    undecided = mirror_items.c.state.in_((OPEN, NOBODY))
    db.execute(new.on_conflict_do_update(index_elements=["document"], set_=changed, where=undecided), dict(values))


def list_items(db: Connection, state: str, seen: ColumnElement[bool], *, start: int, limit: int) -> list[MirrorItem]:
    """Items of a state whose documents fulfil `seen`, the surest first."""
    query = select(mirror_items).join(documents, and_(documents.c.id == mirror_items.c.document, documents.c.latest))
    query = query.where(mirror_items.c.state == state, seen)
    query = query.order_by(mirror_items.c.exact.desc(), mirror_items.c.score.desc(), mirror_items.c.document)
    return [_item(row) for row in db.execute(query.offset(start).limit(limit)).mappings()]


def count_items(db: Connection, seen: ColumnElement[bool]) -> dict[str, int]:
    """How many of each state."""
    query = select(mirror_items.c.state, func.count()).join(
        documents, and_(documents.c.id == mirror_items.c.document, documents.c.latest)
    )
    return {row[0]: row[1] for row in db.execute(query.where(seen).group_by(mirror_items.c.state))}


def find_item(db: Connection, document: str) -> MirrorItem | None:
    """One item."""
    row = db.execute(select(mirror_items).where(mirror_items.c.document == document)).mappings().first()
    return _item(row) if row else None


def settled(db: Connection, document: str) -> tuple[str, str]:
    """(state, firm) of what a person decided of a document; ("", "") where nobody did."""
    row = db.execute(_SETTLED.where(mirror_items.c.document == document)).first()
    return (row.state, row.firm) if row else ("", "")


_SETTLED = select(mirror_items.c.state, mirror_items.c.firm).where(mirror_items.c.state.in_((CONFIRMED, NOT_OURS)))


def decide(db: Connection, step: MirrorStep, *, once: str) -> MirrorItem | None:
    """Take a step; the item as it was before, None where the same form came already. Raises UsageError."""
    if db.execute(select(mirror_steps.c.number).where(mirror_steps.c.once == once)).first():
        return None
    item = find_item(db, step.document)
    if item is None:
        raise UsageError("这份召回不在待核队列中。")
    open_now = item.state in (OPEN, NOBODY)
    if open_now == (step.action == "undo"):
        raise UsageError("这份召回已由别人处理。请刷新后再看。" if not open_now else "这份召回没有可撤销的处理。")
    to = ENDS[step.action]
    where = and_(mirror_items.c.document == step.document, mirror_items.c.state == item.state)
    db.execute(update(mirror_items).where(where).values(state=to, firm=step.firm if to == CONFIRMED else ""))
    values = {name: getattr(step, name) for name in MirrorStep.__dataclass_fields__}
    db.execute(mirror_steps.insert().values(**values, once=once))
    return item


def steps_of_items(db: Connection, documents: Collection[str]) -> dict[str, list[MirrorStep]]:
    """What was done with each, oldest first."""
    found: dict[str, list[MirrorStep]] = {document: [] for document in documents}
    query = select(mirror_steps).where(mirror_steps.c.document.in_(list(documents))).order_by(mirror_steps.c.number)
    for row in db.execute(query).mappings():
        step = MirrorStep(**{name: row[name] for name in MirrorStep.__dataclass_fields__})
        found[step.document].append(step)
    return found


def _item(row: Mapping[Any, Any]) -> MirrorItem:
    values = {name: row[name] for name in MirrorItem.__dataclass_fields__}
    values["models"] = tuple(values["models"])
    values["candidates"] = tuple(_candidate(one) for one in values["candidates"])
    return MirrorItem(**values)


def _candidate(one: Sequence[Any]) -> Candidate:
    firm, name, region, score, reasons = one
    return Candidate(firm, name, region, score, tuple(reasons))
