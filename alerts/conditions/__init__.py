"""One file a condition type: counts in, verdict out; no query, no clock, no sending."""

from alerts.conditions import any as any_condition
from alerts.conditions import frequency, new_term, spike
from alerts.conditions.verdict import Verdict, WindowCounts
from config.rules import AnyCondition, Condition, FrequencyCondition, NewTermCondition


def judge(condition: Condition, counts: WindowCounts) -> Verdict:
    """The verdict of a condition on the counts of one window."""
    if isinstance(condition, AnyCondition):
        return any_condition.judge(condition, counts)
    if isinstance(condition, FrequencyCondition):
        return frequency.judge(condition, counts)
    if isinstance(condition, NewTermCondition):
        return new_term.judge(condition, counts)
    return spike.judge(condition, counts)
