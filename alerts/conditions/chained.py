"""`chained`: several things happen to one enterprise or in one matter."""

from alerts.conditions.verdict import Verdict, WindowCounts, span_words
from config.conditions import ChainedCondition


def judge(condition: ChainedCondition, counts: WindowCounts) -> Verdict:
    """Fires when every step was met; the caller finds the steps in order of event time."""
    met = [number for number, step in zip(counts.steps, condition.steps, strict=False) if number >= step.at_least]
    span, order = span_words(condition.window.total_seconds()), "先后" if condition.ordered else ""
    told = "、".join(f"第 {place} 步 {number} 个来源" for place, number in enumerate(counts.steps, 1))
    reason = f"{span}内{order}满足 {len(met)}/{len(condition.steps)} 步（{told}）"
    return Verdict(len(met) == len(condition.steps), reason, {"steps": len(met), "needed": len(condition.steps)})
