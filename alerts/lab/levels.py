"""For types without a threshold of their own: what a rule would do if it counted graver signals only."""

from collections.abc import Mapping
from dataclasses import replace

from alerts.lab.replayed import Replayed
from alerts.lab.walk import Group, recorder_for, walk
from config.conditions import WindowCondition
from config.regions import Regions
from config.rules import Rule

GRAVEST = 4


def by_level(rule: Rule, replayed: Replayed, regions: Regions) -> Mapping[float, Replayed]:
    """The same replay with each lowest level from the rule's own up; empty where the type has thresholds to turn."""
    if replayed.moments is None or replayed.moments.own or not isinstance(rule.condition, WindowCondition):
        return {}
    lowest = max(1, rule.scope.min_level)
    found: dict[float, Replayed] = {float(lowest): replayed}
    for level in range(lowest + 1, GRAVEST + 1):
        groups = [_graver(group, level) for group in replayed.groups]
        recorder = recorder_for(rule)
        for place, group in enumerate(groups):
            walk(rule, place, group.cards, regions, recorder)
        found[float(level)] = replace(replayed, groups=groups, moments=recorder.moments())
    return found


def _graver(group: Group, level: int) -> Group:
    return replace(group, cards=[card for card in group.cards if card.level >= level])
