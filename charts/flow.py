"""Boxes in columns with lines between them: who made what, and who sold it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

ROW, BOX, TOP = 54, 42, 22
"""Pixels: from one box to the next, height of a box, space for the heads of the columns."""
GAP = 8.0
"""Percent of the width between columns; on it lie the lines, and those within a column."""
LONGEST = 17
"""Characters of a line in a box at the least width (desk.css: .chart.wide)."""


@dataclass(frozen=True)
class Box:
    """href: where it leads, or "".  css: of its frame: "" | self | grave | dim."""

    id: str
    text: str
    note: str = ""
    href: str = ""
    css: str = ""


@dataclass(frozen=True)
class Link:
    """A line from one box to another. text: what it says (read on hovering and by readers of the screen)."""

    one: str
    other: str
    text: str


def flow(columns: Sequence[tuple[str, Sequence[Box]]], links: Sequence[Link], *, label: str) -> str:
    """An SVG. columns: head and boxes, left to right; a link to a box that is not drawn is left out."""
    wide = (100 - GAP * (len(columns) - 1) - 2 * GAP / 2) / len(columns)
    height = TOP + ROW * max((len(boxes) for _, boxes in columns), default=1)
    places = {
        box.id: (number, GAP / 2 + number * (wide + GAP), TOP + ROW * row)
        for number, (_, boxes) in enumerate(columns)
        for row, box in enumerate(boxes)
    }
    parts = [_link(link, places, wide, n) for n, link in enumerate(links) if {link.one, link.other} <= places.keys()]
    for number, (head, boxes) in enumerate(columns):
        parts.append(f'<text x="{GAP / 2 + number * (wide + GAP):g}%" y="13">{escape(head)}</text>')
        parts += [_box(box, places[box.id], wide) for box in boxes]
    opened = f'<svg class="chart wide flow" role="group" aria-label="{escape(label)}" width="100%" height="{height}">'
    return f"{opened}{''.join(parts)}</svg>"


def _box(box: Box, place: tuple[int, float, float], wide: float) -> str:
    _, x, y = place
    css = escape(" ".join(filter(None, ("node", box.css))))
    frame = f'<rect class="{css}" x="{x:g}%" y="{y:g}" width="{wide:g}%" height="{BOX}" rx="4"/>'
    words = f"{box.text}，{box.note}" if box.note else box.text
    lines = f'<text class="strong" x="{x + 1:g}%" y="{y + 17:g}">{escape(_short(box.text))}</text>'
    if box.note:
        lines += f'<text x="{x + 1:g}%" y="{y + 33:g}">{escape(_short(box.note))}</text>'
    drawn = f"{frame}{lines}<title>{escape(words)}</title>"
    return f'<a href="{escape(box.href)}" aria-label="{escape(words)}">{drawn}</a>' if box.href else f"<g>{drawn}</g>"


def _link(link: Link, places: Mapping[str, tuple[int, float, float]], wide: float, number: int) -> str:
    left, right = sorted((places[link.one], places[link.other]))
    top, bottom = left[2] + BOX / 2, right[2] + BOX / 2
    title = f"<title>{escape(link.text)}</title>"
    if left[0] == right[0]:  # within a column: around its right side, each line a little further out
        x, out = left[1] + wide, left[1] + wide + 0.6 + number % 5 * 0.6
        return f"<g>{_line(x, top, out, top)}{_line(out, top, out, bottom)}{_line(out, bottom, x, bottom)}{title}</g>"
    return f"<g>{_line(left[1] + wide, top, right[1], bottom)}{title}</g>"


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="edge" x1="{x1:.2f}%" y1="{y1:g}" x2="{x2:.2f}%" y2="{y2:g}"/>'


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
