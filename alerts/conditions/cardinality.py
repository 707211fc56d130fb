"""`cardinality`: so many different values within a window."""

from alerts.conditions.verdict import FACT_WORDS, Verdict, WindowCounts, span_words
from config.conditions import CardinalityCondition


def judge(condition: CardinalityCondition, counts: WindowCounts) -> Verdict:
    """Fires at `at_least` different values; a value that several origins name is one."""
    span = span_words(condition.window.total_seconds())
    told = f"{span}内独立来源 {counts.current} 个，涉及不同{FACT_WORDS[condition.of]} {counts.values} 个"
    numbers = {"count": counts.current, "values": counts.values, "needed": condition.at_least}
    return Verdict(counts.values >= condition.at_least, f"{told}（需 {condition.at_least} 个）", numbers)
