"""Whether one row is a hit of a query, as the index would say. Interim."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from search.compile import Compiler
from search.records import Row
from search.text import EMPTY, Segmenter
from search.where import Between, Exists, OneOf, Where

Match = Callable[[Row], bool]


class _RowForms:
    def everything(self) -> Match:
        return lambda row: True

    def nothing(self) -> Match:
        return lambda row: False

    def unscored(self, query: Match) -> Match:
        return query

    def all(self, queries: Sequence[Match]) -> Match:
        return lambda row: all(query(row) for query in queries)

    def any(self, queries: Sequence[Match]) -> Match:
        return lambda row: any(query(row) for query in queries)

    best = any

    def without(self, query: Match) -> Match:
        return lambda row: not query(row)

    def one_of(self, where: OneOf) -> Match:
        values = set(where.values)
        return lambda row: any(value in values for value in _held(row, where.field))

    def exists(self, where: Exists) -> Match:
        if where.field in ("title", "body"):
            return lambda row: row[f"{where.field}_grams"] != EMPTY
        return lambda row: where.field in row

    def between(self, where: Between) -> Match:
        def inside(value: float) -> bool:
            above = where.low is None or value > where.low or (where.with_low and value == where.low)
            return above and (where.high is None or value < where.high or (where.with_high and value == where.high))

        return lambda row: any(inside(value) for value in _held(row, where.field))

    def wild(self, view: str, parts: tuple[str, ...]) -> Match:
        form = re.compile(".*".join(map(re.escape, parts)), re.DOTALL)
        if view.endswith("_words"):
            return lambda row: any(form.fullmatch(word) for word in row[view].split(" "))
        return lambda row: any(form.fullmatch(str(value)) for value in _held(row, view))

    def weighted(self, view: str, tokens: tuple[str, ...], *, open_end: bool) -> Match:
        asked = " " + " ".join(tokens) + ("" if open_end else " ")
        return lambda row: asked in f" {row[view]} "


def _held(row: Row, name: str) -> Sequence[Any]:
    value = row.get(name)
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)


def compile_match(where: Where, segmenter: Segmenter) -> Match:
    """A function that judges rows."""
    return Compiler[Match](_RowForms(), segmenter).compile(where)
