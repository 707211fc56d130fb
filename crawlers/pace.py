"""How often a host is asked: one clock for all sources of a process and for all they fetch.

Scrapy spaces requests by source, between half the delay and one and a half times it; a host does not care whose they
are.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from scrapy import Request

JITTER = 0.25
"""Share of a delay by which it may be longer, at random; it is never shorter."""


def loop_time() -> float:
    """The event loop's clock."""
    return asyncio.get_running_loop().time()


@dataclass
class Pace:
    """When each host was asked last, and by whom it is being asked. Seconds; `now` and `sleep` are the event loop's."""

    now: Callable[[], float] = loop_time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    _last: dict[str, tuple[float, float]] = field(default_factory=dict)
    _busy: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    @asynccontextmanager
    async def turn(self, host: str, delay: float) -> AsyncIterator[None]:
        """Hold `host` for one request: `delay` after the last one began, or what that one asked for, if longer.

        Without any delay nobody waits and nobody is waited for.
        """
        if not delay and host not in self._last:
            yield
            return
        async with self._busy[host]:
            last, asked = self._last.get(host, (float("-inf"), 0.0))
            due = last + max(delay, asked) * (1 + JITTER * self.jitter())
            if due > self.now():
                await self.sleep(due - self.now())
            self._last[host] = (self.now(), delay)
            yield


def delay_of(request: Request, source_delay: float) -> float:
    """The source's delay, or the host's Crawl-delay (crawlers/robots.py) if that is longer."""
    return max(source_delay, float(request.meta.get("crawl_delay", 0.0)))
