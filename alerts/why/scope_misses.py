"""Which keys of a rule's scope leave a signal out: `alerts.scopes.in_scope` says whether, this says why.

Apart from the hot path on purpose; a test holds the two to the same answer.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from alerts.cards import Card, View
from alerts.conditions.verdict import VOICE_WORDS
from alerts.rule_words import KIND_WORDS, MAKER_WORDS
from alerts.scopes import in_scope
from config.lexicon import Lexicon
from config.rules import Scope
from core.records import LEVEL_COLOURS


@dataclass(frozen=True)
class Miss:
    """A key of a scope that a signal does not meet. wants: what the rule asks.  has: what the signal holds."""

    key: str
    wants: str
    has: str

    @property
    def words(self) -> str:
        """`scope.products: cable 不在 ebike、ebike_power`."""
        return f"scope.{self.key}：要{self.wants}，这篇{self.has}"


def scope_misses(card: Card, scope: Scope, view: View, lexicon: Lexicon, *, text: str) -> tuple[Miss, ...]:
    """Every key that leaves the card out; none where it is in scope. The query is not asked here."""
    alone = (
        Miss(key, wants, has)
        for key, wants, has in _asked(card, scope, lexicon)
        if not in_scope(card, _only(scope, key), view.regions, view.key_products, text=text)
    )
    return tuple(alone)


def _only(scope: Scope, key: str) -> Scope:
    """The scope with this key alone, and no level that would narrow too."""
    return Scope.model_construct(**{"min_level": 0, key: getattr(scope, key)})


def _asked(card: Card, scope: Scope, lexicon: Lexicon) -> Iterator[tuple[str, str, str]]:
    """The keys that the scope sets, with what they ask and what the card holds."""
    yield "min_level", f"单篇{_colour(scope.min_level)}以上", f"为{_colour(card.level)}"
    if scope.kinds:
        kinds = _list(KIND_WORDS.get(kind.value, kind.value) for kind in scope.kinds)
        yield "kinds", kinds, f"是{KIND_WORDS.get(card.kind, card.kind)}"
    if scope.voices:
        yield "voices", _list(VOICE_WORDS[voice] for voice in scope.voices), f"出自{VOICE_WORDS[card.voice]}"
    if scope.products:
        wanted = _list("重点产品" if one == "key" else lexicon.product_name(one) for one in scope.products)
        yield "products", wanted, f"是{lexicon.product_name(card.product)}" if card.product else "未识别产品"
    if scope.issues:
        held = _list(map(lexicon.issue_name, card.issues))
        yield "issues", _list(map(lexicon.issue_name, scope.issues)), f"说的是{held}" if held else "未识别风险问题"
    if scope.regions:
        places = _list(f"{lexicon.regions.name_of(code)}（{code}）" for code in scope.regions)
        held = _list(f"{lexicon.regions.name_of(code)}（{code}）" for code in (card.jurisdiction, *card.places))
        yield "regions", places, f"在{held}"
    if scope.text:
        yield "text", _list(f"“{word}”" for word in scope.text), "文中没有"
    if scope.hurt:
        yield "hurt", f"伤亡 {scope.hurt} 人以上", f"为 {card.harmed} 人"
    if scope.dead:
        yield "dead", f"死亡 {scope.dead} 人以上", f"为 {card.dead} 人"
    if scope.specific:
        yield "specific", "指明企业、型号或县（市、区）", "没有指明"
    if scope.maker is not None:
        yield "maker", MAKER_WORDS[scope.maker], f"企业为 {card.firm}" if card.firm else "没有点名企业"


def _colour(level: int) -> str:
    return f"{LEVEL_COLOURS[level]}色" if level else "未定级"


def _list(words: Iterable[str]) -> str:
    told = list(dict.fromkeys(words))
    return "、".join(told[:8]) + (f" 等 {len(told)} 项" if len(told) > 8 else "")
