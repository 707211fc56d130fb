"""Facts that raise an open alert whenever they are told: people hurt, children, schools, more places, national press.

Only press and authorities count. The factors are those of the level card (severity by who was hurt, reach by where it
went), read over all texts of a matter instead of one; the numbers are those of issues.yaml, alert_levels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

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
    """The fact that asks for the highest level; of equal ones the first of the order in `Told`.

    present: in order of event time.
    """
    told = Told(regions, where)
    for card in present:
        told.add(card)
    return told.fact


class Told:
    """What the cards told so far ask for. They are added in order of event time, each looked at once."""

    def __init__(self, regions: Regions, where: Where) -> None:
        self._regions, self._where = regions, where
        self._hurt = self._children = self._flow = self._places = self._school = self._national = RaisingFact()
        self._scenes: set[str] = set()
        """Where it happened, as press and authorities tell of what is grave."""
        self._harmed = False
        self._failed_at: datetime | None = None
        self._later: Card | None = None
        self._prefectures: set[str | None] = set()

    @property
    def fact(self) -> RaisingFact:
        """The one that asks for the highest level now; level 0: none."""
        found = (self._hurt, self._children, self._flow, self._places, self._school, self._national)
        return max(found, key=lambda fact: fact.level)

    def add(self, card: Card) -> None:
        """One card more."""
        self._add_to_flow(card)
        if not card.trusted:
            return
        self._add_hurt(card)
        self._add_children(card)
        if card.level < 2:
            return
        self._add_place(card)
        if card.sensitive and not self._school.level:
            self._school = RaisingFact(2, "涉及学校、医院、养老机构等场所", card.document, "school")
        if card.national and not self._national.level:
            self._national = RaisingFact(2, "中央媒体报道", card.document, "national_press")

    def _add_hurt(self, card: Card) -> None:
        if not card.hurt:
            return
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
            return
        if level > self._hurt.level:
            self._hurt = RaisingFact(level, f"伤害程度：{told}", card.document, "casualties")

    def _add_children(self, card: Card) -> None:
        """A hurt child: orange where the text counts the hurt, else yellow."""
        if not card.children:
            return
        if card.harmed and self._children.level < 3:
            self._children = RaisingFact(3, "受害者中有未成年人", card.document, "children")
        elif card.level >= 2 and not self._children.level:
            self._children = RaisingFact(2, "有未成年人受害", card.document, "children")

    def _add_place(self, card: Card) -> None:
        """More than one prefecture: yellow; far, and people hurt: orange."""
        self._harmed = self._harmed or bool(card.harmed)
        told = self._where(card)
        if not told - self._scenes:
            return
        self._scenes |= told
        seen, regions = self._scenes, self._regions
        if len(seen) < 2:
            return
        far = len(seen) >= WIDE or any(not regions.is_within(regions.home, code) for code in seen)
        level = 3 if far and self._harmed else 2
        if level > self._places.level:
            names = "、".join(regions.name_of(code) for code in sorted(seen)[:3])
            words = f"涉及 {len(seen)} 个设区市（{names}{'等' if len(seen) > 3 else ''}）"
            words += "，且有人受伤" if level == 3 else ""
            self._places = RaisingFact(level, words, card.document, "cross_region")

    def _add_to_flow(self, card: Card) -> None:
        """Goods an authority found failing turn up where children or patients are: orange."""
        self._prefectures |= {self._regions.prefecture_of(place) for place in card.places}
        if self._failed_at is None:
            if card.voice == "official" and card.firm and "nonconf" in card.issues:
                self._failed_at = card.at
        elif self._later is None and card.sensitive and card.voice in ("official", "media"):
            self._later = card if card.at > self._failed_at and card.level >= 2 else None
        if self._later and not self._flow.level and len(self._prefectures) >= 2:
            words = "已查出不合格的产品又出现在学校、医院等场所，且跨设区市"
            self._flow = RaisingFact(3, words, self._later.document, "school")


def news_of(card: Card, where: Where) -> set[str]:
    """What a card may tell for the first time that can change the level: its voice, source, places, children."""
    news = {card.voice, card.source}
    if card.trusted:
        news |= where(card)
        news |= {word for word, told in (("children", card.children), ("national", card.national)) if told}
    return news
