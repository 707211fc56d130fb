"""`new_term`: a pair nobody had seen within the look-back."""

from alerts.conditions.verdict import Verdict, WindowCounts, span_words
from config.conditions import NewTermCondition


def judge(condition: NewTermCondition, counts: WindowCounts) -> Verdict:
    """Fires when the key is new and enough origins tell of it."""
    lookback = span_words(condition.lookback.total_seconds())
    seen = f"此前 {lookback}内出现过" if counts.seen_before else f"此前 {lookback}内未出现过"
    fires = not counts.seen_before and counts.current >= condition.at_least
    reason = f"{seen}，独立来源 {counts.current} 个（需 {condition.at_least} 个）"
    return Verdict(fires, reason, {"count": counts.current, "needed": condition.at_least})
