"""Facts that raise an open alert whenever they are told: people hurt, children, schools, more places, national press.

Only press and authorities count. The factors are those of the level card (severity by who was hurt, reach by where it
went), read over all texts of a matter instead of one; the numbers are those of issues.yaml, alert_levels.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from alerts.cards import Card, people, victims
from alerts.counting import scenes
from config.regions import ABROAD, Regions

WIDE = 3
"""Prefectures from which a matter goes far (level_card.yaml, reach 3)."""


Where = Callable[[Card], frozenset[str]]
"""The prefectures (or places elsewhere) at which a text says it happened."""


def where_of(regions: Regions) -> Where:
    """A `Where` that looks at each card once."""
    known: dict[tuple[str, int], frozenset[str]] = {}

    def where(card: Card) -> frozenset[str]:
        mine = (card.document, card.revision)
        if mine not in known:
            told = scenes([card], regions) if card.trusted and card.level >= 2 else []
            codes = {regions.prefecture_of(code) or code for code in told}
            known[mine] = frozenset(codes - {regions.home, ABROAD})
        return known[mine]

    return where


@dataclass(frozen=True)
class RaisingFact:
    """A level that a fact asks for (0: none), in words, the document that tells it, and its code in the history."""

    level: int = 0
    why: str = ""
    document: str = ""
    code: str = "rule_fired"


def raise_by_facts(present: Sequence[Card], regions: Regions, where: Where) -> RaisingFact:
    """The fact that asks for the highest level; of equal ones the first of this order."""
    trusted = [card for card in present if card.trusted]
    found = [
        _hurt(trusted),
        _children(trusted),
        _flow(present, regions),
        _places(trusted, regions, where),
        _school(trusted),
        _national(trusted),
    ]
    return max(found, key=lambda fact: fact.level)


def _hurt(trusted: Iterable[Card]) -> RaisingFact:
    best = RaisingFact()
    for card in trusted:
        if not card.hurt:
            continue
        dead, grave, hurt = people(card.hurt, "dead"), people(card.hurt, "grave", "serious"), victims(card.hurt)
        if dead >= 3 or grave >= 10:
            level, told = 4, f"死亡 {dead} 人" if dead >= 3 else f"重伤 {grave} 人"
        elif dead:
            level, told = 3, f"死亡 {dead} 人"
        elif grave:
            level, told = 3, f"重伤 {grave} 人"
        elif hurt:
            level, told = 3 if hurt >= 3 else 2, f"{hurt} 人受伤或中毒"
        else:
            continue
        if level > best.level:
            best = RaisingFact(level, f"伤害程度：{told}", card.document, "casualties")
    return best


def _children(trusted: Iterable[Card]) -> RaisingFact:
    """A hurt child: orange where the text counts the hurt, else yellow."""
    best = RaisingFact()
    for card in trusted:
        if not card.children:
            continue
        if card.harmed:
            return RaisingFact(3, "受害者中有未成年人", card.document, "children")
        if card.level >= 2 and not best.level:
            best = RaisingFact(2, "有未成年人受害", card.document, "children")
    return best


def _school(trusted: Iterable[Card]) -> RaisingFact:
    for card in trusted:
        if card.sensitive and card.level >= 2:
            return RaisingFact(2, "涉及学校、医院、养老机构等场所", card.document, "school")
    return RaisingFact()


def _places(trusted: Sequence[Card], regions: Regions, where: Where) -> RaisingFact:
    """More than one prefecture: yellow; far, and people hurt: orange."""
    grave = [card for card in trusted if card.level >= 2]
    seen: set[str] = set()
    best = RaisingFact()
    for place, card in enumerate(grave):
        if not where(card) - seen:
            continue
        seen |= where(card)
        if len(seen) < 2:
            continue
        far = len(seen) >= WIDE or any(not regions.is_within(regions.home, code) for code in seen)
        hurt = any(other.harmed for other in grave[: place + 1])
        level = 3 if far and hurt else 2
        if level > best.level:
            names = "、".join(regions.name_of(code) for code in sorted(seen)[:3])
            words = f"涉及 {len(seen)} 个设区市（{names}{'等' if len(seen) > 3 else ''}）"
            best = RaisingFact(level, words + ("，且有人受伤" if level == 3 else ""), card.document, "cross_region")
    return best


def _national(trusted: Iterable[Card]) -> RaisingFact:
    for card in trusted:
        if card.national and card.level >= 2:
            return RaisingFact(2, "中央媒体报道", card.document, "national_press")
    return RaisingFact()


def _flow(present: Sequence[Card], regions: Regions) -> RaisingFact:
    """Goods an authority found failing turn up where children or patients are: orange."""
    failed = [card for card in present if card.voice == "official" and card.firm and "nonconf" in card.issues]
    places = [card for card in present if card.sensitive and card.voice in ("official", "media")]
    later = [card for card in places if failed and card.at > failed[0].at and card.level >= 2]
    if not later:
        return RaisingFact()
    prefectures = {regions.prefecture_of(place) for card in present for place in card.places}
    if len(prefectures) < 2:
        return RaisingFact()
    return RaisingFact(3, "已查出不合格的产品又出现在学校、医院等场所，且跨设区市", later[0].document, "school")


def news_of(card: Card, where: Where) -> set[str]:
    """What a card may tell for the first time that can change the level: its voice, source, places, children."""
    news = {card.voice, card.source}
    if card.trusted:
        news |= where(card)
        news |= {word for word, told in (("children", card.children), ("national", card.national)) if told}
    return news
