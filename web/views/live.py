"""The live stream: counts change in place, new alerts wait behind the bar, clocks follow the server's."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from core.clock import as_utc, iso_beijing
from core.records import AlertState
from store.schema import alerts
from store.silences import silenced_alerts
from web.access import Viewer
from web.inbox import IS_MERGED
from web.services import Services
from web.visit import SignInNeeded, admitted

router = APIRouter(include_in_schema=False)
LOOK_EVERY = 1.0
CLOCK_EVERY = 15
LONGEST = timedelta(minutes=10)
"""A stream ends after this and the browser comes back, so that an ended session stops seeing."""


@dataclass(frozen=True)
class Waiting:
    """An alert that nobody accepted yet."""

    id: str
    level: int
    created_at: datetime
    codes: tuple[str, ...]


class Pulse:
    """The waiting alerts, read at most once a second for all streams together."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._lock = asyncio.Lock()
        self._read_at = 0.0
        self._waiting: tuple[Waiting, ...] = ()

    async def waiting(self) -> tuple[Waiting, ...]:
        """What waits now."""
        async with self._lock:
            time = asyncio.get_running_loop().time()
            if time - self._read_at >= LOOK_EVERY or not self._read_at:
                self._waiting = await run_in_threadpool(self._read)
                self._read_at = time
        return self._waiting

    def _read(self) -> tuple[Waiting, ...]:
        query = select(
            alerts.c.id, alerts.c.level, alerts.c.created_at, alerts.c.territory, alerts.c.territories
        ).where(alerts.c.state == AlertState.NEW.value, ~IS_MERGED)
        with self.services.store.read() as db:
            silenced = silenced_alerts(db, self.services.clock())
            rows = [row for row in db.execute(query) if row[0] not in silenced]
            return tuple(Waiting(row[0], row[1], row[2], (row[3], *row[4])) for row in rows)


@router.get("/live")
async def live(request: Request, since: str = "") -> StreamingResponse:
    """Server-sent events: clock, count, alert. Cut to the viewer's territory like everything else.

    since: when the page was drawn (ISO); alerts written after it are told.
    """
    services: Services = request.app.state.services
    viewer = await run_in_threadpool(admitted, request)
    if viewer is None:
        raise SignInNeeded("/")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        _events(request, viewer, _moment(since, services.clock())), media_type="text/event-stream", headers=headers
    )


def _moment(text: str, now: datetime) -> datetime:
    try:
        return as_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return now


async def _events(request: Request, viewer: Viewer, since: datetime) -> AsyncIterator[str]:
    services: Services = request.app.state.services
    pulse: Pulse = request.app.state.pulse
    told: set[str] = set()
    count = -1
    yield "retry: 3000\n\n"
    for second in range(int(LONGEST.total_seconds() / LOOK_EVERY)):
        if second % CLOCK_EVERY == 0:
            yield _event("clock", {"now": iso_beijing(services.story())})
        waiting = [each for each in await pulse.waiting() if any(map(viewer.sees_code, each.codes))]
        if len(waiting) != count:
            count = len(waiting)
            yield _event("count", {"href": "/alerts", "n": count})
        for each in waiting:
            if each.created_at > since and each.id not in told:
                told.add(each.id)
                yield _event("alert", {"id": each.id, "level": each.level})
        for _ in range(4):
            if services.stopping.is_set():
                return
            await asyncio.sleep(LOOK_EVERY / 4)


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
