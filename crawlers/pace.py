"""How often a host is asked, whichever source, page or attachment asks it: one pace for the whole process."""

import asyncio
from dataclasses import dataclass, field

from scrapy import Request
from scrapy.crawler import Crawler

from crawlers.context import context_of
from crawlers.urls import host_of

FORGOTTEN = 3600.0
"""Seconds after which a host that nobody asked is new again."""


@dataclass
class HostPace:
    """The next free moment of each host, on the event loop's clock (seconds)."""

    _free: dict[str, float] = field(default_factory=dict)

    def reserve(self, host: str, delay: float, now: float) -> float:
        """Take the host's next moment; how many seconds to wait for it. The one after it comes `delay` later."""
        if len(self._free) > 10_000:
            self._free = {name: at for name, at in self._free.items() if at > now - FORGOTTEN}
        start = max(now, self._free.get(host, now))
        self._free[host] = start + delay
        return start - now


class PaceMiddleware:
    """Waits for the host's turn. A source with `delay: 0` (a site of our own) does not take part."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "PaceMiddleware":
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        context = context_of(self.crawler)
        delay = max(context.source.delay, float(request.meta.get("crawl_delay", 0.0)))
        if context.source.delay:
            wait = context.pace.reserve(host_of(request.url), delay, asyncio.get_running_loop().time())
            if wait > 0:
                await asyncio.sleep(wait)
