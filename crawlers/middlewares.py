"""Between spider and network: conditional requests, statuses and retries, charsets, the archive."""

import asyncio
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
)
from scrapy.http import HtmlResponse, Response, TextResponse, XmlResponse
from twisted.internet.error import ConnectError, ConnectionClosed

from core.measures import FETCH, took
from core.traces import note_fetch
from crawlers.challenge import challenge_sign
from crawlers.charset import decode_page
from crawlers.connections import MAX_HEAD
from crawlers.context import (
    FILE,
    LIST,
    PAGE,
    ROBOTS,
    WATCH,
    Blocked,
    CrawlContext,
    NotModified,
    PageGone,
    Refused,
    Unreachable,
    asked_url,
    context_of,
    role_of,
    validators_key,
)
from crawlers.gone import led_away
from crawlers.intake import Validators
from crawlers.run import BLOCKED_FOR
from crawlers.warc import Sent

BEGINS_AS_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|script|body|title)\b", re.IGNORECASE)
WRAPPED = re.compile(r"<twisted\.python\.failure\.Failure [\w.]{1,100}: ([^<>]{1,300})>")
RETRIES = 2
CHALLENGED = 20_000
"""Bytes of an error's page in which a guard would say so."""
RETRY_STATUS = frozenset((408, 429, 500, 502, 503, 504, 522, 524))
LONGEST_PAUSE = timedelta(seconds=60)
"""A longer Retry-After ends the run and holds the source back instead of keeping a connection waiting."""
LONGEST_WAIT = timedelta(hours=1)
BROKEN = (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    ConnectionError,
    ConnectError,  # these two Scrapy passes on as they are: a server that dies while it is connected to
    ConnectionClosed,
)


class _Middleware:
    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "_Middleware":
        return cls(crawler)

    @property
    def context(self) -> CrawlContext:
        return context_of(self.crawler)


class ConditionalMiddleware(_Middleware):
    """Sends what the address said last time. 304 and unchanged bytes both end as NotModified: nothing is parsed."""

    def process_request(self, request: Request) -> None:
        if not request.meta.get("conditional") or (role_of(request) == LIST and self.context.run.anew):
            return
        key = validators_key(self.context.source, request)
        known = self.context.intake.validators(self.context.source.key, key)
        request.meta["known"] = known
        if known is None:
            return
        if known.etag:
            request.headers["If-None-Match"] = known.etag
        if known.last_modified:
            request.headers["If-Modified-Since"] = known.last_modified

    def process_response(self, request: Request, response: Response) -> Response:
        known: Validators | None = request.meta.get("known")
        if response.status == 304:
            if not ("If-None-Match" in request.headers or "If-Modified-Since" in request.headers):
                raise Refused("HTTP 304 to a question without conditions")  # nothing was read, and nothing is known
            raise NotModified(known or Validators())
        if role_of(request) == ROBOTS:
            return response
        fresh = Validators(
            etag=_header(response, "ETag"),
            last_modified=_header(response, "Last-Modified"),
            body_sha256=hashlib.sha256(response.body).hexdigest(),
        )
        if known is not None and known.body_sha256 == fresh.body_sha256:
            raise NotModified(fresh)
        run = self.context.run
        if role_of(request) == LIST:
            run.counts["lists_read"] += bool(request.meta.get("conditional") and request.meta.get("rows", True))
            run.pending_lists[validators_key(self.context.source, request)] = fresh
        elif role_of(request) != FILE:
            run.pending_pages[asked_url(request) if request.meta.get("again") else response.url] = fresh
        return response


class StatusMiddleware(_Middleware):
    """Sorts answers: 404 and 410 are gone, challenges and refusals block, overload is retried as the server asks."""

    async def process_response(self, request: Request, response: Response) -> Response | Request:
        self.context.run.counts["requests"] += 1
        status = response.status
        if status in (200, 203, 206, 304):
            return response
        if status in (404, 410):
            raise PageGone(status)
        page = response.body[:CHALLENGED] if isinstance(response, HtmlResponse) else b""
        sign = challenge_sign(status, decode_page(page).text)
        if sign is not None:
            raise Blocked(f"{request.url}: {sign}", BLOCKED_FOR)
        if status in RETRY_STATUS:
            return await self._again(request, f"HTTP {status}", _retry_after(response, self.context.clock()), status)
        raise Refused(f"HTTP {status}")

    async def process_exception(self, request: Request, exception: Exception) -> Request | None:
        if isinstance(exception, DownloadCancelledError):
            raise Refused(f"longer than {self.context.source.max_size} bytes (max_size)")
        if not isinstance(exception, BROKEN):
            return None
        self.context.run.counts["requests"] += 1
        return await self._again(request, _plain(exception), None, None)

    async def _again(self, request: Request, why: str, asked: timedelta | None, status: int | None) -> Request:
        """The same request after a pause, or the end of it. asked: the server's Retry-After."""
        tries = int(request.meta.get("tries", 0))
        if asked is not None and asked > LONGEST_PAUSE:
            raise Blocked(f"{why}, asks to come back in {int(asked.total_seconds())} s", min(asked, LONGEST_WAIT))
        if tries >= RETRIES:
            if status == 429:
                raise Blocked(f"{why} after {tries} retries", LONGEST_WAIT)
            raise Unreachable(f"{why} after {tries} retries")
        pause = asked if asked is not None else self.context.backoff * 2**tries
        await asyncio.sleep(pause.total_seconds())
        again = request.copy()
        again.meta["tries"] = tries + 1
        again.dont_filter = True
        return again


class CharsetMiddleware(_Middleware):
    """Gives text answers the charset that fits their bytes, whatever the header says."""

    def process_response(self, request: Request, response: Response) -> Response:
        if not isinstance(response, HtmlResponse | XmlResponse):
            return response
        decoded = decode_page(
            response.body, content_type=_header(response, "Content-Type"), override=self.context.source.encoding
        )
        if decoded.corrected:
            self.context.run.counts["encoding_fixes"] += 1
        request.meta["decoded"] = decoded
        return response.replace(encoding=decoded.encoding)


class ChallengeMiddleware(_Middleware):
    """A guard's page with status 200 blocks; it is neither archived nor read. (robots.txt is judged by its reader.)

    Guards keep the type of what they stand before: their page comes as a feed or as JSON, too.
    """

    def process_response(self, request: Request, response: Response) -> Response:
        html = isinstance(response, HtmlResponse) or (
            isinstance(response, TextResponse) and BEGINS_AS_HTML.match(response.body[:1000])
        )
        if html and role_of(request) != ROBOTS:
            sign = challenge_sign(response.status, response.text)
            if sign is not None:
                raise Blocked(f"{request.url}: {sign}", BLOCKED_FOR)
        return response


class GoneMiddleware(_Middleware):
    """A page whose address leads to a front page or an error page is gone, whatever the status; a guard's is no such
    page."""

    def process_response(self, request: Request, response: Response) -> Response:
        away = led_away(asked_url(request), response.url) if role_of(request) in (PAGE, WATCH) else None
        if away is not None:
            raise PageGone(response.status, away)
        return response


class ArchiveMiddleware(_Middleware):
    """Writes what is about to be parsed into the archive; `meta["archive"]` says where."""

    def process_response(self, request: Request, response: Response) -> Response:
        if role_of(request) != ROBOTS:
            seconds = float(request.meta.get("download_latency", 0.0))
            took(FETCH, f"{response.status // 100}xx", seconds)
            note_fetch(response.url, seconds)
            request.meta["fetched_at"] = moment = self.context.clock()
            headers = list(_headers(response))
            request.meta["archive"] = self.context.archive.write_response(
                response.url, response.status, headers, response.body, moment, sent=_sent(request, response)
            )
            if isinstance(response, TextResponse):
                request.meta["encoding"] = response.encoding
        return response


def _plain(error: Exception) -> str:
    """What broke a connection, without Twisted's wrapping."""
    text = str(error) or type(error).__name__
    if "ConnectionAborted" in text:  # by crawlers/connections.py, and by nobody else
        return f"more than {MAX_HEAD} bytes of headers"
    return "; ".join(dict.fromkeys(WRAPPED.findall(text))) or text


def _header(response: Response, name: str) -> str | None:
    value = response.headers.get(name)
    return value.decode("latin-1") if value else None


def _headers(one: Response | Request) -> Iterator[tuple[str, str]]:
    for name, values in one.headers.items():
        for value in values:
            yield name.decode("latin-1"), value.decode("latin-1").replace("\r", " ").replace("\n", " ")


def _sent(request: Request, response: Response) -> Sent:
    address = str(response.ip_address) if response.ip_address else None
    return Sent(request.method, tuple(_headers(request)), request.body, address)


def _retry_after(response: Response, now: datetime) -> timedelta | None:
    """The server's wish, in seconds or as a date; None when there is none or it cannot be read."""
    text = (_header(response, "Retry-After") or "").strip()
    if text.isdecimal():
        return timedelta(seconds=min(int(text[:9]), 10**6))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta(0))
