"""Which signals speak of one matter: of a firm, of a number on a label, of a product at a place, or of nothing else.

The answer depends on what the store holds and not on the order in which it came in. Two named firms never share a
matter. A text that names no firm joins a firm's matter through the number on the label, or through a text of the press
or an authority that names the firm at the same place and time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.cards import Card, View, card_from
from store.cards import cards_with

RADIUS = timedelta(days=60)
NEAR = timedelta(days=15)
FARTHEST = timedelta(days=730)


@dataclass(frozen=True)
class Matter:
    """cards: every revision that speaks of it, in order of event time.  clearers: texts that clear its firm."""

    subject: str
    cards: tuple[Card, ...]
    clearers: tuple[Card, ...] = ()

    @property
    def documents(self) -> tuple[str, ...]:
        """Ids of its documents, in order of event time."""
        return tuple(dict.fromkeys(card.document for card in self.cards))


class Neighbourhood:
    """The cards around one moment, each key read once."""

    def __init__(self, db: Connection, view: View, at: datetime) -> None:
        self.db, self.view, self.at = db, view, at
        self._by_key: dict[str, list[Card]] = {}
        self._reach: dict[str, timedelta] = {}

    def load(self, keys: Iterable[str], radius: timedelta = RADIUS) -> None:
        """Read several keys at once."""
        missing = sorted({key for key in keys if self._reach.get(key, timedelta(-1)) < radius})
        if not missing:
            return
        found = cards_with(self.db, missing, self.at - radius, self.at + radius)
        for key in missing:
            self._by_key[key] = [card_from(kept) for kept in found[key]]
            self._reach[key] = radius

    def cards(self, key: str, radius: timedelta = RADIUS) -> list[Card]:
        """The cards of a key within `radius` of the moment, in order of event time."""
        self.load([key], radius)
        return self._by_key[key]

    def subject_of(self, card: Card) -> str:
        """The matter a card belongs to."""
        named = card.firm is not None and not card.firm.startswith("NIL:")
        if named:
            return f"f:{card.firm}"
        by_label = self._firm_by_label(card)
        if by_label:
            return f"f:{by_label}"
        if card.firm:
            return f"f:{card.firm}"
        if card.family is None:
            return f"d:{card.document}"
        by_place = self._firm_by_place(card)
        if by_place:
            return f"f:{by_place}"
        shared = self._shared_label(card)
        if shared:
            return f"m:{card.family}|{shared}"
        place = self.view.regions.prefecture_of(card.jurisdiction)
        return f"p:{card.family}|{place}" if place else f"d:{card.document}"

    def _firm_by_label(self, card: Card) -> str | None:
        span = self.view.grouping.join.model
        for label in card.labels:
            namers = [
                other
                for other in self.cards(f"m:{card.family}|{label}")
                if other.firm and abs(other.at - card.at) <= span and other.until is None
            ]
            listed = {other.firm for other in namers if other.firm and not other.firm.startswith("NIL:")}
            if len(listed) == 1:
                return listed.pop()
            firms = {other.firm for other in namers if other.firm}
            if not listed and len(firms) == 1 and card.firm is None:
                return firms.pop()
        return None

    def _shared_label(self, card: Card) -> str | None:
        for label in card.labels:
            if len({other.document for other in self.cards(f"m:{card.family}|{label}")}) > 1:
                return label
        return None

    def _firm_by_place(self, card: Card) -> str | None:
        join = self.view.grouping.join
        home = self.view.regions.prefecture_of(card.jurisdiction)
        if home is None:
            return self._only_firm_talked_about(card) if card.voice == "social" else None
        chain = self._chain_of(card, self.cards(f"p:{card.family}|{home}", NEAR * 2))
        start, end = chain[0].at - join.before, chain[-1].at + join.after
        namers = [
            other
            for other in self.cards(f"j:{card.family}|{home}", NEAR * 2)
            if start <= other.at <= end and other.until is None and self._same_story(card, other, home)
        ]
        later = [other for other in namers if other.at >= card.at]
        chosen = min(later, key=lambda c: c.order) if later else max(namers, key=lambda c: c.order, default=None)
        return chosen.firm if chosen else None

    def _same_story(self, card: Card, namer: Card, home: str) -> bool:
        exact = card.jurisdiction != home
        place = not exact or card.jurisdiction in namer.places or not self._counties(namer, home)
        return place and (not card.issues or not namer.issues or bool(set(card.issues) & set(namer.issues)))

    def _counties(self, card: Card, home: str) -> list[str]:
        regions = self.view.regions
        return [code for code in card.places if code != home and regions.prefecture_of(code) == home]

    def _only_firm_talked_about(self, card: Card) -> str | None:
        span = self.view.grouping.join.anywhere
        near = [other for other in self.cards(f"j:{card.family}", NEAR) if abs(other.at - card.at) <= span]
        firms = {other.firm for other in near if other.until is None}
        return firms.pop() if len(firms) == 1 else None

    def _chain_of(self, card: Card, cards: Sequence[Card]) -> Sequence[Card]:
        for chain in chains(cards, self.view.grouping.idle.place):
            if any(other.document == card.document for other in chain):
                return chain
        return [card]

    def matters(self, subject: str) -> list[Matter]:
        """The matters of a subject around the moment: its cards, cut where nothing was heard for long."""
        idle = self._idle(subject)
        radius = RADIUS
        while True:
            members = self._members(subject, radius)
            on_edge = members and (
                members[0].at - (self.at - radius) < idle or (self.at + radius) - members[-1].at < idle
            )
            if not on_edge or radius >= FARTHEST:
                break
            radius *= 2
        firm = subject[2:] if subject.startswith("f:") else ""
        clearers = tuple(self.cards(f"r:{firm}", radius)) if firm else ()
        return [Matter(subject, tuple(chain), clearers) for chain in chains(members, idle)]

    def _idle(self, subject: str) -> timedelta:
        idle = self.view.grouping.idle
        return {"f": idle.firm, "m": idle.model}.get(subject[0], idle.place)

    def _members(self, subject: str, radius: timedelta) -> list[Card]:
        found = {(card.document, card.revision): card for card in self.cards(subject, radius)}
        if subject[0] == "f":
            keys = self._joining_keys(found.values())
            self.load(keys, radius)
            for card in (card for key in keys for card in self.cards(key, radius)):
                found[card.document, card.revision] = card
        belonging = [card for card in found.values() if self.subject_of(card) == subject]
        return sorted(belonging, key=lambda card: card.order)

    def _joining_keys(self, cards: Iterable[Card]) -> list[str]:
        regions = self.view.regions
        keys: set[str] = set()
        for card in cards:
            if card.family is None:
                continue
            keys |= {f"m:{card.family}|{label}" for label in card.labels}
            if card.trusted and not str(card.firm).startswith("NIL:"):
                keys.add(f"u:{card.family}")
                keys |= {f"p:{card.family}|{regions.prefecture_of(place)}" for place in card.places}
        return sorted(keys)

    def touched(self, card: Card, keys: Iterable[str]) -> list[Card]:
        """The cards whose matter may be another one now that something changed under `keys`."""
        near: set[str] = set()
        for key in keys:
            kind, _, rest = key.partition(":")
            if kind in ("p", "u"):
                near.add(key)
            elif kind == "j":
                near.add(f"p:{rest}" if "|" in rest else f"u:{rest}")
        labels = [key for key in keys if key.startswith("m:")]
        self.load(near, NEAR * 2)
        self.load(labels)
        found = {(c.document, c.revision): c for key in labels for c in self.cards(key)}
        for key in near:
            found |= {(c.document, c.revision): c for c in self.cards(key, NEAR * 2) if abs(c.at - card.at) <= NEAR}
        return sorted(found.values(), key=lambda c: c.order)


def chains(cards: Sequence[Card], idle: timedelta) -> list[list[Card]]:
    """Cards in order of time, cut where more than `idle` lies between two."""
    found: list[list[Card]] = []
    for card in cards:
        if found and card.at - found[-1][-1].at <= idle:
            found[-1].append(card)
        else:
            found.append([card])
    return found
