"""Which keys of anomaly and flatline rules a document counts for, day by day, and what all keys of a rule share.

Kept in the transaction that judges. A day that was counted late asks for what rests on it to be judged again: the same
key at once (alerts/anomalies.py), the rule's other keys where shared figures move (`judge_again`, alerts/clockwork.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from alerts.cards import Card, View, group_keys
from alerts.conditions.anomaly import Common
from alerts.detectors.calendar_nb import learn_pool
from alerts.detectors.calendar_nb_counts import CalendarNb, Floats, KeyCounts
from alerts.detectors.calendar_nb_factors import Pool
from config.calendar_classes import Calendar
from config.conditions import AnomalyCondition, FlatlineCondition
from config.rules import SERIES_REACH, Rule
from core.clock import BEIJING, as_utc, beijing
from core.records import Signal
from store import day_counts as book
from store.day_counts import Counted, CountedRule
from store.documents import judged_before, newest_judged
from store.schema import event_documents

REACH = SERIES_REACH.days
YOUNG = CalendarNb().short_days
"""So long the keys of a new rule lean on each other (calendar_nb_level)."""
BORROWED_FROM = 91
CLEAR = 2
"""Digits of a shared factor: chance in the third would have all keys judged again for nothing."""


def day_of(at: datetime) -> int:
    """The Beijing day of a moment, ordinal."""
    return beijing(at).date().toordinal()


def start_of(day: int) -> datetime:
    """00:00 Beijing of a day, in UTC."""
    first = date.fromordinal(day)
    return as_utc(datetime(first.year, first.month, first.day, tzinfo=BEIJING))


def month_of(day: int) -> int:
    """Months since the year 0."""
    first = date.fromordinal(day)
    return 12 * first.year + first.month - 1


def first_of(month: int) -> int:
    """The first day of a month."""
    return date(month // 12, month % 12 + 1, 1).toordinal()


class DaySeries:
    """The counts of the rules that ask for them. It keeps no state between documents."""

    def __init__(self, rules: Sequence[Rule], view: View, calendar: Calendar) -> None:
        self.anomaly = {rule.id: rule for rule in rules if isinstance(rule.condition, AnomalyCondition)}
        self.flatline = {rule.id: rule for rule in rules if isinstance(rule.condition, FlatlineCondition)}
        self.rules: Mapping[str, Rule] = {**self.anomaly, **self.flatline}
        self.view, self.calendar = view, calendar

    def note(self, db: Connection, document: str, keys: Iterable[str]) -> list[tuple[str, int]]:
        """Count a judged document; (key, day) of everything anomalous days may now be found in, or no longer.

        keys: all under which it is or was found.
        """
        counted = {key: rule_in(key) for key in keys if key.startswith("w:") and rule_in(key) in self.rules}
        for rule_id in sorted(set(counted.values())):
            self.taken_up(db, self.rules[rule_id])
        for key, rule_id in counted.items():
            if rule_id in self.flatline:
                self._note_sighting(db, key, rule_id)
        return self.recount(db, document) if self.anomaly.keys() & counted.values() else []

    def taken_up(self, db: Connection, rule: Rule) -> CountedRule:
        """How a rule is counted; a new one, or one with new words, begins here. What came before only counts."""
        known = book.find_rule(db, rule.id)
        if known is not None and known.version == rule.version:
            return known
        if known is not None:
            book.forget_counts(db, rule.id)
        since, at = newest_judged(db)
        new = CountedRule(rule.id, rule.version, since, at, 0, None, "")
        book.save_rule(db, new)
        return new

    def _note_sighting(self, db: Connection, key: str, rule: str) -> None:
        seen = book.seen_between(db, key)
        if seen is None:
            book.drop_key(db, key)
            return
        first, last = seen
        book.note_key(db, key, rule, parent_of(key), day_of(first), day_of(last))

    def recount(self, db: Connection, document: str) -> list[tuple[str, int]]:
        """Make the counts what the document's standing revision says. Returns where something may have changed."""
        if not self.anomaly:
            return []
        old, new = book.counted_of(db, document), self._counts_for(db, document)
        changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
        for rule_id in sorted({rule_in(key) for key in changed}):
            mine = [key for key in changed if rule_in(key) == rule_id]
            self._count(db, rule_id, [old[key] for key in mine if key in old], [new[key] for key in mine if key in new])
        return sorted({(key, one.day) for found in (old, new) for key, one in found.items()})

    def _count(self, db: Connection, rule: str, gone: Sequence[Counted], come: Sequence[Counted]) -> None:
        """Take out and count in, for one rule; then what its keys share."""
        first = before = book.first_day_of(db, rule)
        for one in gone:
            self._summed(db, one.key, one.day, -book.take_counted(db, one))
            self._bounds(db, one.key, rule)
        if gone:
            first = book.first_day_of(db, rule)
        for one in come:
            self._summed(db, one.key, one.day, book.add_counted(db, one))
            book.widen_key(db, one.key, rule, parent_of(one.key), one.day)
            first = one.day if first is None else min(first, one.day)
        self._shared_moves(db, rule, before, first, min(one.day for one in (*gone, *come)))

    def _counts_for(self, db: Connection, document: str) -> dict[str, Counted]:
        standing = book.standing_card(db, document)
        if standing is None:
            return {}
        revision, at, facts = standing
        if not facts.get("risk") or facts.get("origin") != document:
            return {}
        found = {}
        for key in book.crowd_keys(db, document, revision, "w:"):
            rule = self.anomaly.get(rule_in(key))
            if rule is not None:
                value = self._value(db, rule, document, facts)
                found[key] = Counted(key, document, day_of(at), at, value)
        return found

    def _value(self, db: Connection, rule: Rule, document: str, facts: Mapping[str, Any]) -> str:
        condition = rule.condition
        assert isinstance(condition, AnomalyCondition)
        match condition.count:
            case "sources":
                return str(facts["source"])
            case "events":
                query = select(event_documents.c.event).where(event_documents.c.document == document)
                return db.execute(query).scalar_one_or_none() or document
        return ""

    def _summed(self, db: Connection, key: str, day: int, by: int) -> None:
        """The sums over a rule's keys, and over those of a parent."""
        if by:
            for total in sorted({f"t:{rule_in(key)}", parent_of(key)}):
                book.bump(db, total, day, "", by)

    def _bounds(self, db: Connection, key: str, rule: str) -> None:
        bounds = book.bounds_of(db, key)
        if bounds is None:
            book.drop_key(db, key)
            return
        book.note_key(db, key, rule, parent_of(key), *bounds)

    def _shared_moves(self, db: Connection, rule: str, before: int | None, first: int | None, day: int) -> None:
        """Ask for the rule's keys to be judged again where what they share has moved behind them.

        before, first: the first day on which anything counted for the rule, and does now.  day: that was counted on.
        """
        again = []
        if first != before and before is not None:
            again.append(min(before, first if first is not None else before))
        if first is not None and day < first + YOUNG:
            again.append(day + 1)
        if again:
            book.judge_again(db, rule, min(again))
        self.learn_again(db, rule, month_of(day) + 1)

    # --- what a key's day is judged by --------------------------------------------------------------------------

    def counts(self, db: Connection, rule: Rule, key: str, last: int, *, begun: int | None) -> tuple[int, Floats]:
        """(first day, a number a day up to `last`), from the rule's first counted day on, at most REACH days.

        begun: the rule's first counted day.
        """
        condition = rule.condition
        assert isinstance(condition, AnomalyCondition)
        first = last if begun is None else max(min(begun, last), last - REACH)
        row = np.zeros(last - first + 1)
        for day, count in book.days_of(db, key, first, last, different=condition.count != "origins").items():
            row[day - first] = count
        return first, row

    def common(self, db: Connection, rule: str, month: int) -> Common:
        """What the rule's keys share when days of a month are judged; learnt when first asked for, then kept."""
        content = book.pools_of(db, rule, month).get(month)
        if content is None or len(content["code"]) != len(self.calendar.names):
            content = self._learn(db, rule, month)
            book.save_pool(db, rule, month, content)
        return Common(Pool(np.array(content["weekday"]), np.array(content["code"])), content["keys"])

    def _learn(self, db: Connection, rule: str, month: int) -> dict[str, Any]:
        """Factors from the sum over all keys, from the days before the month: cost does not grow with the keys."""
        first_day, total = first_of(month), f"t:{rule}"
        begun = book.first_day_of(db, rule)
        start = first_day if begun is None else max(min(begun, first_day), first_day - REACH)
        row = np.zeros((1, first_day - start + 1))
        for day, count in book.days_of(db, total, start, first_day - 1, different=False).items():
            row[0, day - start] = count
        pool = learn_pool(KeyCounts(row, date.fromordinal(start)), self.calendar, CalendarNb())
        return {
            "weekday": [round(float(factor), CLEAR) for factor in pool.weekday],
            "code": [round(float(factor), CLEAR) for factor in pool.code],
            "keys": rounded(book.keys_before(db, rule, first_day)),
        }

    def learn_again(self, db: Connection, rule: str, since: int) -> None:
        """Where what is shared from a month on has changed: keep it, and have the rule's keys judged again."""
        for month, known in sorted(book.pools_of(db, rule, since).items()):
            content = self._learn(db, rule, month)
            if content != known:
                book.save_pool(db, rule, month, content)
                book.judge_again(db, rule, first_of(month))

    def borrowed(self, db: Connection, key: str, day: int, first: int) -> float:
        """Events a day of the keys of its parent in the last 91 days before; NaN: none, or the rule is not young."""
        if day - first >= YOUNG:
            return float("nan")
        start = max(first, day - BORROWED_FROM)
        keys = book.keys_by(db, parent_of(key), day - 1)
        if not keys or start >= day:
            return float("nan")
        total = sum(book.days_of(db, parent_of(key), start, day - 1, different=False).values())
        return total / (keys * (day - start))

    # --- what came before a rule --------------------------------------------------------------------------------

    def count_in(self, db: Connection, rule: Rule, card: Card, revision: int) -> None:
        """Let a document that was judged before the rule came count for it. It makes nothing fire."""
        if not card.counts_for(rule.id):
            return
        keys = group_keys(card, rule, self.view.regions)
        book.add_keys(db, card.document, revision, card.at, keys)
        if rule.id in self.flatline:
            for key in keys:
                self._note_sighting(db, key, rule.id)
                book.note_due(db, key, card.at, or_earlier=True)
        else:
            self.recount(db, card.document)

    def earlier(self, db: Connection, rule: Rule, limit: int) -> list[tuple[int, Signal]]:
        """The next documents that were judged before the rule came and are not counted in yet; notes how far it is."""
        known = self.taken_up(db, rule)
        if known.counted >= known.since:
            return []
        page = judged_before(db, known.counted, known.since, limit=limit)
        up_to = page[-1][0] if len(page) == limit else known.since
        book.save_rule(db, replace(known, counted=up_to))
        return page


def rounded(number: int) -> int:
    """To two digits: what a budget reckons with need not change with every key."""
    return number if number < 100 else int(float(f"{number:.1e}"))


def rule_in(key: str) -> str:
    """The rule of a crowd's key."""
    return key[2:].split("|", 1)[0]


def parent_of(key: str) -> str:
    """The key without its last value, under which the sums of its parent stand."""
    return f"t:{key[2:].rsplit('|', 1)[0]}"
