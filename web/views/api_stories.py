"""Events and firms over the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from core.records import RegistryEntry
from store.events import Event, members_of
from store.pages import entries_behind, events_behind
from store.registry import find_entry
from web.api_shapes import READ_AT_ONCE, Masked, Moment, Page, Paged, gather
from web.bearer import EventReader, FirmReader
from web.cursors import a_number, a_text, read_cursor, write_cursor
from web.inbox import standing_alerts
from web.names import NIL
from web.views.enterprises import signals_of
from web.views.events import MOST_DOCUMENTS, STILL, open_event, sees_event, told_in
from web.visit import Refused, without_nul

router = APIRouter(prefix="/api")
MOST_SIGNALS = 100


class EventQuery(Paged):
    """Which events, as on their page."""

    view: Literal["", "all", "single"] = Field("", description="空：近 7 日有新文档的；single：连同只有一篇的")


class EventOut(BaseModel):
    """Documents that tell one story. origins: those with a text of their own."""

    id: str
    number: str
    title: Masked
    first_at: Moment
    last_at: Moment
    level: int
    documents: int
    origins: int
    firms: list[str]
    territories: list[str]


class EventDocumentOut(BaseModel):
    """A document of an event. why: what brought it there."""

    id: str
    at: Moment
    title: Masked
    source: str
    kind: str
    level: int
    risk: bool
    origin: str
    withdrawn: bool
    why: str


class EventFull(EventOut):
    """One event; only those documents that the caller may read."""

    items: list[EventDocumentOut]


class FirmQuery(Paged):
    """Which firms of the registry."""

    q: str = Field("", max_length=100, description="part of a name, short name or brand")


class FirmOut(BaseModel):
    """A firm of the registry."""

    id: str
    name: str
    short_names: list[str]
    brands: list[str]
    former_names: list[str]
    region_code: str
    products: list[str]
    role: str
    uscc: str
    status: str


class SignalOut(BaseModel):
    """A signal about a firm."""

    id: str
    at: Moment
    kind: str
    title: Masked
    source: str
    level: int
    repost: bool


class FirmFull(BaseModel):
    """A firm, its newest signals and its alerts, cut to the caller's territory. entry: null for one in no list."""

    id: str
    name: str
    entry: FirmOut | None
    signals: list[SignalOut]
    alerts: list[str]


@router.get("/events")
def list_events(visit: EventReader, asked: Annotated[EventQuery, Query()]) -> Page[EventOut]:
    """Events of the own territory, newest number first."""
    without_nul(asked.model_dump().values())
    behind = read_cursor("events", asked.cursor, a_number, a_number)
    since: datetime | None = None if asked.view else visit.now - STILL
    least = 1 if asked.view == "single" else 2
    with visit.services.store.read() as db:

        def read(last: tuple[int, int] | None) -> Sequence[tuple[tuple[int, int], Event]]:
            return events_behind(db, last, since=since, least=least, limit=READ_AT_ONCE)

        found, last = gather(read, lambda event: sees_event(visit, event), behind, asked.limit)
    return Page(items=[_event(event) for event in found], next=write_cursor("events", *last) if last else None)


@router.get("/events/{name}")
def one_event(visit: EventReader, name: str) -> EventFull:
    """One event by id or number; one that was merged away leads to where it went."""
    with visit.services.store.read() as db:
        event = open_event(db, visit, name)
        told = told_in(db, visit, members_of(db, event.id, limit=MOST_DOCUMENTS))
    names = EventDocumentOut.model_fields
    items = [EventDocumentOut(**{name: getattr(one, name) for name in names}) for one in told]
    return EventFull(**_event(event).model_dump(), items=items)


def _event(event: Event) -> EventOut:
    facts = {name: list(event.facts.get(name, ())) for name in ("firms", "territories")}
    names = [name for name in EventOut.model_fields if name not in facts]
    return EventOut(**{name: getattr(event, name) for name in names}, **facts)


@router.get("/enterprises")
def list_firms(visit: FirmReader, asked: Annotated[FirmQuery, Query()]) -> Page[FirmOut]:
    """Firms of the registry, by id."""
    without_nul(asked.model_dump().values())
    behind = read_cursor("enterprises", asked.cursor, a_text)
    with visit.services.store.read() as db:
        some = entries_behind(db, behind[0] if behind else "", part=asked.q.strip(), limit=asked.limit)
    last = write_cursor("enterprises", some[-1].id) if len(some) == asked.limit else None
    return Page(items=[_firm(entry) for entry in some], next=last)


@router.get("/enterprises/{firm:path}")
def one_firm(visit: FirmReader, firm: str) -> FirmFull:
    """One firm by id; `NIL:<name>` is one in no list."""
    with visit.services.store.read() as db:
        entry = find_entry(db, firm)
        signals = signals_of(db, visit, firm)
        alerts = [alert.id for alert in standing_alerts(db, visit.me, firm=firm)]
    if entry is None and not signals and not alerts:
        raise Refused(404, f"没有企业 {firm.removeprefix(NIL)[:60]}：名录中没有，也没有信号提到它。")
    names = SignalOut.model_fields
    return FirmFull(
        id=firm, name=entry.name if entry else firm.removeprefix(NIL), entry=_firm(entry) if entry else None,
        signals=[SignalOut(**{name: getattr(one, name) for name in names}) for one in signals[:MOST_SIGNALS]],
        alerts=alerts,
    )  # fmt: skip


def _firm(entry: RegistryEntry) -> FirmOut:
    return FirmOut(**{name: getattr(entry, name) for name in FirmOut.model_fields})
