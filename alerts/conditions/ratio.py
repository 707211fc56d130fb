"""`ratio`: a part of what a window holds is too large a share of it."""

from alerts.conditions.verdict import Verdict, WindowCounts, span_words
from config.conditions import RatioCondition


def judge(condition: RatioCondition, counts: WindowCounts) -> Verdict:
    """Fires when of at least `at_least` origins the share `share` or more belongs to the part."""
    share = counts.part / counts.current if counts.current else 0.0
    fires = counts.current >= condition.at_least and share >= condition.share
    span = span_words(condition.window.total_seconds())
    told = f"{span}内独立来源 {counts.current} 个，其中 {counts.part} 个属于所指的一类，占 {share:.0%}"
    needed = f"（需 {condition.at_least} 个来源、占 {condition.share:.0%} 以上）"
    return Verdict(fires, told + needed, {"count": counts.current, "part": counts.part, "share": round(share, 4)})
