"""Who has an alert open now: known to this process only, forgotten when the page is left."""

import time
from collections.abc import Callable, Iterable
from threading import Lock

FROM_A_VISIT, FROM_A_STREAM = 90.0, 40.0
"""Seconds that a look at the page counts, and that a page whose live stream runs counts after each of its beats."""
MOST = 5000


class Presence:
    """Accounts by alert, each until its time runs out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._until: dict[tuple[str, str], float] = {}

    def here(self, alert: str, person: str, seconds: float) -> None:
        """This person has the alert open, for so many seconds at least."""
        now = self._clock()
        with self._lock:
            if len(self._until) >= MOST:
                self._until = {key: until for key, until in self._until.items() if until > now}
            self._until[alert, person] = now + seconds

    def gone(self, alert: str, person: str) -> None:
        """The page was left."""
        with self._lock:
            self._until.pop((alert, person), None)

    def looking(self, alerts: Iterable[str], *, but: str) -> dict[str, list[str]]:
        """Who has each of these alerts open, `but` this person."""
        now, wanted = self._clock(), set(alerts)
        found: dict[str, list[str]] = {}
        with self._lock:
            for (alert, person), until in self._until.items():
                if alert in wanted and person != but and until > now:
                    found.setdefault(alert, []).append(person)
        return {alert: sorted(people) for alert, people in found.items()}
