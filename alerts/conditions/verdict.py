"""Counts in, verdict out: what every condition takes and gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class WindowCounts:
    """What a window holds. current: independent origins in it.  sources, places: distinct ones among them.

    previous: origins in the windows before, oldest first; an empty window counts 0.
    seen_before: whether the key was there in the look-back before the window.
    values: different values of what the condition counts.  voices: kinds of voice.  part: origins that belong to the
    condition's part.  metric: its number.  steps: origins that met each step of a chain, up to the first step not met.
    before, after: origins of the lower voices, and of the higher ones after them.  was, now: values that changed.
    """

    current: int
    sources: int = 1
    places: int = 1
    previous: tuple[int, ...] = ()
    seen_before: bool = False
    values: int = 0
    voices: tuple[str, ...] = ()
    part: int = 0
    metric: float = 0.0
    steps: tuple[int, ...] = ()
    before: int = 0
    after: int = 0
    was: tuple[str, ...] = ()
    now: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """fires, and why or why not, in a sentence that people read. numbers: what was compared."""

    fires: bool
    reason: str
    numbers: Mapping[str, float] = field(default_factory=dict)


FACT_WORDS = {"firm": "企业", "product": "产品", "issue": "问题", "source": "信源", "place": "地方"}
VOICE_WORDS = {"official": "官方通报", "media": "媒体报道", "complaint": "投诉评价", "social": "自媒体"}
KIND_WORDS = {
    "news": "新闻",
    "notice": "通报",
    "spotcheck": "抽查公告",
    "recall": "召回公告",
    "recall_foreign": "境外召回",
    "complaint": "投诉",
    "review": "评价",
    "social": "自媒体",
    "forum": "论坛",
    "hotlist": "热榜",
}
SPAN_WORDS = (("周", 604800), ("天", 86400), ("小时", 3600), ("分钟", 60))


def span_words(seconds: float) -> str:
    """`7 天`, `24 小时`, `90 分钟`: the largest unit that comes out even, weeks told as days."""
    for word, size in SPAN_WORDS[1:]:
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            return "24 小时" if (word, count) == ("天", 1) else f"{count} {word}"
    return f"{int(seconds)} 秒"
