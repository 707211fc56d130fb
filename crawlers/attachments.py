"""Tables in attached or imported files: xlsx and csv. Bounded in bytes, sheets, rows and cells: zip bombs stop here."""

import csv
import zipfile
from collections.abc import Iterator
from io import BytesIO, StringIO
from itertools import islice
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from core.records import Table
from crawlers.charset import decode_page
from crawlers.markup import one_line

TABLE_FILES = (".xlsx", ".xlsm", ".csv")
MAX_UNPACKED = 100 * 1024**2
MAX_RATIO = 200
MAX_MEMBERS = 2000
MAX_SHEETS = 20
MAX_ROWS = 5000
MAX_COLUMNS = 100
MAX_CELL = 10_000
Rows = Iterator[tuple[str, ...]]


class UnreadableFile(ValueError):
    """The file is not what its name says, or it is larger inside than it may be."""


def read_tables(name: str, data: bytes, *, max_rows: int = MAX_ROWS) -> tuple[Table, ...]:
    """The tables of a file, a sheet each, from the row of headers on; one-row tables are left out.

    name: file name or address, its ending decides. Raises UnreadableFile; an unknown ending gives no tables.
    """
    ending = name.lower().split("?")[0]
    if ending.endswith((".xlsx", ".xlsm")):
        sheets = [rows for _, rows in xlsx_sheets(data, max_rows=max_rows)]
    elif ending.endswith(".csv"):
        sheets = [list(csv_rows(data, max_rows=max_rows))]
    else:
        return ()
    tables = (_from_header_on(rows) for rows in sheets)
    return tuple(table for table in tables if len(table) > 1)


def csv_rows(data: bytes, *, max_rows: int = MAX_ROWS, encoding: str | None = None) -> Rows:
    """Rows of a CSV file in UTF-8 or GB18030, separated by comma, semicolon or tab."""
    text = decode_page(data, override=encoding).text
    first = text[:10_000].split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    csv.field_size_limit(1024**2)
    try:
        for row in islice(csv.reader(StringIO(text, newline=""), delimiter=separator), max_rows):
            yield tuple(cell.strip()[:MAX_CELL] for cell in row[:MAX_COLUMNS])
    except csv.Error as error:
        raise UnreadableFile(f"is no CSV: {error}") from error


def xlsx_sheets(data: bytes, *, max_rows: int = MAX_ROWS) -> list[tuple[str, list[tuple[str, ...]]]]:
    """Name and rows of each sheet; a merged cell stands in each place it covers. Raises UnreadableFile."""
    _check_zip(data)
    try:
        book = load_workbook(BytesIO(data), data_only=True, keep_links=False)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, SyntaxError) as error:
        raise UnreadableFile(f"is no xlsx: {type(error).__name__}") from error
    return [(sheet.title, _sheet_rows(sheet, max_rows)) for sheet in book.worksheets[:MAX_SHEETS]]


def _check_zip(data: bytes) -> None:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as error:
        raise UnreadableFile("is no xlsx: not a zip file") from error
    unpacked = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS or unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(len(data), 10_000):
        raise UnreadableFile(f"is too large inside ({unpacked} bytes in {len(members)} parts)")


def _sheet_rows(sheet: Any, max_rows: int) -> list[tuple[str, ...]]:
    width = min(sheet.max_column or 0, MAX_COLUMNS)
    height = min(sheet.max_row or 0, max_rows)
    grid = [[_cell(value) for value in row] for row in sheet.iter_rows(max_row=height, max_col=width, values_only=True)]
    for merged in list(sheet.merged_cells.ranges)[:MAX_ROWS]:
        if merged.min_row > height or merged.min_col > width or merged.size["columns"] >= width > 1:
            continue  # a line across the whole sheet is its title
        text = grid[merged.min_row - 1][merged.min_col - 1]
        for row in range(merged.min_row, min(merged.max_row, height) + 1):
            for column in range(merged.min_col, min(merged.max_col, width) + 1):
                grid[row - 1][column - 1] = text
    return [tuple(row) for row in grid]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if hasattr(value, "isoformat"):
        return str(value.isoformat(sep=" ") if hasattr(value, "hour") and hasattr(value, "year") else value.isoformat())
    return one_line(str(value)[:MAX_CELL])


def _from_header_on(rows: list[tuple[str, ...]]) -> Table:
    """Titles above the header (rows with a single filled cell) and empty rows are dropped; rows get equal length."""
    filled = [row for row in rows if any(row)]
    start = next((place for place, row in enumerate(filled) if sum(map(bool, row)) > 1), len(filled))
    kept = filled[start:]
    width = max((len(row) for row in kept), default=0)
    return tuple(row + ("",) * (width - len(row)) for row in kept)
