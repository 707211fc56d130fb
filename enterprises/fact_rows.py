"""Rows of a file of licences, results, penalties, ... or relations as facts of firms of the registry."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Connection

from core.credit_code import clean_code
from core.firms import PAPERS, FactKind, FirmFact, FirmTie
from enterprises.cells import (
    CellMistake,
    clean,
    count_in,
    first_day,
    last_day,
    outcome_in,
    paper_number,
    said,
    state_in,
    tie_in,
)
from store.registry import Keys, firms_with

KIND_OF: Mapping[str, FactKind] = {
    "licences": FactKind.LICENCE,
    "ccc": FactKind.CCC,
    "hazchem": FactKind.HAZCHEM,
    "sampling": FactKind.SAMPLING,
    "checks": FactKind.CHECK,
    "penalties": FactKind.PENALTY,
    "recalls": FactKind.RECALL,
    "complaints": FactKind.COMPLAINTS,
    "credit": FactKind.CREDIT,
}
"""What the rows of a kind of file are."""
NIL = "NIL:"
DONE = (FactKind.SAMPLING, FactKind.CHECK, FactKind.PENALTY, FactKind.COMPLAINTS)
"""What has happened when it is recorded; a recall may be told before it begins."""


class FirmFinder:
    """Whom the rows of a batch mean: by id, credit code or exact name. Values: fields firm_id, firm_code, firm_name
    (and other_...)."""

    def __init__(self, db: Connection, rows: Sequence[Mapping[str, str]]) -> None:
        sides = ("firm", "other")
        told = {
            part: {row.get(f"{side}_{part}", "") for row in rows for side in sides} for part in ("id", "code", "name")
        }
        self._ids = firms_with(db, "id", told["id"])
        self._codes = firms_with(db, "uscc", map(clean_code, told["code"]))
        self._names = firms_with(db, "name", map(clean, told["name"]))

    def find(self, row: Mapping[str, str], side: str = "firm") -> str:
        """The id of the firm of a row. Raises CellMistake where none, or more than one, is meant."""
        given, code, name = (row.get(f"{side}_{part}", "") for part in ("id", "code", "name"))
        if given:
            return _only(self._ids.get(given, []), f"名录中没有编号 {given[:40]}")
        if code and (found := self._codes.get(clean_code(code))):
            return found[0].id
        if name:
            return _only(self._names.get(clean(name), []), f"名录中没有“{clean(name)[:60]}”", clean(name))
        raise CellMistake(f"名录中没有统一社会信用代码 {code[:40]}" if code else "没有企业编号、统一社会信用代码或名称")


def _only(found: Sequence[Keys], missing: str, name: str = "") -> str:
    if not found:
        raise CellMistake(missing)
    if len(found) > 1:
        raise CellMistake(f"名录中有 {len(found)} 家“{name[:60]}”，请给出编号或统一社会信用代码")
    return found[0].id


def fact_of_row(
    kind: FactKind, firm: str, row: Mapping[str, str], products: Mapping[str, str], source: str, today: date
) -> FirmFact:
    """The fact that a row tells of a firm. today: what is over cannot be later. Raises CellMistake."""
    day, until = _days(row)
    number = paper_number(kind, row.get("number", "")) if kind in PAPERS else said(row.get("number", ""))
    if kind not in (*PAPERS, FactKind.CREDIT) and day is None:
        raise CellMistake("没有日期")
    if day is not None and until is not None and until < day:
        raise CellMistake(f"止期 {until} 早于起期 {day}")
    if kind in DONE and day is not None and day > today:
        raise CellMistake(f"日期 {day} 在今天（{today}）之后")
    product = said(row.get("product", ""))
    return FirmFact(
        firm,
        kind,
        number=number,
        day=day,
        until=until,
        state=state_in(row.get("state", "")) if kind in PAPERS else "",
        state_since=first_day(row.get("state_since", "")),
        product=products.get(product, product),
        model=said(row.get("model", "")),
        batch=said(row.get("batch", "")),
        outcome=outcome_in(kind, row.get("outcome", "")),
        count=count_in(row.get("count", "")),
        text=said(row.get("text", "")),
        source=source,
    )


def _days(row: Mapping[str, str]) -> tuple[date | None, date | None]:
    period = row.get("period", "")
    day, until = first_day(row.get("day") or period), last_day(row.get("until") or period)
    return day, until


def tie_of_row(finder: FirmFinder, row: Mapping[str, str], products: Mapping[str, str], source: str) -> FirmTie:
    """The relation that a row tells. One side may be a firm in no list. Raises CellMistake."""
    one, other = _side(finder, row, "firm"), _side(finder, row, "other")
    if one.startswith(NIL) and other.startswith(NIL):
        raise CellMistake("两家企业都不在名录中")
    if one == other:
        raise CellMistake("关系的两方是同一家企业")
    product = said(row.get("product", ""))
    since, until = first_day(row.get("since", "")), last_day(row.get("until", ""))
    return FirmTie(one, tie_in(row.get("kind", "")), other, products.get(product, product), since, until, "", source)


def _side(finder: FirmFinder, row: Mapping[str, str], side: str) -> str:
    try:
        return finder.find(row, side)
    except CellMistake as mistake:
        name = clean(row.get(f"{side}_name", ""))
        if not name or str(mistake).startswith("名录中有"):
            raise
        return f"{NIL}{name}"
