"""The rule type `flatline`: keys that were seen and fall silent, one finding and one alert for each silence.

A silence is known once the watermark has passed its window's end; it ends when there is data again, or when the key is
forgotten. A document that comes late takes back a silence that was none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from alerts.alert_book import AlertBook, Change
from alerts.cards import Card, card_from
from alerts.conditions.flatline import Silence, judge, silences
from alerts.conditions.verdict import WindowCounts
from alerts.crowds import write_findings
from alerts.day_series import DaySeries, rule_in
from alerts.held import Held, make_finding
from alerts.matters import EPOCH, Matter
from alerts.replay import Outcome, Step
from alerts.watermarks import StoryTime, move_watermark, story_time
from alerts.wording import Names
from config.conditions import FlatlineCondition
from config.rules import Rule
from core.clock import beijing
from core.records import Finding
from store import day_counts as book
from store.alert_log import alerts_of_subject, findings_of
from store.cards import cards_with
from store.runs import held_back

SHOWN = 3
"""Documents that a silence shows: the last ones before it."""
MOST_SHOWN = 20
NEAR = 400
MOST_TIMES = 20_000
INSTANT = timedelta(microseconds=1)
LOOK_AGAIN = timedelta(hours=1)
NEVER = datetime(9000, 1, 1, tzinfo=UTC)


class Flatlines:
    """Settles the rules that watch for silence. off: sources that are switched off; held: those that are paused."""

    def __init__(self, series: DaySeries, book: AlertBook, names: Names, off: frozenset[str] = frozenset()) -> None:
        self.series, self.book, self.names, self.off = series, book, names, off

    def settle(self, db: Connection, keys: Iterable[str], at: datetime, now: datetime) -> list[Change]:
        """A document of this moment has come, or gone, under these keys."""
        mine = sorted(key for key in keys if key.startswith("w:") and rule_in(key) in self.series.flatline)
        if not mine:
            return []
        time = story_time(db, self.off)
        until = move_watermark(db, time)
        changes: list[Change] = []
        for key in mine if until is not None else ():
            assert until is not None
            rule = self.series.flatline[rule_in(key)]
            if self._may_change(db, rule, key, at, until):
                changes += self.settle_key(db, rule, key, at, until, now, time)
        return changes

    def _may_change(self, db: Connection, rule: Rule, key: str, at: datetime, until: datetime) -> bool:
        """Whether a document at this moment can begin, end or take back a silence; mostly it cannot.

        Asked of the nearest documents only: more of them make no silence. Silences that the watermark has not reached
        are noted down to be looked at.
        """
        condition = _condition(rule)
        if findings_of(db, rule=rule.id, key=key, since=at - condition.forget_after - condition.window):
            return True
        near = max(NEAR, 2 * condition.at_most)
        before = book.sightings(db, key, EPOCH, at, limit=near, newest=True)
        after = book.sightings(db, key, at + INSTANT, at + 2 * condition.window, limit=near)
        around = sorted(moment for moment, _ in [*before, *after])
        without, there = (
            [(one.begin, one.end) for one in (silences(condition, times, NEVER) if times else [])]
            for times in (around, sorted([*around, at]))
        )
        coming = [begin for begin, _ in there if begin > until]
        if coming:
            book.note_due(db, key, min(coming), or_earlier=True)
        return {one for one in without if one[0] <= until} != {one for one in there if one[0] <= until}

    def settle_key(
        self, db: Connection, rule: Rule, key: str, at: datetime, until: datetime, now: datetime, time: StoryTime
    ) -> list[Change]:
        """Make the silences of a key around a moment what its times say."""
        condition = _condition(rule)
        far = condition.forget_after + condition.window
        start, end = at - far, at + far
        seen = book.sightings(db, key, start - far, end + far, limit=MOST_TIMES, newest=True)[::-1]
        times = [moment for moment, _ in seen]
        if len(seen) == MOST_TIMES:
            start = max(start, times[0] + far)
        since = self.series.taken_up(db, rule).since_at
        found = silences(condition, times, until) if times else []
        found = [one for one in found if start <= one.begin <= end and (since is None or one.begin > since)]
        told, paused = [], False
        for one in found:
            cards = self._last_cards(db, key, one.begin, condition)
            if self._paused(db, cards, now):
                paused = paused or one.end is None
            else:
                left = sum(one.since < moment <= one.begin for moment in times)
                told.append(self._told(rule, key, one, cards, left, time))
        self._note_next(db, condition, key, times, around=(at - far, end), until=until, paused=paused)
        standing = [
            finding for finding in findings_of(db, rule=rule.id, key=key, since=start) if finding.fired_at <= end
        ]
        write_findings(db, [held for held, _ in told], standing, now)
        outcomes = [outcome for _, outcome in told]
        if not outcomes and not alerts_of_subject(db, key):
            return []
        written, left_over = self.book.settle(db, key, outcomes, around=(start - far, end), now=now)
        mine = [alert for alert in left_over if start <= alert.first_at <= end]
        return [*written, *self.book.drop(db, mine, now)]

    @staticmethod
    def _note_next(
        db: Connection,
        condition: FlatlineCondition,
        key: str,
        times: Sequence[datetime],
        *,
        around: tuple[datetime, datetime],
        until: datetime,
        paused: bool,
    ) -> None:
        """When the key is to be looked at next: where a silence may begin, or be forgotten; soon where it is paused.

        times: those that were read.  around: the stretch that is settled now, which may lie far back where documents
        came in one go.
        """
        start, end = around
        settled = min(until, end)
        ahead = silences(condition, times, NEVER) if times else []
        coming = [moment for one in ahead for moment in (one.begin, one.end) if moment is not None and moment > settled]
        if paused:
            coming.append(until + LOOK_AGAIN)
        read_to = max(end, times[-1] + condition.window) if times else end
        if end < until:
            coming += [moment for moment, _ in book.sightings(db, key, read_to, NEVER, limit=1)]
        known = book.due_of(db, key)
        far = condition.forget_after + condition.window
        if known is not None and (known - far < start or known > max(settled, read_to)):
            coming.append(known)  # of a silence that may have begun before what was settled here, or of one after it
        book.note_due(db, key, min(coming, default=None))

    def _last_cards(self, db: Connection, key: str, begin: datetime, condition: FlatlineCondition) -> list[Card]:
        """The last documents up to a moment, the newest last; also those that count no longer."""
        count = shown_of(condition)
        start = begin - condition.window - condition.forget_after
        seen = book.sightings(db, key, start, begin + INSTANT, limit=2 * count, newest=True)
        wanted = list(dict.fromkeys(document for _, document in seen))[:count]
        found = cards_with(db, [key], seen[-1][0], begin + INSTANT)[key]
        cards = {kept.document: card_from(kept) for kept in found if kept.document in wanted}
        return sorted(cards.values(), key=lambda card: card.order)

    def _paused(self, db: Connection, cards: list[Card], now: datetime) -> bool:
        """Whether all that could be heard from is switched off, or told to wait by its site."""

        def is_paused(source: str) -> bool:
            until = held_back(db, source)
            return source in self.off or (until is not None and until > now)

        return all(is_paused(source) for source in {card.source for card in cards})

    def is_off(self, rule: Rule, key: str) -> bool:
        """Whether a key is that of a source that is switched off."""
        values = key[2:].split("|")[1:]
        return any(group == "source" and value in self.off for group, value in zip(rule.group_by, values, strict=False))

    def _told(
        self, rule: Rule, key: str, one: Silence, cards: list[Card], left: int, time: StoryTime
    ) -> tuple[Held, Outcome]:
        condition, finding = _condition(rule), finding_of(rule, key, one, cards, left, self.names)
        steps = [Step(one.begin, rule.rank, False, finding.reason, rule.id, cards[-1].document)]
        if one.end is not None:
            steps.append(Step(one.end, 0, False, self._end_words(one, condition, cards), "", "", cleared=True))
        mine = tuple(cards)
        held = Held(finding, rule.rank, None)
        by_place = {"county", "prefecture", "firm"} & set(rule.group_by)
        return held, Outcome(
            Matter(key, mine),
            mine,
            mine,
            (held,),
            tuple(steps),
            title=title_of_silence(rule, key, self.names),
            home=not by_place,
            grace=time.lag,
            alone=True,
        )

    @staticmethod
    def _end_words(one: Silence, condition: FlatlineCondition, cards: list[Card]) -> str:
        assert one.end is not None
        if one.end - cards[-1].at >= condition.forget_after:
            return f"已 {condition.forget_after.days} 天没有恢复，不再跟踪"
        hours = (one.end - one.since) / timedelta(hours=1)
        return f"已恢复更新，中断约 {hours:.0f} 小时"


def shown_of(condition: FlatlineCondition) -> int:
    """How many of the last documents before a silence its finding shows."""
    return min(SHOWN + condition.at_most, MOST_SHOWN)


def finding_of(rule: Rule, key: str, one: Silence, cards: Sequence[Card], left: int, names: Names) -> Finding:
    """The finding of a silence. cards: the last ones before it.  left: how many documents its first window held."""
    condition = _condition(rule)
    verdict = judge(condition, WindowCounts(current=left))
    last = f"最近一篇 {beijing(cards[-1].at):%m-%d %H:%M}"
    verdict = replace(verdict, reason=f"{_named(rule, key, names)}{verdict.reason}，{last}")
    finding = make_finding(rule, key, cards, start=one.since, end=one.begin, verdict=verdict)
    return replace(finding, window_start=one.begin - condition.window)


def title_of_silence(rule: Rule, key: str, names: Names) -> str:
    """What its alert is called."""
    return f"{_named(rule, key, names)}断更：{rule.title}"


def _named(rule: Rule, key: str, names: Names) -> str:
    """`信源 赣江晚报`: the values of the key in words."""
    values = key[2:].split("|")[1:]
    return "、".join(names.grouped(group, value) for group, value in zip(rule.group_by, values, strict=False))


def _condition(rule: Rule) -> FlatlineCondition:
    condition = rule.condition
    assert isinstance(condition, FlatlineCondition)
    return condition
