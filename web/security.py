"""Headers of every answer, the cookie, and the checks that every form passes."""

import re
import secrets
from collections import defaultdict, deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.settings import Settings
from store.users import SESSION_LENGTH
from web.problems import problem

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
MAX_BODY = 1 << 20
ROOMY = re.compile(r"/ledger/(?:[^/]+/proof|import)|/alerts/[^/]+/file")
"""Addresses that take files."""


def headers_of(settings: Settings) -> Mapping[str, str]:
    """Those of every answer. HSTS, where people come over TLS: it counts for the whole host, with all its ports."""
    if settings.hsts_days and settings.public_url.startswith("https://"):
        return {**HEADERS, "Strict-Transport-Security": f"max-age={settings.hsts_days * 86_400}"}
    return HEADERS


def put_headers(headers: MutableHeaders, path: str, every: Mapping[str, str]) -> None:
    """What an answer has set itself stays; nothing but our own files is kept by a browser."""
    for name, value in every.items():
        headers.setdefault(name, value)
    if not path.startswith("/static/"):
        headers.setdefault("Cache-Control", "no-store")


class SecurityHeaders:
    """Puts `every` header on every answer that has not set its own, and refuses bodies over MAX_BODY.

    files: how large a body may be where files are taken.
    """

    def __init__(self, app: ASGIApp, every: Mapping[str, str] = HEADERS, files: int = MAX_BODY) -> None:
        self.app, self.every, self.files = app, every, files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                put_headers(MutableHeaders(scope=message), scope["path"], self.every)
            await send(message)

        most = self.files if ROOMY.fullmatch(scope["path"]) else MAX_BODY
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 19 or int(length) > most:
            await too_large(scope, most)(scope, receive, guarded)
            return
        await self.app(scope, bounded(receive, most), guarded)


def too_large(scope: Scope, most: int) -> Response:
    """What is said of a body of more than that many bytes."""
    if scope["path"].startswith("/api/"):
        return problem(413, too_large_words(most))
    return Response(too_large_words(most), status_code=413, media_type="text/plain")


def too_large_words(most: int) -> str:
    """The sentence alone."""
    return f"请求过大：至多 {most >> 20} MB。"


def bounded(receive: Receive, most: int) -> Receive:
    """A body that comes in pieces names no length: it is counted as it comes. Raises HTTPException."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise HTTPException(413, too_large_words(most))
        return message

    return counted


def cookie_name(settings: Settings) -> str:
    """Cookies know no ports: the demo and the live desk on one machine must not share one."""
    return f"fengsui_{settings.profile}"


def set_session_cookie(response: Response, settings: Settings, secret: str) -> None:
    """Hand the browser its session. Lax, so that a link in a mail opens the alert it names."""
    response.set_cookie(
        cookie_name(settings),
        secret,
        max_age=int(SESSION_LENGTH.total_seconds()),
        path="/",
        secure=settings.public_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )


def same(left: object, right: str) -> bool:
    """Compare secrets in constant time; an empty one never matches."""
    return isinstance(left, str) and bool(right) and secrets.compare_digest(left.encode(), right.encode())


def cross_site(request: Request) -> bool:
    """Whether the browser says that another site sent this request (old browsers say nothing)."""
    return request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")


def told_by(request: Request) -> dict[str, str]:
    """Where a browser speaks from and what it says it is: kept with its session."""
    return {"address": address_of(request), "agent": request.headers.get("user-agent", "")}


def address_of(request: Request) -> str:
    """The address a request came from."""
    return request.client.host if request.client else ""


def safe_next(wanted: object) -> str:
    """`wanted` when it is a path of this desk, else the home page: no redirect ever leaves the house."""
    if not isinstance(wanted, str) or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return "/"
    if any(ord(char) < 32 or char == "\\" for char in wanted):
        return "/"
    parts = urlsplit(wanted)
    return (
        wanted if not parts.scheme and not parts.netloc and parts.path not in ("/signin", "/signout", "/first") else "/"
    )


class Throttle:
    """At most `limit` tries a window from one address; kept in memory, since a restart may forget it."""

    def __init__(self, limit: int, window: timedelta) -> None:
        self.limit, self.window = limit, window
        self._tries: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def allows(self, who: str, now: datetime) -> bool:
        """Count a try and say whether it may go on."""
        if len(self._tries) > 10_000:
            self._tries.clear()
        tries = self._tries[who]
        while tries and now - tries[0] > self.window:
            tries.popleft()
        tries.append(now)
        return len(tries) <= self.limit
