"""A finding of a rule with the time that it stands, and what rules of all kinds need to make one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.cards import Card
from alerts.conditions.verdict import Verdict
from alerts.counting import alive
from config.conditions import ChainedCondition, TierJumpCondition, WindowCondition
from config.rules import Rule
from core.ids import short_id
from core.records import Finding


@dataclass(frozen=True)
class Held:
    """A finding and when it lost its ground (None: it stands). floor: a level that doubts do not lower."""

    finding: Finding
    rank: int
    lost_at: datetime | None
    floor: int = 0

    def stands_at(self, moment: datetime) -> bool:
        """Whether it stood then."""
        return self.finding.fired_at <= moment and (self.lost_at is None or self.lost_at > moment)


def forgets(rule: Rule) -> bool:
    """Whether what fires at a moment does not depend on what fired before; where it does, the past is judged too."""
    return not isinstance(rule.condition, ChainedCondition | TierJumpCondition)


def may_fire(rule: Rule, window: Sequence[Card]) -> bool:
    """Whether something in the window came while the rule was in force: what came before only counts."""
    return any(rule.id in card.rules for card in window)


def lost_at(window: Sequence[Card], counted: Sequence[Card], again: Callable[[list[Card]], Verdict]) -> datetime | None:
    """When the window stopped to carry the finding; None while what is left of it still fires.

    A revision stands in for the one it replaces while the rule still counts it.
    """
    documents = {card.document for card in window}
    theirs = [card for card in counted if card.document in documents]
    first = max(card.at for card in window)
    for end in sorted({card.until for card in theirs if card.until is not None}):
        if end > first and not again(alive(theirs, end)).fires:
            return end
    return None


def make_finding(
    rule: Rule, key: str, cards: Sequence[Card], *, start: datetime, end: datetime, verdict: Verdict
) -> Finding:
    """A finding with the id that follows from rule, version, key and window start.

    Where a rule may fire again before its window is over, two windows can begin with the same signal: then the moment
    it fires belongs to the id, too.
    """
    condition, repeat = rule.condition, rule.repeat_after
    overlapping = isinstance(condition, WindowCondition) and repeat is not None and repeat < condition.window
    fired = (end.isoformat(),) if overlapping else ()
    return Finding(
        id=short_id("f", rule.id, rule.version, key, start.isoformat(), *fired),
        rule=rule.id,
        rule_version=rule.version,
        key=key,
        level=rule.rank,
        window_start=start,
        window_end=end,
        fired_at=end,
        reason=f"规则「{rule.title}」：{verdict.reason}{_asked(rule)}",
        documents=tuple(dict.fromkeys(card.document for card in cards)),
        numbers=dict(verdict.numbers),
    )


def _asked(rule: Rule) -> str:
    return f"；检索语句“{shortened(rule.scope.query, 80)}”" if rule.scope.query else ""


def shortened(title: str, most: int = 40) -> str:
    """A title in one line of at most `most` characters."""
    line = " ".join(title.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
