"""Hits as the page shows them: rows, columns, and every field of one hit; each value leads to its condition."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy import Connection

from search.backend import Hit
from search.fields import FieldType
from search.marking import Marked
from web.inbox import links_of
from web.names import firm_names
from web.search_state import LABELS, PARAMETERS, PLAIN, Asked, value_word
from web.visit import Visit

TABLE_AT_FIRST = ("time", "level", "title", "source", "product", "territory")
USUAL_META = ("source", "product", "firm", "territory")
"""What a row of the list says below its text: the first product and firm, the narrowest place."""
_HIDDEN = frozenset({"title", "body"})


@dataclass(frozen=True)
class Cell:
    """One value of one field. value: for a condition; empty where the field takes none.  at: of a time."""

    name: str
    word: str
    value: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class HitRow:
    """A hit with what a row shows. cells: of each column.  fields: every field, where the row is open."""

    id: str
    title: Markup
    snippet: Markup
    at: datetime
    level: int
    url: str
    repost: bool
    withdrawn: bool
    alerts: Sequence[tuple[str, str]]
    cells: Mapping[str, Sequence[Cell]]
    fields: Sequence[tuple[str, str, Sequence[Cell]]] = ()


def columns_of(asked: Asked) -> tuple[str, ...]:
    """The columns of the table, or what a row of the list says of a hit."""
    usual = TABLE_AT_FIRST if asked.view == "table" else USUAL_META
    return asked.columns or usual


def rows_of(db: Connection, visit: Visit, asked: Asked, hits: Sequence[Hit]) -> list[HitRow]:
    """The rows of a page."""
    alerts = links_of(db, visit.me, [hit.id for hit in hits])
    firms = firm_names(db, (firm for hit in hits for firm in hit.fields["enterprises"]))
    return [_row(visit, asked, hit, alerts.get(hit.id, [])[:3], firms) for hit in hits]


def _row(visit: Visit, asked: Asked, hit: Hit, alerts: Sequence[tuple[str, str]], firms: Mapping[str, str]) -> HitRow:
    fields, columns = hit.fields, columns_of(asked)
    cells: dict[str, Sequence[Cell]] = {name: cells_of(visit, fields, name, firms) for name in columns}
    if not asked.columns:
        cells = {name: _main(name, each) for name, each in cells.items()}
    return HitRow(
        hit.id,
        marked_words(hit.title) if hit.title.text else Markup("（无标题）"),
        marked_words(hit.snippet),
        fields["event_time"],
        fields["level"],
        fields["url"],
        fields["repost_of"] is not None,
        fields["withdrawn"],
        alerts,
        cells,
        every_field(visit, hit, firms) if hit.id == asked.show else (),
    )


def _main(name: str, cells: Sequence[Cell]) -> Sequence[Cell]:
    """The first product and firm; a place comes with all around it, the narrowest last."""
    return cells[-1:] if name in ("territory", "region") else cells[:1]


def every_field(visit: Visit, hit: Hit, firms: Mapping[str, str]) -> list[tuple[str, str, Sequence[Cell]]]:
    """(parameter, label, values) of all that the index knows of a hit but its text."""
    shown = (name for name in PARAMETERS if name not in _HIDDEN)
    return [(name, LABELS[name], cells_of(visit, hit.fields, name, firms)) for name in shown]


def cells_of(visit: Visit, fields: Mapping[str, Any], name: str, firms: Mapping[str, str]) -> list[Cell]:
    """The values of one field of a hit; none where it holds nothing."""
    field = PARAMETERS[name]
    held = fields.get(field.name)
    values: Iterable[Any] = held if field.many and held else [held]
    return [_cell(visit, name, value, firms) for value in values if value not in (None, "", [])]


def _cell(visit: Visit, name: str, value: Any, firms: Mapping[str, str]) -> Cell:
    if isinstance(value, datetime):
        return Cell(name, "", at=value)
    if PARAMETERS[name].type in PLAIN:
        return Cell(name, str(value)[:120])
    if PARAMETERS[name].type is FieldType.NUMBER:
        return Cell(name, f"{value:.2f}")
    plain = str(value).lower() if isinstance(value, bool) else str(value)
    return Cell(name, value_word(visit.names, name, value, firms), plain)


def marked_words(piece: Marked) -> Markup:
    """The text escaped, with the places that were asked for in <mark>."""
    parts, at = [], 0
    for start, end in piece.spans:
        parts += [escape(piece.text[at:start]), Markup("<mark>{}</mark>").format(piece.text[start:end])]
        at = end
    return Markup("").join([*parts, escape(piece.text[at:])])
