"""`watched`: the signal is about a firm that stands on a watch-list."""

from alerts.conditions.verdict import Verdict, WindowCounts
from config.conditions import WatchedCondition


def judge(condition: WatchedCondition, counts: WindowCounts) -> Verdict:
    """Fires on every signal that was let in: the lists are asked when the signal comes (alerts/watches.py)."""
    return Verdict(counts.current > 0, "点名企业在关注名单内，一条即触发", {"count": counts.current, "needed": 1})
