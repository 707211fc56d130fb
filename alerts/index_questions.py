"""What a rule asks of the search index: its scope as a query, its window and grouping as one count.

The query finds every signal that the rule counts, and may find more: what the index does not hold (people hurt, where a
maker sits, which product is the main one) is looked at in the signals themselves afterwards. What it must never do is
find less.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from alerts.cards import VOICES
from alerts.counting import fewest_of
from alerts.rule_query import RuleQueries
from config.conditions import (
    BlacklistCondition,
    MirroredCondition,
    NewTermCondition,
    SingleCondition,
    WatchedCondition,
    WindowCondition,
)
from config.regions import Regions
from config.rules import Rule, Scope
from search.where import AnyOf, Between, Exists, Not, OneOf, Phrase, Where, both

FIELD_OF: Mapping[str, str] = {
    "firm": "enterprises",
    "product": "products",
    "issue": "issues",
    "county": "territory",
    "prefecture": "territory",
}
"""What rules group by, in the fields of the index."""
LISTED = {"product": "products", "issue": "issues", "source": "source"}
COUNTED = ("frequency", "spike", "cardinality", "resonance", "ratio", "metric", "change")
"""Conditions of which a window's own signals say whether it fires; a spike's earlier windows are read, too."""
WHY_NOT = {
    "tier_jump": "要看先后次序，前一次触发会影响后一次",
    "chained": "要看先后步骤，前一次触发会影响后一次",
    "anomaly": "基线要由多年的逐日计数算出",
    "flatline": "没有信号时才触发，索引里没有可数的",
    "watched": "关注名单在库里，逐条判断时才查",
    "mirrored": "召回镜像的待核队列在库里，逐条判断时才查",
}
MATTER = "按事项归并：哪些信号说的是同一件事，要由库中的企业、型号和地点关联得出"


@dataclass(frozen=True)
class Question:
    """where: finds every signal that the rule counts.  by: index fields, in the order of group_by, each once.

    window: a group needs `fewest` signals within it to fire; zero: each signal fires by itself.  back: how far before a
    moment lies what may decide what fires then.
    """

    rule: Rule
    where: Where
    by: tuple[str, ...]
    window: timedelta
    fewest: int
    back: timedelta

    @property
    def originals(self) -> Where:
        """Of these, what can be an origin: reposts do not count in windows."""
        return both([self.where, Not(Exists("repost_of"))])


@dataclass(frozen=True)
class NotOnIndex:
    """A rule that is judged in the pipeline only, and why, in Chinese."""

    rule: Rule
    why: str


def question_of(
    rule: Rule, queries: RuleQueries, regions: Regions, key_products: frozenset[str]
) -> Question | NotOnIndex:
    """What a rule asks of the index, or why it cannot. Raises QueryError where its query cannot be read."""
    condition = rule.condition
    where = both([OneOf("is_risk", (True,)), *_scope(rule.scope, queries, regions, key_products)])
    if isinstance(condition, WatchedCondition | MirroredCondition):
        return NotOnIndex(rule, WHY_NOT[condition.type])
    if isinstance(condition, SingleCondition):
        if isinstance(condition, BlacklistCondition) and condition.field in LISTED:
            where = both([where, OneOf(LISTED[condition.field], condition.values)])
        return Question(rule, where, (), timedelta(0), 1, timedelta(0))
    if rule.in_matter:
        return NotOnIndex(rule, MATTER)
    by = tuple(dict.fromkeys(FIELD_OF[group] for group in rule.group_by if group in FIELD_OF))
    if isinstance(condition, NewTermCondition):
        return Question(rule, where, by, condition.window, condition.at_least, condition.lookback)
    if condition.type not in COUNTED:
        return NotOnIndex(rule, WHY_NOT.get(condition.type, "这一类条件只在流水线判断"))
    assert isinstance(condition, WindowCondition)
    back = rule.look_back + (rule.repeat_after or condition.window)
    return Question(rule, where, by, condition.window, fewest_of(condition), back)


def _scope(scope: Scope, queries: RuleQueries, regions: Regions, key_products: frozenset[str]) -> list[Where]:
    """What of a scope the index can say."""
    parts: list[Where] = [Between("level", low=scope.min_level)] if scope.min_level else []
    if scope.query:
        parts.append(queries.read(scope))
    if scope.kinds:
        parts.append(OneOf("kind", tuple(kind.value for kind in scope.kinds)))
    if scope.voices:
        parts.append(OneOf("kind", tuple(kind.value for kind, voice in VOICES.items() if voice in scope.voices)))
    if scope.products:
        named = {product for product in scope.products if product != "key"}
        parts.append(OneOf("products", tuple(sorted(named | (key_products if "key" in scope.products else set())))))
    if scope.issues:
        parts.append(OneOf("issues", scope.issues))
    if scope.regions:
        parts.append(_regions(scope.regions, regions))
    if scope.text and all(map(_plain, scope.text)):
        parts.append(AnyOf(tuple(Phrase(word) for word in scope.text)))
    return parts


def _regions(wanted: tuple[str, ...], regions: Regions) -> Where:
    """Of the places, of its text or, which the index does not know, of the maker's seat; without any it is home's."""
    ways: list[Where] = [OneOf("territory", wanted), OneOf("regions", wanted), Exists("enterprises")]
    if any(regions.is_within(code, regions.home) for code in wanted):
        ways.append(Not(Exists("territory")))
    return AnyOf(tuple(ways))


def _plain(word: str) -> bool:
    """Whether a word that stands in a text is found there by its characters: parts of Latin words are not."""
    return bool(word) and all("\u4e00" <= letter <= "\u9fff" for letter in word)
