"""Late data: which share of a day's documents can have arrived by now, learnt per source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from alerts.detectors.calendar_nb_counts import Floats
from core.clock import BEIJING

LEAN = 20.0
"""A source's own delays lean on those of all sources, worth so many documents."""
SETTLED = 0.99
DEFAULT_SETTLED = timedelta(hours=72)
"""Until when a day is judged again where no delay is known."""


@dataclass(frozen=True)
class ArrivalShare:
    """Q(a) of one source: the share of documents that arrive within a hours. hours: delays seen, ascending.

    others: of all sources together, leant on.
    """

    hours: Floats
    others: "ArrivalShare | None" = None

    def at(self, age: Floats) -> Floats:
        """Of documents so many hours old; 0 for those to come, 1 where no delay was ever seen."""
        lean = LEAN if self.others is not None else 0.0
        usual = self.others.at(age) if self.others is not None else np.ones_like(age)
        if not len(self.hours):
            return np.where(age < 0, 0.0, usual)
        within = np.searchsorted(self.hours, age, side="right")
        share: Floats = np.where(age < 0, 0.0, (within + lean * usual) / (len(self.hours) + lean))
        return share

    def of_days(self, first: date, count: int, now: datetime, zone: ZoneInfo = BEIJING) -> Floats:
        """For `count` days from `first` on: the mean over each day's hours, those to come counting 0.

        now: aware.  A day is [00:00, 24:00) of `zone`.
        """
        start = datetime(first.year, first.month, first.day, tzinfo=zone)
        edges = [(start + timedelta(days=offset)).astimezone(UTC) for offset in range(count)]
        begun = np.array([(now - edge).total_seconds() / 3600 for edge in edges])
        hours = begun[:, None] - np.arange(24) - 0.5
        mean: Floats = self.at(hours.astype(np.float64)).mean(axis=1)
        return mean

    def settled(self) -> timedelta:
        """The age at which 99 % have arrived: younger days are judged again on each run."""
        hours = self.hours if self.others is None else np.concatenate([self.hours, self.others.hours])
        if not len(hours):
            return DEFAULT_SETTLED
        return timedelta(hours=float(np.quantile(hours, SETTLED, method="higher")))


def learn_arrivals(delays: Mapping[str, Sequence[timedelta]]) -> dict[str, ArrivalShare]:
    """From each source's delays between publication and arrival; one below 0 counts as none."""
    hours = {source: _hours(seen) for source, seen in delays.items()}
    every = ArrivalShare(np.sort(np.concatenate([*hours.values(), np.zeros(0)])))
    return {source: ArrivalShare(seen, every) for source, seen in hours.items()}


def _hours(delays: Sequence[timedelta]) -> Floats:
    return np.sort(np.array([max(0.0, delay.total_seconds() / 3600) for delay in delays], dtype=float))


def arrived_share(of_sources: Mapping[str, Floats], counted: Mapping[str, float]) -> Floats:
    """One key's shares: its sources' (ArrivalShare.of_days), weighed by how much each usually counts.

    counted: source -> events in the key's history. Raises ValueError where no source of the key has shares.
    """
    known = {source: weight for source, weight in counted.items() if source in of_sources and weight > 0}
    if not known:
        raise ValueError(f"arrived_share: no arrival shares for any of {', '.join(sorted(counted)) or 'no source'}")
    total = sum(known.values())
    mixed: Floats = np.sum([of_sources[source] * (weight / total) for source, weight in known.items()], axis=0)
    return np.minimum(mixed, 1.0)  # weights of all sources can add up to a little over 1
