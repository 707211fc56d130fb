"""What is not to be deleted whatever its age: put by a person with a reason, or by what rests on it."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Text, and_, insert, literal, or_, select, type_coerce, update

from core.clock import as_utc
from core.errors import UsageError
from store.schema import (
    alert_documents,
    alerts,
    documents,
    event_documents,
    event_moves,
    events,
    firm_facts,
    ledger_entries,
    legal_holds,
    mirror_items,
    papers,
)

KINDS = ("document", "alert", "event", "firm")
SETTLED = ("closed", "dismissed")
DOCUMENT_ID = re.compile(r"\bd[0-9a-f]{16}\b")
AT_ONCE = 500


@dataclass(frozen=True)
class Hold:
    """One row. until: None: until somebody ends it."""

    number: int
    kind: str
    subject: str
    reason: str
    author: str
    at: datetime
    until: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None


def add_hold(
    db: Connection, kind: str, subject: str, *, reason: str, author: str, now: datetime, until: datetime | None
) -> int:
    """Put a hold; its number. Raises UsageError."""
    if kind not in KINDS:
        raise UsageError(f"{kind!r} 不能设保全（可用：{'、'.join(KINDS)}）")
    if not reason.strip():
        raise UsageError("保全要写明理由")
    if until is not None and until <= now:
        raise UsageError("保全的期限已过")
    values = {"kind": kind, "subject": subject, "reason": reason.strip(), "author": author, "at": now, "until": until}
    return int(db.execute(insert(legal_holds).values(**values).returning(legal_holds.c.number)).scalar_one())


def until_day(text: str) -> datetime:
    """The end of the day that was typed: a hold until a day holds on that day. Raises UsageError."""
    try:
        day = datetime.strptime(text.strip(), "%Y-%m-%d")  # noqa: DTZ007 - Beijing, says as_utc
        return as_utc(day + timedelta(days=1))
    except (ValueError, OverflowError):
        raise UsageError("期限不是日期：写 2027-12-31，或留空直到解除") from None


def end_hold(db: Connection, number: int, *, by: str, now: datetime) -> Hold:
    """End it. Raises UsageError where there is none in force of that number."""
    mine = and_(legal_holds.c.number == number, _in_force(now))
    row = db.execute(select(legal_holds).where(mine)).mappings().first()
    if row is None:
        raise UsageError(f"没有在效的保全 {number}：fengsui hold list")
    db.execute(update(legal_holds).where(legal_holds.c.number == number).values(ended_at=now, ended_by=by))
    return Hold(**row)


def holds_in_force(db: Connection, now: datetime) -> list[Hold]:
    """Those that hold now, oldest first."""
    return [Hold(**row) for row in db.execute(select(legal_holds).where(_in_force(now))).mappings()]


def _in_force(now: datetime) -> ColumnElement[bool]:
    return and_(legal_holds.c.ended_at.is_(None), or_(legal_holds.c.until.is_(None), legal_holds.c.until > now))


def cited_in_papers(db: Connection) -> Mapping[str, str]:
    """Documents that a paper's record names, each with a paper. All papers are read: there are hundreds a year."""
    found: dict[str, str] = {}
    for row in db.execute(select(papers.c.id, papers.c.content)):
        for document in DOCUMENT_ID.findall(str(row.content)):
            found.setdefault(document, row.id)
    return found


def why_held(
    db: Connection, ids: Sequence[str], *, now: datetime, closed_before: datetime, papers_of: Mapping[str, str]
) -> dict[str, list[str]]:
    """For the documents among `ids` that are to stay: why, in Chinese. ids: at most 500.

    closed_before: alerts that were settled later still hold theirs.  papers_of: as `cited_in_papers` gives it.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    _by_hand(db, ids, now, found)
    _by_alerts(db, ids, closed_before, found)
    for document in ids:
        if document in papers_of:
            found[document].append(f"公文 {papers_of[document]} 的依据")
    for table, column, told in (
        (firm_facts, firm_facts.c.document, "企业记录的依据"),
        (mirror_items, mirror_items.c.document, "已认定的召回镜像"),
    ):
        query = select(column).where(column.in_(ids)).distinct()
        if table is mirror_items:
            query = query.where(mirror_items.c.state == "confirmed")
        for document in db.execute(query).scalars():
            found[document].append(told)
    return dict(found)


def _by_alerts(db: Connection, ids: Collection[str], closed_before: datetime, found: dict[str, list[str]]) -> None:
    tied = alert_documents.c.alert == alerts.c.id
    query = (
        select(alert_documents.c.document, alerts.c.number, alerts.c.state, alerts.c.updated_at, ledger_entries.c.id)
        .join(alerts, tied)
        .outerjoin(ledger_entries, ledger_entries.c.alert == alerts.c.id)
        .where(alert_documents.c.document.in_(ids))
        .order_by(alerts.c.number)
    )
    for document, number, state, updated_at, entry in db.execute(query):
        if entry:
            found[document].append(f"台账 {entry}")
        elif state not in SETTLED:
            found[document].append(f"预警 {number} 未办结")
        elif state == "closed" and updated_at > closed_before:
            found[document].append(f"预警 {number} 办结不久")


def _by_hand(db: Connection, ids: Collection[str], now: datetime, found: dict[str, list[str]]) -> None:
    subject = legal_holds.c.subject
    whole = type_coerce(documents.c.analysis, Text).like(literal('%"').concat(subject).concat('"%'))
    queries = {
        "document": select(subject, legal_holds.c.number).where(subject.in_(ids)),
        "alert": select(alert_documents.c.document, legal_holds.c.number)
        .join(alerts, alerts.c.id == alert_documents.c.alert)
        .where(or_(subject == alerts.c.id, subject == alerts.c.number))
        .where(alert_documents.c.document.in_(ids)),
        "event": select(event_documents.c.document, legal_holds.c.number)
        .join_from(event_documents, legal_holds, _is_of_event())
        .where(event_documents.c.document.in_(ids)),
        "firm": select(documents.c.id, legal_holds.c.number)
        .join_from(documents, legal_holds, or_(subject == documents.c.enterprise, whole))  # which it is about, or names
        .where(documents.c.id.in_(ids), documents.c.latest),
    }  # fmt: skip
    for kind, query in queries.items():
        for document, number in db.execute(query.where(legal_holds.c.kind == kind, _in_force(now))):
            found[document].append(f"保全 {number}")


def _is_of_event() -> ColumnElement[bool]:
    """Whether a hold is on the event that a document stands in, on one that went into it, or on one that it was split
    off from after the hold was put: the machine brings events together and people take them apart."""
    stands_in = event_documents.c.event

    def leads_here(event: ColumnElement[str]) -> ColumnElement[bool]:
        went = events.alias()
        gone = select(went.c.id).where(went.c.merged_into == stands_in).correlate(event_documents)
        return or_(event == stands_in, event.in_(gone))

    split = (
        select(event_moves.c.number)
        .where(event_moves.c.kind == "split", event_moves.c.event == legal_holds.c.subject)
        .where(event_moves.c.at >= legal_holds.c.at, event_moves.c.undone_at.is_(None))
        .where(leads_here(event_moves.c.other))
    )
    return or_(leads_here(legal_holds.c.subject), split.correlate(legal_holds, event_documents).exists())
