"""`mirrored`: a recall abroad very likely means a firm of the registry, and nobody has confirmed it yet."""

from alerts.conditions.verdict import Verdict, WindowCounts
from config.conditions import MirroredCondition


def judge(condition: MirroredCondition, counts: WindowCounts) -> Verdict:
    """Fires on every recall that was let in: the queue is asked when the recall is judged (alerts/mirrored.py)."""
    return Verdict(counts.current > 0, "境外召回疑似涉及省内企业，一条即触发", {"count": counts.current, "needed": 1})
