"""What a query asks for, with every name, number and date resolved. Both backends compile this and nothing else.

Only Words and Phrase are scored; everything else includes or excludes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from search.fields import TEXT_FIELDS

Scalar = str | int | float | bool


@dataclass(frozen=True)
class Everything:
    """Every signal."""


@dataclass(frozen=True)
class Nothing:
    """No signal."""


@dataclass(frozen=True)
class Words:
    """Every word of `text` stands in one of the fields."""

    text: str
    fields: tuple[str, ...] = TEXT_FIELDS


@dataclass(frozen=True)
class Phrase:
    """The characters of `text` stand one after the other in one of the fields; punctuation does not count."""

    text: str
    fields: tuple[str, ...] = TEXT_FIELDS


@dataclass(frozen=True)
class WildText:
    """One word of one of the fields has this form; parts are the folded text around each `*`."""

    parts: tuple[str, ...]
    fields: tuple[str, ...] = TEXT_FIELDS


@dataclass(frozen=True)
class OneOf:
    """The field holds one of the values."""

    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Wild:
    """The field, a keyword, has this form; parts are the text around each `*`."""

    field: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Fits:
    """The field, a keyword, has a value of one of these forms, from end to end: regular expressions of what Lucene,
    Rust and Python read alike (search/query/forms.py)."""

    field: str
    forms: tuple[str, ...]


@dataclass(frozen=True)
class Between:
    """The field, a number or a time in ms, is in low <= field < high, with the edges as told; None: open."""

    field: str
    low: float | int | None = None
    high: float | int | None = None
    with_low: bool = True
    with_high: bool = False


@dataclass(frozen=True)
class Exists:
    """The field holds a value."""

    field: str


@dataclass(frozen=True)
class AllOf:
    """All of them."""

    parts: tuple["Where", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one of them."""

    parts: tuple["Where", ...]


@dataclass(frozen=True)
class Not:
    """Everything but."""

    part: "Where"


Where = (
    Everything | Nothing | Words | Phrase | WildText | OneOf | Wild | Fits | Between | Exists | AllOf | AnyOf | Not
)  # fmt: skip

TextLeaf = Words | Phrase | WildText


def wanted_text(where: Where) -> tuple[TextLeaf, ...]:
    """The text conditions a hit can owe its place to: all but the negated ones. They are what is highlighted."""
    match where:
        case Words() | Phrase() | WildText():
            return (where,)
        case AllOf(parts) | AnyOf(parts):
            return tuple(leaf for part in parts for leaf in wanted_text(part))
        case _:
            return ()


def ranked(where: Where) -> bool:
    """Whether scores tell hits apart; otherwise relevance means newest first."""
    return any(not isinstance(leaf, WildText) for leaf in wanted_text(where))


def both(parts: Sequence[Where]) -> Where:
    """All of `parts`, without the ones that say nothing."""
    kept = tuple(part for part in parts if not isinstance(part, Everything))
    if not kept:
        return Everything()
    return kept[0] if len(kept) == 1 else AllOf(kept)


def either(parts: Iterable[Where]) -> Where:
    """At least one of `parts`; lists of values of one field become one list, which costs an engine one look."""
    kept: list[Where] = []
    values: dict[str, dict[Scalar, None]] = {}
    for part in (inner for one in parts for inner in (one.parts if isinstance(one, AnyOf) else (one,))):
        if isinstance(part, OneOf):
            if part.field not in values:
                kept.append(part)
            values.setdefault(part.field, {}).update(dict.fromkeys(part.values))
        elif not isinstance(part, Nothing):
            kept.append(part)
    whole = tuple(OneOf(one.field, tuple(values[one.field])) if isinstance(one, OneOf) else one for one in kept)
    if not whole:
        return Nothing()
    return whole[0] if len(whole) == 1 else AnyOf(whole)
