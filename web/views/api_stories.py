"""Events and firms over the API."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from core.firms import PAPERS
from core.records import RegistryEntry
from store.events import Event, members_of
from store.pages import entries_behind, events_behind
from web.api_shapes import READ_AT_ONCE, Masked, Moment, Page, Paged, gather
from web.bearer import EventReader, FirmReader
from web.cursors import a_number, a_text, read_cursor, write_cursor
from web.dossier import dossier_of
from web.views.events import MOST_DOCUMENTS, STILL, open_event, sees_event, told_in
from web.visit import without_nul

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


class FirmQuestion(BaseModel):
    """As of which day a firm is told of."""

    model_config = ConfigDict(extra="forbid")

    asof: str = Field("", max_length=10, description="空：今天；2026-11-23：截至该日")


class FactOut(BaseModel):
    """A licence, certificate, result, penalty, ... of a firm. document: the one that says so, or empty."""

    kind: str
    number: str
    day: date | None
    until: date | None
    state: str
    state_since: date | None
    product: str
    model: str
    batch: str
    outcome: str
    count: int
    text: Masked
    document: str
    source: str


class PaperOut(FactOut):
    """A licence or certificate. state_on_day: valid | not_yet | lapsed | suspended | withdrawn | unknown, on `asof`."""

    state_on_day: str
    told: str


class TieOut(BaseModel):
    """A relation of two firms, by id or `NIL:<name>`."""

    one: str
    kind: str
    other: str
    product: str
    since: date | None
    until: date | None
    document: str
    source: str


class ChangeOut(BaseModel):
    """A field of the entry that a re-import changed."""

    at: Moment
    source: str
    field: str
    before: Masked
    now: Masked


class FirmFull(BaseModel):
    """A firm, its newest signals and its alerts, cut to the caller's territory. entry: null for one in no list.

    asof: papers are told as of that day, and what came later is left out, but for changes.  facts: without papers.
    """

    id: str
    name: str
    entry: FirmOut | None
    asof: date
    signals: list[SignalOut]
    alerts: list[str]
    papers: list[PaperOut]
    facts: list[FactOut]
    ties: list[TieOut]
    changes: list[ChangeOut]
    open_hazards: list[str]


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
def one_firm(visit: FirmReader, firm: str, asked: Annotated[FirmQuestion, Query()]) -> FirmFull:
    """One firm by id, as of a day; `NIL:<name>` is one in no list."""
    without_nul((asked.asof,))
    with visit.services.store.read() as db:
        found = dossier_of(db, visit, firm, asof=asked.asof, span="all")
    names = SignalOut.model_fields
    day = found.asked.day
    told = [fact for fact in found.facts if fact.kind not in PAPERS and (fact.day is None or fact.day <= day)]
    return FirmFull(
        id=firm, name=found.name, entry=_firm(found.entry) if found.entry else None, asof=day,
        signals=[SignalOut(**{name: getattr(one, name) for name in names}) for one in found.signals[:MOST_SIGNALS]],
        alerts=[alert.id for alert in found.alerts if alert.first_at <= found.asked.end],
        papers=[PaperOut(**asdict(one.fact), state_on_day=one.state.value, told=one.told) for one in found.papers],
        facts=[FactOut(**asdict(fact)) for fact in told], ties=[TieOut(**asdict(tie)) for tie in found.ties],
        changes=[ChangeOut(**{name: getattr(one, name) for name in ChangeOut.model_fields}) for one in found.changes],
        open_hazards=[entry.id for entry in found.open_entries],
    )  # fmt: skip


def _firm(entry: RegistryEntry) -> FirmOut:
    return FirmOut(**{name: getattr(entry, name) for name in FirmOut.model_fields})
