"""Replays a detector over daily counts: a series a key, each day judged from the days before it.

A key is what the rule groups by; an origin counts on the Beijing day of its event time. The day's alarm opens when its
last signal came. An open alert takes up later alarms of its key until three days are quiet (detection.md, section 4).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from alerts.cards import Card, group_keys
from alerts.conditions.verdict import Verdict
from alerts.detectors.calendar_nb import learn_pool, score_day
from alerts.detectors.calendar_nb_counts import CalendarNb, Floats, KeyCounts
from alerts.detectors.detector import CountSeries, read_parameters
from alerts.detectors.reference import DETECTORS, detector_of
from alerts.held import Held, make_finding
from alerts.lab.crowds import alerts_of
from alerts.lab.replayed import Replayed
from alerts.lab.walk import Group, Moments, Recorder, moment_of
from config.calendar_classes import Calendar
from config.regions import Regions
from config.rules import Rule
from core.clock import beijing
from core.errors import UsageError

CALENDAR_NB = "calendar_nb"
BY_NAME = (CALENDAR_NB, *DETECTORS)
HISTORY = timedelta(days=1095)
"""What a detector learns from, where so much is stored."""
QUIET = timedelta(days=3)
RELEARN = 30
"""Days after which the weekday and holiday factors of all keys are learnt again."""
ENOUGH_FOR_A_SERIES = 10
"""The classic detectors are asked of keys with so many origins in all; below they have nothing to estimate from."""
CERTAIN = float("inf")
"""The score of an alarm that no threshold takes away: calendar_nb's rule for rare keys, the classic detectors."""


@dataclass(frozen=True)
class Detector:
    """Which one, and its parameters under the names of `fengsui detect --param`."""

    name: str
    parameters: Mapping[str, Any]
    calendar: Calendar

    @property
    def threshold(self) -> float | None:
        """Of calendar_nb's score; None for a detector that has none to turn."""
        return self.calendar_nb.threshold if self.name == CALENDAR_NB else None

    @property
    def calendar_nb(self) -> CalendarNb:
        """Its parameters. Raises UsageError naming the wrong one."""
        try:
            return read_parameters(CalendarNb, self.parameters)
        except ValueError as wrong:
            raise UsageError(f"{self.name}: {wrong}") from None


class SeriesReplayer:
    """Feed it the cards in order of time, then take what came of them. rule: says what is counted, and by which key."""

    def __init__(self, rule: Rule, detector: Detector, regions: Regions, start: datetime, end: datetime) -> None:
        self.rule, self.detector, self.regions = rule, detector, regions
        self._start, self._end = start, end
        self._cards: defaultdict[str, list[Card]] = defaultdict(list)
        self._seen = self._counted = 0
        self._first: datetime | None = None

    def feed(self, cards: Iterable[Card]) -> None:
        """Cards with the marks of the rule."""
        for card in cards:
            self._first = self._first or card.at
            self._seen += card.risk and card.at >= self._start
            if self.rule.id in card.rules and card.is_origin and card.until is None:
                self._counted += card.at >= self._start
                for key in group_keys(card, self.rule, self.regions):
                    self._cards[key].append(card)

    def result(self) -> Replayed:
        """Findings, alerts and moments of all that was fed."""
        groups = [Group(key, cards) for key, cards in sorted(self._cards.items())]
        threshold = self.detector.threshold
        recorder = Recorder({} if threshold is None else {"threshold": threshold}, quiet=QUIET)
        if self._first is not None and groups:
            days = _Days(groups, beijing(self._first).date(), beijing(self._end).date())
            alarms = self._calendar_nb(days) if threshold is not None else self._classic(days)
            for place, day, score in sorted(alarms):
                low, high = days.window(place, day)
                stats = () if threshold is None else (score,)
                recorder.note(place, groups[place].cards[high - 1].at, low, high, stats)
        moments = recorder.moments()
        held = list(self._held(groups, moments))
        findings = tuple(sorted((one.finding for _, one in held), key=lambda finding: (finding.fired_at, finding.id)))
        return Replayed(findings, alerts_of(groups, held), groups, moments, self._seen, self._counted)

    def _calendar_nb(self, days: "_Days") -> Iterator[tuple[int, int, float]]:
        """(key, day, score) of every day that may be an alarm at some threshold."""
        parameters, calendar = self.detector.calendar_nb, self.detector.calendar
        everything = KeyCounts(days.counts, days.first)
        pool = None
        for day in range(days.place(self._start), days.counts.shape[1]):
            if pool is None or day % RELEARN == 0:
                pool = learn_pool(everything.up_to(day), calendar, parameters)
            possible = days.possible(day, parameters.least_events)
            if not len(possible):
                continue
            some = KeyCounts(days.counts[possible], days.first)
            found = score_day(some, calendar, parameters, day=day, pool=pool)
            for place, score, rare in zip(possible, found.score, found.rare, strict=True):
                if score > 0 or rare:
                    yield int(place), day, CERTAIN if rare else float(score)

    def _classic(self, days: "_Days") -> Iterator[tuple[int, int, float]]:
        try:
            detector = detector_of(self.detector.name, self.detector.parameters)
            first = days.place(self._start)
            for place in np.flatnonzero(days.counts.sum(axis=1) >= ENOUGH_FOR_A_SERIES):
                series = CountSeries(days.counts[place], 7, (1, 1), days.dates)
                found = detector.detect(series, range(first, days.counts.shape[1]))
                for at in np.flatnonzero(found.alarm & (days.counts[place, first:] > 0)):
                    yield int(place), first + int(at), CERTAIN
        except ValueError as wrong:
            raise UsageError(f"{self.detector.name}: {wrong}") from None

    def _held(self, groups: Sequence[Group], moments: Moments) -> Iterator[tuple[int, Held]]:
        for start in moments.runs(moments.own):
            group = groups[int(moments.group[start])]
            window = group.cards[moments.low[start] : moments.high[start]]
            verdict = self._verdict(window, float(moments.stats[start, 0]) if moments.own else CERTAIN)
            at = moment_of(moments.at[start])
            finding = make_finding(self.rule, group.key, window, start=window[0].at, end=at, verdict=verdict)
            yield int(moments.group[start]), Held(finding, self.rule.rank, None)

    def _verdict(self, window: Sequence[Card], score: float) -> Verdict:
        told = f"{beijing(window[-1].at):%m-%d} 独立来源 {len(window)} 个"
        if not self.detector.threshold:
            return Verdict(True, f"{told}，{self.detector.name} 判为异常", {"count": len(window)})
        if score == CERTAIN:
            return Verdict(True, f"{told}，此前很少出现，一周内已有数起", {"count": len(window)})
        numbers = {"count": len(window), "score": round(score, 3), "needed": self.detector.threshold}
        return Verdict(True, f"{told}，得分 {score:.2f}（需 {self.detector.threshold:g}）", numbers)


class _Days:
    """Counts of keys by day, and which cards lie on a day."""

    def __init__(self, groups: Sequence[Group], first: date, last: date) -> None:
        self.first, length = first, (last - first).days + 1
        self.counts: Floats = np.zeros((len(groups), length))
        self._ends: list[dict[int, tuple[int, int]]] = []
        for row, group in zip(self.counts, groups, strict=True):
            ends: dict[int, tuple[int, int]] = {}
            for at, card in enumerate(group.cards):
                day = self.place(card.at)
                row[day] += 1
                ends[day] = (ends.get(day, (at, at))[0], at + 1)
            self._ends.append(ends)

    @property
    def dates(self) -> tuple[date, ...]:
        return tuple(self.first + timedelta(days=n) for n in range(self.counts.shape[1]))

    def place(self, moment: datetime) -> int:
        """The column of a moment's day."""
        return max(0, (beijing(moment).date() - self.first).days)

    def possible(self, day: int, least: int) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Keys with an event on that day and so many in the week."""
        week = self.counts[:, max(0, day - 6) : day + 1].sum(axis=1)
        return np.flatnonzero((self.counts[:, day] > 0) & (week >= least))

    def window(self, place: int, day: int) -> tuple[int, int]:
        """The cards of that day."""
        return self._ends[place][day]
