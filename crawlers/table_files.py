"""Rows of a table file that somebody dropped, as records by header text. What the file is, its bytes say.

Offices export web pages as .xls, tab-separated text as .xls and workbooks as .csv; a header may stand under titles and
be two rows high; notes stand under the table.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import chain, islice, pairwise

from core.errors import SourceChanged
from crawlers.attached.content import UnreadableFile
from crawlers.attached.kinds import KEPT, kind_of
from crawlers.attached.sheets import book_sheets, csv_rows
from crawlers.charset import decode_page
from crawlers.markup import MAX_CELLS, expand_table, parse_html
from crawlers.weight import TooHeavy

Row = tuple[str, ...]
BOOKS = ("xls", "xlsx", "ods", "zip")
"""A workbook that was cut short is a broken zip."""
ASIDE = re.compile(r"[（(][^（()）]*[)）]$")
"""涉及数量（台）, 行政相对人名称（单位名称）."""
NOTE = 3
"""Columns from which a row with one filled cell is a note."""


def sheets_of(
    name: str, data: bytes, *, max_rows: int, encoding: str | None, tell: Callable[[str], None]
) -> Iterator[tuple[str, Sequence[Row] | Iterator[Row]]]:
    """Name and rows of each table of a file. tell: is told what was lost. Raises UnreadableFile where it is none."""
    kind = kind_of(data, name)
    if not data.strip():
        raise UnreadableFile("空文件")
    if kind in BOOKS:
        yield from book_sheets(data, max_rows=max_rows)
    elif kind == "html":
        yield from _web_tables(data, encoding, tell)
    elif kind in ("csv", "text") or name.lower().endswith((".csv", ".tsv", ".txt")):
        yield "", csv_rows(data, max_rows=max_rows, encoding=encoding, tell=tell)
    else:
        raise UnreadableFile(KEPT.get(kind, f"是 {kind} 文件，不是表格"))


def table_records(rows: Iterator[Row], wanted: Collection[str], known: Collection[str]) -> Iterator[Mapping[str, str]]:
    """Records of the rows below the header, by label; an empty one for a note.

    wanted: labels one of which the header has; known: all labels that are asked for, which a second row of the header
    may hold. Raises SourceChanged where no row has any.
    """
    above: Row = ()
    for row in rows:
        if set(wanted) & set(_forms(row)):
            break
        above = row
    else:
        raise SourceChanged(f"no row of headers with {' or '.join(sorted(wanted))}")
    header = [row] if len(set(filter(None, above))) < 2 else [above, row]
    below = list(islice(rows, 1))
    if below and _goes_on(row, below[0], wanted, known):
        header.append(below.pop())
    labels = _labels(header)
    width = sum(1 for names in labels if names)
    for row in chain(below, rows):
        if sum(map(bool, row)) > 1 or width < NOTE:
            yield _record(labels, row)
        elif any(row):
            yield {}


def bare(label: str) -> str:
    """A label without white space and what ends it."""
    return "".join(label.split()).rstrip(":：*")


def _web_tables(data: bytes, encoding: str | None, tell: Callable[[str], None]) -> Iterator[tuple[str, list[Row]]]:
    try:
        body = parse_html(decode_page(data, override=encoding).text).body
    except TooHeavy as error:
        raise UnreadableFile(str(error)) from error
    tables = body.css("table") if body is not None else []
    if not tables:
        raise UnreadableFile("得到的是网页，没有表格（可能是出错页面）")
    for table in tables:
        if len(table.css("td, th")) > MAX_CELLS:
            tell(f"more than {MAX_CELLS} cells: the rest is not imported")
        yield "", list(expand_table(table))


def _goes_on(header: Row, row: Row, wanted: Collection[str], known: Collection[str]) -> bool:
    """Whether the header is two rows high: below the title's label nothing new, and elsewhere a label that is known."""
    pairs = [(bare(label), bare(cell)) for label, cell in zip(header, row, strict=False)]
    titles = [cell for label, cell in pairs if label in wanted and cell != label]
    return not any(titles) and any(cell in known and cell != label for label, cell in pairs)


def _labels(header: Sequence[Row]) -> list[Row]:
    """The names of each column: its lowest label, and all of them together. A group stands over its first column."""
    width = max(map(len, header))
    rows = [[*row, *[""] * (width - len(row))] for row in header]
    for upper, lower in pairwise(rows):
        for place in range(1, width):
            if not upper[place] and lower[place]:
                upper[place] = upper[place - 1]
    parts = [list(dict.fromkeys(filter(None, column))) for column in zip(*rows, strict=True)]
    return [(labels[-1], "".join(labels)) if labels else () for labels in parts]


def _record(labels: list[Row], row: Row) -> dict[str, str]:
    """Cells by label in all its forms; of columns that are called alike the first that is filled."""
    record: dict[str, str] = {}
    for names, value in zip(labels, row, strict=False):
        for form in _forms(names):
            record[form] = record.get(form) or value
    return record


def _forms(labels: Sequence[str]) -> Iterator[str]:
    """Labels as they stand, and without white space, colon and what is said in brackets."""
    for label in labels:
        for form in (label.strip(" :：*\n\t"), bare(label), bare(ASIDE.sub("", bare(label)))):
            if form:
                yield form
