"""CSV that a spreadsheet opens as it stands: UTF-8 with its mark, and no cell taken for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the start of a formula; wide forms too, where the system's language is Chinese."""


def safe(cell: object) -> object:
    """A text from outside that begins like a formula, after an apostrophe; numbers as they are."""
    if isinstance(cell, str) and cell.lstrip(" \u3000").startswith(FORMULA):
        return f"'{cell}"
    return cell


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A whole table; None is an empty cell."""
    buffer = io.StringIO()
    buffer.write("\ufeff")
    writer = csv.writer(buffer)
    writer.writerow([safe(cell) for cell in header])
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return buffer.getvalue()
