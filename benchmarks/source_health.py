"""How often a well source is called silent or surging, and how soon one that is not is.

`python -m benchmarks.source_health [--sources N] [--days N]`: sources of many kinds (Poisson and negative binomial, 0.2
to 300 documents a day, round the clock and office hours, idle at weekends and on the State Council's holidays, with
slow drift) are visited as the scheduler would, and judged at each visit by what the desk uses. From day 100 on, in a
second pass, they stop, or bring a tenth, or five times as much.
"""

import argparse
import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import chinese_calendar
import numpy as np

from alerts.source_health.usual import Usual, usual_of
from alerts.source_health.verdict import FALL_DAYS, Seen, judge
from alerts.source_health.watch import history_since, learnt_until
from config.sources import parse_source
from core.clock import BEIJING, as_utc, beijing
from crawlers.run import RunSummary
from pipelines.rhythm import pulse_after
from store.pulses import Pulse, SourceDay
from store.source_states import WELL

START = datetime(2025, 7, 1, tzinfo=BEIJING)
BREAK = 100
"""Day from which a source changes in the second pass."""
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Kind:
    """rate: documents on a working day.  off: share of it on days off.  office: only 8 to 18 o'clock.

    spread: variance over mean of a day's count.
    """

    rate: float
    off: float
    office: bool
    spread: float

    def day(self, day: date, times: float, chance: np.random.Generator) -> list[datetime]:
        """When its documents come on a day."""
        mean = self.rate * times * (1.0 if chinese_calendar.is_workday(day) else self.off)
        if mean <= 0:
            return []
        if self.spread > 1:
            count = chance.negative_binomial(mean / (self.spread - 1), 1 / self.spread)
        else:
            count = chance.poisson(mean)
        first, hours = (8, 10) if self.office else (0, 24)
        start = datetime(day.year, day.month, day.day, first, tzinfo=BEIJING)
        return sorted(as_utc(start + timedelta(hours=hours * float(x))) for x in chance.random(int(count)))


KINDS = [
    Kind(rate, off, office, spread)
    for rate in (0.2, 0.5, 1, 3, 10, 30, 100, 300)
    for off, office in ((1.0, False), (0.5, False), (0.1, True), (0.0, True))
    for spread in (1.0, 1.5, 3.0)
]


@dataclass
class Life:
    """One source, visited and judged."""

    kind: Kind
    seed: int
    days: int
    change: float = 1.0

    def states(self) -> Iterator[tuple[int, datetime, str, bool]]:
        """Day, moment, state and whether it is too young, of each visit."""
        chance, jitter = np.random.default_rng(self.seed), random.Random(self.seed)
        source = parse_source(
            "s", {"title": "s", "family": "feed", "kind": "news", "every": "30m", "list_url": "http://x/"}
        )
        drift = np.exp(np.cumsum(chance.normal(0, 0.01, self.days)))
        coming: list[datetime] = []
        days: dict[int, SourceDay] = {}
        pulse: Pulse | None = None
        state, learnt, usual = WELL, 0, None
        at, made = as_utc(START), 0
        end = at + self.days * DAY
        while at < end:
            while made < self.days and as_utc(START + made * DAY) <= at:
                times = float(drift[made]) * (self.change if made >= BREAK else 1.0)
                coming += self.kind.day((START + made * DAY).date(), times, chance)
                made += 1
            new = [moment for moment in coming if moment <= at]
            coming = [moment for moment in coming if moment > at]
            pulse = self._visited(pulse, source, new, days, at, jitter)
            today = beijing(at).toordinal()
            if today != learnt:
                learnt, usual = today, _usual(pulse, days, today)
            near = {day: days[day] for day in range(today - max(FALL_DAYS), today + 1) if day in days}
            watched = today - history_since(pulse, today)
            verdict = judge(Seen(source, pulse, state, near, usual, watched), at, chinese_calendar.is_workday)
            state = verdict.state
            yield today - START.toordinal(), at, state, verdict.young
            at = pulse.next_at

    @staticmethod
    def _visited(
        pulse: Pulse | None, source: object, new: list[datetime], days: dict[int, SourceDay], at: datetime,
        jitter: random.Random,
    ) -> Pulse:  # fmt: skip
        for moment in new:
            ordinal = beijing(moment).toordinal()
            was = days.get(ordinal, SourceDay(ordinal, 0, 0, 0.0))
            days[ordinal] = SourceDay(ordinal, was.found + 1, was.reads, was.gap)
        told = RunSummary("s", "ok", at, 1.0, items=20, new=len(new), newest=new[-1] if new else None)
        after = pulse_after(pulse, source, told, at, jitter.random())  # type: ignore[arg-type]
        gap = (at - pulse.news_at).total_seconds() if pulse and pulse.news_at and new else 0.0
        ordinal = beijing(at).toordinal()
        was = days.get(ordinal, SourceDay(ordinal, 0, 0, 0.0))
        days[ordinal] = SourceDay(ordinal, was.found, was.reads + 1, max(was.gap, gap))
        return after


def _usual(pulse: Pulse, days: dict[int, SourceDay], today: int) -> Usual | None:
    rows = [days[day] for day in sorted(days)]
    since, until = history_since(pulse, today), learnt_until(pulse, today)
    return usual_of(rows, since=since, until=until, is_workday=chinese_calendar.is_workday)


def false_states(sources: int, days: int) -> None:
    """Print how often well sources are called ill, by kind."""
    judged, ill, onsets = Counter[str](), Counter[str](), Counter[str]()
    table: dict[float, Counter[str]] = defaultdict(Counter)
    for n in range(sources):
        kind = KINDS[n % len(KINDS)]
        seen: dict[int, set[str]] = defaultdict(set)
        last = WELL
        for day, _, state, young in Life(kind, n, days).states():
            if young:
                continue
            seen[day].add(state)
            if state not in (WELL, last):
                onsets[state] += 1
                table[kind.rate][f"onset {state}"] += 1
            last = state
        judged["days"] += len(seen)
        table[kind.rate]["days"] += len(seen)
        for states in seen.values():
            for state in states - {WELL}:
                ill[state] += 1
    total = judged["days"]
    print(f"well sources: {sources}, judged source-days: {total:,}")
    for state in ("silent", "surging"):
        print(
            f"  {state}: begins {onsets[state] / total:.2e} a source-day"
            f" (1 in {total / max(onsets[state], 1):,.0f}), stands on {ill[state] / total:.2e} of source-days"
        )
    for rate, counts in sorted(table.items()):
        told = ", ".join(f"{state} {counts[f'onset {state}'] / counts['days']:.1e}" for state in ("silent", "surging"))
        print(f"  {rate:>5} a day: begins {told}")


def delays(sources: int, change: float, wanted: str, word: str, known: Callable[[Kind], bool]) -> None:
    """Print how soon a change from day BREAK on is told."""
    found: dict[float, list[float | None]] = defaultdict(list)
    begin = as_utc(START + BREAK * DAY)
    for n in range(sources):
        kind = KINDS[n % len(KINDS)]
        if not known(kind):
            continue
        told = None
        for _, at, state, _young in Life(kind, 10_000 + n, BREAK + 30, change).states():
            if at >= begin and state == wanted:
                told = (at - begin) / DAY
                break
        found[kind.rate].append(told)
    print(f"{word}: days until `{wanted}` (median), and how many of them within 30 days")
    for rate, values in sorted(found.items()):
        told_at = [value for value in values if value is not None]
        middle = f"{statistics.median(told_at):.1f}" if told_at else "-"
        print(f"  {rate:>5} a day: {middle:>5}   {len(told_at)} of {len(values)}")


def main() -> None:
    """Print both passes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=288)
    parser.add_argument("--days", type=int, default=365)
    asked = parser.parse_args()
    false_states(asked.sources, asked.days)
    some = max(len(KINDS), asked.sources // 3)
    delays(some, 0.0, "silent", "they stop", lambda kind: True)
    delays(some, 0.1, "silent", "they bring a tenth", lambda kind: kind.rate >= 3)
    delays(some, 5.0, "surging", "they bring five times as much", lambda kind: kind.rate >= 1)


if __name__ == "__main__":
    main()
