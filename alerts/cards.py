"""A signal as rules see it: few facts, and the keys under which other signals find it.

f:<firm>             says something of this firm
m:<family>|<number>  bears this number on the label
p:<family>|<place>   names no firm of the registry; the place is a prefecture
p:<product>:<word>|  the same, of something of a wide product: wherever it is
u:<family>           names neither such a firm nor a place
j:<family>|<place>   press or authority names a firm at that place: through it, texts without a firm join
j:<family>           the same, wherever it is
n:<firm>|<issue>     a pair whose first sight counts
r:<firm>             clears this firm
a:<name>             press or authority names a listed firm beside this name that is in no list
w:<rule>|<values>    counted by a rule that is not about one matter
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from alerts.card_words import clears_of, concerned_in, corrects, hurt_children, is_national, labels_of
from alerts.name_sounds import sounds_of
from alerts.query_hits import NEWEST, QueryHits, TenureKey
from alerts.scopes import ScopeIndex, in_scope, places_of
from config.conditions import (
    BlacklistCondition,
    Fact,
    FlatlineCondition,
    ListCondition,
    MirroredCondition,
    RatioCondition,
    WatchedCondition,
    WhitelistCondition,
    parts_of,
)
from config.grouping import Grouping
from config.regions import Regions
from config.rules import Rule, Scope
from core.ids import to_json
from core.records import Kind, RegistryEntry, Signal
from nlp.event_traits import family_in
from store.cards import StoredCard

VOICES: Mapping[Kind, str] = {
    Kind.NOTICE: "official",
    Kind.SPOTCHECK: "official",
    Kind.RECALL: "official",
    Kind.RECALL_FOREIGN: "official",
    Kind.NEWS: "media",
    Kind.COMPLAINT: "complaint",
    Kind.REVIEW: "complaint",
    Kind.SOCIAL: "social",
    Kind.FORUM: "social",
    Kind.HOTLIST: "social",
}
TRUSTED = ("official", "media")
SENSITIVE = ("学校", "小学", "中学", "幼儿园", "医院", "养老院", "敬老院", "福利院")

REMEMBERED = 20_000
"""Cards a process keeps read: about 30 MB."""

Registry = Callable[[str], RegistryEntry | None]


@dataclass(frozen=True)
class Watch:
    """What watch-lists say of a signal's firms. told: a sentence an entry, the highest level first.  floor: as Card."""

    told: tuple[str, ...] = ()
    floor: int = 0


NOT_WATCHED = Watch()


@dataclass(frozen=True)
class Maybe:
    """Whom a recall abroad very likely means, unconfirmed. region: of the firm; "" nobody.  told: a sentence."""

    region: str = ""
    told: str = ""


NOBODY_MAYBE = Maybe()


@dataclass(frozen=True)
class Card:
    """What rules know of one document revision.

    at, until: it counts from at (event time) to until (None: it still does).  origin: the document whose text this
    one carries, itself where it is an origin.  places: county and prefecture codes it asserts, its jurisdiction first.
    hurt: dead, grave, injured, poisoned, ...  rules: ids of the rules in whose scope it is, and `id#0`, `id#1`, ... for
    the parts of their conditions that it belongs to.  before: the same of rules that were made after it came: it counts
    for them and makes none of them fire.  maker: region code of the firm.  clears: firms it takes a charge away from.
    tier: of its source, 1 is the highest; 0 where nobody knows.  children: it tells of a hurt child.  national: press
    that the whole country reads.  corrects: an authority that takes back what was said before and still tells of harm.
    sounds: of the names that it gives firm or goods (alerts.name_sounds.py).  watch: who had put its firms on which
    watch-lists when it came, a sentence each.  floor: the highest level that these lists ask for.
    """

    document: str
    revision: int
    at: datetime
    until: datetime | None
    source: str
    kind: str
    voice: str
    title: str
    risk: bool
    level: int
    product: str | None
    family: str | None
    firm: str | None
    firms: tuple[str, ...]
    issues: tuple[str, ...]
    places: tuple[str, ...]
    jurisdiction: str
    origin: str
    labels: tuple[str, ...] = ()
    clears: tuple[str, ...] = ()
    hurt: Mapping[str, int] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    maker: str = ""
    sensitive: bool = False
    tier: int = 0
    children: bool = False
    national: bool = False
    corrects: bool = False
    sounds: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()
    floor: int = 0
    maybe: str = ""
    maybe_told: str = ""

    @property
    def trusted(self) -> bool:
        """Press or authority."""
        return self.voice in TRUSTED

    @property
    def is_origin(self) -> bool:
        """Whether it is a voice of its own and not a copy."""
        return self.origin == self.document

    @property
    def listed(self) -> bool:
        """Whether it names a firm of the registry as the one concerned."""
        return self.firm is not None and not self.firm.startswith("NIL:")

    @property
    def name(self) -> str | None:
        """The name in no list that it gives the firm or the goods; None where it gives none."""
        if self.listed:
            return None
        return self.firm or next((name for name in self.firms if name.startswith("NIL:")), None)

    @cached_property
    def _counting(self) -> frozenset[str]:
        return frozenset((*self.rules, *self.before))

    @property
    def ware(self) -> bool:
        """Whether its family is a word for something of a wide product."""
        return self.family is not None and ":" in self.family

    def counts_for(self, rule: str) -> bool:
        """Whether a rule counts it in its windows."""
        return rule in self._counting

    @cached_property
    def dead(self) -> int:
        """People dead, by the text."""
        return people(self.hurt, "dead")

    @cached_property
    def harmed(self) -> int:
        """People dead, injured or poisoned, by the text."""
        return self.dead + victims(self.hurt)

    def belongs(self, rule: str, part: int) -> bool:
        """Whether it belongs to a part of a rule's condition."""
        return self.counts_for(f"{rule}#{part}")

    def facts(self, fact: Fact) -> tuple[str, ...]:
        """The values of a fact; none where it names none."""
        match fact:
            case "issue":
                return self.issues
            case "place":
                return self.places
            case "source":
                return (self.source,)
            case "product":
                return (self.product,) if self.product else ()
        return (self.firm,) if self.firm else ()

    @property
    def order(self) -> tuple[datetime, str, int]:
        """Order of event time, the same whatever came in first."""
        return (self.at, self.document, self.revision)


@dataclass(frozen=True)
class View:
    """What turning a signal into a card needs to know of the world. queries: of the rules that have one.  tiers: of
    sources by key.
    """

    rules: Sequence[Rule]
    regions: Regions
    grouping: Grouping
    registry: Registry
    key_products: frozenset[str] = frozenset()
    place_words: frozenset[str] = frozenset()
    queries: QueryHits | None = None
    tiers: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def choosy(self) -> Mapping[str, Rule]:
        """The rules whose condition asks something of each signal: a list, or parts."""
        asking = ListCondition | WatchedCondition | MirroredCondition
        return {r.id: r for r in self.rules if isinstance(r.condition, asking) or parts_of(r.condition)}

    @cached_property
    def asks_watchlists(self) -> bool:
        """Whether a rule waits for firms on watch-lists: else nobody looks into them."""
        return any(isinstance(rule.condition, WatchedCondition) for rule in self.rules)

    @cached_property
    def asks_mirror(self) -> bool:
        """Whether a rule waits for firms that recalls abroad very likely mean."""
        return any(isinstance(rule.condition, MirroredCondition) for rule in self.rules)

    @cached_property
    def crowds(self) -> Mapping[str, Rule]:
        """The rules that are not about one matter, by id."""
        return {rule.id: rule for rule in self.rules if not rule.in_matter}

    @cached_property
    def _asked(self) -> tuple[tuple[str | TenureKey, ...], ScopeIndex]:
        """Whose scopes are asked at once, and these scopes: of rules by id, of their queries' tenures by key."""
        scopes: dict[str | TenureKey, Scope] = {rule.id: rule.scope for rule in self.rules if not rule.scope.query}
        if self.queries is not None:
            scopes |= {key: tenure.rule.scope for key, tenure in self.queries.by_key.items()}
        return tuple(scopes), ScopeIndex(list(scopes.values()), self.regions, self.key_products)

    def takers(self, card: "Card", text: str) -> set[str | TenureKey]:
        """The rules without a query, and the tenures of those with one, in whose scope a signal is."""
        askers, scopes = self._asked
        return {askers[place] for place in places_of(scopes.takers(card, text))}

    @cached_property
    def watching(self) -> tuple[Rule, ...]:
        """The rules that watch for silence."""
        return tuple(r for r in self.rules if isinstance(r.condition, FlatlineCondition))


def card_of(
    signal: Signal, view: View, *, number: int = NEWEST, watch: Watch = NOT_WATCHED, maybe: Maybe = NOBODY_MAYBE
) -> Card:
    """The card of a signal. Non-risk documents have one too: they may clear a firm.

    number: its place in the order of arrival, for rules that were not always there.  watch: the watch-lists its firms
    stood on when it came (alerts.watches.watch_of).  maybe: whom a recall abroad very likely means
    (alerts.mirrored.maybe_of).
    """
    document, analysis = signal.document, signal.analysis
    entry = view.registry(analysis.primary_enterprise) if analysis.primary_enterprise else None
    text = f"{document.title}\n{document.text}"
    card = Card(
        document=document.id,
        revision=document.revision,
        at=document.event_time,
        until=document.withdrawn_at,
        source=document.source,
        kind=document.kind.value,
        voice=VOICES[document.kind],
        title=analysis.masked_title or document.title,
        risk=analysis.is_risk,
        level=analysis.level if analysis.is_risk else 0,
        product=analysis.primary_product,
        family=family_in(analysis, view.grouping.family_of),
        firm=analysis.primary_enterprise,
        firms=concerned_in(analysis),
        issues=analysis.issues,
        places=view.regions.places_told(analysis.jurisdiction_code, analysis.regions),
        jurisdiction=analysis.jurisdiction_code or view.regions.home,
        origin=document.repost_of or document.id,
        labels=labels_of(signal),
        clears=clears_of(signal),
        hurt={name: count for name, count in analysis.casualties.items() if count},
        maker=entry.region_code if entry else "",
        sensitive=any(word in text for word in SENSITIVE),
        tier=view.tiers.get(document.source, 0),
        children=analysis.is_risk and hurt_children(text),
        national=VOICES[document.kind] == "media" and is_national(document, view.tiers.get(document.source, 0)),
        corrects=VOICES[document.kind] == "official" and corrects(signal),
    )
    if not card.risk:
        return replace(card, rules=_signs_of_life(card, view, text))
    sounds = sounds_of(analysis, card.clears, view.place_words)
    card = replace(card, sounds=sounds, watch=watch.told, floor=watch.floor)
    card = replace(card, maybe=maybe.region, maybe_told=maybe.told)
    takers = view.takers(card, text)
    live = {asker for asker in takers if isinstance(asker, str)}
    if view.queries is None:
        return replace(card, rules=_let_in(live, card, view, text))
    hits = view.queries.of(signal, number, takers.__contains__)
    live |= hits.live
    return replace(card, rules=_let_in(live, card, view, text), before=_let_in(hits.counted, card, view, text))


def marks_of(card: Card, rule: Rule, view: View, *, text: str) -> tuple[str, ...]:
    """What `rules` of a card holds where this rule alone is asked, its query aside. view: of that rule."""
    asked = card.risk or counts_everything(rule)
    taken = asked and in_scope(card, rule.scope, view.regions, view.key_products, text=text)
    return _let_in((rule.id,), card, view, text) if taken else ()


def _signs_of_life(card: Card, view: View, text: str) -> tuple[str, ...]:
    """The flatline rules that count every document and in whose scope it is."""
    asked = (rule for rule in view.watching if counts_everything(rule))
    mine = [r.id for r in asked if in_scope(card, r.scope, view.regions, view.key_products, text=text)]
    return tuple(sorted(mine))


def counts_everything(rule: Rule) -> bool:
    """Whether a rule counts every document, not risk signals only: a flatline rule of `min_level: 0`."""
    return isinstance(rule.condition, FlatlineCondition) and not rule.scope.min_level and not rule.scope.query


def _let_in(ids: Collection[str], card: Card, view: View, text: str) -> tuple[str, ...]:
    """The rules that count the card, of those in whose scope it is, and the parts of their conditions it belongs to."""
    found = set(ids)
    for rule in [view.choosy[name] for name in ids if name in view.choosy]:
        if isinstance(rule.condition, BlacklistCondition | WhitelistCondition):
            if not _listed(card, rule.condition, view):
                found.remove(rule.id)
            continue
        if isinstance(rule.condition, WatchedCondition):
            if not card.watch:
                found.remove(rule.id)
            continue
        if isinstance(rule.condition, MirroredCondition):
            if not card.maybe or card.listed:
                found.remove(rule.id)
            continue
        parts = enumerate(parts_of(rule.condition))
        inside = [place for place, part in parts if in_scope(card, part, view.regions, view.key_products, text=text)]
        found |= {f"{rule.id}#{place}" for place in inside}
        if not inside and not isinstance(rule.condition, RatioCondition):
            found.remove(rule.id)
    return tuple(sorted(found))


def _listed(card: Card, condition: BlacklistCondition | WhitelistCondition, view: View) -> bool:
    """Whether a list lets the card in: a value is listed, or one is not."""
    listed = [_holds(condition, value, view) for value in card.facts(condition.field)]
    if isinstance(condition, BlacklistCondition):
        return any(listed)
    return not all(listed) if listed else condition.missing


def _holds(condition: ListCondition, value: str, view: View) -> bool:
    if condition.field == "place":
        return any(view.regions.is_within(place, value) for place in condition.values)
    if condition.field != "firm":
        return value in condition.values
    entry = view.registry(value)
    names = (value, value.removeprefix("NIL:"), *((entry.name, *entry.short_names) if entry else ()))
    return any(name in condition.values for name in names)


def people(hurt: Mapping[str, int], *names: str) -> int:
    """How many people in these classes."""
    return sum(hurt.get(name, 0) for name in names)


def victims(hurt: Mapping[str, int]) -> int:
    """The injured and poisoned; the gravely injured count among the injured where both are told."""
    return max(people(hurt, "injured", "poisoned"), people(hurt, "grave", "serious"))


def keys_of(card: Card, view: View) -> list[str]:
    """Every key under which the card is found."""
    keys = [f"r:{firm}" for firm in card.clears]
    if not card.risk:
        mine = (rule for rule in view.watching if card.counts_for(rule.id))
        return keys + [key for rule in mine for key in group_keys(card, rule, view.regions)]
    keys.append(f"d:{card.document}")
    prefectures = sorted({p for p in map(view.regions.prefecture_of, card.places) if p})
    if card.family:
        keys += [f"m:{card.family}|{label}" for label in card.labels]
    if card.firm:
        keys.append(f"f:{card.firm}")
        keys += [f"n:{card.firm}|{issue}" for issue in card.issues]
        if card.family and card.trusted:
            keys += [f"j:{card.family}", *(f"j:{card.family}|{place}" for place in prefectures)]
        if card.trusted and card.listed:
            keys += [f"a:{name}" for name in card.firms if name.startswith("NIL:")]
    if card.family and not card.listed:
        home = "" if card.ware else view.regions.prefecture_of(card.jurisdiction)
        keys.append(f"u:{card.family}" if home is None else f"p:{card.family}|{home}")
    for rule in [view.crowds[name] for name in (*card.rules, *card.before) if name in view.crowds]:
        keys += group_keys(card, rule, view.regions)
    return keys


def group_keys(card: Card, rule: Rule, regions: Regions) -> list[str]:
    """The keys under which a rule that is not about one matter counts the card; none where a value is missing."""
    return [key_of(rule, values) for values in grouped_by(card, rule, regions)]


def key_of(rule: Rule, values: Sequence[str]) -> str:
    """The key of a group. values: in the order of group_by."""
    return f"w:{rule.id}|{'|'.join(values)}"


def grouped_by(card: Card, rule: Rule, regions: Regions) -> list[tuple[str, ...]]:
    """The groups of a rule that the card is in: a value for each of group_by, in its order."""
    combinations: list[tuple[str, ...]] = [()]
    for group in rule.group_by:
        values = _group_values(card, group, rule, regions)
        combinations = [(*before, value) for before in combinations for value in values]
    return combinations


def _group_values(card: Card, group: str, rule: Rule, regions: Regions) -> list[str]:
    if group == "all":
        return ["all"]
    if group == "firm":
        return [card.firm] if card.firm else []
    if group == "product":
        return [card.product] if card.product else []
    if group == "issue":
        return [issue for issue in card.issues if not rule.scope.issues or issue in rule.scope.issues]
    if group == "name":
        return list(card.sounds)
    if group in ("source", "kind"):
        return [card.source if group == "source" else card.kind]
    place = regions.prefecture_of(card.jurisdiction) if group == "prefecture" else regions.county_of(card.jurisdiction)
    return [place] if place else []


def stored(card: Card) -> StoredCard:
    """The card as the store keeps it."""
    facts = asdict(card)
    for name in ("document", "revision", "at", "until"):
        del facts[name]
    return StoredCard(card.document, card.revision, card.at, card.until, to_json(facts))


@lru_cache(maxsize=REMEMBERED)
def card_from(kept: StoredCard) -> Card:
    """The card that `stored` wrote. The same text always says the same: what a rule's window holds is read once."""
    facts: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in json.loads(kept.facts).items()
        if name in Card.__dataclass_fields__
    }
    return Card(document=kept.document, revision=kept.revision, at=kept.at, until=kept.until, **facts)
