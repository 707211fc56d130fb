"""What is sent goes out at the host's pace; open connections at the end of a crawl."""

import asyncio

from scrapy import Request
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.utils.defer import maybe_deferred_to_future

from crawlers.context import context_of
from crawlers.pace import delay_of
from crawlers.urls import host_of

CLOSE_SECONDS = 1.0
"""A site that does not let go is left after this."""


class PacedHandler(HTTP11DownloadHandler):
    """Scrapy's own, but for the pace, and but for its end: on a machine under load its time limit could ring for
    connections that had just been closed, and an error that meant nothing stood on the terminal."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._paced = crawler

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
