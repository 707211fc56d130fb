"""事件: which documents tell one story, where it went, who is named, and what may be the same thing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from sqlalchemy import Connection, select
from starlette.datastructures import FormData
from starlette.responses import Response

from charts.svg import Lane, Tick, lanes
from config.grouping import load_grouping
from core.clock import beijing
from core.errors import UsageError
from core.records import Alert, Kind
from nlp.privacy import mask
from pipelines.events import EventKeeper
from store import events as book
from store.alert_log import find_alerts
from store.events import Event, Member, Move
from store.schema import documents
from store.sensitive import EVENT
from web.access import ROLE_NAMES
from web.history import people
from web.inbox import links_of
from web.names import firm_names
from web.views.sensitive import sensitive_part
from web.visit import Here, Posted, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)
PAGE_SIZE, READ_AT_ONCE, READ_AT_MOST = 50, 200, 2000
MOST_DOCUMENTS, MOST_CHOSEN = 500, 200
MOST_LANES = 6
STILL = timedelta(days=7)
CHANNELS: dict[str, tuple[Kind, ...]] = {
    "自媒体": (Kind.SOCIAL, Kind.FORUM, Kind.HOTLIST),
    "投诉": (Kind.COMPLAINT, Kind.REVIEW),
    "媒体": (Kind.NEWS,),
    "监管": (Kind.NOTICE, Kind.SPOTCHECK),
    "召回": (Kind.RECALL, Kind.RECALL_FOREIGN),
}
CHANNEL_OF = {kind.value: name for name, kinds in CHANNELS.items() for kind in kinds}


@dataclass(frozen=True)
class Told:
    """A document of the event, as its page shows it. copies: documents that carry its text, oldest first."""

    id: str
    at: datetime
    title: str
    source: str
    kind: str
    level: int
    risk: bool
    held: bool
    why: str
    jurisdiction: str | None
    origin: str
    withdrawn: bool
    copies: tuple["Told", ...] = ()


@dataclass(frozen=True)
class Share:
    """A row of a breakdown: independent origins, all documents, the first moment. key: as addresses have it."""

    key: str
    name: str
    origins: int
    documents: int
    first_at: datetime


@router.get("/events")
def show_events(visit: Here, view: str = "", page: int = 1) -> Response:
    """Events that are going on, or all; `single` also lists those of one text."""
    if view not in ("", "all", "single"):
        raise Refused(404, "没有这个视图。")
    page = max(1, min(page, READ_AT_MOST // PAGE_SIZE))
    since = visit.now - STILL if view == "" else None
    with visit.services.store.read() as db:
        seen = _seen(db, visit, since=since, least=1 if view == "single" else 2, needed=page * PAGE_SIZE + 1)
        rows = seen[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        return visit.page(
            "events.html", rows=rows, view=view, page=page, more=len(seen) > page * PAGE_SIZE, still=STILL,
            firms=firm_names(db, (firm for event in rows for firm in event.facts.get("firms", ()))),
        )  # fmt: skip


def _seen(db: Connection, visit: Visit, *, since: datetime | None, least: int, needed: int) -> list[Event]:
    """The newest events of the viewer's territory."""
    found: list[Event] = []
    for offset in range(0, READ_AT_MOST, READ_AT_ONCE):
        some = book.list_events(db, since=since, least=least, limit=READ_AT_ONCE, offset=offset)
        found += [event for event in some if sees_event(visit, event)]
        if len(some) < READ_AT_ONCE or len(found) >= needed:
            break
    return found


def sees_event(visit: Visit, event: Event) -> bool:
    """Whether an event touches this viewer's territory."""
    return visit.me.sees_event(event)


def open_event(db: Connection, visit: Visit, name: str) -> Event:
    """The event, if this viewer may see it: one that is hidden answers as if it were not there."""
    event = book.find_event(db, name)
    if event is None or not sees_event(visit, event):
        raise Refused(404, f"没有事件 {name[:40]}，或不在您的属地之内。")
    return event


def event_of(db: Connection, visit: Visit, document: str) -> Event | None:
    """The event a document stands in, if this viewer may see it."""
    member = book.member_of(db, document)
    event = book.find_event(db, member.event) if member else None
    return event if event is not None and sees_event(visit, event) else None


@router.get("/events/{name}")
def show_event(visit: Here, name: str, docs: str = "", did: str = "", channel: str = "", place: str = "") -> Response:
    """One event; an address that was merged away leads on. channel, place: of the documents to list."""
    with visit.services.store.read() as db:
        event = open_event(db, visit, name)
        if name not in (event.id, event.number):
            return redirect(f"/events/{event.number}")
        said = {"merge": "已并入。", "split": f"已拆出为 {event.number}。", "undo": "已撤销。"}.get(did, "")
        chosen = Chosen(docs, channel[:20], place[:12])
        return _event_page(db, visit, event, chosen=chosen, said=said, fresh=did in ("merge", "split"))


@dataclass(frozen=True)
class Chosen:
    """Which documents of an event are listed. docs: "" independent ones, reply, all.  channel: a key of CHANNELS.
    place: region code, "-" for those that name none.
    """

    docs: str = ""
    channel: str = ""
    place: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether one channel or place was asked for."""
        return bool(self.channel or self.place)

    def takes(self, one: Told) -> bool:
        """Whether a document is of that channel and place."""
        there = not self.place or (one.jurisdiction or "-") == self.place
        return there and (not self.channel or channel_of(one) == self.channel)


def channel_of(one: Told) -> str:
    """自媒体, 投诉, ...; 其他 for a kind that has no channel."""
    return CHANNEL_OF.get(one.kind, "其他")


def _event_page(
    db: Connection, visit: Visit, event: Event, *, chosen: Chosen = Chosen(), said: str = "", refused: bool = False,
    fresh: bool = False,
) -> Response:  # fmt: skip
    members = book.members_of(db, event.id, limit=MOST_DOCUMENTS)
    told = told_in(db, visit, members)
    tree = _tree(told)
    everything = sorted(told, key=lambda one: (one.at, one.id))
    risks = [one for one in everything if one.risk]
    shown = {"all": everything, "reply": [one for one in everything if not one.risk]}.get(chosen.docs, tree)
    if chosen.narrowed:
        shown = [one for one in risks if chosen.takes(one)]
    firms = event.facts.get("firms", ())
    like, alerts = _keeper(visit).alike(db, event), _alerts(db, visit, [member.document for member in members])
    return visit.page(
        "event.html", event=event, said=said, refused=refused, docs=chosen.docs, chosen=chosen, shown=shown, tree=tree,
        everything=everything, hidden=len(members) - len(told), quiet=visit.now - event.last_at > STILL, still=STILL,
        replies=len(everything) - len(risks), chart=_spread(event, risks, alerts, visit),
        channels=_shares(risks, channel_of, lambda key: key),
        places=_shares(risks, lambda one: one.jurisdiction or "-", lambda key: visit.names.region(key.strip("-"))),
        firms=firm_names(db, firms), alerts=alerts, moves=_moves(db, visit, event), fresh=fresh, people=people(db),
        alike=[one for one in like if sees_event(visit, one.event)], may=visit.me.may("event"),
        status=409 if refused else 200,
        **sensitive_part(db, visit, EVENT, event.id, event.facts.get("territories", ())),
    )  # fmt: skip


@dataclass(frozen=True)
class Moved:
    """A merge or split in words. undo: whether it may be taken back now."""

    move: Move
    words: str
    undo: bool


def _moves(db: Connection, visit: Visit, event: Event) -> list[Moved]:
    """What people brought together and took apart here, newest first; the newest that stands may be taken back."""
    moves = book.moves_of(db, event.id)[:20]
    numbers = {
        one.id: one.number for one in book.find_events(db, [x for m in moves for x in (m.event, m.other)]).values()
    }
    standing = next((move.number for move in moves if not move.undone_by), None)
    found = []
    for move in moves:
        stays, other = numbers.get(move.event, ""), numbers.get(move.other, "")
        words = f"{other} 并入 {stays}" if move.kind == "merge" else f"由 {stays} 拆出 {other}"
        found.append(
            Moved(move, f"{words}，{len(move.documents)} 篇", move.number == standing and visit.me.may("event"))
        )
    return found


def told_in(db: Connection, visit: Visit, members: Sequence[Member]) -> list[Told]:
    """Those of the documents that the viewer may read."""
    columns = (documents.c.id, documents.c.title, documents.c.source, documents.c.kind, documents.c.jurisdiction,
               documents.c.repost_of, documents.c.withdrawn_at)  # fmt: skip
    found: dict[str, Any] = {}
    for first in range(0, len(members), 400):
        ids = [member.document for member in members[first : first + 400]]
        query = select(*columns).where(documents.c.id.in_(ids), documents.c.latest, visit.me.documents())
        found |= {row.id: row for row in db.execute(query)}
    return [_one(member, found[member.document]) for member in members if member.document in found]


def _one(member: Member, row: Any) -> Told:
    why = "人工" if member.held else "、".join(member.why) or "首见"
    return Told(
        id=row.id, at=member.at, title=mask(row.title) or member.traits["title"], source=row.source, kind=row.kind,
        level=member.traits["level"], risk=member.risk, held=member.held, why=why, jurisdiction=row.jurisdiction,
        origin=row.repost_of or row.id, withdrawn=row.withdrawn_at is not None,
    )  # fmt: skip


def _tree(told: Sequence[Told]) -> list[Told]:
    """Each text once, with those that carry it below."""
    ids = {one.id for one in told}
    copies: dict[str, list[Told]] = {}
    for one in told:
        if one.origin != one.id and one.origin in ids:
            copies.setdefault(one.origin, []).append(one)
    below = {one.id for some in copies.values() for one in some}
    return [
        Told(**{**vars(one), "copies": tuple(sorted(copies.get(one.id, ()), key=lambda copy: copy.at))})
        for one in sorted(told, key=lambda one: (one.at, one.id))
        if one.id not in below
    ]


def _shares(told: Sequence[Told], key_of: Callable[[Told], str], name_of: Callable[[str], str]) -> list[Share]:
    groups: dict[str, list[Told]] = {}
    for one in told:
        groups.setdefault(key_of(one), []).append(one)
    rows = [
        Share(key, name_of(key), sum(one.origin == one.id for one in some), len(some), min(one.at for one in some))
        for key, some in groups.items()
    ]
    return sorted(rows, key=lambda row: (-row.documents, row.name))


def _spread(event: Event, told: Sequence[Told], alerts: Sequence[Alert], visit: Visit) -> str:
    """Lanes by channel, then by prefecture, then the alerts; each dot leads to its document or alert."""
    regions, now = visit.services.lexicon.regions, visit.now
    start = event.first_at - timedelta(hours=1)
    span = max(min(now, event.last_at + STILL) - start, timedelta(hours=6))

    def at(moment: datetime) -> float:
        return min(100.0, max(0.0, 100 * ((moment - start) / span)))

    def lane(name: str, some: Sequence[Told]) -> Lane:
        dots = [(at(one.at), one.level, f"{beijing(one.at):%m-%d %H:%M} {one.title}") for one in some]
        return Lane(name, dots=dots, doors=[f"/documents/{quote(one.id)}" for one in some])

    by_place: dict[str, list[Told]] = {}
    for one in told:
        region = regions.get(regions.prefecture_of(one.jurisdiction or "") or one.jurisdiction or "")
        by_place.setdefault(region.short_name if region else "未写明", []).append(one)
    rows = [lane(name, some) for name in (*CHANNELS, "其他") if (some := [x for x in told if channel_of(x) == name])]
    rows += [lane(name, some) for name, some in sorted(by_place.items(), key=lambda pair: pair[1][0].at)[:MOST_LANES]]
    if alerts:
        dots = [
            (at(one.created_at), one.level, f"{beijing(one.created_at):%m-%d %H:%M} {one.number}") for one in alerts
        ]
        rows.append(Lane("预警", dots=dots, doors=[f"/alerts/{one.id}" for one in alerts]))
    form = "%m-%d" if span > timedelta(days=3) else "%d日%H时"
    ticks: list[Tick] = [(100 * i / 5, beijing(start + span * i / 5).strftime(form)) for i in range(5)]
    return lanes(rows, label=f"传到哪里：{len(told)} 篇，按渠道、属地和时间", ticks=ticks)


def _alerts(db: Connection, visit: Visit, ids: Sequence[str]) -> list[Alert]:
    """The alerts that rest on these documents, of those the viewer sees."""
    links = {alert for some in links_of(db, visit.me, ids).values() for alert, _number in some}
    return sorted(find_alerts(db, sorted(links)), key=lambda alert: (-alert.level, alert.number))


def _keeper(visit: Visit) -> EventKeeper:
    services = visit.services
    return EventKeeper(services.lexicon.regions, load_grouping(services.settings.config).family_of)


@router.post("/events/{name}/merge")
def merge(visit: Here, form: Posted, name: str) -> Response:
    """Bring the event `from` into this one; the earlier number stays."""
    _allowed(visit)
    try:
        with visit.services.store.write() as db:
            into = open_event(db, visit, name)
            other = open_event(db, visit, str(form.get("from", ""))[:40])
            done = _keeper(visit).merge(db, into.id, other.id, actor=visit.me.name, now=visit.now)
    except UsageError as problem:
        return _refused(visit, name, problem)
    return redirect(f"/events/{done.number}?did=merge")


@router.post("/events/{name}/split")
def split(visit: Here, form: Posted, name: str) -> Response:
    """Let the marked documents be an event of their own."""
    _allowed(visit)
    try:
        with visit.services.store.write() as db:
            event = open_event(db, visit, name)
            chosen = _chosen(db, visit, event, form)
            done = _keeper(visit).split(db, event.id, chosen, actor=visit.me.name, now=visit.now)
    except UsageError as problem:
        return _refused(visit, name, problem)
    return redirect(f"/events/{done.number}?did=split")


@router.post("/events/{name}/undo")
def undo(visit: Here, form: Posted, name: str) -> Response:
    """Take a merge or split of this event back."""
    _allowed(visit)
    number = str(form.get("move", ""))
    try:
        with visit.services.store.write() as db:
            event = open_event(db, visit, name)
            if not any(str(move.number) == number for move in book.moves_of(db, event.id)):
                raise UsageError(f"{event.number} 没有这一步")
            done = _keeper(visit).undo(db, int(number), actor=visit.me.name, now=visit.now)
    except UsageError as problem:
        return _refused(visit, name, problem)
    return redirect(f"/events/{done.number}?did=undo")


def _chosen(db: Connection, visit: Visit, event: Event, form: FormData) -> list[str]:
    """The marked documents; one the viewer may not read cannot be moved."""
    asked = {str(value) for value in form.getlist("doc")[:MOST_CHOSEN]}
    if not asked:
        raise UsageError("没有选中文档")
    members = [m for m in book.members_of(db, event.id, limit=MOST_DOCUMENTS) if m.document in asked]
    readable = {one.id for one in told_in(db, visit, members)}
    if asked - readable:
        raise UsageError("选中的文档已不在本事件中，请刷新后再试")
    return sorted(readable)


def _allowed(visit: Visit) -> None:
    if not visit.me.may("event"):
        raise Refused(403, f"事件的并入、拆出由{ROLE_NAMES['officer']}及以上角色操作。")


def _refused(visit: Visit, name: str, problem: UsageError) -> Response:
    with visit.services.store.read() as db:
        event = open_event(db, visit, name)
        return _event_page(db, visit, event, said=f"本次操作未生效：{problem}", refused=True)
