"""Notes how long each request took, by the first part of the address of the route that answered it."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.measures import ANSWERS, REQUEST, count, took

LASTING = ("/live", "/feeds/{secret}/alerts.sse")
"""Streams: they last as long as somebody looks."""


class Timing:
    """Middleware around everything else. What no route answered counts as `none`: addresses of strangers are no
    labels."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            path = getattr(scope.get("route"), "path", None)
            count(ANSWERS, f"{status // 100}xx")
            if path not in LASTING:
                took(REQUEST, _part(path), time.perf_counter() - started)


def _part(path: str | None) -> str:
    if path is None:
        return "none"
    first = path.strip("/").split("/")[0]
    return first if first and "{" not in first else "home"
