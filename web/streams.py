"""What streams of server-sent events share: their form, where a reader left off, rests that end when the desk stops."""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.clock import as_utc
from web.services import Services

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
STEP = 0.25
"""Seconds after which a rest looks whether the desk stops."""


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
