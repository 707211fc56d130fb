"""Counts in, verdict out: what every condition takes and gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class WindowCounts:
    """What a window holds. current: independent origins in it.  sources, places: distinct ones among them.

    previous: origins in the windows before, oldest first; an empty window counts 0.
    seen_before: whether the key was there in the look-back before the window.
    """

    current: int
    sources: int = 1
    places: int = 1
    previous: tuple[int, ...] = ()
    seen_before: bool = False


@dataclass(frozen=True)
class Verdict:
    """fires, and why or why not, in a sentence that people read. numbers: what was compared."""

    fires: bool
    reason: str
    numbers: Mapping[str, float] = field(default_factory=dict)


SPAN_WORDS = (("周", 604800), ("天", 86400), ("小时", 3600), ("分钟", 60))


def span_words(seconds: float) -> str:
    """`7 天`, `24 小时`, `90 分钟`: the largest unit that comes out even, weeks told as days."""
    for word, size in SPAN_WORDS[1:]:
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            return "24 小时" if (word, count) == ("天", 1) else f"{count} {word}"
    return f"{int(seconds)} 秒"
