"""Tables for a terminal: columns aligned by what characters take on the screen, text from outside made harmless."""

from collections.abc import Iterator, Mapping, Sequence
from unicodedata import combining, east_asian_width

GAP = "  "


def table_lines(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, widest: Mapping[int, int] | None = None
) -> Iterator[str]:
    """Header and rows as lines. widest: screen columns a column (by number) may take; longer cells are cut with …."""
    limits = widest or {}
    cells = [[_cut(plain(cell), limits.get(place)) for place, cell in enumerate(row)] for row in (header, *rows)]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield GAP.join(cell + " " * (size - width(cell)) for cell, size in zip(row, widths, strict=True)).rstrip()


def plain(text: str) -> str:
    """`text` on one line, without what a terminal would obey (escape sequences, direction marks)."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def width(text: str) -> int:
    """Columns that `text` takes on the screen: Chinese characters two."""
    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def _cut(text: str, limit: int | None) -> str:
    if limit is None or width(text) <= limit:
        return text
    while text and width(text) > limit - 1:
        text = text[:-1]
    return f"{text}…"
