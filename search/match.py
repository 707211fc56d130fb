"""Whether one row is a hit of a query, without an index: for rules made of searches, which judge what arrives.

Says the same as both engines (tests/test_query_match.py). A view of a text is its tokens with blanks between and around
them, so a word or a phrase is a piece of that string.
"""

import re
from collections.abc import Callable, Sequence

from search.fields import BY_NAME, FieldType
from search.query.forms import at_once, glob_at_once
from search.records import Row
from search.text import EMPTY, Segmenter, TextTerm, phrase_term, word_terms
from search.where import (
    AllOf,
    AnyOf,
    Between,
    Everything,
    Exists,
    Fits,
    Not,
    Nothing,
    OneOf,
    Phrase,
    Where,
    Wild,
    WildText,
    Words,
)

Test = Callable[["MatchRow"], bool]


class MatchRow:
    """A row made ready for many queries: what several of them look at is prepared once."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self._views: dict[str, str] = {}
        self._values: dict[str, frozenset[object]] = {}

    def view(self, name: str) -> str:
        """The tokens of a view, a blank before and behind each."""
        found = self._views.get(name)
        if found is None:
            found = self._views[name] = f" {self._row[name]} "
        return found

    def values(self, field: str) -> frozenset[object]:
        """What the field holds: none, one or several values."""
        found = self._values.get(field)
        if found is None:
            held = self._row.get(field, ())
            found = self._values[field] = frozenset(held if isinstance(held, list | tuple) else (held,))
        return found


Match = Callable[[Row | MatchRow], bool]


def compile_match(where: Where, segmenter: Segmenter) -> Match:
    """A function that tells whether a row of search/records.py is a hit of `where`.

    segmenter: must be the one the rows were made with. The function takes a MatchRow as well: make one where many
    queries look at the same row.
    """
    test = _Tests(segmenter).of(where)

    def match(row: Row | MatchRow) -> bool:
        return test(row if isinstance(row, MatchRow) else MatchRow(row))

    return match


class _Tests:
    """Builds the test of each condition."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    def of(self, where: Where) -> Test:
        match where:
            case Everything():
                return lambda row: True
            case Nothing():
                return lambda row: False
            case AllOf(parts):
                return _all(list(map(self.of, parts)))
            case AnyOf(parts):
                return _any(list(map(self.of, parts)))
            case Not(part):
                test = self.of(part)
                return lambda row: not test(row)
            case Words() | Phrase() | WildText():
                return self._text(where)
            case _:
                return _on_values(where)

    def _text(self, where: Words | Phrase | WildText) -> Test:
        match where:
            case Words(text, fields):
                return _all([_term(term, fields) for term in word_terms(text, self._segmenter)])
            case Phrase(text, fields):
                found = phrase_term(text)
                return _term(found, fields) if found else lambda row: False
            case WildText(parts, fields):
                form = re.compile(f" {glob_at_once(parts, '[^ ]')} ")
                return _any([_looking(f"{name}_words", form) for name in fields])


def _all(tests: list[Test]) -> Test:
    """All of them; none at all means that nothing can be found, as in the engines."""
    if len(tests) == 1:
        return tests[0]
    return lambda row: bool(tests) and all(test(row) for test in tests)


def _any(tests: list[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)


def _looking(view: str, form: re.Pattern[str]) -> Test:
    return lambda row: form.search(row.view(view)) is not None


def _term(term: TextTerm, fields: Sequence[str]) -> Test:
    pieces: list[tuple[str, str]] = []
    for name in fields:
        if term.word is not None:
            pieces.append((f"{name}_words", f" {term.word} "))
        if term.grams:
            pieces.append((f"{name}_grams", f" {' '.join(term.grams)} "))
    return lambda row: any(piece in row.view(view) for view, piece in pieces)


def _on_values(where: OneOf | Wild | Fits | Between | Exists) -> Test:
    field = where.field
    match where:
        case OneOf(_, values):
            wanted = frozenset(values)
            return lambda row: not wanted.isdisjoint(row.values(field))
        case Wild(_, parts):
            return _fitting(field, glob_at_once(parts))
        case Fits(_, forms):
            return _fitting(field, "|".join(f"(?:{at_once(form)})" for form in forms))
        case Between():
            return _between(where)
        case Exists():
            if BY_NAME[field].type is FieldType.TEXT:
                return lambda row: row.view(f"{field}_grams") != f" {EMPTY} "
            return lambda row: bool(row.values(field))


def _fitting(field: str, form: str) -> Test:
    fits = re.compile(form, re.DOTALL).fullmatch
    return lambda row: any(fits(str(value)) for value in row.values(field))


def _between(where: Between) -> Test:
    low = float("-inf") if where.low is None else where.low
    high = float("inf") if where.high is None else where.high
    with_low, with_high = where.with_low or where.low is None, where.with_high or where.high is None

    def inside(value: object) -> bool:
        assert isinstance(value, int | float)
        return (low < value or (with_low and value == low)) and (value < high or (with_high and value == high))

    return lambda row: any(map(inside, row.values(where.field)))
