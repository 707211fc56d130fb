"""`change`: another value than before."""

from alerts.conditions.verdict import FACT_WORDS, Verdict, WindowCounts, span_words
from config.conditions import ChangeCondition


def judge(condition: ChangeCondition, counts: WindowCounts) -> Verdict:
    """Fires when both origins have a value and share none."""
    fires = bool(counts.was and counts.now) and not set(counts.was) & set(counts.now)
    what, span = FACT_WORDS[condition.of], span_words(condition.window.total_seconds())
    change = f"由 {'、'.join(counts.was) or '无'} 变为 {'、'.join(counts.now) or '无'}"
    return Verdict(fires, f"{span}内{what}{change}", {"count": counts.current})
