"""The live stream: counts change in place, new alerts wait behind the bar, clocks follow the server's, and the page of
an event or firm hears what was stored about it."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from core.clock import iso_beijing
from core.records import AlertState
from store.alert_log import MERGED, find_alert
from store.events import find_event
from store.fresh import Stored, Subject, alert_rests_on, stored_about, stored_lately
from store.schema import alert_history, alerts
from store.sensitive import EVENT, FIRM
from store.silences import silenced_alerts
from web.access import Viewer
from web.history import people
from web.inbox import BadAddress, Wanted, matching, read_wanted
from web.language.catalogue import load_catalogue
from web.language.choice import ENGLISH
from web.names import STATES
from web.presence import FROM_A_STREAM
from web.services import Services
from web.streams import HEADERS, event, left_off, rested
from web.visit import SignInNeeded, admitted

router = APIRouter(include_in_schema=False)
LOOK_EVERY = 1.0
CLOCK_EVERY = 15
LATELY = timedelta(seconds=30)
"""So long a change is told: a stream that comes back after a break of the net has missed none."""
MOST_CHANGED = 200
LONGEST = timedelta(minutes=10)
"""A stream ends after this and the browser comes back, so that an ended session stops seeing."""


@dataclass(frozen=True)
class Waiting:
    """An alert that nobody accepted yet."""

    id: str
    level: int
    created_at: datetime
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Changed:
    """How an alert stands that somebody has just done something to. owner: account that works on it, or empty."""

    id: str
    level: int
    state: AlertState
    owner: str
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Beat:
    """What was read in one second. stored: about any event or firm whose page is open somewhere."""

    waiting: tuple[Waiting, ...] = ()
    changed: tuple[Changed, ...] = ()
    stored: tuple[Stored, ...] = ()


class Pulse:
    """The waiting alerts, those that just changed and what was stored about the subjects of open pages, read at most
    once a second for all streams together. watched: by how many streams each is; without any nothing is asked."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.watched: Counter[Subject] = Counter()
        self._lock = asyncio.Lock()
        self._read_at = 0.0
        self._beat = Beat()

    async def beat(self) -> Beat:
        """How it is now."""
        async with self._lock:
            time = asyncio.get_running_loop().time()
            if time - self._read_at >= LOOK_EVERY or not self._read_at:
                self._beat = await run_in_threadpool(self._read, sorted(self.watched))
                self._read_at = time
        return self._beat

    def watch(self, subject: Subject | None) -> None:
        """A stream began: what is stored about its subject is read from now on."""
        if subject is not None:
            self.watched[subject] += 1

    def leave(self, subject: Subject | None) -> None:
        """A stream ended."""
        if subject is not None:
            self.watched.subtract([subject])
            self.watched = +self.watched

    def _read(self, subjects: Sequence[Subject]) -> Beat:
        columns = (alerts.c.id, alerts.c.level, alerts.c.territory, alerts.c.territories)
        waiting = select(*columns, alerts.c.created_at).where(alerts.c.state == AlertState.NEW.value, ~MERGED)
        lately = alert_history.c.story_at > self.services.story() - LATELY
        touched = select(alert_history.c.alert).where(lately)
        changed = select(*columns, alerts.c.state, alerts.c.assignee).where(alerts.c.id.in_(touched))
        since = self.services.clock() - LATELY
        with self.services.store.read() as db:
            silenced = silenced_alerts(db, self.services.clock())
            rows = [row for row in db.execute(waiting) if row.id not in silenced]
            return Beat(
                tuple(Waiting(row.id, row.level, row.created_at, (row.territory, *row.territories)) for row in rows),
                tuple(
                    Changed(
                        row.id, row.level, AlertState(row.state), row.assignee or "",
                        (row.territory, *row.territories),
                    )
                    for row in db.execute(changed.limit(MOST_CHANGED))
                ),
                tuple(stored_lately(db, subjects, since)) if subjects else (),
            )  # fmt: skip


@router.get("/live")
async def live(
    request: Request,
    since: str = "",
    at: str = "",
    within: Annotated[str | None, Query(alias="list")] = None,
    watch: str = "",
) -> StreamingResponse:
    """Server-sent events: clock, count, alert, row, fresh. Cut to the viewer's territory like everything else.

    since: when the page was drawn (ISO); alerts written after it are told.  at: the alert the page is about: others see
    that it is open here.  list: the query of a list on the page: whether a new alert is in it is told too.
    watch: `event:ID` or `firm:ID`, what the page is about: what was stored about it since is told.
    """
    services: Services = request.app.state.services
    viewer = await run_in_threadpool(admitted, request)
    if viewer is None:
        raise SignInNeeded("/")
    request.app.state.streams.refuse_more(viewer.name)
    page = await run_in_threadpool(_page, request, viewer, at, within, watch)
    return StreamingResponse(
        _events(request, viewer, left_off(since, services.clock()), page),
        media_type="text/event-stream", headers=HEADERS,
    )  # fmt: skip


@dataclass(frozen=True)
class Page:
    """What the page of a stream shows. alert: id, or empty.  wanted: filters of a list; None: it has none.
    names: shown names of accounts.  subject: the event or firm it is about; None: no such page.
    """

    alert: str
    wanted: Wanted | None
    names: Mapping[str, str]
    subject: Subject | None = None


def _page(request: Request, viewer: Viewer, at: str, within: str | None, watch: str) -> Page:
    services: Services = request.app.state.services
    with services.store.read() as db:
        alert = find_alert(db, at) if at and "\0" not in at else None
        names = people(db)
        subject = _watched(db, viewer, watch)
    try:
        wanted = read_wanted(dict(parse_qsl(within))) if within else None
    except BadAddress:
        wanted = None
    return Page(alert.id if alert is not None and viewer.sees_alert(alert) else "", wanted, names, subject)


def _watched(db: Connection, viewer: Viewer, text: str) -> Subject | None:
    """What an address asks to watch, if this viewer may open its page."""
    kind, _, name = text.partition(":")
    if not name or len(name) > 200 or "\0" in name:
        return None
    if kind == EVENT:
        event = find_event(db, name)
        return Subject(EVENT, event.id) if event is not None and viewer.sees_event(event) else None
    return Subject(FIRM, name) if kind == FIRM else None


async def _events(request: Request, viewer: Viewer, since: datetime, page: Page) -> AsyncIterator[str]:
    services: Services = request.app.state.services
    pulse, presence = request.app.state.pulse, request.app.state.presence
    story = Told(services, viewer, since, page)
    clock_at, ends_at = 0.0, time.monotonic() + LONGEST.total_seconds()
    with request.app.state.streams.one_more(viewer.name):
        yield "retry: 3000\n\n"
        try:
            pulse.watch(page.subject)
            while time.monotonic() < ends_at:
                if time.monotonic() - clock_at >= CLOCK_EVERY or not clock_at:
                    clock_at = time.monotonic()
                    yield event("clock", {"now": iso_beijing(services.story())})
                    if page.alert:
                        presence.here(page.alert, viewer.name, FROM_A_STREAM)
                for name, data in await run_in_threadpool(story.news, await pulse.beat()):
                    yield event(name, data)
                if not await rested(services, LOOK_EVERY):
                    return
        finally:
            pulse.leave(page.subject)
            if page.alert:
                presence.gone(page.alert, viewer.name)


class Told:
    """What one stream has told already."""

    def __init__(self, services: Services, viewer: Viewer, since: datetime, page: Page) -> None:
        self.services, self.viewer, self.since, self.page = services, viewer, since, page
        self.count = -1
        self.alerts: set[str] = set()
        self.rows: dict[str, Changed] = {}
        self.fresh: set[str] = set()
        self.caught_up = page.subject is None
        self.began = False
        """Whether a second was told: what people did to alerts before it stands on the page already."""

    def news(self, beat: Beat) -> list[tuple[str, dict[str, Any]]]:
        """The events of a second, none of them told before."""
        mine = [each for each in beat.waiting if any(map(self.viewer.sees_code, each.codes))]
        found: list[tuple[str, dict[str, Any]]] = []
        fresh = self._stored(beat)
        if len(mine) != self.count:
            self.count = len(mine)
            found.append(("count", {"href": "/alerts", "n": self.count}))
        for each in mine:
            if each.created_at > self.since and each.id not in self.alerts:
                self.alerts.add(each.id)
                found.append(("alert", {"id": each.id, "level": each.level, "here": self._in_list(each)}))
                if self._is_about(each):
                    fresh.append(each.id)
        for row in beat.changed:
            if self.rows.get(row.id) != row and any(map(self.viewer.sees_code, row.codes)):
                self.rows[row.id] = row
                if self.began and self._is_about(row):
                    fresh.append(f"a{row.id}:{len(self.rows)}:{row.state}:{row.level}:{row.owner}")
                owner = self.page.names.get(row.owner, row.owner)
                state, who = STATES[row.state][0], f"{owner} 负责" if owner else ""
                if self.viewer.user.language == ENGLISH:
                    state, who = load_catalogue().told(state), owner
                found.append(("row", {"id": row.id, "level": row.level, "state": state, "who": who}))
        self.began = True
        if fresh:
            found.append(("fresh", {"ids": fresh}))
        return found

    def _stored(self, beat: Beat) -> list[str]:
        """Keys of what was stored about the page's subject, none of them told before. What came between the drawing of
        the page and now, or while a stream was broken off, is read once."""
        subject = self.page.subject
        if subject is None:
            return []
        came = list(beat.stored)
        if not self.caught_up:
            self.caught_up = True
            with self.services.store.read() as db:
                came += stored_about(db, subject, self.since)
        sees = self.viewer.sees_code
        keys = [
            one.key for one in came
            if subject in one.about and one.key not in self.fresh and (one.open or any(map(sees, one.places)))
        ]  # fmt: skip
        self.fresh.update(keys)
        return list(dict.fromkeys(keys))

    def _is_about(self, each: Waiting | Changed) -> bool:
        """Whether an alert is about the page's subject."""
        subject = self.page.subject
        if subject is None:
            return False
        with self.services.store.read() as db:
            if subject.kind == EVENT:
                return alert_rests_on(db, each.id, subject.id)
            alert = find_alert(db, each.id)
        return alert is not None and subject.id in alert.enterprises

    def _in_list(self, each: Waiting) -> bool:
        """Whether the list on the page would show a new alert. One of a person's own things holds nothing new."""
        if self.page.wanted is None:
            return True
        with self.services.store.read() as db:
            alert = find_alert(db, each.id)
        now, regions = self.services.story(), self.services.lexicon.regions
        wanted = replace(self.page.wanted, unread="")
        return alert is not None and bool(matching([alert], wanted, regions=regions, now=now))
