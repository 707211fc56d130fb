"""Open connections at the end of a crawl."""

import asyncio

from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.utils.defer import maybe_deferred_to_future

CLOSE_SECONDS = 1.0
"""A site that does not let go is left after this."""


class ClosingHandler(HTTP11DownloadHandler):
    """Scrapy's own, but for its end: on a machine under load its time limit could ring for connections that had just
    been closed, and an error that meant nothing stood on the terminal."""

    async def close(self) -> None:
        """Let the kept connections go."""
        let_go = self._pool.closeCachedConnections()  # type: ignore[no-untyped-call]  # it has no types
        closed = asyncio.ensure_future(maybe_deferred_to_future(let_go))
        await asyncio.wait({closed}, timeout=CLOSE_SECONDS)
