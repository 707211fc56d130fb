"""The cards of a span, read once in order of time, and which of them a rule counts.

A rule is asked as if it had always been there: the marks that a card carries from its own time are not looked at.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from alerts.cards import Card, View, counts_everything, marks_of
from alerts.rule_query import RuleQueries
from alerts.setup import EngineParts
from config.conditions import parts_of
from config.rules import Rule
from core.records import Signal
from search.match import Match, compile_match
from search.prefilter import pieces_needed
from search.text import tight
from store.cards import StoredCard, cards_between
from store.documents import signals_of_revisions, texts_of_revisions

AT_ONCE = 400
Progress = Callable[[str, int], None]
"""What is being done, and how many cards are behind it."""
NO_HURT: Mapping[str, int] = {}


@dataclass(frozen=True)
class Asked:
    """A rule and what asking it needs. match: of its query, None where it has none.  pieces: of which a text must hold
    one to be a hit, None where that cannot be said.
    """

    rule: Rule
    view: View
    queries: RuleQueries
    match: Match | None
    pieces: frozenset[str] | None

    @property
    def needs_text(self) -> bool:
        """Whether one of its scopes looks for words."""
        return any(scope.text for scope in (self.rule.scope, *parts_of(self.rule.condition)))


def asked_of(rule: Rule, parts: EngineParts) -> Asked:
    """Make a rule ready. Raises QueryError where its query cannot be read."""
    view = replace(replace(parts, rules=(replace_query(rule),), notifier=None).engine().view, queries=None)
    if not rule.scope.query:
        return Asked(rule, view, parts.queries, None, None)
    where, words = parts.queries.read(rule.scope), parts.queries.words
    return Asked(rule, view, parts.queries, compile_match(where, words), pieces_needed(where, words))


def replace_query(rule: Rule) -> Rule:
    """The rule without its query: what its other words say of a card."""
    return rule.model_copy(update={"scope": rule.scope.model_copy(update={"query": ""})})


def read_cards(db: Connection, start: datetime, end: datetime, *, everything: bool = False) -> Iterator[Card]:
    """Every card that is a risk or clears a firm, in order of time; equal values are one object, for they are many.

    everything: also all others.
    """
    known: dict[Any, Any] = {}
    for kept in cards_between(db, start, end):
        facts = json.loads(kept.facts)
        if everything or facts["risk"] or facts["clears"]:
            yield _card(kept, facts, known)


def _card(kept: StoredCard, told: Mapping[str, Any], known: dict[Any, Any]) -> Card:
    facts: dict[str, Any] = {}
    for name, value in told.items():
        if isinstance(value, list):
            value = tuple(value)
        if name == "hurt":
            facts[name] = value or NO_HURT
        elif name == "origin" and value == kept.document:
            facts[name] = kept.document
        elif name in Card.__dataclass_fields__:
            facts[name] = value if name in ("title", "origin") else known.setdefault(value, value)
    facts |= {"rules": (), "before": ()}
    return Card(document=kept.document, revision=kept.revision, at=kept.at, until=kept.until, **facts)


def counted(db: Connection, cards: Iterable[Card], asked: Asked) -> Iterator[Card]:
    """The cards, each with the marks of the rule in `rules` (none where it does not count it), in the order given."""
    source = iter(cards)
    while some := list(islice(source, AT_ONCE)):
        marks = _marks(db, some, asked)
        for place, card in enumerate(some):
            yield replace(card, rules=marks[place]) if place in marks else card


def _marks(db: Connection, cards: Sequence[Card], asked: Asked) -> dict[int, tuple[str, ...]]:
    texts: Mapping[tuple[str, int], str] = {}
    if asked.needs_text:
        rule, everything = asked.rule, counts_everything(asked.rule)
        wanted = [card for card in cards if (card.risk or everything) and card.level >= rule.scope.min_level]
        texts = texts_of_revisions(db, [(card.document, card.revision) for card in wanted])
    found: dict[int, tuple[str, ...]] = {}
    for place, card in enumerate(cards):
        text = texts.get((card.document, card.revision), "")
        if marks := marks_of(card, asked.rule, asked.view, text=text):
            found[place] = marks
    if asked.match is None or not found:
        return found
    found = _likely(db, cards, found, asked)
    signals = signals_of_revisions(db, [(cards[at].document, cards[at].revision) for at in found])
    return {
        place: marks
        for place, marks in found.items()
        if _is_hit(asked, asked.match, signals.get((cards[place].document, cards[place].revision)))
    }


def _likely(
    db: Connection, cards: Sequence[Card], found: dict[int, tuple[str, ...]], asked: Asked
) -> dict[int, tuple[str, ...]]:
    """Those whose text may be a hit: most are not, and cutting words is dear."""
    pieces = asked.pieces
    if pieces is None:
        return found
    texts = texts_of_revisions(db, [(cards[at].document, cards[at].revision) for at in found])
    folded = {key: tight(text) for key, text in texts.items()}
    likely = {key for key, text in folded.items() if any(piece in text for piece in pieces)}
    return {at: marks for at, marks in found.items() if (cards[at].document, cards[at].revision) in likely}


def _is_hit(asked: Asked, match: Match, signal: Signal | None) -> bool:
    return signal is not None and match(asked.queries.row(signal))
