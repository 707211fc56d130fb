"""How early were we: for each official notice the first signal and the first alert on the same thing.

The same thing is the same event (pipelines/events), the matter of an alert that rests on the notice, or the same firm
with the same product (or none named on one side), within WINDOW before the notice and AFTER it. What is said of a firm,
in an event or a matter is read once, by index.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, case, not_, select

from alerts.notices import OFFICIAL_KINDS, NoticeType, notice_type
from store.alert_log import MERGED
from store.schema import alert_documents, alerts, documents, event_documents

WINDOW = timedelta(days=90)
AFTER = timedelta(days=30)
"""A signal or alert that comes later than that is about something else."""
MOST_NOTICES = 20_000
MOST_ROWS = 2_000
"""Documents of one event that are looked at, the earliest first."""


@dataclass(frozen=True)
class Heard:
    """A document that says something."""

    document: str
    at: datetime
    source: str
    kind: str
    title: str
    jurisdiction: str | None = None


@dataclass(frozen=True)
class Lead:
    """One notice. signal: the first one that is not the notice itself; None: there was none.  alert: id of the first.

    Leads are hours before the notice, negative where the notice came first; None where there is nothing.
    """

    notice: Heard
    type: NoticeType
    firm: str | None
    product: str | None
    signal: Heard | None
    alert: str | None
    alert_at: datetime | None

    @property
    def signal_lead(self) -> float | None:
        """Hours."""
        return None if self.signal is None else _hours(self.notice.at - self.signal.at)

    @property
    def alert_lead(self) -> float | None:
        """Hours."""
        return None if self.alert_at is None else _hours(self.notice.at - self.alert_at)


@dataclass(frozen=True)
class Span:
    """Of leads in hours: how many there are, their quartiles. ahead, same, behind: before, with, after the notice;
    none: notices with nothing at all.
    """

    count: int
    ahead: int
    same: int
    behind: int
    none: int
    lower: float | None
    median: float | None
    upper: float | None


@dataclass(frozen=True)
class Line:
    """The leads of a product, or of a source of notices. key: its id, empty where the notice names none."""

    key: str
    notices: int
    signal: Span
    alert: Span


def lead_times(
    db: Connection,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    product: str | None = None,
    source: str | None = None,
    family: Callable[[str | None], str | None] = lambda product: product,
    most: int = MOST_NOTICES,
) -> list[Lead]:
    """Every notice of the span, newest first, at most `most`. source: that published the notice.  family: products of
    one family are the same thing.
    """
    notices: list[tuple[Any, NoticeType]] = []
    for row in _notices(db, since, until, product, source):
        kind = notice_type(row.kind, row.analysis["issues"], risk=True)
        if kind is not None:
            notices.append((row, kind))
            if len(notices) == most:
                break
    ids = [row.id for row, _ in notices]
    firms, events, matters = _Firms(db, [row for row, _ in notices], family), _Events(db, ids), _Matters(db, ids)
    return [
        _lead(row, kind, (firms.of(row.enterprise), events.of(row.id), matters.of(row.id)), family(row.product))
        for row, kind in notices
    ]


_HEARD = (
    documents.c.id, documents.c.event_time, documents.c.source, documents.c.kind, documents.c.title,
    documents.c.product, documents.c.enterprise, documents.c.jurisdiction, documents.c.repost_of,
)  # fmt: skip


def _notices(
    db: Connection, since: datetime | None, until: datetime | None, product: str | None, source: str | None
) -> Iterator[Any]:
    """Origins of official kinds that are a risk and stand, by the index of risks in order of time."""
    query = select(*_HEARD, documents.c.analysis).where(
        documents.c.is_risk,
        documents.c.latest,
        documents.c.kind.in_(OFFICIAL_KINDS),
        documents.c.repost_of.is_(None),
        documents.c.withdrawn_at.is_(None),
        documents.c.analysis.is_not(None),
    )
    for column, value in ((documents.c.product, product), (documents.c.source, source)):
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        query = query.where(documents.c.event_time >= since)
    if until is not None:
        query = query.where(documents.c.event_time <= until)
    ordered = query.order_by(documents.c.event_time.desc(), documents.c.id)
    yield from db.execute(ordered, execution_options={"yield_per": 500})


@dataclass(frozen=True)
class _Told:
    """Documents and alerts of one firm or event, each in order of time, with the product family they name."""

    documents: Sequence[tuple[datetime, str | None, Any]]
    alerts: Sequence[tuple[datetime, str | None, str]]


class _Firms:
    """What is said of the firms of some notices, read once for all notices; nothing for notices that name none."""

    def __init__(self, db: Connection, notices: Sequence[Any], family: Callable[[str | None], str | None]) -> None:
        rows: defaultdict[str, list[Any]] = defaultdict(list)
        times = [row.event_time for row in notices]
        for some in _chunks(sorted({row.enterprise for row in notices if row.enterprise})):
            query = select(*_HEARD).where(
                documents.c.enterprise.in_(some),
                documents.c.event_time >= min(times) - WINDOW,
                documents.c.event_time <= max(times) + AFTER,
                documents.c.latest,
                documents.c.is_risk,
            )
            for row in db.execute(query.order_by(documents.c.event_time, documents.c.id)):
                rows[row.enterprise].append(row)
        resting = _resting(db, [row.id for mine in rows.values() for row in mine])
        self._told = {firm: _told(mine, family, resting) for firm, mine in rows.items()}

    def of(self, firm: str | None) -> _Told:
        """In order of time."""
        return self._told.get(firm or "", _Told((), ()))


_COUNTS = case((and_(documents.c.latest, documents.c.is_risk), 1), else_=0) == 1
"""An expression, so that SQLite looks documents up by their ids: by its index of risks it would read all there are."""


class _Events:
    """What is said in the events of some notices: of each event its earliest MOST_ROWS documents."""

    def __init__(self, db: Connection, notices: Sequence[str]) -> None:
        self._event: dict[str, str] = {}
        for some in _chunks(notices):
            query = select(event_documents.c.document, event_documents.c.event)
            found = db.execute(query.where(event_documents.c.document.in_(some)))
            self._event |= {row.document: row.event for row in found}
        rows: defaultdict[str, list[Any]] = defaultdict(list)
        for some in _chunks(sorted(set(self._event.values()))):
            member = and_(event_documents.c.document == documents.c.id, event_documents.c.event.in_(some))
            query = select(*_HEARD, event_documents.c.event).join(event_documents, member).where(_COUNTS)
            for row in db.execute(query.order_by(event_documents.c.at, documents.c.id)):
                if len(rows[row.event]) < MOST_ROWS:
                    rows[row.event].append(row)
        resting = _resting(db, [row.id for mine in rows.values() for row in mine])
        self._told = {event: _told(mine, lambda product: None, resting) for event, mine in rows.items()}

    def of(self, notice: str) -> _Told:
        """None where it is in no event."""
        return self._told.get(self._event.get(notice, ""), _Told((), ()))


class _Matters:
    """What the alerts that rest on a notice rest on besides: the notice's own matter, whatever firm each text names.
    Of each alert its earliest MOST_ROWS documents."""

    def __init__(self, db: Connection, notices: Sequence[str]) -> None:
        self._alerts: defaultdict[str, list[str]] = defaultdict(list)
        for some in _chunks(notices):
            query = select(alert_documents.c.document, alert_documents.c.alert).join(
                alerts, alerts.c.id == alert_documents.c.alert
            )
            for row in db.execute(query.where(alert_documents.c.document.in_(some), not_(MERGED))):
                self._alerts[row.document].append(row.alert)
        self._rows: defaultdict[str, list[Any]] = defaultdict(list)
        for some in _chunks(sorted({alert for mine in self._alerts.values() for alert in mine})):
            resting = and_(alert_documents.c.document == documents.c.id, alert_documents.c.alert.in_(some))
            query = select(*_HEARD, alert_documents.c.alert).join(alert_documents, resting).where(_COUNTS)
            for one in db.execute(query.order_by(documents.c.event_time, documents.c.id)):
                if len(self._rows[one.alert]) < MOST_ROWS:
                    self._rows[one.alert].append(one)

    def of(self, notice: str) -> _Told:
        """In order of time."""
        rows = [row for alert in self._alerts.get(notice, ()) for row in self._rows.get(alert, ())]
        return _Told([(row.event_time, None, row) for row in sorted(rows, key=lambda r: (r.event_time, r.id))], ())


def _resting(db: Connection, ids: Sequence[str]) -> Mapping[str, list[tuple[datetime, str]]]:
    """First moment and id of the alerts that rest on each document; those merged into another are told of there."""
    found: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for some in _chunks(sorted(set(ids))):
        query = (
            select(alerts.c.first_at, alerts.c.id, alert_documents.c.document)
            .join(alert_documents, alert_documents.c.alert == alerts.c.id)
            .where(alert_documents.c.document.in_(some), not_(MERGED))
        )
        for row in db.execute(query):
            found[row.document].append((row.first_at, row.id))
    return found


def _told(
    rows: Sequence[Any],
    family: Callable[[str | None], str | None],
    resting: Mapping[str, list[tuple[datetime, str]]],
) -> _Told:
    """The documents with the alerts that rest on them."""
    families = {row.id: family(row.product) for row in rows}
    opened = {(at, families[row.id], alert) for row in rows for at, alert in resting.get(row.id, ())}
    return _Told(
        [(row.event_time, families[row.id], row) for row in rows],
        sorted(opened, key=lambda each: (each[0], each[2], each[1] or "")),
    )


def _lead(row: Any, kind: NoticeType, said: Sequence[_Told], mine: str | None) -> Lead:
    """mine: the family of the notice's product."""
    signals = [one for told in said if (one := _first_signal(told, row, mine)) is not None]
    opened = [one for told in said if (one := _first_alert(told, row, mine)) is not None]
    first = min(signals, key=lambda one: (one.event_time, one.id), default=None)
    at, alert = min(opened, default=(None, None))
    signal = _heard(first) if first is not None else None
    return Lead(_heard(row), kind, row.enterprise, row.product, signal, alert, at)


def _first_signal(told: _Told, notice: Any, mine: str | None) -> Any | None:
    """The first document within reach that is not the notice itself or a copy of it."""
    start, end = notice.event_time - WINDOW, notice.event_time + AFTER
    for at, theirs, one in told.documents[bisect_left(told.documents, start, key=_when) :]:
        if at > end:
            return None
        if _same(mine, theirs) and notice.id not in (one.id, one.repost_of):
            return one
    return None


def _first_alert(told: _Told, notice: Any, mine: str | None) -> tuple[datetime, str] | None:
    start, end = notice.event_time - WINDOW, notice.event_time + AFTER
    for at, theirs, alert in told.alerts[bisect_left(told.alerts, start, key=_when) :]:
        if at > end:
            return None
        if _same(mine, theirs):
            return at, alert
    return None


def _when(each: tuple[datetime, Any, Any]) -> datetime:
    return each[0]


def _same(mine: str | None, theirs: str | None) -> bool:
    return mine is None or theirs is None or mine == theirs


def _heard(row: Any) -> Heard:
    return Heard(row.id, row.event_time, row.source, row.kind, row.title, row.jurisdiction)


def _chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    for first in range(0, len(ids), 400):
        yield list(ids[first : first + 400])


def _hours(span: timedelta) -> float:
    return span / timedelta(hours=1)


# --- figures ----------------------------------------------------------------------------------------------------


def span_of(leads: Sequence[float | None]) -> Span:
    """The figures of some leads, in hours; None where a notice had nothing."""
    known = sorted(lead for lead in leads if lead is not None)
    return Span(
        count=len(known),
        ahead=sum(lead > 0 for lead in known),
        same=sum(lead == 0 for lead in known),
        behind=sum(lead < 0 for lead in known),
        none=len(leads) - len(known),
        lower=_quantile(known, 0.25),
        median=_quantile(known, 0.5),
        upper=_quantile(known, 0.75),
    )


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """Between the two nearest values, in proportion."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def lines_by(leads: Sequence[Lead], key: Callable[[Lead], str | None]) -> list[Line]:
    """A line a value, those with most notices first."""
    parts: defaultdict[str, list[Lead]] = defaultdict(list)
    for lead in leads:
        parts[key(lead) or ""].append(lead)
    lines = [line_of(name, some) for name, some in parts.items()]
    return sorted(lines, key=lambda line: (-line.notices, line.key))


def line_of(key: str, leads: Sequence[Lead]) -> Line:
    """The figures of some notices."""
    return Line(
        key, len(leads), span_of([lead.signal_lead for lead in leads]), span_of([lead.alert_lead for lead in leads])
    )


BY: Mapping[str, Callable[[Lead], str | None]] = {
    "product": lambda lead: lead.product,
    "source": lambda lead: lead.notice.source,
    "type": lambda lead: lead.type,
}
