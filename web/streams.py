"""What streams of server-sent events share: their form, where a reader left off, rests that end when the desk stops."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from core.clock import as_utc
from web.services import Services
from web.visit import Refused

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
STEP = 0.25
"""Seconds after which a rest looks whether the desk stops."""
MOST_OPEN = 30
"""Streams of one account, or of one private address: each asks the store for as long as it is open."""


class OpenStreams:
    """Who has how many streams open in this process. Asked and changed by its event loop alone."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    def refuse_more(self, who: str) -> None:
        """Raises Refused where `who` has as many as one may have."""
        if self._held[who] >= MOST_OPEN:
            sentence = f"同时打开的实时连接已有 {MOST_OPEN} 个。请先关闭不用的页面或程序。"
            raise Refused(429, sentence, headers={"Retry-After": "60"})

    @contextmanager
    def one_more(self, who: str) -> Iterator[None]:
        """Held as long as the stream is open."""
        self._held[who] += 1
        try:
            yield
        finally:
            self._held[who] -= 1
            self._held += Counter()  # forgets who has none


def event(name: str, data: Mapping[str, Any], *, id: str = "") -> str:
    """One event. id: what the reader says as Last-Event-ID when it comes back."""
    first = f"id: {id}\n" if id else ""
    return f"{first}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def left_off(text: str, now: datetime) -> datetime:
    """The moment a reader names; now where it names none that can be read."""
    try:
        return as_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return now


async def rested(services: Services, seconds: float) -> bool:
    """Wait so long; False as soon as the desk stops."""
    for _ in range(round(seconds / STEP)):
        if services.stopping.is_set():
            return False
        await asyncio.sleep(STEP)
    return True
