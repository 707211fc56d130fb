"""The rule type `anomaly`: which days of a key are alarms, told as one finding and one alert for each run of them.

What is found is a function of what the store holds: the key's days, what all keys of the rule share, and how far the
story has come. A document that comes late has its day judged again, and every day after it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np
from sqlalchemy import Connection

from alerts.alert_book import AlertBook, Change
from alerts.cards import Card, card_from
from alerts.conditions.anomaly import DEFAULT, Common, DayVerdict, KeyDays, judge, may_be, score_of_cut
from alerts.conditions.verdict import Verdict
from alerts.crowds import echo_of, write_findings
from alerts.day_series import DaySeries, day_of, month_of, rule_in, start_of
from alerts.detectors.calendar_nb_arrival import arrived_share
from alerts.detectors.calendar_nb_counts import Floats
from alerts.detectors.screening import benjamini_hochberg
from alerts.held import Held, make_finding
from alerts.matters import Matter
from alerts.replay import Outcome, Step
from alerts.watermarks import StoryTime, story_time
from config.conditions import AnomalyCondition
from config.rules import Rule
from core.records import Finding
from store import day_counts as book
from store.alert_log import findings_of, subjects_with_alerts
from store.cards import cards_with
from store.day_counts import Counted
from store.documents import sources_of

QUIET = 3
"""Days without an alarm after which an alert is cleared; what comes within them belongs to it."""
SMALL = 0.2
"""Chances below are kept for Benjamini-Hochberg: larger ones are never let through."""
MOST_DOCUMENTS = 500
SAMPLED = 100
YOUNG_DAYS = 4
"""Days whose documents may not all be here (CAP, and today)."""


@dataclass(frozen=True)
class AlarmDay:
    """A day that is an alarm. fired_at: when the document came that made it one.  whole: also when all is here."""

    day: int
    fired_at: datetime
    verdict: DayVerdict
    provisional: bool = False


class Settling:
    """One settling of anomaly rules: in one transaction, while no count changes. What keys share is read once."""

    def __init__(self, db: Connection, series: DaySeries, off: frozenset[str], now: datetime) -> None:
        self.db, self.series, self.off, self.now = db, series, off, now
        self._days: dict[str, tuple[int | None, int | None]] = {}
        self._common: dict[tuple[str, int], Common] = {}

    @cached_property
    def time(self) -> StoryTime:
        """What the store says of time."""
        return story_time(self.db, self.off)

    def days_of(self, rule: Rule) -> tuple[int | None, int | None]:
        """The day from which a rule is judged, and the first on which anything counts for it; None: every day, none."""
        if rule.id not in self._days:
            since = self.series.taken_up(self.db, rule).since_at
            self._days[rule.id] = (day_of(since) if since else None, book.first_day_of(self.db, rule.id))
        return self._days[rule.id]

    def common(self, rule: str, month: int) -> Common:
        """What the rule's keys share when days of a month are judged."""
        if (rule, month) not in self._common:
            self._common[rule, month] = self.series.common(self.db, rule, month)
        return self._common[rule, month]


class Anomalies:
    """Settles the rules that judge daily counts."""

    def __init__(self, series: DaySeries, book: AlertBook, off: frozenset[str] = frozenset()) -> None:
        self.series, self.book, self.off = series, book, off

    def resting_on(self, db: Connection, documents: Iterable[str]) -> list[tuple[str, int]]:
        """(key, day) that these documents count for: they went into or out of an alert that an anomaly may echo."""
        if not self.series.anomaly:
            return []
        counted = book.counted_days_of(db, sorted(documents))
        return [(key, day) for key, day in counted if rule_in(key) in self.series.anomaly]

    def begin(self, db: Connection, now: datetime) -> Settling:
        """For settling several keys in this transaction."""
        return Settling(db, self.series, self.off, now)

    def settle(self, db: Connection, touched: Iterable[tuple[str, int]], now: datetime) -> list[Change]:
        """Judge again the days that counts have changed on, and what follows from them. touched: (key, day)."""
        earliest: dict[str, int] = {}
        for key, day in touched:
            if rule_in(key) not in self.series.anomaly:
                continue  # a rule that is no longer there
            earliest[key] = min(day, earliest.get(key, day))
        settling = self.begin(db, now)
        return [
            change
            for key, day in sorted(earliest.items())
            for change in self.settle_key(settling, self.series.anomaly[rule_in(key)], key, day)
        ]

    def settle_key(
        self, settling: Settling, rule: Rule, key: str, day: int, done: frozenset[str] = frozenset()
    ) -> list[Change]:
        """Make the findings and alerts of a key from a day on what its counts say. done: keys that led to this one."""
        db, (since, _) = settling.db, settling.days_of(rule)
        day = max(day, since) if since else day
        bounds = book.days_of_key(db, key)
        known = findings_of(db, rule=rule.id, key=key)
        for finding in reversed(known):
            if day_of(finding.fired_at) < day <= _last_day(finding.numbers) + QUIET:
                day = day_of(finding.fired_at)
        if _corrected(rule):
            book.forget_chances(db, rule.id, key, day)
        runs = _runs(self._alarms(settling, rule, key, day, bounds) if bounds else [])
        changes: list[Change] = []
        if runs or any(day_of(finding.fired_at) >= day for finding in known):
            within = start_of(day), start_of(max([day, *([bounds[1]] if bounds else [])]) + 1)
            changes = self._write(settling, rule, key, runs, within, known)
        return [*changes, *self._let_through(settling, rule, day, done | {key})]

    def _write(
        self, settling: Settling, rule: Rule, key: str, runs: Sequence[Sequence[AlarmDay]],
        within: tuple[datetime, datetime], known: Sequence[Finding],
    ) -> list[Change]:  # fmt: skip
        """known: the key's standing findings."""
        db, now = settling.db, settling.now
        told = [self._told(settling, rule, key, run) for run in runs]
        far = max([within[1], *(finding.fired_at for finding in known)])
        standing = [one for one in known if one.fired_at >= within[0]]
        write_findings(db, [held for held, _ in told], standing, now)
        alerted = bool(subjects_with_alerts(db, [key]))
        outcomes, changes = [], []
        for held, outcome in told:
            holder = echo_of(db, held.finding, outcome.cards)
            if holder is None:
                outcomes.append(outcome)
            elif alerted:
                changes += self.book.absorb(db, key, held.finding, holder, now)
        if not outcomes and not alerted:
            return changes
        written, left = self.book.settle(db, key, outcomes, around=(within[0], far), now=now)
        return [*changes, *written, *self.book.drop(db, left, now)]

    # --- which days are alarms ----------------------------------------------------------------------------------

    def alarm_days(self, settling: Settling, rule: Rule, key: str, first: int, last: int) -> list[int]:
        """The days of a key that are alarms, for measuring; nothing is written but what the rule's keys share."""
        return [one.day for one in self._alarms(settling, rule, key, first, (first, last))]

    def _alarms(self, settling: Settling, rule: Rule, key: str, since: int, bounds: tuple[int, int]) -> list[AlarmDay]:
        """The days from `since` on that are alarms, in order. bounds: the first and last day of the key."""
        db, (_, begun), (seen, last) = settling.db, settling.days_of(rule), bounds
        first, counts = self.series.counts(db, rule, key, last, begun=begun)
        condition = rule.condition
        assert isinstance(condition, AnomalyCondition)
        found = []
        for day in range(max(since, first), last + 1):
            here = counts[: day - first + 1]
            if not may_be(condition, here):
                continue
            given = KeyDays(
                here, date.fromordinal(day), self.series.calendar, settling.common(rule.id, month_of(day)),
                borrowed=self.series.borrowed(db, key, day, first), seen_for=day - seen,
            )  # fmt: skip
            one = self._judged(settling, rule, key, given)
            if one is not None:
                found.append(one)
        return found

    def _judged(self, settling: Settling, rule: Rule, key: str, given: KeyDays) -> AlarmDay | None:
        db, condition, day = settling.db, rule.condition, given.day.toordinal()
        assert isinstance(condition, AnomalyCondition)
        if condition.correct == "benjamini_hochberg":
            given = replace(given, cut=self._cut(db, rule, key, given))
        verdict = judge(condition, given)
        provisional = False
        if verdict is None or not verdict.fires:
            arrived = self._arrived(db, key, day, settling.time) if condition.detector == DEFAULT else None
            if arrived is None:
                return None
            verdict = judge(condition, replace(given, arrived=arrived))
            provisional = True
        if verdict is None or not verdict.fires:
            return None
        return AlarmDay(day, self._moment(db, key, day, verdict.needed), verdict, provisional)

    def _moment(self, db: Connection, key: str, day: int, needed: int) -> datetime:
        """When the day's count reached what an alarm needs."""
        told: set[str] = set()
        for place, one in enumerate(book.documents_of_days(db, key, day, day), 1):
            told.add(one.value or str(place))
            if len(told) >= needed:
                return one.at
        return start_of(day)

    def _arrived(self, db: Connection, key: str, day: int, time: StoryTime) -> Floats | None:
        """The shares of the key's last days that have arrived, where its sources are slow; None where all has."""
        if time.frontier is None or not time.shares:
            return None
        age = day_of(time.frontier) - day
        if not 0 <= age < YOUNG_DAYS:
            return None
        sources = sources_of(db, book.newest_documents(db, key, day, limit=SAMPLED))
        shares = {name: time.arrived(name, YOUNG_DAYS) for name in sources}
        known = {name: row for name, row in shares.items() if row is not None}
        if not known:
            return None
        row = arrived_share(known, {name: float(count) for name, count in sources.items()})
        row = row[: YOUNG_DAYS - age]
        return None if np.all(row > 0.98) else row[None, :]

    # --- many keys ----------------------------------------------------------------------------------------------

    def _cut(self, db: Connection, rule: Rule, key: str, given: KeyDays) -> float:
        """The p-value that Benjamini-Hochberg lets through on this day, the key's own among them."""
        condition = rule.condition
        assert isinstance(condition, AnomalyCondition)
        plain = judge(condition, replace(given, cut=None))
        day = given.day.toordinal()
        if plain is not None and plain.p < SMALL:
            book.save_chance(db, rule.id, day, key, plain.p)
        return self._cut_of(db, condition, rule.id, day, given.common.keys)

    def _cut_of(self, db: Connection, condition: AnomalyCondition, rule: str, day: int, keys: int) -> float:
        small = np.array(list(book.chances_of(db, rule, day).values()))
        kept = benjamini_hochberg(np.append(small, np.ones(max(0, keys - len(small)))), condition.false_share)
        passed = small[kept[: len(small)]] if len(small) else small
        return float(passed.max()) if len(passed) else 0.0

    def _let_through(self, settling: Settling, rule: Rule, day: int, done: frozenset[str]) -> list[Change]:
        """With Benjamini-Hochberg a key's day decides on those of other keys, too: they are settled with it."""
        if not _corrected(rule):
            return []
        db, condition = settling.db, rule.condition
        assert isinstance(condition, AnomalyCondition)
        changes: list[Change] = []
        for one in book.days_with_chances(db, rule.id, day):
            cut = self._cut_of(db, condition, rule.id, one, settling.common(rule.id, month_of(one)).keys)
            for other, p in sorted(book.chances_of(db, rule.id, one).items()):
                if other in done or not self._differs(db, rule, other, one, passes=cut > 0 and p <= cut, cut=cut):
                    continue
                done |= {other}
                changes += self.settle_key(settling, rule, other, one, done)
        return changes

    @staticmethod
    def _differs(db: Connection, rule: Rule, key: str, day: int, *, passes: bool, cut: float) -> bool:
        """Whether what is told of a key's day is not what the cut of that day now says."""
        told = [one.numbers for one in findings_of(db, rule=rule.id, key=key) if float(day) in _days(one.numbers)]
        if bool(told) != passes:
            return True
        first = [numbers for numbers in told if numbers.get("day_1") == day]
        return any(abs(numbers["threshold"] - score_of_cut(cut)) > 1e-4 for numbers in first)

    # --- how they are told --------------------------------------------------------------------------------------

    def _told(self, settling: Settling, rule: Rule, key: str, run: Sequence[AlarmDay]) -> tuple[Held, Outcome]:
        """A run of alarm days as a finding and what its alert is to say."""
        db, first, last = settling.db, run[0], run[-1]
        begin = min(one.day - one.verdict.reach + 1 for one in run)
        counted = book.documents_of_days(db, key, begin, last.day)
        cards = self._cards(db, key, counted)
        documents = [one.document for one in counted]
        verdict = self._verdict(run, len(documents))
        finding = make_finding(
            rule, key, [cards[name] for name in documents[-MOST_DOCUMENTS:]], start=start_of(first.day),
            end=first.fired_at, verdict=verdict,
        )  # fmt: skip
        finding = replace(finding, window_start=start_of(begin), window_end=start_of(last.day + 1))
        mine = tuple(cards[name] for name in finding.documents)
        steps = [*self._levels(rule, finding.reason, first.fired_at, mine), *self._ends(run, settling.time)]
        held = Held(finding, rule.rank, None)
        return held, Outcome(Matter(key, mine), mine, mine, (held,), tuple(steps), alone=True)

    def _cards(self, db: Connection, key: str, counted: Sequence[Counted]) -> dict[str, Card]:
        found = cards_with(db, [key], counted[0].at, counted[-1].at + timedelta(seconds=1))[key]
        return {card.document: card for card in map(card_from, found) if card.until is None}

    @staticmethod
    def _verdict(run: Sequence[AlarmDay], documents: int) -> Verdict:
        first = run[0].verdict.told()
        peak = max(one.verdict.level_score for one in run)
        numbers = {**first.numbers, "documents": documents, "peak_score": round(peak, 4), "last_day": run[-1].day}
        numbers |= {f"day_{place}": one.day for place, one in enumerate(run, 1)}
        reason = first.reason
        if len(run) > 1:
            reason += f"；至 {date.fromordinal(run[-1].day):%m-%d} 共 {len(run)} 日异常，累计 {documents} 件"
        if any(one.provisional for one in run):
            reason += "；近日信息尚未到齐，按到达比例折算"
        return Verdict(True, reason, numbers)

    @staticmethod
    def _levels(rule: Rule, reason: str, fired_at: datetime, cards: Sequence[Card]) -> list[Step]:
        """The level as it fired, and each time it changes or there is twice as much."""
        steps: list[Step] = []
        heard: list[Card] = []
        doubled = 0
        for card in sorted(cards, key=lambda card: card.order):
            heard.append(card)
            if card.at < fired_at:
                continue
            unconfirmed = all(one.voice == "social" for one in heard)
            level = min(rule.rank, 2) if unconfirmed else rule.rank
            at, why = max(card.at, fired_at), reason
            if not steps or (level, unconfirmed) != (steps[-1].level, steps[-1].unconfirmed):
                doubled = doubled or 2 * len(heard)
                steps.append(Step(at, level, unconfirmed, why, rule.id, card.document))
            elif len(heard) >= doubled:
                why = f"件数已翻倍，累计 {len(heard)} 件"
                steps.append(Step(at, level, unconfirmed, why, rule.id, card.document, grown=True))
                doubled *= 2
        return steps

    @staticmethod
    def _ends(run: Sequence[AlarmDay], time: StoryTime) -> list[Step]:
        """Three days without an alarm clear it."""
        quiet = start_of(run[-1].day + QUIET + 1)
        if time.frontier is None or time.frontier < quiet:
            return []
        return [Step(quiet, 0, False, f"已连续 {QUIET} 天恢复平常水平", "", "", cleared=True)]


def is_over(last_day: float, frontier: datetime) -> bool:
    """Whether the quiet days after a last alarm have passed."""
    return frontier >= start_of(int(last_day) + QUIET + 1)


def _corrected(rule: Rule) -> bool:
    """Whether chances of all its keys are weighed together."""
    return isinstance(rule.condition, AnomalyCondition) and rule.condition.correct != "none"


def _runs(alarms: Sequence[AlarmDay]) -> list[list[AlarmDay]]:
    """Alarm days that belong together: at most QUIET days apart."""
    runs: list[list[AlarmDay]] = []
    for one in alarms:
        if runs and one.day - runs[-1][-1].day <= QUIET:
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _days(numbers: object) -> set[float]:
    """The alarm days of a finding."""
    assert isinstance(numbers, dict)
    return {value for name, value in numbers.items() if name.startswith("day_")}


def _last_day(numbers: object) -> int:
    assert isinstance(numbers, dict)
    return int(numbers.get("last_day", 0))
