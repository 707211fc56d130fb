"""What every answer of the API carries beside its body: how fast the caller may be, and a tag to ask by again."""

from hashlib import sha256

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LATEST_WINS = "private, no-cache"
"""May be kept, must be asked for again: If-None-Match makes that cheap."""


def tag_of(body: bytes) -> str:
    """The entity tag of a representation."""
    return f'"{sha256(body).hexdigest()[:32]}"'


def is_among(tag: str, header: str) -> bool:
    """Whether a tag is in an If-Match or If-None-Match header; `*` is any."""
    asked = [one.strip().removeprefix("W/") for one in header.split(",")]
    return tag in asked or "*" in asked


STREAMED = "/api/export/"
"""Answers that are sent as they are read: no tag, for they are never held whole."""


class ApiAnswers:
    """Tags answers to GET under /api and says 304 where the caller has it already; writes the rate headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})
        held: list[Message] = []
        body = bytearray()

        async def collected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in scope["state"].get("rate", {}).items():
                    headers.setdefault(name, value)
                if scope["method"] == "GET" and message["status"] == 200 and not scope["path"].startswith(STREAMED):
                    held.append(message)
                    return
            if not held:
                await send(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                await _answer(held.pop(), bytes(body), Headers(scope=scope).get("if-none-match", ""), send)

        await self.app(scope, receive, collected)


async def _answer(start: Message, body: bytes, known: str, send: Send) -> None:
    headers = MutableHeaders(scope=start)
    headers.setdefault("ETag", tag_of(body))
    headers.setdefault("Cache-Control", LATEST_WINS)
    if is_among(headers["ETag"], known):
        del headers["content-length"], headers["content-type"]
        await send({**start, "status": 304})
        await send({"type": "http.response.body", "body": b""})
        return
    await send(start)
    await send({"type": "http.response.body", "body": body})
