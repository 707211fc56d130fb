"""Rows of spreadsheets (xls, xlsx, xlsb, et, ods) and CSV files. Bounded in bytes, sheets, rows and cells."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO, StringIO
from itertools import islice

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    WorksheetNotFound,
    XmlError,
    ZipError,
)

from core.records import Table
from crawlers.attached.content import (
    MAX_CELL,
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_SHEETS,
    UnreadableFile,
)
from crawlers.attached.zips import check_zip
from crawlers.charset import decode_page
from crawlers.markup import one_line

Rows = Iterator[tuple[str, ...]]
Value = int | float | str | bool | time | date | datetime | timedelta


def csv_rows(
    data: bytes, *, max_rows: int = MAX_ROWS, encoding: str | None = None, tell: Callable[[str], None] | None = None
) -> Rows:
    """Rows of a CSV file in UTF-8 or GB18030, separated by comma, semicolon or tab. tell: is told what may be lost."""
    decoded = decode_page(data, override=encoding)
    text = decoded.text
    if tell is not None and decoded.replaced:
        tell(f"{decoded.replaced} characters are lost: their bytes are broken")
    if tell is not None and text.count('"') % 2:
        tell("a quotation mark is never closed: the file may be cut short, or a cell hold several rows")
    separator = _separator(text[:10_000].split("\n"))
    csv.field_size_limit(1024**2)
    try:
        for row in islice(csv.reader(StringIO(text, newline=""), delimiter=separator), max_rows):
            yield tuple(cell.strip()[:MAX_CELL] for cell in row[:MAX_COLUMNS])
    except csv.Error as error:
        raise UnreadableFile(f"不是有效的 CSV：{error}") from error


def _separator(lines: list[str]) -> str:
    """The sign that parts most lines into the same number of cells; titles above the header have none."""

    def weight(sign: str) -> int:
        counted = Counter(count for line in lines if (count := line.count(sign)))
        return max((count * times for count, times in counted.items()), default=0)

    return max(",;\t", key=weight)


def book_sheets(data: bytes, *, max_rows: int = MAX_ROWS) -> list[tuple[str, list[tuple[str, ...]]]]:
    """Name and rows of each sheet that has any; a merged cell stands in each place it covers. Raises UnreadableFile."""
    if data[:2] == b"PK":
        check_zip(BytesIO(data), len(data))
    try:
        book = CalamineWorkbook.from_filelike(BytesIO(data))
        return [(name, _sheet_rows(book.get_sheet_by_name(name), max_rows)) for name in book.sheet_names[:MAX_SHEETS]]
    except PasswordError as error:
        raise UnreadableFile("表格有密码，未读") from error
    except (CalamineError, ZipError, XmlError, WorksheetNotFound, ValueError, OSError) as error:
        raise UnreadableFile(f"不是有效的电子表格：{str(error)[:120] or type(error).__name__}") from error


def table_of_rows(rows: list[tuple[str, ...]]) -> Table:
    """Titles above the header (rows with a single filled cell) and empty rows are dropped; rows get equal length."""
    filled = [row for row in rows if any(row)]
    start = next((place for place, row in enumerate(filled) if len(set(filter(None, row))) > 1), len(filled))
    kept = filled[start:]
    width = max((len(row) for row in kept), default=0)
    used = [place for place in range(width) if any(place < len(row) and row[place] for row in kept)]
    return tuple(tuple(row[place] if place < len(row) else "" for place in used) for row in kept)


def _sheet_rows(sheet: CalamineSheet, max_rows: int) -> list[tuple[str, ...]]:
    values = sheet.to_python(skip_empty_area=False, nrows=max_rows)
    grid = [[_cell(value) for value in row[:MAX_COLUMNS]] for row in values]
    width = max(map(len, grid), default=0)
    for (top, left), (bottom, right) in (sheet.merged_cell_ranges or [])[:MAX_ROWS]:
        if top >= len(grid) or left >= width or right - left + 1 >= width > 1:
            continue  # a line across the whole sheet is its title
        text = grid[top][left]
        for row in grid[top : bottom + 1]:
            row[left : right + 1] = [text] * (min(right + 1, len(row)) - left)
    return [tuple(row) for row in grid]


def _cell(value: Value) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return str(value.date()) if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, bool):
        return "是" if value else "否"
    return one_line(str(value)[:MAX_CELL])
