"""From signals to alerts: each judged document changes the matters it touches, and nothing else.

Findings and levels are a function of what the store holds (alerts.replay); this file reads the neighbourhood of a
document, lets it be replayed, and writes the difference. It runs inside the transaction of its caller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property

from sqlalchemy import Connection

from alerts.alert_book import AlertBook, Change
from alerts.anomalies import Anomalies
from alerts.cards import Card, Registry, View, card_of, keys_of, stored
from alerts.crowds import Crowds
from alerts.day_series import DaySeries
from alerts.duty import Duty
from alerts.flatlines import Flatlines
from alerts.matters import NEAR, RADIUS, Matter, Neighbourhood
from alerts.mirrored import maybe_of
from alerts.notify import Notifier
from alerts.query_hits import NEWEST, QueryHits
from alerts.replay import Outcome, replay
from alerts.watches import watch_of
from alerts.watermarks import note_document
from alerts.wording import Names
from config.alert_life import AlertLife
from config.calendar_classes import Calendar
from config.grouping import Grouping
from config.lexicon import Lexicon
from config.rules import Rule
from core.records import Alert, Signal
from store.alert_log import find_alert
from store.cards import alerts_resting_on, one_judge_at_a_time, save_card, seen_before
from store.documents import arrival_number


@dataclass(frozen=True)
class Judgement:
    """What judging a document came to: the alerts that are new or changed, in the order they were written."""

    changes: tuple[Change, ...] = ()

    @property
    def alerts(self) -> tuple[str, ...]:
        """Ids of the alerts touched."""
        return tuple(dict.fromkeys(change.alert for change in self.changes))

    @property
    def opened(self) -> tuple[str, ...]:
        """Ids of the new ones."""
        return tuple(change.alert for change in self.changes if change.what == "opened")


class AlertEngine:
    """Judges documents against rules. One instance serves one process; it keeps no state between documents.

    registry: a firm by id, or None.  notifier: plans what is sent (None: nothing is, as when the past is ingested).
    ack_hours: hours to accept an alert by level, from orgs.yaml.  queries: of the rules whose scope has one.
    tiers: of sources by key.  life: what may end and wake.  duty: when people can be told, from which the hours to
    accept run; without it they run from now on.  calendar: for anomaly rules.  sources: titles by key.  off: those that
    are switched off.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        lexicon: Lexicon,
        grouping: Grouping,
        registry: Registry,
        ack_hours: Mapping[int, float],
        notifier: Notifier | None = None,
        queries: QueryHits | None = None,
        tiers: Mapping[str, int] | None = None,
        life: AlertLife | None = None,
        duty: Duty | None = None,
        calendar: Calendar | None = None,
        sources: Mapping[str, str] | None = None,
        off: frozenset[str] = frozenset(),
    ) -> None:
        self.rules = tuple(rules)
        self.lexicon = lexicon
        self.view = View(
            rules=self.rules,
            regions=lexicon.regions,
            grouping=grouping,
            registry=registry,
            key_products=frozenset(product.id for product in lexicon.products.values() if product.key),
            place_words=frozenset(
                word for region in lexicon.regions for word in (region.name, region.short_name) if 2 <= len(word) <= 3
            ),
            queries=queries,
            tiers=tiers or {},
        )
        due = duty.due_at if duty else lambda level, now: now + timedelta(hours=ack_hours.get(level, 24))
        names = Names(lexicon, registry, sources or {})
        self.book = AlertBook(names, self.titles, due, notifier, life or AlertLife())
        self.crowds = Crowds(self.rules, self.view, self.book)
        self.series = DaySeries(self.rules, self.view, calendar or Calendar())
        self.anomalies = Anomalies(self.series, self.book, off)
        self.flatlines = Flatlines(self.series, self.book, names, off)

    @cached_property
    def about_matters(self) -> bool:
        """Whether any rule is about one matter; an engine of a single rule, tried or tested, often is not."""
        return any(rule.in_matter for rule in self.rules)

    @cached_property
    def in_matter(self) -> Mapping[str, Rule]:
        """The rules that count within one matter, by id."""
        return {rule.id: rule for rule in self.rules if rule.in_matter}

    @cached_property
    def titles(self) -> Mapping[str, str]:
        """Titles of the rules by id."""
        return {rule.id: rule.title for rule in self.rules}

    def judge(self, db: Connection, signal: Signal, *, now: datetime) -> Judgement:
        """Judge one document revision; judging it again changes nothing.

        Called for every document, also those that are no risk: they may clear a firm or take a text back. Must run in
        a write transaction. Another judge waits for its end: it must see these cards.
        """
        one_judge_at_a_time(db)
        watch = watch_of(db, signal, self.view)
        maybe = maybe_of(db, signal, self.view)
        card = card_of(signal, self.view, number=self._number(db, signal), watch=watch, maybe=maybe)
        withdrawn = signal.document.withdrawn_at
        if self.series.rules:
            note_document(db, signal.document)
        keys = save_card(db, stored(card), keys_of(card, self.view), withdrawn_at=withdrawn)
        if not keys:
            return Judgement()
        counted = self.series.note(db, signal.document.id, keys)
        changes = self._judge_matters(db, card, keys, now) if self.about_matters else []
        moved = {document for change in changes for document in change.moved}
        rested = {document for change in changes for document in _whose_level_changed(db, change)}
        changes += self.crowds.settle(db, card, keys, moved | rested, now)
        changes += self.anomalies.settle(db, [*counted, *self.anomalies.resting_on(db, moved)], now)
        changes += self.flatlines.settle(db, keys, card.at, now)
        return Judgement(tuple(changes))

    def _judge_matters(self, db: Connection, card: Card, keys: frozenset[str], now: datetime) -> list[Change]:
        around = Neighbourhood(db, self.view, card.at)
        changes: list[Change] = []
        left: list[Alert] = []
        for subject in self._subjects(db, around, card, keys):
            written, ending = self._settle(db, around, subject, now)
            changes, left = changes + written, left + ending
        return changes + self.book.drop(db, left, now)

    def _number(self, db: Connection, signal: Signal) -> int:
        """The signal's place in the order of arrival; asked for only where rules were made while documents came."""
        if self.view.queries is None or not self.view.queries.dated:
            return NEWEST
        number = arrival_number(db, signal.document.id, signal.document.revision)
        return NEWEST if number is None else number

    def _subjects(self, db: Connection, around: Neighbourhood, card: Card, keys: frozenset[str]) -> list[str]:
        """Every matter that the document belongs to, belonged to, or moves others into or out of."""
        around.foresee([card], keys)
        touched = around.touched(card, keys)
        around.foresee(touched, span=NEAR * 3)
        subjects = {around.subject_of(other) for other in touched}
        subjects |= {key for key in keys if key[:2] == "f:"} | {f"f:{key[2:]}" for key in keys if key[:2] == "r:"}
        if card.risk:
            subjects.add(around.subject_of(card))
        documents = sorted({card.document, *(other.document for other in touched)})
        subjects |= {subject for _, subject in alerts_resting_on(db, documents) if not subject.startswith("w:")}
        # Those that may take documents over come first, so that an alert is merged and not first dismissed.
        around.load(
            subjects | {f"r:{one[2:]}" for one in subjects if one[0] == "f"}, card.at - RADIUS, card.at + RADIUS
        )
        order = {"f": 0, "m": 1, "p": 2, "d": 3}
        return sorted(subjects, key=lambda subject: (order.get(subject[0], 9), subject))

    def _settle(
        self, db: Connection, around: Neighbourhood, subject: str, now: datetime
    ) -> tuple[list[Change], list[Alert]]:
        outcomes = []
        for matter in around.matters(subject):
            outcome = self._replay(db, matter)
            if outcome is not None:
                outcomes.append(outcome)
        return self.book.settle(db, subject, outcomes, around=(around.at - _REACH, around.at + _REACH), now=now)

    def _replay(self, db: Connection, matter: Matter) -> Outcome | None:
        @cache  # many rules ask the same of a pair
        def seen(key: str, start: datetime, end: datetime) -> bool:
            return seen_before(db, key, start, end)

        return replay(matter, self.in_matter, self.view.regions, seen)


def _whose_level_changed(db: Connection, change: Change) -> tuple[str, ...]:
    """The documents of an alert that now stands higher or lower: a chain may have become its echo, or be none now."""
    alert = find_alert(db, change.alert) if change.what in ("raised", "lowered", "reopened", "dismissed") else None
    return alert.documents if alert else ()


_REACH = timedelta(days=60)

__all__ = ["AlertEngine", "Grouping", "Judgement"]
