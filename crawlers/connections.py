"""What is sent goes out at the host's pace; what comes in is bounded; open connections at the end of a crawl."""

import asyncio

from scrapy import Request
from scrapy.core.downloader.handlers.http11 import (
    HTTP11DownloadHandler,
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
)
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.web._newclient import BODY
from twisted.web._newclient import Request as WireRequest
from twisted.web.iweb import IResponse

from crawlers.context import context_of
from crawlers.pace import delay_of
from crawlers.urls import host_of

CLOSE_SECONDS = 1.0
"""A site that does not let go is left after this."""
MAX_HEAD = 256 * 1024
"""Bytes before an answer's body: Twisted keeps whatever headers come, as long as they come."""


class _BoundedProtocol(_LenientHTTP11ClientProtocol):
    """Scrapy's own, but a server that sends headers without end is hung up on."""

    _head = 0

    def request(self, request: WireRequest) -> "Deferred[IResponse]":
        self._head = 0
        return super().request(request)

    def dataReceived(self, bytes: bytes) -> None:
        if self._parser is not None and self._parser.state != BODY:
            self._head += len(bytes)
            if self._head > MAX_HEAD:
                self.abort()  # type: ignore[no-untyped-call]
                return
        super().dataReceived(bytes)  # type: ignore[no-untyped-call]


class _BoundedFactory(_LenientHTTP11ClientFactory):
    def buildProtocol(self, addr: IAddress | None) -> _BoundedProtocol:
        return _BoundedProtocol(self._quiescentCallback)  # type: ignore[no-untyped-call]


class PacedHandler(HTTP11DownloadHandler):
    """Scrapy's own, but for the pace, and but for its end: on a machine under load its time limit could ring for
    connections that had just been closed, and an error that meant nothing stood on the terminal."""

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
