"""What is known of an alert at a moment, as the learnt order sees it, and the marks it learns from.

Nothing later than the moment is looked at: documents by their event time, the level it opened at, marks given before.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from alerts.cards import VOICES
from alerts.marks import Marked, standing_marks
from core.clock import beijing
from core.records import Kind, Listed
from store.alert_log import list_alerts
from store.schema import alert_documents, alert_history, documents

OPENED = "opened"


@dataclass(frozen=True)
class Case:
    """An alert at a moment. level: the one it opened at.  origins, reposts, sources, voices: of its documents then.

    rule, product, firm: ids, empty where there is none.  hour: of the Beijing day it opened on.
    mark: what became of it, and when; None where nobody said so.
    """

    alert: str
    opened: datetime
    level: int
    rule: str
    product: str
    firm: str
    origins: int
    reposts: int
    sources: int
    voices: frozenset[str]
    hour: int
    mark: Marked | None = None


@dataclass(frozen=True)
class _Document:
    at: datetime
    source: str
    kind: str
    repost: bool


def marked_cases(db: Connection) -> list[Case]:
    """Every marked alert as it was when it was marked, in the order of the marks."""
    marks = standing_marks(db)
    alerts = {alert.id: alert for alert in list_alerts(db) if alert.id in marks}
    moments = {alert: marks[alert].story_at for alert in alerts}
    found = {case.alert: case for case in cases_of(db, list(alerts.values()), moments, marks)}
    return [found[alert] for alert in marks if alert in found]


def cases_of(
    db: Connection, alerts: Sequence[Listed], moments: Mapping[str, datetime], marks: Mapping[str, Marked]
) -> Iterator[Case]:
    """The alerts, each at its moment."""
    levels, theirs = _first_levels(db, alerts), _documents(db, alerts)
    for alert in alerts:
        known = [one for one in theirs.get(alert.id, ()) if one.at <= moments[alert.id]]
        origins = [one for one in known if not one.repost]
        yield Case(
            alert=alert.id,
            opened=alert.first_at,
            level=levels.get(alert.id, alert.level),
            rule=alert.rule,
            product=alert.products[0] if alert.products else "",
            firm=alert.enterprises[0] if alert.enterprises else "",
            origins=len(origins),
            reposts=len(known) - len(origins),
            sources=len({one.source for one in known}),
            voices=frozenset(VOICES[Kind(one.kind)] for one in origins),
            hour=beijing(alert.first_at).hour,
            mark=marks.get(alert.id),
        )


def _first_levels(db: Connection, alerts: Iterable[Listed]) -> dict[str, int]:
    history, found = alert_history.c, dict[str, int]()
    for some in _chunks([alert.id for alert in alerts]):
        query = select(history.alert, history.level).where(history.alert.in_(some), history.action == OPENED)
        found |= {row.alert: row.level for row in db.execute(query)}
    return found


def _documents(db: Connection, alerts: Iterable[Listed]) -> dict[str, list[_Document]]:
    found: defaultdict[str, list[_Document]] = defaultdict(list)
    columns = (alert_documents.c.alert, documents.c.event_time, documents.c.source, documents.c.kind)
    for some in _chunks([alert.id for alert in alerts]):
        query = (
            select(*columns, documents.c.repost_of)
            .join(documents, documents.c.id == alert_documents.c.document)
            .where(alert_documents.c.alert.in_(some), documents.c.latest)
        )
        for row in db.execute(query):
            found[row.alert].append(_Document(row.event_time, row.source, row.kind, row.repost_of is not None))
    return dict(found)


def _chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    for first in range(0, len(ids), 400):
        yield list(ids[first : first + 400])
