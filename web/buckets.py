"""How fast a caller of the API may be: a bucket each, filled evenly. Kept in memory: a restart may forget it."""

import math
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

MINUTE = 60
MOST_CALLERS = 10_000


@dataclass(frozen=True)
class Level:
    """What a request found. left: whole requests that may follow at once.  wait: seconds until the next; 0: none."""

    per_minute: int
    left: int
    wait: int
    full_in: int

    @property
    def headers(self) -> Mapping[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers-10 writes them; Retry-After where the request came too soon."""
        told = {
            "RateLimit-Policy": f'"minute";q={self.per_minute};w={MINUTE}',
            "RateLimit": f'"minute";r={self.left};t={self.full_in}',
        }
        return told | ({"Retry-After": str(self.wait)} if self.wait else {})


class Buckets:
    """A full bucket holds what a minute allows; a request takes one. Those not seen for longest are forgotten first."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._held: OrderedDict[str, tuple[float, datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, who: str, now: datetime) -> Level:
        """Count a request. `wait` is over 0 where it must not be answered; such a one costs nothing."""
        rate = self.per_minute / MINUTE
        with self._lock:
            held, at = self._held.pop(who, (float(self.per_minute), now))
            held = min(self.per_minute, held + max(0.0, (now - at).total_seconds()) * rate)
            wait = 0 if held >= 1 else math.ceil((1 - held) / rate)
            held -= 0 if wait else 1
            self._held[who] = (held, max(at, now))
            while len(self._held) > MOST_CALLERS:
                self._held.popitem(last=False)
        return Level(self.per_minute, int(held), wait, math.ceil((self.per_minute - held) / rate))
