"""What happens because time passes and not because a document comes: silences, all-clears, keys to be judged again,
what came before a rule was counted in, and what a rule that is gone leaves behind.

Time is that of the documents (alerts/watermarks.py). Every step is a transaction of its own and does nothing twice:
after a kill it is taken up where it stood.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from alerts.anomalies import is_over
from alerts.cards import card_of
from alerts.day_series import day_of, rule_in
from alerts.engine import AlertEngine
from alerts.watermarks import move_watermark, story_time, watermark
from config.conditions import AnomalyCondition, FlatlineCondition
from config.rules import Rule
from core.records import Alert
from store import day_counts as book
from store.alert_log import (
    find_alert,
    findings_of_alert,
    open_alerts_of_rules,
    open_alerts_that_end_themselves,
)
from store.cards import one_judge_at_a_time
from store.schema import event_documents

PAGE = 100
EVENT_DAYS = 14
"""So far back documents may still change their event (nlp.events)."""


class Transactions(Protocol):
    """What a pass needs of a store."""

    def read(self) -> AbstractContextManager[Connection]: ...

    def write(self) -> AbstractContextManager[Connection]: ...


class Clockwork:
    """The passes of one engine over one store.

    It remembers only which alerts that a person holds have been told their end, so as not to look at them again; that
    it is told once, whoever's clockwork comes by, is seen to by the alert itself (its `all_clear`).
    """

    def __init__(self, store: Transactions, engine: AlertEngine) -> None:
        self.store, self.engine = store, engine
        self._told: set[tuple[str, datetime]] = set()

    def begin(self) -> None:
        """Take up the rules that are new, before the next document is judged."""
        if not self.engine.series.rules:
            return
        with self.store.write() as db:
            one_judge_at_a_time(db)
            for rule in self.engine.series.rules.values():
                self.engine.series.taken_up(db, rule)

    def run(self, now: datetime, *, seconds: float = float("inf")) -> bool:
        """One pass, for about so long. Whether nothing is left to do until time has passed or documents have come."""
        self._gone(now)
        if not self.engine.series.rules:
            return True
        end = time.monotonic() + seconds
        passes: tuple[Callable[[datetime, float], bool], ...] = (
            self._count_in,
            self._events,
            self._again,
            self._silences,
            self._endings,
        )
        done = [one(now, end) for one in passes]  # each of them, whether or not the one before has finished
        return all(done)

    # --- what came before a rule --------------------------------------------------------------------------------

    def _count_in(self, _now: datetime, end: float) -> bool:
        """Let what was judged before a rule came count in it: a detector needs to know what is usual."""
        series = self.engine.series
        with self.store.read() as db:
            known = {rule.id: book.find_rule(db, rule.id) for rule in series.rules.values()}
        for rule in series.rules.values():
            mine = known[rule.id]
            if mine is not None and mine.version == rule.version and mine.counted >= mine.since:
                continue  # nothing is left to count in, and nobody need wait for the write lock
            while True:
                with self.store.write() as db:
                    one_judge_at_a_time(db)
                    page = series.earlier(db, rule, PAGE)
                    for number, signal in page:
                        card = card_of(signal, self.engine.view, number=number)
                        series.count_in(db, rule, card, signal.document.revision)
                if not page:
                    break
                if time.monotonic() > end:
                    return False
        return True

    def _events(self, now: datetime, end: float) -> bool:
        """Rules that count events: documents that have come into another event count for that."""
        for rule in self.engine.series.anomaly.values():
            condition = rule.condition
            if not isinstance(condition, AnomalyCondition) or condition.count != "events":
                continue
            while True:
                with self.store.write() as db:
                    one_judge_at_a_time(db)
                    frontier = story_time(db).frontier
                    since = day_of(frontier) - EVENT_DAYS if frontier else 0
                    stale = book.stale_values(db, rule.id, since, event_documents, limit=PAGE)
                    for document in stale:
                        counted = self.engine.series.recount(db, document)
                        self.engine.anomalies.settle(db, counted, now)
                if len(stale) < PAGE:
                    break
                if time.monotonic() > end:
                    return False
        return True

    # --- keys to be judged again --------------------------------------------------------------------------------

    def _again(self, now: datetime, end: float) -> bool:
        """Where what a rule's keys share has changed behind them, they are judged again, key by key."""
        for rule in self.engine.series.anomaly.values():
            while self._again_page(rule, now):
                if time.monotonic() > end:
                    return False
        return True

    def _again_page(self, rule: Rule, now: datetime) -> bool:
        """Whether more is to be done for the rule."""
        with self.store.read() as db:
            known = book.find_rule(db, rule.id)
        if known is None or known.again_from is None:
            return False
        with self.store.write() as db:
            one_judge_at_a_time(db)
            known = book.find_rule(db, rule.id)
            if known is None or known.again_from is None:
                return False
            keys = book.keys_after(db, rule.id, known.again_key, known.again_from, limit=PAGE)
            settling = self.engine.anomalies.begin(db, now)
            for key in keys:
                self.engine.anomalies.settle_key(settling, rule, key, known.again_from)
            done = len(keys) < PAGE
            book.save_rule(
                db,
                replace(known, again_from=None if done else known.again_from, again_key="" if done else keys[-1]),
            )
        return not done

    # --- silences and endings -----------------------------------------------------------------------------------

    def _silences(self, now: datetime, end: float) -> bool:
        """Keys whose window the watermark has left behind."""
        for rule in self.engine.series.flatline.values():
            while self._silences_page(rule, now):
                if time.monotonic() > end:
                    return False
        return True

    def _silences_page(self, rule: Rule, now: datetime) -> bool:
        """Whether more is to be done for the rule."""
        with self.store.read() as db:
            time_now = story_time(db, self.engine.flatlines.off)
            reached = watermark(db, time_now)
            if reached is None or not book.keys_due(db, rule.id, reached, limit=1):
                return False
        with self.store.write() as db:
            one_judge_at_a_time(db)
            moment = story_time(db, self.engine.flatlines.off)
            until = move_watermark(db, moment)
            keys = book.keys_due(db, rule.id, until, limit=PAGE) if until else []
            for key in keys:
                assert until is not None
                while (due := book.due_of(db, key)) is not None and due <= until:
                    self.engine.flatlines.settle_key(db, rule, key, due, until, now, moment)
        return len(keys) == PAGE

    def _gone(self, now: datetime) -> None:
        """Alerts that follow the series of a rule that is no longer there."""
        rules = self.engine.series.rules
        with self.store.read() as db:
            left = [alert for alert in open_alerts_that_end_themselves(db) if rule_in(alert.subject) not in rules]
        for alert in left:
            with self.store.write() as db:
                one_judge_at_a_time(db)
                found = find_alert(db, alert.id)
                if found is not None:
                    self.engine.book.rule_gone(db, found, now)

    def _endings(self, now: datetime, _end: float) -> bool:
        """Alerts whose quiet days have passed, or whose source is switched off."""
        with self.store.read() as db:
            moment = story_time(db, self.engine.anomalies.off)
            frontier, until = moment.frontier, watermark(db, moment)
            open_now = open_alerts_of_rules(db, list(self.engine.series.rules))
        for alert in open_now:
            rule = self.engine.series.rules.get(rule_in(alert.subject))
            mark = (alert.id, alert.updated_at)
            if rule is None or frontier is None or until is None or mark in self._told:
                continue
            if isinstance(rule.condition, AnomalyCondition) and not self._is_over(alert, frontier):
                continue
            if isinstance(rule.condition, FlatlineCondition) and not self.engine.flatlines.is_off(rule, alert.subject):
                continue
            with self.store.write() as db:
                one_judge_at_a_time(db)
                self._end(db, rule, alert, until, now)
            self._told.add(mark)
        return True

    def _is_over(self, alert: Alert, frontier: datetime) -> bool:
        with self.store.read() as db:
            found = findings_of_alert(db, alert.id)
        return bool(found) and is_over(max(one.numbers.get("last_day", 0) for one in found), frontier)

    def _end(self, db: Connection, rule: Rule, alert: Alert, until: datetime, now: datetime) -> None:
        if isinstance(rule.condition, FlatlineCondition):
            moment = story_time(db, self.engine.flatlines.off)
            self.engine.flatlines.settle_key(db, rule, alert.subject, alert.first_at, until, now, moment)
        else:
            settling = self.engine.anomalies.begin(db, now)
            self.engine.anomalies.settle_key(settling, rule, alert.subject, day_of(alert.first_at))
