"""`any`: one signal in scope is enough."""

from alerts.conditions.verdict import Verdict, WindowCounts
from config.conditions import AnyCondition


def judge(condition: AnyCondition, counts: WindowCounts) -> Verdict:
    """Fires on every signal."""
    return Verdict(counts.current > 0, "一条即触发", {"count": counts.current, "needed": 1})
