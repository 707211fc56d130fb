"""SVG charts drawn by the server: numbers in, markup out, colours from desk.css classes.

Every chart is as wide as its place. Shapes live in an inner <svg preserveAspectRatio="none"> and stretch; texts, bars
and dots use percentages in the outer one, so they keep their size at 390 px as at 1440 px. `label` is what a screen
reader says: state the finding, not the kind of chart. Levels are 0 (none) to 4 (red). All texts are escaped here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

HEADROOM = 0.92  # the highest value reaches 92 % of the plot, so that a dot and its note fit above it
STEPS = (1, 2, 4, 6, 10, 16, 20, 30, 40, 50, 60, 80, 100, 120, 150, 200, 300, 400, 500, 800, 1000)

Tick = tuple[float, str]  # place in % of the width, text


@dataclass(frozen=True)
class Lane:
    """One line of a dossier.

    spans: (from %, to %, "valid" | "lapsed" | "fired", text); from = to is a note beside a dot.
    dots: (at %, level, what).  doors: where each dot leads, in the same order; none, or "" for one: nowhere.
    """

    name: str
    spans: Sequence[tuple[float, float, str, str]] = ()
    dots: Sequence[tuple[float, int, str]] = ()
    doors: Sequence[str] = ()


def trend(
    seen: Sequence[float],
    expected: Sequence[float],
    upper: Sequence[float],
    lower: Sequence[float] | None = None,
    *,
    label: str,
    marks: Sequence[tuple[int, int]] = (),
    notes: Sequence[tuple[int, str]] = (),
    ticks: Sequence[Tick] = (),
    links: Sequence[tuple[str, str]] = (),
    height: int = 150,
    unit: str = "",
) -> str:
    """Observed line over its expected band; all series have one value a step.

    marks: (step, level).  notes: (step, text).  links: (address, what it shows) a step; a step of 0 is no link.
    At least one step.
    """
    count = len(seen)
    top = ceiling(max(*seen, *upper))
    xs = [100 * (i + 0.5) / count for i in range(count)]

    def y(value: float) -> float:
        return 100 - 100 * HEADROOM * value / top

    def points(values: Sequence[float], order: Sequence[int]) -> str:
        return " ".join(f"{_n(xs[i])},{_n(y(values[i]))}" for i in order)

    forward = range(count)
    band = points(upper, forward) + " " + points(lower or [0.0] * count, forward[::-1])
    shapes = (
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" width="100%" height="{height}">'
        f'<polygon class="bandfill" points="{band}"/><polyline class="expect" points="{points(expected, forward)}"/>'
        f'<polyline class="seen" points="{points(seen, forward)}"/></svg>'
    )
    dots = "".join(
        f'<circle class="l{level}" cx="{_n(xs[i])}%" cy="{_n(height * y(seen[i]) / 100)}" r="5">'
        f"<title>{seen[i]:g}{escape(unit)}</title></circle>"
        for i, level in marks
    )
    said = "".join(
        f'<text class="strong {"end" if xs[i] > 85 else "mid"}" x="{_n(xs[i] - (1.2 if xs[i] > 85 else 0))}%"'
        f' y="{_n(max(11, height * y(seen[i]) / 100 - 4))}">{escape(text)}</text>'
        for i, text in notes
    )
    under, over = _grid(height, top, unit)
    doors = "".join(_door(links[i], i, count, height) for i in range(len(links)) if seen[i])
    role = "group" if links else "img"  # an image hides its links from a screen reader
    return _frame(height, label, under + shapes + over + dots + said + doors + _ticks(height, ticks), role=role)


def _door(link: tuple[str, str], step: int, count: int, height: int, drawn: str = "") -> str:
    """A column that leads somewhere, with what is drawn in it."""
    href, what = link
    hit = f'<rect class="hit" x="{_n(100 * step / count)}%" width="{_n(100 / count)}%" y="0" height="{height}"/>'
    return f'<a href="{escape(href)}" aria-label="{escape(what)}"><title>{escape(what)}</title>{hit}{drawn}</a>'


def small(
    seen: Sequence[float],
    before: Sequence[float] = (),
    *,
    top: float,
    label: str,
    ticks: Sequence[Tick] = (),
    height: int = 84,
) -> str:
    """One of several small charts on one scale: a line over its area, dashed the same steps of the time before.

    top: the highest value of all of them, so that heights compare.  before: may have more or fewer steps; those that
    have no place here are left out.
    """
    count = len(seen)
    xs = [100 * i / (count - 1) for i in range(count)] if count > 1 else [0.0, 100.0]

    def points(values: Sequence[float]) -> str:
        both_ends = values if count > 1 else [values[0], values[0]]  # one step is a level line
        return " ".join(
            f"{_n(x)},{_n(100 - 100 * HEADROOM * value / (top or 1))}" for x, value in zip(xs, both_ends, strict=False)
        )

    shapes = f'<polygon class="bandfill" points="0,100 {points(seen)} 100,100"/>' if seen else ""
    if before:
        shapes += f'<polyline class="expect" points="{points(before)}"/>'
    if seen:
        shapes += f'<polyline class="seen" points="{points(seen)}"/>'
    plot = f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" width="100%" height="{height}">{shapes}</svg>'
    axis = f'<line class="axis" x1="0" x2="100%" y1="{height}" y2="{height}"/>'
    return _frame(height, label, plot + axis + _ticks(height, ticks))


def bars(
    stacks: Sequence[Sequence[float]],
    *,
    label: str,
    ticks: Sequence[Tick] = (),
    links: Sequence[tuple[str, str]] = (),
    height: int = 110,
    unit: str = "",
    gap: float = 0.18,
    css: str = "l",
) -> str:
    """Stacked histogram: one list a bar, counts by level 0 to 4, lowest at the bottom.

    css: class of the shades, `l` for levels (l0 to l4), `s` (s0 to s5) for what is no level.
    links: (address, what it shows) a bar; the whole column is then a link, unless the bar is empty.
    """
    top = ceiling(max(sum(stack) for stack in stacks))
    width = 100 / len(stacks)
    cells = []
    for i, stack in enumerate(stacks):
        drawn = _stack(stack, css, x=i * width + width * gap / 2, width=width * (1 - gap), height=height, top=top)
        cells.append(_door(links[i], i, len(stacks), height, drawn) if links and drawn else drawn)
    under, over = _grid(height, top, unit)
    role = "group" if links else "img"  # an image hides its links from a screen reader
    return _frame(height, label, under + "".join(cells) + over + _ticks(height, ticks), role=role)


def _stack(stack: Sequence[float], css: str, *, x: float, width: float, height: int, top: float) -> str:
    cells, base = [], 0.0
    for level, value in enumerate(stack):
        if not value:
            continue
        tall = HEADROOM * height * value / top
        cells.append(
            f'<rect class="{css}{level}" x="{_n(x)}%" width="{_n(width)}%"'
            f' y="{_n(height - base - tall)}" height="{_n(max(tall - (0.6 if base else 0), 0.8))}"/>'
        )
        base += tall
    return "".join(cells)


def spark(seen: Sequence[float], upper: Sequence[float], level: int = 0, *, label: str) -> str:
    """72 x 18: a line over its limit; the last point carries the level. At least two values."""
    top = max(*seen, *upper) or 1
    xs = [2 + 64 * i / (len(seen) - 1) for i in range(len(seen))]
    line = [f"{_n(x)},{_n(16 - 14 * value / top)}" for x, value in zip(xs, seen, strict=True)]
    band = " ".join(f"{_n(x)},{_n(16 - 14 * value / top)}" for x, value in zip(xs, upper, strict=True))
    return (
        f'<svg class="spark chart" width="72" height="18" viewBox="0 0 72 18" role="img" aria-label="{escape(label)}">'
        f'<polygon class="bandfill" points="2,16 {band} 66,16"/><polyline class="seen" points="{" ".join(line)}"/>'
        f'<circle class="l{level}" cx="66" cy="{line[-1].split(",")[1]}" r="3.5"/></svg>'
    )


def meter(value: float, top: float, *, label: str) -> str:
    """A bar as long as `value` is of `top` (> 0)."""
    return (
        f'<svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{escape(label)}">'
        f'<rect width="100" height="8"/><rect class="v" width="{_n(100 * value / top)}" height="8"/></svg>'
    )


def runs(outcomes: str, *, label: str) -> str:
    """One bar a run, newest right: o brought something, z nothing new, f failed."""
    shape = {"o": ("", 0, 16), "z": ("z", 10, 6), "f": ("f", 0, 16)}
    cells = []
    for i, mark in enumerate(outcomes):
        css, y, tall = shape[mark]
        cells.append(f'<rect class="{css}" x="{i * 5.5:g}" y="{y}" width="4" height="{tall}"/>')
    return (
        f'<svg class="runs" viewBox="0 0 {max(len(outcomes), 1) * 5.5:g} 16" preserveAspectRatio="xMaxYMid meet"'
        f' role="img" aria-label="{escape(label)}">{"".join(cells)}</svg>'
    )


def lanes(rows: Sequence[Lane], *, label: str, ticks: Sequence[Tick], as_of: Tick | None = None, lane: int = 26) -> str:
    """Time lanes of one enterprise: a fixed column of names beside a fluid plot."""
    height = lane * len(rows)
    names, plot = [], []
    for n, row in enumerate(rows):
        names.append(f'<text class="strong" x="0" y="{n * lane + 17}">{escape(row.name)}</text>')
        plot.append(_lane(row, top=n * lane, lane=lane))
    plot.append(_ticks(height, ticks))
    if as_of:
        at, text = as_of
        plot.append(f'<line class="now" x1="{_n(at)}%" x2="{_n(at)}%" y1="0" y2="{height + 4}"/>')
        plot.append(f'<text class="strong end" x="100%" y="{height + 16}">{escape(text)}</text>')
    tall, role = height + 20, "group" if any(row.doors for row in rows) else "img"
    return (
        f'<div class="lanes"><svg class="chart" height="{tall}" aria-hidden="true">{"".join(names)}</svg>'
        f'<svg class="chart" role="{role}" aria-label="{escape(label)}" width="100%" height="{tall}">'
        f"{''.join(plot)}</svg></div>"
    )


def _lane(row: Lane, *, top: int, lane: int) -> str:
    plot = [f'<rect class="lane" x="0" width="100%" y="{top + 3}" height="{lane - 6}"/>']
    for start, end, css, text in row.spans:
        if start == end:  # a note beside a dot; .x2, since dots come close on a phone
            plot.append(f'<text class="strong x2" x="{_n(start)}%" dx="9" y="{top + 17}">{escape(text)}</text>')
            continue
        place = f'x="{_n(start)}%" width="{_n(end - start)}%" y="{top + 5}" height="{lane - 10}"'
        plot.append(f'<rect class="{escape(css)}" {place}/>')
        if text:
            plot.append(f'<text class="strong" x="{_n(start + 0.8)}%" y="{top + 17}">{escape(text)}</text>')
    for n, (at, level, what) in enumerate(row.dots):
        door = row.doors[n] if n < len(row.doors) else ""
        place = f'cx="{_n(at)}%" cy="{top + lane / 2:g}" r="5"'
        dot = f'<circle class="l{level}" {place}><title>{escape(what)}</title></circle>'
        plot.append(f'<a href="{escape(door)}" aria-label="{escape(what)}">{dot}</a>' if door else dot)
    return "".join(plot)


def _n(value: float) -> str:
    text = f"{value:.2f}"
    return text.rstrip("0").rstrip(".")


def ceiling(value: float) -> float:
    """The next round number, so that two axes side by side read alike."""
    return next((float(step) for step in STEPS if value * 1.02 <= step), value)


def _grid(height: int, top: float, unit: str) -> tuple[str, str]:
    """Two grid lines (drawn first) and their labels (drawn last, so that no band covers them)."""
    under, over = [], []
    for part, suffix in ((0.5, ""), (1.0, unit)):
        y = height - height * part * HEADROOM
        under.append(f'<line class="grid" x1="0" x2="100%" y1="{_n(y)}" y2="{_n(y)}"/>')
        over.append(f'<text x="0" y="{_n(y - 3)}">{top * part:g}{escape(suffix)}</text>')
    return "".join(under) + f'<line class="axis" x1="0" x2="100%" y1="{height}" y2="{height}"/>', "".join(over)


def _ticks(height: int, ticks: Sequence[Tick]) -> str:
    """Every second tick is .x2 and disappears on a narrow screen."""
    cells = []
    for n, (x, text) in enumerate(ticks):
        css = ("" if x < 3 else "end" if x > 97 else "mid") + (" x2" if n % 2 else "")
        cells.append(f'<text class="{css}" x="{_n(x)}%" y="{height + 14}">{escape(text)}</text>')
    return "".join(cells)


def _frame(height: int, label: str, body: str, *, role: str = "img") -> str:
    open_tag = f'<svg class="chart" role="{role}" aria-label="{escape(label)}" width="100%" height="{height + 18}">'
    return f"{open_tag}{body}</svg>"
