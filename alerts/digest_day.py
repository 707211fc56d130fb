"""What a day brought to everybody, read once for all digests of the hour; each digest takes its reader's part."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Connection, and_, func, or_, select, type_coerce

from alerts.lifecycle import OPEN
from alerts.router import Router
from alerts.source_health.telling import SourceNews, news_of_sources
from alerts.wording import Names
from config.calendar_classes import Calendar
from core.clock import beijing
from core.records import Alert, AlertState, Kind
from nlp.privacy import mask
from store.alert_log import alert_details, list_alerts
from store.events import Event, EventPulse, event_pulses, gone_quiet
from store.runs import last_fetch
from store.schema import Moment, alert_history, documents
from store.watch import watches

QUIET_AFTER = timedelta(days=3)
"""From when on an event of which nothing is heard is called quiet."""
LATE = timedelta(days=3)
"""By how much an alert may come later than its story and still count for the hour it came in: what is older is history
that was read in. Stories carry the hour of their publication, or only a day: most are heard of after it."""
RISEN = ("raised", "grown", "reopened")
RECORDS = (Kind.RECALL, Kind.RECALL_FOREIGN, Kind.SPOTCHECK)


class OwedLine(Protocol):
    """Something owed to the office above, as a sentence (reports.agenda.Line). href: on the desk."""

    @property
    def text(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def href(self) -> str: ...


Owed = Callable[[Connection, datetime, Collection[str]], Sequence[OwedLine]]


def nothing_owed(_db: Connection, _now: datetime, _own: Collection[str]) -> Sequence[OwedLine]:
    """No reporting calendar is kept."""
    return ()


@dataclass(frozen=True)
class DigestDesk:
    """What digests are written with.

    names: words for ids, and the titles of the sources whose health is told.  router: says what is routed to
    organisations.  family_of: products that are one thing in events.  owed: what offices owe by the calendar.
    """

    names: Names
    public_url: str
    demo: bool = False
    router: Router | None = None
    calendar: Calendar = field(default_factory=Calendar)
    family_of: Callable[[str], str | None] = str
    owed: Owed = nothing_owed


@dataclass(frozen=True)
class Record:
    """A recall or a spot check."""

    id: str
    kind: str
    title: str
    at: datetime
    product: str | None
    place: str | None


@dataclass(frozen=True)
class DayNews:
    """Of [since, until): alerts that came or moved, those that came in the time as long before, and what stands open.

    silenced: ids of alerts that a silence holds back.  trends: what alerts.digest has drawn, for the next reader.
    """

    since: datetime
    until: datetime
    alerts: tuple[Alert, ...]
    opened_before: tuple[Alert, ...]
    waiting: tuple[Alert, ...]
    ended: tuple[Alert, ...]
    silenced: frozenset[str]
    pulses: tuple[EventPulse, ...]
    quiet: tuple[Event, ...]
    records: tuple[Record, ...]
    sources: SourceNews
    fetched_at: datetime | None
    trends: dict[tuple[str, ...], Any] = field(default_factory=dict, repr=False)
    _routed: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)

    @property
    def last_day(self) -> date:
        """The Beijing day in which it ends; midnight ends a day."""
        return beijing(self.until - timedelta(microseconds=1)).date()

    def is_new(self, one: Alert | Event) -> bool:
        """Whether it came in this time, and did not only go on."""
        return came_at(one.first_at, one.created_at) >= self.since

    def routed(self, db: Connection, router: Router, alert: Alert) -> frozenset[str]:
        """The organisations that the machine may write to about an alert; asked once for all readers."""
        if alert.id not in self._routed:
            self._routed[alert.id] = frozenset(router.route(db, alert).sent_by_machine)
        return self._routed[alert.id]


def read_day(db: Connection, desk: DigestDesk, since: datetime, until: datetime) -> DayNews:
    """What came to pass in [since, until), and what is waiting at its end."""
    before = since - (until - since)
    found = {one: came_at(one.first_at, one.created_at) for one in list_alerts(db, since=before - LATE)}
    known = {one: at for one, at in found.items() if at < until and not _merged(db, one)}
    risen = _risen(db, since, until)
    moved = [one for one, at in known.items() if max(one.updated_at, at) >= since or one.id in risen]
    waiting = [one for one in list_alerts(db, states=(AlertState.NEW,), merged=False) if one.first_at < until]
    earlier = [one for one, at in known.items() if before <= at < since]
    told = {one.id for one in (*moved, *earlier, *waiting)}
    return DayNews(
        since=since,
        until=until,
        alerts=tuple(moved),
        opened_before=tuple(earlier),
        waiting=tuple(waiting),
        ended=tuple(_ended(db, since, until)),
        silenced=frozenset(one for one, watch in watches(db, sorted(told)).items() if watch.silence),
        pulses=tuple(event_pulses(db, before, since, until)),
        quiet=tuple(gone_quiet(db, since - QUIET_AFTER, until - QUIET_AFTER, least=3)),
        records=tuple(_records(db, since, until)),
        sources=news_of_sources(db, since, until, desk.names.sources or None),
        fetched_at=last_fetch(db, until),
    )


def came_at(first_at: datetime, known_at: datetime) -> datetime:
    """When the desk could know of something: with its story, or later, when that was heard of (see LATE)."""
    return known_at if first_at < known_at <= first_at + LATE else first_at


def _risen(db: Connection, since: datetime, until: datetime) -> set[str]:
    """Alerts that rose, grew or came back in that time by stories of before it."""
    h = alert_history.c
    late = (h.story_at >= since - LATE, h.story_at < since, h.at >= since, h.at < until)
    return set(db.execute(select(h.alert).where(*late, h.action.in_(RISEN)).distinct()).scalars())


def _records(db: Connection, since: datetime, until: datetime) -> list[Record]:
    """Those that came in that time, the newest first; one that is corrected is not told again."""
    c, first = documents.c, documents.alias()
    stored = select(func.min(first.c.stored_at)).where(first.c.id == c.id).scalar_subquery()
    kinds = [str(kind) for kind in RECORDS]
    new = (c.event_time >= since - LATE, c.event_time < until, c.kind.in_(kinds), c.latest)
    query = select(c.id, c.kind, c.title, c.event_time, c.product, c.jurisdiction, type_coerce(stored, Moment))
    query = query.where(*new, c.repost_of.is_(None), c.withdrawn_at.is_(None)).order_by(c.event_time.desc())
    rows = [(Record(*row[:6]), row[6]) for row in db.execute(query)]
    told = [one for one, stored_at in rows if since <= came_at(one.at, stored_at) < until]
    return [replace(one, title=mask(one.title)) for one in told]


def _ended(db: Connection, since: datetime, until: datetime) -> list[Alert]:
    """Alerts that were closed or dismissed in that time and are so still, newest first."""
    h = alert_history.c
    over = [AlertState.CLOSED.value, AlertState.DISMISSED.value]
    then = or_(h.story_at >= since, and_(h.at >= since, h.at < until))  # the system ends by stories of before, too
    rows = select(h.alert).where(h.story_at >= since - LATE, h.story_at < until, then, h.state.in_(over))
    ids = set(db.execute(rows.distinct()).scalars())
    found = list_alerts(db, states=(AlertState.CLOSED, AlertState.DISMISSED), merged=False) if ids else []
    return [one for one in found if one.id in ids and one.state not in OPEN]


def _merged(db: Connection, alert: Alert) -> bool:
    return bool(alert_details(db, alert.id).get("merged_into"))
