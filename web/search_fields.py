"""The list of fields beside the hits: what each one holds most often, and the links that ask for it or leave it out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from search.backend import FacetValue, SearchResult
from search.fields import Field, FieldType
from web.names import firm_names
from web.search_state import ANY, LABELS, LISTED, PARAMETERS, PLAIN, Asked, Filter, value_word
from web.visit import Visit

SHOWN_VALUES = 5
COUNTED_VALUES = 1_000
"""Values that are told apart; beyond it the page says so."""
_ONE_EACH = frozenset({"id", "url", "repost"})
"""Every document has its own: top values would say nothing."""


@dataclass(frozen=True)
class Value:
    """A frequent value. share: % of all hits.  only, without: links.

    chosen: it is asked for already; then drop is the link that asks no longer.
    """

    word: str
    count: int
    share: float
    only: str
    without: str
    chosen: bool
    drop: str


@dataclass(frozen=True)
class Listed:
    """One field of the list. distinct: how many values, as people say it; empty where nobody counted.

    narrowed: values of the field are asked for already, so that one more widens the search.
    """

    name: str
    label: str
    countable: bool
    opened: bool
    column: bool
    values: Sequence[Value] = ()
    distinct: str = ""
    narrowed: bool = False


def countable(field: Field, name: str) -> bool:
    """Whether its most frequent values say something."""
    return field.type not in PLAIN and field.type is not FieldType.NUMBER and name not in _ONE_EACH


def facets_wanted(names: Sequence[str]) -> dict[str, int]:
    """What to ask the index for, for these fields."""
    fields = {name: PARAMETERS[name] for name in names}
    return {field.name: COUNTED_VALUES for name, field in fields.items() if countable(field, name)}


def field_list(db: Connection, visit: Visit, asked: Asked, result: SearchResult) -> tuple[list[Listed], list[Listed]]:
    """The fields people ask for most, and the others."""
    firms = firm_names(db, (str(each.value) for each in result.facets.get("enterprises", ())[:SHOWN_VALUES]))
    names = [*LISTED, *(name for name in PARAMETERS if name not in LISTED)]
    counted = {name: result.facets.get(PARAMETERS[name].name) for name in names}
    found = [one_field(visit, asked, name, counted[name], result.total, firms) for name in names]
    return found[: len(LISTED)], found[len(LISTED) :]


def one_field(
    visit: Visit, asked: Asked, name: str, counted: Sequence[FacetValue] | None, total: int, firms: Mapping[str, str]
) -> Listed:
    """One field; `counted` is None where it was not asked for."""
    chosen = {each.value for each in asked.active if each.name == name and not each.negative and each.value != ANY}
    values = [_value(visit, asked, name, each, total, firms, chosen) for each in (counted or ())[:SHOWN_VALUES]]
    more = "+" if counted is not None and len(counted) >= COUNTED_VALUES else ""
    return Listed(
        name,
        LABELS[name],
        countable(PARAMETERS[name], name),
        name in asked.open,
        name in asked.columns,
        values,
        "" if counted is None else f"{len(counted):,}{more} 值",
        bool(chosen),
    )


def _value(
    visit: Visit,
    asked: Asked,
    name: str,
    each: FacetValue,
    total: int,
    firms: Mapping[str, str],
    chosen: set[str],
) -> Value:
    plain = str(each.value).lower() if isinstance(each.value, bool) else str(each.value)
    return Value(
        value_word(visit.names, name, each.value, firms),
        each.count,
        100 * each.count / max(total, 1),
        asked.with_filter(name, plain),
        asked.with_filter(name, plain, negative=True),
        plain in chosen,
        asked.with_changed(Filter(name, plain), None) if plain in chosen else "",
    )
