"""robots.txt, failing closed: what cannot be read forbids. Scrapy's own check lets a crawl go on after a 500."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from protego import Protego
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest

from crawlers.context import ROBOTS, Blocked, Forbidden, PageGone, Unreachable, context_of, role_of

KEPT_FOR = 3600.0
"""Seconds. RFC 9309 allows a day; an hour lets a site's change of mind reach us soon."""
FORBIDDEN_FOR = timedelta(hours=1)
MAX_BYTES = 512_000
MAX_DELAY = 120.0
AGENT = "Fengsui"


@dataclass(frozen=True)
class Robots:
    """What a host allows. refusal: why nothing may be asked (None: rules apply, or all is allowed).

    silent: it gave no answer, which forbids this run only; a host that says no is left alone for `wait`.
    """

    rules: Protego | None = None
    refusal: str | None = None
    silent: bool = False
    wait: timedelta = FORBIDDEN_FOR
    delay: float = 0.0

    def allows(self, url: str) -> bool:
        return self.refusal is None and (self.rules is None or self.rules.can_fetch(url, AGENT))


@dataclass
class RobotsCache:
    """robots.txt by scheme, host and port, shared by all runs of a process. A refusal is not kept."""

    _kept: dict[str, tuple[float, Robots]] = field(default_factory=dict)

    def get(self, origin: str) -> Robots | None:
        known = self._kept.get(origin)
        if known is None or asyncio.get_running_loop().time() - known[0] > KEPT_FOR:
            return None
        return known[1]

    def put(self, origin: str, robots: Robots) -> None:
        if robots.refusal is None:
            self._kept[origin] = (asyncio.get_running_loop().time(), robots)


class RobotsMiddleware:
    """404 allows; a 5xx, a dropped connection or a challenge page forbids and says so. Crawl-delay is applied.

    A host that says no is left alone for an hour; one that gives no answer is asked again by the next run.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self._asked: dict[str, asyncio.Task[Robots]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "RobotsMiddleware":
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        if role_of(request) == ROBOTS:
            return
        robots = await self._robots(request)
        if not robots.allows(request.url):
            if robots.silent:
                raise Unreachable(robots.refusal)
            raise Forbidden(robots.refusal or f"robots.txt forbids {request.url}", robots.wait)
        if robots.delay:
            self._slow_down(request, robots.delay)

    async def _robots(self, request: Request) -> Robots:
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        cache = context_of(self.crawler).robots
        known = cache.get(origin)
        if known is not None:
            return known
        if origin not in self._asked:
            self._asked[origin] = asyncio.create_task(self._fetch(origin))
        robots = await self._asked[origin]
        cache.put(origin, robots)
        return robots

    async def _fetch(self, origin: str) -> Robots:
        request = Request(f"{origin}/robots.txt", meta={"role": ROBOTS}, priority=1000)
        try:
            response = await self.crawler.engine.download_async(request)
        except PageGone:
            return Robots()
        except Unreachable as error:
            return Robots(refusal=_unreachable(origin, error), silent=True)
        except IgnoreRequest as error:
            wait = error.wait if isinstance(error, Blocked) else FORBIDDEN_FOR
            return Robots(refusal=f"robots.txt of {origin} cannot be read ({error}): nothing is fetched", wait=wait)
        except Exception as error:  # noqa: BLE001 whatever a connection can die of, it forbids
            return Robots(refusal=_unreachable(origin, error), silent=True)
        rules = Protego.parse(response.body[:MAX_BYTES].decode("utf-8", "replace"))
        delay = rules.crawl_delay(AGENT) or 0.0
        return Robots(rules, delay=min(float(delay), MAX_DELAY))

    def _slow_down(self, request: Request, delay: float) -> None:
        """Crawl-delay on the host's slot; autothrottle may not undercut it."""
        request.meta["autothrottle_dont_adjust_delay"] = True
        downloader = self.crawler.engine.downloader
        slot = downloader.slots.get(downloader.get_slot_key(request))
        if slot is not None and slot.delay < delay:
            slot.delay = delay


def _unreachable(origin: str, error: Exception) -> str:
    return f"robots.txt of {origin} is unreachable ({error}): nothing is fetched"
