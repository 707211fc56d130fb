"""`blacklist` and `whitelist`: a field holds a listed value, or one that is not listed."""

from alerts.conditions.verdict import FACT_WORDS, Verdict, WindowCounts
from config.conditions import BlacklistCondition, WhitelistCondition


def judge(condition: BlacklistCondition | WhitelistCondition, counts: WindowCounts) -> Verdict:
    """Fires on every signal that was let in: the list is asked when the signal comes (alerts/parts.py)."""
    inside = "在" if condition.type == "blacklist" else "不在"
    named = f"“{condition.list}”" if condition.list else ""
    reason = f"{FACT_WORDS[condition.field]}{inside}名单{named}（{len(condition.values)} 项）内，一条即触发"
    return Verdict(counts.current > 0, reason, {"count": counts.current, "listed": len(condition.values)})
