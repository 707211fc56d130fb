"""For each rule how near a signal came: not in its scope, below its threshold, or counted and fired."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal

from sqlalchemy import Connection

from alerts.cards import Card, View, card_from, group_keys
from alerts.conditions import judge
from alerts.conditions.verdict import Verdict, WindowCounts, span_words
from alerts.counting import count, window_to
from alerts.desk_rules import DeskRule
from alerts.held import may_fire
from alerts.matters import Matter
from alerts.replay import standing
from alerts.rule_words import condition_in_words
from alerts.why.scope_misses import scope_misses
from config.conditions import (
    MirroredCondition,
    NewTermCondition,
    SeriesCondition,
    SingleCondition,
    WatchedCondition,
    WindowCondition,
)
from config.lexicon import Lexicon
from config.rules import Rule
from core.clock import beijing
from core.records import Signal
from store.cards import cards_with, seen_before

Why = Literal["fired", "below", "late", "off", "query", "scope", "part", "group"]
NEAREST: Mapping[str, int] = {
    "fired": 0,
    "below": 1,
    "late": 2,
    "off": 3,
    "group": 4,
    "part": 5,
    "query": 6,
    "scope": 7,
}
"""The order in which rules are told, the nearest first."""


@dataclass(frozen=True)
class RuleMiss:
    """A rule and what came of it. share: how much of what it needs was there, 0 to 1.  words: one sentence."""

    rule: Rule
    why: Why
    words: str
    share: float = 0.0
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def order(self) -> tuple[int, float, str]:
        """The nearest first."""
        return NEAREST[self.why], -self.share, self.rule.id


@dataclass(frozen=True)
class RuleBench:
    """Holds one signal against every rule. card: as the rules of now see it.  judged: the rules it counted for when it
    was judged; None where it was not yet.  number: its place in the order of arrival.  matter: the one it speaks of.
    desk: rules made on the desk, also those that judge nothing now.
    """

    view: View
    lexicon: Lexicon
    desk: Mapping[str, DeskRule]
    signal: Signal
    card: Card
    number: int
    matter: Matter | None = None
    judged: frozenset[str] | None = None

    def misses(self, db: Connection) -> list[RuleMiss]:
        """What came of every rule, the nearest first."""
        return sorted((self._of(db, rule) for rule in self.view.rules), key=lambda miss: miss.order)

    @property
    def _text(self) -> str:
        return f"{self.signal.document.title}\n{self.signal.document.text}"

    @cached_property
    def _met(self) -> frozenset[str]:
        """Rules whose query the signal meets, whatever else they ask."""
        if self.view.queries is None:
            return frozenset()
        hits = self.view.queries.of(self.signal, self.number, lambda _rule: True)
        return hits.live | hits.counted

    def _of(self, db: Connection, rule: Rule) -> RuleMiss:
        out = scope_misses(self.card, rule.scope, self.view, self.lexicon, text=self._text)
        if out:
            return RuleMiss(rule, "scope", "；".join(miss.words for miss in out), 1 / (1 + len(out)))
        if rule.id not in self.card.rules:
            return self._not_counted(rule)
        return self._counted(db, rule)

    def _not_counted(self, rule: Rule) -> RuleMiss:
        """In scope as far as its keys go, but it does not judge this signal."""
        made = self.desk.get(rule.id)
        if rule.id in self.card.before:
            return RuleMiss(rule, "late", "规则建立晚于这篇：只计入窗口，不由它触发")
        if rule.scope.query and rule.id not in self._met and (made is None or self._in_force(made)):
            return RuleMiss(rule, "query", f"检索语句“{rule.scope.query}”未命中")
        if made is not None and (made.broken or made.last.state != "on" or not self._in_force(made)):
            return RuleMiss(rule, "off", _off_words(made))
        if isinstance(rule.condition, WatchedCondition):
            return RuleMiss(rule, "part", "点名的企业当时不在任何对这里有效的关注名单内")
        if isinstance(rule.condition, MirroredCondition):
            return RuleMiss(rule, "part", "召回镜像的待核队列里没有与它明显相符的省内企业，或已有人认定")
        values = self.card.facts(rule.condition.field) if hasattr(rule.condition, "field") else ()
        held = f"；这篇为 {'、'.join(values)}" if values else ""
        told = condition_in_words(rule.condition, self.lexicon)
        return RuleMiss(rule, "part", f"不属于条件所指的任何一类（{told}{held}）")

    def _in_force(self, made: DeskRule) -> bool:
        return any(tenure.judges(self.number) for tenure in made.tenures)

    def _counted(self, db: Connection, rule: Rule) -> RuleMiss:
        if not self.card.is_origin:
            return RuleMiss(rule, "below", "转载不另计独立来源，规则只看首发")
        if self.judged is not None and rule.id not in self.judged:
            return RuleMiss(rule, "late", "判读之后规则才装上或改动：重新判读（fengsui reanalyze）后才计入")
        if isinstance(rule.condition, SingleCondition):
            return RuleMiss(rule, "fired", "一条即触发", 1.0)
        if isinstance(rule.condition, SeriesCondition):  # its past is years long, and judged by day
            return RuleMiss(rule, "below", condition_in_words(rule.condition, self.lexicon))
        pools = list(self._pools(db, rule))
        if not pools:
            return RuleMiss(rule, "group", f"按{'、'.join(rule.group_by)}计数，这篇缺少其中一项")
        found = [miss for key, pool in pools if (miss := self._window(db, rule, key, pool)) is not None]
        return min(found, key=lambda miss: miss.order, default=RuleMiss(rule, "below", "窗口里没有计入的信号"))

    def _pools(self, db: Connection, rule: Rule) -> Iterator[tuple[str, list[Card]]]:
        """What the rule counts together with this signal: its matter, or all that shares the group values."""
        if rule.in_matter:
            cards = standing(self.matter) if self.matter else []
            yield self.matter.subject if self.matter else "", [card for card in cards if self._counts(card, rule)]
            return
        keys = group_keys(self.card, rule, self.view.regions)
        reach = rule.look_back + (rule.repeat_after or rule.look_back)
        for key, kept in cards_with(db, keys, self.card.at - reach, self.card.at + reach).items():
            yield key, [card for card in map(card_from, kept) if self._counts(card, rule)]

    @staticmethod
    def _counts(card: Card, rule: Rule) -> bool:
        return card.is_origin and card.counts_for(rule.id)

    def _window(self, db: Connection, rule: Rule, key: str, pool: Sequence[Card]) -> RuleMiss | None:
        """The fullest window that holds this signal."""
        if isinstance(rule.condition, NewTermCondition):
            return self._first_sight(db, rule, rule.condition, key, pool)
        if not isinstance(rule.condition, WindowCondition):
            return RuleMiss(rule, "below", condition_in_words(rule.condition, self.lexicon))
        counted = sorted(pool, key=lambda card: card.order)
        times = [card.at for card in counted]
        ends = [at for at in times if self.card.at <= at <= self.card.at + rule.condition.window]
        best: RuleMiss | None = None
        for end in ends[:MOST_WINDOWS]:
            window = window_to(counted, times, end, rule.condition.window)
            if any(card.document == self.card.document for card in window):
                miss = self._verdict(rule, times, end, window)
                best = miss if best is None or miss.order < best.order else best
        return best

    def _verdict(self, rule: Rule, times: Sequence[datetime], end: datetime, window: Sequence[Card]) -> RuleMiss:
        verdict = count(rule, times, end, self.view.regions, window)
        if verdict.fires and not may_fire(rule, window):
            return RuleMiss(rule, "late", f"{verdict.reason}，但都早于规则建立，只计数不触发", 1.0, verdict.numbers)
        return RuleMiss(rule, "fired" if verdict.fires else "below", verdict.reason, _share(verdict), verdict.numbers)

    def _first_sight(
        self, db: Connection, rule: Rule, condition: NewTermCondition, key: str, pool: Sequence[Card]
    ) -> RuleMiss:
        """A pair is new or it is not: whatever came first decides."""
        wanted = [issue for issue in self.card.issues if not rule.scope.issues or issue in rule.scope.issues]
        if rule.in_matter and not (self.card.firm and wanted):
            return RuleMiss(rule, "group", "要企业与问题的组合，这篇缺其一")
        keys = [f"n:{self.card.firm}|{issue}" for issue in wanted] if rule.in_matter else [key]
        before = all(seen_before(db, one, self.card.at - condition.lookback, self.card.at) for one in keys)
        inside = [card for card in pool if self.card.at <= card.at < self.card.at + condition.window]
        verdict = judge(condition, WindowCounts(current=len(inside), seen_before=before))
        if before:
            ago = span_words(condition.lookback.total_seconds())
            return RuleMiss(rule, "below", f"这一组合此前 {ago}内出现过，不是首见", 0.5, verdict.numbers)
        return RuleMiss(rule, "fired" if verdict.fires else "below", verdict.reason, _share(verdict), verdict.numbers)


MOST_WINDOWS = 200
"""Windows looked at: what is asked about must not cost more than what it is about."""


def _share(verdict: Verdict) -> float:
    if verdict.fires:
        return 1.0
    needed = verdict.numbers.get("needed", 0.0)
    held = verdict.numbers.get("count", verdict.numbers.get("steps", 0.0))
    return min(0.99, held / needed) if needed else 0.5


def _off_words(made: DeskRule) -> str:
    """Why a rule of the desk does not judge it."""
    if made.broken:
        return f"规则读不出，没有判断：{made.broken}"
    when = f"{made.last.actor} 于 {beijing(made.last.at):%m-%d %H:%M}"
    if made.last.state == "deleted":
        return f"规则已由 {when} 删除"
    if made.last.state == "off":
        return f"规则已由 {when} 停用"
    return "规则当时没有启用"


def rule_line(miss: RuleMiss) -> str:
    """`「标题」（id）：原因`."""
    return f"「{miss.rule.title}」（{miss.rule.id}）：{miss.words}"


__all__ = ["RuleBench", "RuleMiss", "rule_line"]
