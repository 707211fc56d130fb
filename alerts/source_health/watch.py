"""Looks at all sources again and again, and writes down when one's state changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from alerts.source_health.usual import WINDOW, IsWorkday, Usual, usual_of
from alerts.source_health.verdict import FALL_DAYS, Seen, Verdict, judge
from config.sources import SourceConfig
from core.clock import beijing
from core.durations import duration_words
from store.database import Store
from store.pulses import Pulse, SourceDay, all_pulses, days_since
from store.source_states import WELL, StateChange, add_change, present_states


@dataclass
class SourceWatch:
    """The enabled ones of these sources. What is usual is learnt once a day and source."""

    store: Store
    sources: Sequence[SourceConfig]
    is_workday: IsWorkday
    _usual: dict[str, Usual | None] = field(default_factory=dict, init=False)
    _learnt_on: int = field(default=0, init=False)

    def look(self, db: Connection, now: datetime) -> dict[str, Verdict]:
        """How each source is that was ever visited; nothing is written."""
        return self._judged(db, now, {key: one.state for key, one in present_states(db).items()})

    def tick(self, now: datetime) -> list[StateChange]:
        """Look, and write the changes down."""
        with self.store.read() as db:
            before = {key: one.state for key, one in present_states(db).items()}
            verdicts = self._judged(db, now, before)
        if all(before.get(key) == verdict.state for key, verdict in verdicts.items()):
            return []
        with self.store.write() as db:  # another process may have seen it too
            states = {key: one.state for key, one in present_states(db).items()}
            changes = [
                StateChange(key, states.get(key), verdict.state, now, verdict.why)
                for key, verdict in verdicts.items()
                if states.get(key) != verdict.state
            ]
            for change in changes:
                add_change(db, change)
        return changes

    def usual_words(self, key: str) -> str:
        """What a source that was looked at usually brings; empty where too little is known."""
        usual = self._usual.get(key)
        if usual is None:
            return ""
        days = f"工作日约 {usual.work:.3g} 篇，休息日约 {usual.off:.3g} 篇"
        return f"{days}；近八周最长 {duration_words(usual.longest)}没有新内容" if usual.longest else days

    def _judged(self, db: Connection, now: datetime, before: Mapping[str, str]) -> dict[str, Verdict]:
        pulses, today = all_pulses(db), beijing(now).toordinal()
        mine = [source for source in self.sources if source.enabled and source.key in pulses]
        self._learn(db, mine, pulses, today)
        lately = days_since(db, [source.key for source in mine], today - max(FALL_DAYS))
        return {
            source.key: judge(
                Seen(
                    source=source,
                    pulse=pulses[source.key],
                    before=before.get(source.key, WELL),
                    days={day.day: day for day in lately[source.key]},
                    usual=self._usual.get(source.key),
                    watched=today - history_since(pulses[source.key], today),
                ),
                now,
                self.is_workday,
            )
            for source in mine
        }

    def _learn(self, db: Connection, sources: Sequence[SourceConfig], pulses: Mapping[str, Pulse], today: int) -> None:
        """What is usual, from the days before yesterday: a fall or a surge of yesterday is judged too.

        A silence teaches nothing: where the last news is older, the days up to it are learnt from.
        """
        if today != self._learnt_on:
            self._usual, self._learnt_on = {}, today
        until = {
            source.key: learnt_until(pulses[source.key], today) for source in sources if source.key not in self._usual
        }
        lately = [key for key, end in until.items() if end >= today - 1]
        days: dict[str, list[SourceDay]] = days_since(db, lately, today - 1 - WINDOW)
        for key, end in until.items():
            mine = days[key] if key in days else days_since(db, [key], end - WINDOW)[key]
            since = history_since(pulses[key], today)
            self._usual[key] = usual_of(mine, since=since, until=end, is_workday=self.is_workday)


def history_since(pulse: Pulse, today: int) -> int:
    """The first whole day of a source's history."""
    return beijing(pulse.first_read_at).toordinal() + 1 if pulse.first_read_at else today


def learnt_until(pulse: Pulse, today: int) -> int:
    """The day up to which the usual is learnt: not today, not yesterday, and no day after the last news."""
    return min(today - 1, beijing(pulse.news_at).toordinal() + 1) if pulse.news_at else today - 1
