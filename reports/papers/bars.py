"""The chart of a paper as PNG: counts a day as bars, black on white as it is printed."""

from html import escape

from charts.png import rendered
from reports.papers.record import Chart

WIDE, HIGH, LEFT, BOTTOM, TOP = 900, 300, 46, 40, 24
FONT = "Noto Sans CJK SC, SimHei, sans-serif"


def picture(chart: Chart) -> bytes:
    """PNG, 1800 pixels wide."""
    return rendered(drawn(chart), 2)


def drawn(chart: Chart, *, page: bool = False) -> str:
    """The same as SVG. page: in the colour of the text around it, without a ground of its own."""
    top = max((count for _, count in chart.steps), default=0)
    steps, room = len(chart.steps), HIGH - BOTTOM - TOP
    wide = (WIDE - LEFT - 10) / max(1, steps)
    floor = HIGH - BOTTOM
    parts = [f'<line x1="{LEFT}" x2="{WIDE - 6}" y1="{floor}" y2="{floor}" stroke="#333" stroke-width="1.5"/>']
    every = max(1, -(-steps // 11))
    for place, (name, count) in enumerate(chart.steps):
        x, height = LEFT + place * wide, room * count / top if top else 0.0
        if count:
            parts.append(_bar(x + wide * 0.18, HIGH - BOTTOM - height, wide * 0.64, height))
            if wide > 26 or count == top:
                parts.append(_text(x + wide / 2, HIGH - BOTTOM - height - 6, str(count), 18))
        if place % every == 0:
            parts.append(_text(x + wide / 2, HIGH - BOTTOM + 22, name, 17))
    parts.append(_text(LEFT - 8, HIGH - BOTTOM + 5, "0", 17, anchor="end"))
    if top:
        parts.append(_text(LEFT - 8, TOP + 5, str(top), 17, anchor="end"))
        parts.append(f'<line x1="{LEFT}" x2="{WIDE - 6}" y1="{TOP}" y2="{TOP}" stroke="#ccc" stroke-dasharray="4 4"/>')
    box = f'viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" height="{HIGH}"'
    label = escape(chart.caption)
    ground = f'<rect width="{WIDE}" height="{HIGH}" fill="#fff"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="{label}">{ground}{"".join(parts)}</svg>'
    )


def _bar(x: float, y: float, wide: float, high: float) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" fill="#4a4a4a"/>'


def _text(x: float, y: float, text: str, size: int, *, anchor: str = "middle") -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {where} font-family="{FONT}" font-size="{size}" fill="#222">{escape(text)}</text>'
