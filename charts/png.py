"""Charts as PNG for mails and papers: the same numbers and specification as `charts.svg`, with literal colours.

Drawn as SVG and turned into a picture by resvg, which loads on first use. Whether Chinese letters come out is
looked at, not assumed: two characters that look alike in a picture are not there, and no picture is made.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from html import escape
from io import BytesIO
from math import ceil

from charts.svg import HEADROOM, Tick, ceiling

FONT = "Noto Sans CJK SC, Source Han Sans SC, Microsoft YaHei, PingFang SC, WenQuanYi Micro Hei, SimHei, sans-serif"
INK, SOFT, BAND, EXPECT, GRID, PAPER = "#1a201f", "#5c6663", "#dde2e0", "#7d8784", "#e6e9e8", "#ffffff"
MARKS = ("#82908c", "#2b62c4", "#f0c419", "#e2711d", "#b0121b")
"""Of levels 0 to 4, as tokens.css has them in the light theme."""
WIDE, PLOT, UNDER = 440, 110, 24
LEFT, RIGHT = 6, 14
EDGE = 18
"""Half of what the word below a step takes."""
PROBE = ("烽", "燧")
SHADES = 48
"""Colours kept: a chart has ten and their edges; 48 kB as drawn, 9 kB so."""


def png_of(svg: str) -> bytes | None:
    """The picture at two and a half times its size; None where no font here has Chinese characters."""
    return _png(svg) if has_chinese() else None


@cache
def has_chinese() -> bool:
    """Whether Chinese characters come out: one that is missing is drawn as nothing, or as the same box as another."""
    pictures = {_png(_svg(40, 40, _text(20, 28, one, 20, INK))) for one in (*PROBE, "")}
    return len(pictures) == len(PROBE) + 1


def trend_svg(
    seen: Sequence[float],
    expected: Sequence[float],
    upper: Sequence[float],
    lower: Sequence[float],
    *,
    label: str,
    marks: Sequence[tuple[int, int]] = (),
    note: str = "",
    ticks: Sequence[Tick] = (),
    unit: str = "",
) -> str:
    """Observed line over its expected band, as `charts.svg.trend`. note: said beside the last step. At least one."""
    count, top = len(seen), ceiling(max(*seen, *upper, 1))
    xs = [LEFT + (WIDE - LEFT - RIGHT) * (i + 0.5) / count for i in range(count)]
    begin = 20

    def y(value: float) -> float:
        return begin + PLOT - PLOT * HEADROOM * value / top

    def points(values: Sequence[float], order: Sequence[int]) -> str:
        return " ".join(f"{xs[i]:.1f},{y(values[i]):.1f}" for i in order)

    forward = range(count)
    parts = [
        _line(y(top * part), GRID) + _text(LEFT, y(top * part) - 4, f"{top * part:g}{suffix}", 12, SOFT, "start")
        for part, suffix in ((0.5, ""), (1.0, unit))
    ]
    parts.insert(0, f'<polygon points="{points(upper, forward)} {points(lower, forward[::-1])}" fill="{BAND}"/>')
    parts.append(_line(begin + PLOT, SOFT))
    dashed = f'stroke="{EXPECT}" stroke-width="1.2" stroke-dasharray="4 3" fill="none"'
    parts.append(f'<polyline points="{points(expected, forward)}" {dashed}/>')
    parts.append(
        f'<polyline points="{points(seen, forward)}" stroke="{INK}" stroke-width="1.8" fill="none"'
        ' stroke-linejoin="round"/>'
    )
    for i, level in marks:
        parts.append(
            f'<circle cx="{xs[i]:.1f}" cy="{y(seen[i]):.1f}" r="5" fill="{MARKS[level]}" stroke="{PAPER}"'
            ' stroke-width="1.5"/>'
        )
    if note:
        wide = sum(14 if ord(letter) > 255 else 8 for letter in note)
        steps = max(1, ceil(wide * count / (WIDE - LEFT - RIGHT)) + 1)
        near = [*seen[-steps:], *upper[-steps:]]  # above all that is drawn where it stands
        parts.append(_text(WIDE - RIGHT, max(14, y(max(near)) - 9), note, 14, INK, "end", bold=True))
    for x, text in ticks:  # whole, also at the edges
        at = min(WIDE - EDGE, max(EDGE, LEFT + (WIDE - LEFT - RIGHT) * x / 100))
        parts.append(_text(at, begin + PLOT + 17, text, 12, SOFT))
    return _svg(WIDE, begin + PLOT + UNDER, "".join(parts), label)


def _svg(wide: int, high: int, body: str, label: str = "") -> str:
    said = f' role="img" aria-label="{escape(label)}"' if label else ""
    ground = f'<rect width="{wide}" height="{high}" fill="{PAPER}"/>'
    box = f'viewBox="0 0 {wide} {high}" width="{wide}" height="{high}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}{said}>{ground}{body}</svg>'


def _text(x: float, y: float, text: str, size: int, colour: str, anchor: str = "middle", *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {where} font-family="{FONT}" font-size="{size}"{weight} fill="{colour}">{escape(text)}</text>'


def _line(y: float, colour: str) -> str:
    return f'<line x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}"/>'


@lru_cache(maxsize=64)
def _png(svg: str) -> bytes:
    from PIL import Image  # here: only where a picture is drawn

    drawn = Image.open(BytesIO(rendered(svg, 2.5))).convert("RGB")
    small = BytesIO()
    drawn.quantize(SHADES, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()


def rendered(svg: str, zoom: float) -> bytes:
    """`svg` as PNG in all its colours, so many times as large. Letters come from the fonts of the machine."""
    import resvg_py  # here: only where a picture is drawn

    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom))
