"""robots.txt, failing closed: what cannot be read forbids. Scrapy's own check lets a crawl go on after a 500."""

import asyncio
import re
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from protego import Protego
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest

from crawlers.challenge import challenge_sign
from crawlers.charset import BOMS
from crawlers.context import PRODUCT, ROBOTS, Blocked, Forbidden, PageGone, Unreachable, context_of, role_of
from crawlers.run import BLOCKED_FOR

KEPT_FOR = 3600.0
"""Seconds. RFC 9309 allows a day; an hour lets a site's change of mind reach us soon."""
FORBIDDEN_FOR = timedelta(hours=1)
MAX_BYTES = 512_000
MAX_DELAY = 120.0
RULE = re.compile(
    r"\s*(?:user-agent|disallow|allow|sitemap|crawl-delay|request-rate|visit-time|host|clean-param)\s*:", re.IGNORECASE
)


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
        return self.refusal is None and (self.rules is None or self.rules.can_fetch(url, PRODUCT))


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
    """404 allows; a 5xx, a dropped connection or a challenge page forbids and says so. Crawl-delay: crawlers/pace.py.

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
        request.meta["crawl_delay"] = robots.delay

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
        return read_robots(response.body, origin)


def read_robots(body: bytes, origin: str) -> Robots:
    """The rules in a robots.txt. What stands there and is none, a guard's page or an error's, forbids."""
    text = _decoded(body[:MAX_BYTES])
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    why, wait = "", FORBIDDEN_FOR
    if text.lstrip()[:1] == "<":
        sign = challenge_sign(200, text)
        why, wait = (sign, BLOCKED_FOR) if sign else ("an HTML page stands there", FORBIDDEN_FOR)
    elif lines and ("\0" in text or not any(RULE.match(line) for line in lines)):
        why = "no rules stand there"
    if why:
        return Robots(refusal=f"robots.txt of {origin} cannot be read ({why}): nothing is fetched", wait=wait)
    rules = Protego.parse(text)
    return Robots(rules, delay=min(float(rules.crawl_delay(PRODUCT) or 0.0), MAX_DELAY))


def _decoded(body: bytes) -> str:
    for mark, encoding in BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    return body.decode("utf-8", "replace")


def _unreachable(origin: str, error: Exception) -> str:
    return f"robots.txt of {origin} is unreachable ({error}): nothing is fetched"
