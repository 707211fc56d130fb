"""Fetches what a coroutine asks for, one address after the other, with all the care of a crawl."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from scrapy import Request
from scrapy.exceptions import IgnoreRequest

from config.sources import WebSource
from core.errors import FengsuiError
from crawlers.base import SourceSpider
from crawlers.charset import decode_page
from crawlers.context import LIST, Blocked, PageGone


class NotFetched(FengsuiError):
    """An address that gave nothing. gone: it is not there.  blocked: the site wants us gone, nothing more is asked."""

    def __init__(self, why: str, *, gone: bool = False, blocked: bool = False) -> None:
        super().__init__(why)
        self.gone, self.blocked = gone, blocked


@dataclass(frozen=True)
class Fetched:
    """An answer. url: where redirects led to.  text: decoded whatever the header says."""

    url: str
    body: bytes
    text: str
    content_type: str
    encoding: str


Fetch = Callable[..., Awaitable[Fetched]]
"""`fetch(url, form=None, referer=None)`. Raises NotFetched."""
Errand = Callable[[Fetch], Awaitable[None]]


class ErrandSpider(SourceSpider[WebSource]):
    """Runs one errand instead of reading lists; what it finds is the errand's own business."""

    errand: Errand

    async def start(self) -> AsyncIterator[Any]:
        await type(self).errand(self.fetch)
        return
        yield  # an errand hands nothing over, it asks for itself

    async def fetch(self, url: str, *, form: Mapping[str, str] | None = None, referer: str | None = None) -> Fetched:
        """One address, now. form: sent by POST as a browser's script would."""
        headers = {"Referer": referer} if referer else {}
        meta = {"role": LIST, "conditional": False}
        if form is None:
            request = Request(url, headers=headers, meta=meta, dont_filter=True)
        else:
            headers |= {"X-Requested-With": "XMLHttpRequest"}
            headers |= {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
            body = urlencode(form).encode()
            request = Request(url, method="POST", body=body, headers=headers, meta=meta, dont_filter=True)
        self._heed_robots(url)
        try:
            response = await self.crawler.engine.download_async(request)
        except PageGone as error:
            raise NotFetched(str(error), gone=True) from error
        except Blocked as error:
            raise NotFetched(str(error), blocked=True) from error
        except IgnoreRequest as error:
            raise NotFetched(str(error)) from error
        except Exception as error:  # whatever a connection can die of, the address gave nothing
            raise NotFetched(f"{type(error).__name__}: {error}") from error
        kind = (response.headers.get("Content-Type") or b"").decode("latin-1")
        decoded = decode_page(response.body, content_type=kind)
        return Fetched(response.url, response.body, decoded.text, kind, decoded.encoding)

    def _heed_robots(self, url: str) -> None:
        """A path that robots.txt forbids is no sign that the site wants us gone: it is passed over."""
        parts = urlsplit(url)
        robots = self.context.robots.get(f"{parts.scheme}://{parts.netloc}")
        if robots is not None and not robots.allows(url):
            raise NotFetched("robots.txt 不许")


def errand_spider(errand: Errand) -> type[ErrandSpider]:
    """A spider class for one errand: the crawl engine makes the spider itself."""
    return type("OneErrand", (ErrandSpider,), {"errand": staticmethod(errand)})
