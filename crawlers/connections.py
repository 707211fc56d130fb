"""What is sent goes out at the host's pace; what a server may send before its body; open connections at the end of a
crawl."""

import asyncio
from typing import Any

from scrapy import Request
from scrapy.core.downloader.handlers import http11
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.web.client import ResponseFailed

from crawlers.context import context_of
from crawlers.pace import delay_of
from crawlers.urls import host_of

CLOSE_SECONDS = 1.0
"""A site that does not let go is left after this."""
MAX_HEAD = 128 * 1024
"""Bytes of all header lines of an answer; browsers and servers stop at far less."""


class PacedHandler(HTTP11DownloadHandler):
    """Scrapy's own, but for the pace, the bound on an answer's headers, and its end: on a machine under load its time
    limit could ring for connections that had just been closed, and an error that meant nothing stood on the terminal.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._paced = crawler
        self._pool._factory = _BoundedFactory

    async def download_request(self, request: Request) -> Response:
        """Here and not in a middleware: between that and the wire a request may stand in a queue."""
        context = context_of(self._paced)
        async with context.pace.turn(host_of(request.url), delay_of(request, context.source.delay)):
            return await super().download_request(request)

    async def close(self) -> None:
        """Let the kept connections go."""
        let_go = self._pool.closeCachedConnections()  # type: ignore[no-untyped-call]  # it has no types
        closed = asyncio.ensure_future(maybe_deferred_to_future(let_go))
        await asyncio.wait({closed}, timeout=CLOSE_SECONDS)


class _BoundedParser(http11._LenientHTTPClientParser):
    """Scrapy's parser, which would take header lines without an end."""

    def lineReceived(self, line: bytes) -> None:
        self.header_bytes = getattr(self, "header_bytes", 0) + len(line) + 1
        if self.header_bytes > MAX_HEAD:
            raise ResponseFailed([ValueError(f"more than {MAX_HEAD} bytes of headers")])  # type: ignore[no-untyped-call]
        super().lineReceived(line)


class _BoundedProtocol(http11._LenientHTTP11ClientProtocol):
    def request(self, request: Any) -> Any:
        answer = super().request(request)
        self._parser.__class__ = _BoundedParser  # as Scrapy does itself: the class is not to be chosen otherwise
        return answer


class _BoundedFactory(http11._LenientHTTP11ClientFactory):
    def buildProtocol(self, addr: Any) -> Any:
        return _BoundedProtocol(self._quiescentCallback)  # type: ignore[no-untyped-call]
