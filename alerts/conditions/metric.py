"""`metric`: a number over the origins of a window."""

from alerts.conditions.verdict import Verdict, WindowCounts, span_words
from config.conditions import MetricCondition

OF_WORDS = {"hurt": "伤亡人数", "dead": "死亡人数", "level": "单篇定级"}
HOW_WORDS = {"sum": "合计", "max": "最多一篇", "mean": "平均"}


def judge(condition: MetricCondition, counts: WindowCounts) -> Verdict:
    """Fires at `at_least` or more."""
    span = span_words(condition.window.total_seconds())
    what = f"{OF_WORDS[condition.of]}{HOW_WORDS[condition.how]}"
    told = f"{span}内独立来源 {counts.current} 个，{what} {counts.metric:g}（需 {condition.at_least:g}）"
    numbers = {"count": counts.current, "metric": round(counts.metric, 4), "needed": condition.at_least}
    return Verdict(counts.current > 0 and counts.metric >= condition.at_least, told, numbers)
