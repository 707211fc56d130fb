"""Asks for the runs of sources whose turn it is: for a glance only where they give way to what waits to be read."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from config.sources import SourceConfig
from core.logs import log_event
from pipelines.pressure import GLANCE, Pressure, give_way, pressure_on
from store.database import Store
from store.pulses import (
    all_pulses,
    due_turns,
    move_turn,
    not_to_visit,
    release_turns,
    set_right,
    visited_ahead,
    visited_of,
)
from store.runs import ask_for_run

logger = logging.getLogger(__name__)
BACKLOG_MOST = 5_000


@dataclass
class Turns:
    """The turns of the enabled ones of these sources. One that was never visited is due at once.

    most: texts that may wait to be read before sources of low worth give way (pipelines/pressure.py).
    """

    store: Store
    sources: Sequence[SourceConfig]
    most: int = BACKLOG_MOST
    _mine: dict[str, SourceConfig] = field(default_factory=dict, init=False)
    _unvisited: set[str] = field(default_factory=set, init=False)
    _pressed: bool = field(default=True, init=False)

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
        self._set_right(now)
        with self.store.read() as db:
            due = due_turns(db, now)
            self._unvisited -= visited_of(db, self._unvisited)
            away = not_to_visit(db, now) if due or self._unvisited else {}
            pressure = pressure_on(db, self.most) if due or self._pressed else Pressure(0, self.most)
        self._tell(pressure, now)
        turns = [(key, since) for key, since in due if key in self._mine]
        turns += [(key, now) for key in sorted(self._unvisited)]
        asking = [(key, since) for key, since in turns if key not in away and self._mine[key].opens(now) <= now]
        if not asking:
            return []
        with self.store.write() as db:
            glances = set(give_way(db, [self._mine[key] for key, _since in asking], pressure, now))
            return [
                key
                for key, since in asking
                if ask_for_run(db, key, reason=_reason(key, glances), now=now, due_at=since)
            ]

    def _set_right(self, now: datetime) -> None:
        """After a clock that was ahead nobody waits for the time it showed."""
        with self.store.read() as db:
            ahead = visited_ahead(db, now)
        if ahead:
            with self.store.write() as db:
                for pulse in ahead:
                    set_right(db, pulse, now)
            log_event(logger, "clock was set back", level=logging.WARNING, sources=[one.source for one in ahead])

    def _tell(self, pressure: Pressure, now: datetime) -> None:
        """Once where it begins; where it is over, who gave way is due."""
        if pressure.some and not self._pressed:
            log_event(logger, "sources give way", level=logging.WARNING, waiting=pressure.waiting, most=pressure.most)
        elif self._pressed and not pressure.some:
            with self.store.write() as db:
                due = release_turns(db, now)
            if due:
                log_event(logger, "sources go on", waiting=pressure.waiting, sources=due)
        self._pressed = pressure.some


def _reason(key: str, glances: Collection[str]) -> str:
    return GLANCE if key in glances else "schedule"
