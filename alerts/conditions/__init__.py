"""One file a condition type: counts in, verdict out; no query, no clock, no sending."""

from collections.abc import Callable, Mapping
from typing import Any

from alerts.conditions import any as any_condition
from alerts.conditions import (
    cardinality,
    chained,
    change,
    flatline,
    frequency,
    listed,
    metric,
    mirrored,
    new_term,
    ratio,
    resonance,
    spike,
    tier_jump,
    watched,
)
from alerts.conditions.verdict import Verdict, WindowCounts
from config.conditions import Condition

_JUDGES: Mapping[str, Callable[[Any, WindowCounts], Verdict]] = {
    "any": any_condition.judge,
    "blacklist": listed.judge,
    "whitelist": listed.judge,
    "watched": watched.judge,
    "mirrored": mirrored.judge,
    "frequency": frequency.judge,
    "spike": spike.judge,
    "new_term": new_term.judge,
    "cardinality": cardinality.judge,
    "resonance": resonance.judge,
    "tier_jump": tier_jump.judge,
    "ratio": ratio.judge,
    "metric": metric.judge,
    "change": change.judge,
    "chained": chained.judge,
    "flatline": flatline.judge,
}
"""All but `anomaly`, which judges days: its judge takes a key's whole past."""


def judge(condition: Condition, counts: WindowCounts) -> Verdict:
    """The verdict of a condition on the counts of one window."""
    return _JUDGES[condition.type](condition, counts)
