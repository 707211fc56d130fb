"""Asks for the runs of sources whose turn it is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from config.sources import SourceConfig
from store.database import Store
from store.pulses import all_pulses, due_turns, move_turn, not_to_visit, visited_of
from store.runs import ask_for_run


@dataclass
class Turns:
    """The turns of the enabled ones of these sources. One that was never visited is due at once."""

    store: Store
    sources: Sequence[SourceConfig]
    _mine: dict[str, SourceConfig] = field(default_factory=dict, init=False)
    _unvisited: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._mine = {source.key: source for source in self.sources if source.enabled}
        with self.store.write() as db:
            pulses = all_pulses(db)
            for key, source in self._mine.items():
                pulse = pulses.get(key)
                if pulse is None or pulse.failures:
                    continue
                latest = source.opens(pulse.run_at + source.slowest)
                if pulse.next_at > latest:
                    move_turn(db, key, latest, "配置的上限已改小")
        self._unvisited = set(self._mine) - set(pulses)

    def ask(self, now: datetime) -> list[str]:
        """Ask for the runs that are due, those that wait longest first; which sources were asked for."""
        with self.store.read() as db:
            due = due_turns(db, now)
            self._unvisited -= visited_of(db, self._unvisited)
            away = not_to_visit(db, now) if due or self._unvisited else {}
        turns = [(key, since) for key, since in due if key in self._mine]
        turns += [(key, now) for key in sorted(self._unvisited)]
        asking = [(key, since) for key, since in turns if key not in away and self._mine[key].opens(now) <= now]
        if not asking:
            return []
        with self.store.write() as db:
            return [key for key, since in asking if ask_for_run(db, key, reason="schedule", now=now, due_at=since)]
