"""`spike`: a window against the windows before it."""

from statistics import fmean

from alerts.conditions.verdict import Verdict, WindowCounts, span_words
from config.conditions import SpikeCondition


def judge(condition: SpikeCondition, counts: WindowCounts) -> Verdict:
    """Fires when the window holds `ratio` times what was usual, and at least `at_least`."""
    usual = fmean(counts.previous) if counts.previous else 0.0
    needed = max(float(condition.at_least), usual * condition.ratio)
    fires = counts.current >= needed and (condition.places == 1 or counts.places >= condition.places)
    span = span_words(condition.window.total_seconds())
    before = f"此前 {len(counts.previous)} 个同长时段平均 {usual:.1f} 个"
    reason = f"{span}内独立来源 {counts.current} 个，{before}（需 {needed:.1f} 个）"
    return Verdict(fires, reason, {"count": counts.current, "usual": round(usual, 2), "needed": round(needed, 2)})
