"""What documents say of single goods, looked up by firm, model, batch or number. Can be rebuilt from the documents."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, delete, func, or_, select

from core.told import GRAVE, Outcome, Part, Party, Told
from store.schema import told_goods, told_keys

_FIELDS = tuple(field.name for field in fields(Told))
AT_ONCE = 80
COUNTED_TO = 1000


@dataclass(frozen=True)
class Kept:
    """The rows of a key, grave and new ones first. more: how many are not among them, at most COUNTED_TO."""

    rows: tuple[tuple[str, int], ...]
    more: int


def keep_told(db: Connection, document: str, rows: Iterable[Told]) -> None:
    """Write what a document tells in place of what it told before."""
    db.execute(_FORGET_KEYS, {"its": document})
    db.execute(_FORGET, {"its": document})
    told = list(rows)
    if not told:
        return
    db.execute(told_goods.insert(), [_columns(one) for one in told])
    keys = [
        {
            "key": key,
            "document": document,
            "position": one.position,
            "grave": int(one.outcome in GRAVE),
            "day": one.day,
        }
        for one in told
        for key in sorted(one.keys)
    ]
    if keys:
        db.execute(told_keys.insert(), keys)


_FORGET = delete(told_goods).where(told_goods.c.document == bindparam("its"))
_FORGET_KEYS = delete(told_keys).where(told_keys.c.document == bindparam("its"))


def rows_with(db: Connection, key: str, *, limit: int) -> Kept:
    """The rows that carry a key, from its index alone."""
    found = [(row.document, row.position) for row in db.execute(_WITH, {"key": key, "most": limit})]
    if len(found) < limit:
        return Kept(tuple(found), 0)
    every = db.execute(_COUNT, {"key": key}).scalar_one()
    return Kept(tuple(found), every - len(found))


_WITH = (
    select(told_keys.c.document, told_keys.c.position)
    .where(told_keys.c.key == bindparam("key"))
    .order_by(told_keys.c.grave.desc(), told_keys.c.day.desc(), told_keys.c.document, told_keys.c.position)
    .limit(bindparam("most"))
)
_SOME = select(told_keys.c.key).where(told_keys.c.key == bindparam("key")).limit(COUNTED_TO).subquery()
_COUNT = select(func.count()).select_from(_SOME)


def told_rows(db: Connection, wanted: Sequence[tuple[str, int]]) -> list[Told]:
    """The rows themselves, in the order asked for."""
    found: dict[tuple[str, int], Told] = {}
    for start in range(0, len(wanted), AT_ONCE):
        part = list(wanted[start : start + AT_ONCE])
        size = next(size for size in _ROWS if size >= len(part))
        part += [("", 0)] * (size - len(part))
        values = {f"d{n}": document for n, (document, _) in enumerate(part)} | {
            f"p{n}": place for n, (_, place) in enumerate(part)
        }
        for row in db.execute(_ROWS[size], values).mappings():
            one = told_of(row)
            found[one.document, one.position] = one
    return [found[place] for place in wanted if place in found]


def _rows_query(count: int) -> Select[Any]:
    """Rows said one by one: a list of pairs would be looked for in the whole table. Built once: that costs more than
    asking.
    """
    goods = told_goods.c
    each = (and_(goods.document == bindparam(f"d{n}"), goods.position == bindparam(f"p{n}")) for n in range(count))
    return select(told_goods).where(or_(*each))


_ROWS = {size: _rows_query(size) for size in (1, 8, 40, AT_ONCE)}


def told_of(row: Mapping[Any, Any]) -> Told:
    """The record of a stored row."""
    values = {name: row[name] for name in _FIELDS}
    values["outcome"] = Outcome(values["outcome"])
    for name in ("models", "batches"):
        values[name] = tuple(values[name])
    values["parties"] = tuple(Party(Part(part), name, firm) for part, name, firm in values["parties"])
    return Told(**values)


def _columns(one: Told) -> dict[str, Any]:
    parties = [[party.part, party.name, party.firm] for party in one.parties]
    return {**asdict(one), "parties": parties}
