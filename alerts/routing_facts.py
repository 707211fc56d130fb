"""What routing asks of an alert beside its own record: where makers sit and goods turned up, who tells of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from alerts.cards import TRUSTED, Card, Registry, card_from
from alerts.counting import scenes
from config.regions import ABROAD, Regions
from core.records import Alert
from store.alert_log import history_of
from store.cards import cards_of
from store.journey import texts_of

MOST_TEXTS, LONGEST_TEXT = 40, 2_000
"""Documents, and characters of each, in which words of `when` are looked for: what comes from outside is bounded."""
SELLERS = ("dealer", "service")
DISTRIBUTION, MAKING = ("distribution",), ("production", "quality")


@dataclass(frozen=True)
class Facts:
    """Codes of places, most often told first.

    seats: of makers.  sellers: of firms that only sell.  scenes: where it happened or goods turned up.  far: scenes in
    other provinces that press or authorities name.  abroad: a party abroad is told of and no Chinese one.  firms: how
    many firms are named.  kinds: of the independent documents.  titles, text: their words.  assigned: where a person
    sent it, and who.  known: whether the documents themselves could be asked.
    """

    seats: tuple[str, ...] = ()
    sellers: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()
    far: tuple[str, ...] = ()
    abroad: bool = False
    firms: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)
    titles: tuple[str, ...] = ()
    text: str = ""
    names: tuple[str, ...] = ()
    assigned: tuple[str, str] | None = None
    known: bool = True


def facts_of_cards(cards: Sequence[Card], regions: Regions, registry: Registry) -> Facts:
    """The facts that the cards of an alert's documents tell. Reposts say no more than their origin."""
    origins = [card for card in cards if card.is_origin] or list(cards)
    seats: Counter[str] = Counter()
    sellers: Counter[str] = Counter()
    unlisted: Counter[str] = Counter()
    for card in origins:
        entry = registry(card.firm) if card.firm else None
        if entry is not None and entry.role in SELLERS:
            sellers[card.maker] += bool(card.maker)
        elif card.maker:
            seats[card.maker] += 1
        elif card.firm and _located(card.jurisdiction, regions):
            unlisted[card.jurisdiction] += 1
    told = scenes(origins, regions)
    if not (seats or sellers or unlisted or told):  # a municipality has no prefectures, and cards then no places
        told = list(_often(Counter(card.jurisdiction for card in origins if _located(card.jurisdiction, regions))))
    # A seat that only the annotation of a text gives is a scene where the registry knows the maker.
    makers = seats or unlisted
    placed = [code for code in told if code not in makers]
    trusted = scenes([card for card in origins if card.voice in TRUSTED], regions)
    return Facts(
        seats=_often(makers),
        sellers=_often(sellers),
        scenes=tuple(code for code in placed if regions.is_within(regions.home, code)),
        far=tuple(code for code in trusted if code not in makers and not regions.is_within(regions.home, code)),
        abroad=bool(origins) and all(card.jurisdiction == ABROAD for card in origins),
        firms=len({card.firm for card in origins if card.firm}),
        kinds=dict(Counter(card.kind for card in origins)),
        titles=tuple(dict.fromkeys(card.title for card in origins)),
    )


def _located(code: str, regions: Regions) -> bool:
    """Whether a code is a place within a province."""
    region = regions.get(code)
    return region.level != "province" if region else regions.prefecture_of(code) is not None


def _often(counted: Counter[str]) -> tuple[str, ...]:
    return tuple(code for code in sorted(counted, key=lambda code: (-counted[code], code)) if counted[code])


def facts_of_record(alert: Alert, regions: Regions) -> Facts:
    """The facts of an alert whose documents cannot be asked: its own places are all there is."""
    codes = [code for code in (alert.territory, *alert.territories) if _located(code, regions)]
    home = [code for code in codes if regions.is_within(regions.home, code)]
    lowest = [code for code in home if not any(code != other and regions.is_within(code, other) for other in home)]
    return Facts(
        scenes=tuple(dict.fromkeys(lowest)),
        far=tuple(dict.fromkeys(code for code in codes if code not in home)),
        abroad=alert.territory == ABROAD,
        firms=len(alert.enterprises),
        titles=(alert.title,),
        known=False,
    )


def load_facts(db: Connection, alert: Alert, regions: Regions, registry: Registry) -> Facts:
    """The facts of a stored alert."""
    newest = {kept.document: card_from(kept) for kept in cards_of(db, alert.documents) if kept.until is None}
    cards = [card for card in newest.values() if card.risk]
    found = facts_of_cards(cards, regions, registry) if cards else facts_of_record(alert, regions)
    texts = texts_of(db, alert.documents[:MOST_TEXTS], longest=LONGEST_TEXT)
    return Facts(
        **{name: getattr(found, name) for name in Facts.__dataclass_fields__ if name not in LOADED},
        titles=(alert.title, *found.titles[:MOST_TEXTS]),
        text="\n".join(texts),
        names=tuple(_names(alert.enterprises, registry)),
        assigned=_assigned(db, alert),
    )


LOADED = ("titles", "text", "names", "assigned")


def _names(firms: Iterable[str], registry: Registry) -> Iterable[str]:
    for firm in firms:
        entry = registry(firm)
        yield from (entry.name, *entry.short_names) if entry else (firm.removeprefix("NIL:"),)


def _assigned(db: Connection, alert: Alert) -> tuple[str, str] | None:
    """Where a person sent the alert, and who did; None where nobody did, or took it back."""
    sent: tuple[str, str] | None = None
    for row in history_of(db, alert.id):
        if row.action == "dispatch" and row.details.get("territories"):
            sent = (str(row.details["territories"][0]), row.actor)
        elif row.action in ("undo", "reopen", "reopened"):
            sent = None
    return sent
