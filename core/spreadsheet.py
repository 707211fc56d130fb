"""Tables that a spreadsheet opens as they stand: no cell taken for a formula; CSV as UTF-8 with its mark. The one guard
of all files that leave."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

UNSEEN = r"\s\x00-\x1f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
FORMULA = re.compile(rf"[\t\r\n]|[{UNSEEN}]*[=+\-@＝＋－＠]")
"""What a spreadsheet may take for the start of a formula, behind blanks and marks nobody sees; wide forms too, where
the system's language is Chinese."""
MOST_LETTERS = 32_000
"""A cell of a workbook holds 32,767."""


class TextCell(Protocol):
    """What openpyxl calls a cell."""

    value: Any
    data_type: Any
    quotePrefix: Any


def safe(cell: object) -> object:
    """A text from outside that begins like a formula, after an apostrophe; numbers as they are."""
    if isinstance(cell, str) and FORMULA.match(cell):
        return f"'{cell}"
    return cell


def unsafe(text: str) -> str:
    """What `safe` made of it, taken back: for a sheet that comes back to us."""
    return text[1:] if text.startswith("'") and FORMULA.match(text[1:]) else text


def workbook_text(text: str) -> str:
    """A text for a cell of a workbook: no formula, and without the signs that a workbook cannot hold."""
    return str(safe(_holdable(text)))


def put_text(cell: TextCell, text: str) -> None:
    """A text into a cell as it stands, marked as text where it begins like a formula: for sheets that are printed and
    signed, where an apostrophe would be read."""
    kept = _holdable(text)
    cell.value = kept
    if FORMULA.match(kept):
        cell.data_type, cell.quotePrefix = "s", True


def _holdable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\u3000")[:MOST_LETTERS]


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A whole table; None is an empty cell."""
    buffer = io.StringIO()
    buffer.write("\ufeff")
    writer = csv.writer(buffer)
    writer.writerow([safe(cell) for cell in header])
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return buffer.getvalue()
