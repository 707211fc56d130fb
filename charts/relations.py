"""How firms are tied, drawn by the server: left those behind a firm, in the middle itself, right where its goods go.

As all charts: shapes stretch, texts keep their size, colours come from classes of desk.css, texts are escaped here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

ROW, TALL = 48, 36  # from one node to the next, and how tall a node is
SIDE, MIDDLE = 30.0, 24.0  # widths in %
LONGEST = 14  # characters of a name that fit a node at the least width (desk.css: .chart.wide)
BEHIND, NEXT = 0.0, 100.0 - SIDE


@dataclass(frozen=True)
class Node:
    """A firm. note: under its name.  href: where it is told of; empty: nowhere.  edge: what stands on its line.

    over: the relation has ended; its line is dashed.
    """

    name: str
    note: str = ""
    href: str = ""
    edge: str = ""
    over: bool = False


def relations(centre: Node, left: Sequence[Node], right: Sequence[Node], *, more: tuple[int, int], label: str) -> str:
    """The graph. more: how many are left out on the left and on the right; they are told of as `+N`."""
    sides = [[*nodes, *([Node(f"+{rest}")] if rest else [])] for nodes, rest in zip((left, right), more, strict=True)]
    rows = max(1, *map(len, sides))
    height = rows * ROW
    middle = height / 2
    lines, boxes = [], [_box(centre, 50 - MIDDLE / 2, MIDDLE, middle, css="node self")]
    for nodes, x, on_left in ((sides[0], BEHIND, True), (sides[1], NEXT, False)):
        first = middle - (len(nodes) - 1) * ROW / 2
        for number, node in enumerate(nodes):
            y = first + number * ROW
            boxes.append(_box(node, x, SIDE, y))
            if node.edge:
                lines.append(_line(node, y, middle, on_left=on_left))
    role = "group" if any(node.href for node in (*left, *right)) else "img"
    return (
        f'<svg class="chart wide" role="{role}" aria-label="{escape(label)}" width="100%" height="{height}">'
        f"{''.join(lines)}{''.join(boxes)}</svg>"
    )


def _line(node: Node, y: float, middle: float, *, on_left: bool) -> str:
    near, far = (SIDE, 50 - MIDDLE / 2) if on_left else (NEXT, 50 + MIDDLE / 2)
    css = "edge over" if node.over else "edge"
    return (
        f'<line class="{css}" x1="{near:g}%" y1="{y:g}" x2="{far:g}%" y2="{middle:g}"/>'
        f'<text class="{"" if on_left else "end"}" x="{near:g}%" dx="{4 if on_left else -4}" y="{y - 4:g}">'
        f"{escape(node.edge)}</text>"
    )


def _box(node: Node, x: float, width: float, y: float, *, css: str = "node") -> str:
    name = node.name if len(node.name) <= LONGEST else f"{node.name[: LONGEST - 1]}…"
    at = f"{x + width / 2:g}%"
    note = f'<text class="mid" x="{at}" y="{y + 13:g}">{escape(node.note)}</text>' if node.note else ""
    said = " · ".join(part for part in (node.name, node.note, node.edge) if part)
    drawn = (
        f'<rect class="{css}" x="{x:g}%" y="{y - TALL / 2:g}" width="{width:g}%" height="{TALL}" rx="3">'
        f"<title>{escape(said)}</title></rect>"
        f'<text class="mid strong" x="{at}" y="{y - (2 if node.note else -4):g}">{escape(name)}</text>{note}'
    )
    return f'<a href="{escape(node.href)}" aria-label="{escape(said)}">{drawn}</a>' if node.href else drawn
