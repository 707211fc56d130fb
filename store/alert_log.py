"""Findings, alerts with their append-only history, and deliveries with their attempts.

Everything is written with create-only ids: the same finding, alert, history row or delivery twice is one row.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    not_,
    or_,
    select,
    type_coerce,
    update,
)

from core.records import CANARY, Alert, AlertEvent, AlertLine, AlertState, Finding, Notification
from store.inserts import create_only
from store.processes import claims_of
from store.schema import (
    Moment,
    alert_documents,
    alert_history,
    alerts,
    deliveries,
    delivery_attempts,
    findings,
    moment_of,
)
from store.wake import DELIVERY, wake

_DOCUMENTS_OF = select(alert_documents.c.document).where(alert_documents.c.alert == bindparam("alert"))
# Built once: putting a statement together costs more than running it.
_FINDINGS_OF_KEYS = (
    select(findings)
    .where(
        findings.c.key.in_(bindparam("keys", expanding=True)),
        findings.c.fired_at >= bindparam("since"),
        findings.c.withdrawn_at.is_(None),
    )
    .order_by(findings.c.fired_at)
)
_SUBJECTS = select(alerts.c.subject).where(alerts.c.subject.in_(bindparam("subjects", expanding=True))).distinct()
SEND_LEASE = timedelta(minutes=2)
SKEW = timedelta(minutes=5)
LATEST = timedelta(days=1)
"""Nothing is put off for longer: what is due later than that was written while the machine's clock was ahead."""


@dataclass(frozen=True)
class Delivery:
    """A claimed delivery. attempts: with this one.  due_at: since when it could be sent."""

    notification: Notification
    attempts: int
    created_at: datetime
    due_at: datetime


@dataclass(frozen=True)
class DeliveryLine:
    """One row of the delivery log, with the last answer."""

    id: str
    channel: str
    recipient: str
    alert: str | None
    subject: str
    state: str
    created_at: datetime
    sent_at: datetime | None
    next_at: datetime
    attempts: int
    answer: str
    entry: str | None = None
    receipt_at: datetime | None = None


# --- findings ---------------------------------------------------------------------------------------------------


def add_finding(db: Connection, finding: Finding, *, alert: str | None, now: datetime) -> bool:
    """Write a finding once. True when it is new."""
    values = {name: getattr(finding, name) for name in finding.__dataclass_fields__}
    values |= {"numbers": dict(finding.numbers), "documents": list(finding.documents)}
    return create_only(db, findings, {**values, "alert": alert, "created_at": now})


def findings_of(db: Connection, *, rule: str, key: str, since: datetime | None = None) -> list[Finding]:
    """The standing findings of a rule on a key, oldest first."""
    asked = {"rule": rule, "key": key, "since": since or _EVER}
    return [finding_of(row) for row in db.execute(_FINDINGS_OF, asked).mappings()]


_EVER = datetime(1, 1, 2, tzinfo=UTC)
_FINDINGS_OF = (
    select(findings)
    .where(
        findings.c.rule == bindparam("rule"),
        findings.c.key == bindparam("key"),
        findings.c.fired_at >= bindparam("since"),
        findings.c.withdrawn_at.is_(None),
    )
    .order_by(findings.c.fired_at)
)


def findings_of_keys(db: Connection, keys: Sequence[str], since: datetime) -> list[Finding]:
    """The standing findings on any of the keys that fired at or after `since`, oldest first."""
    found: list[Finding] = []
    for first in range(0, len(keys), 400):
        some = {"keys": list(keys[first : first + 400]), "since": since}
        found += [finding_of(row) for row in db.execute(_FINDINGS_OF_KEYS, some).mappings()]
    return found


def findings_between(db: Connection, rule: str, since: datetime, until: datetime) -> list[Finding]:
    """The standing findings of a rule that fired at since <= time <= until, oldest first."""
    fired = findings.c.fired_at.between(since, until)
    query = select(findings).where(findings.c.rule == rule, fired, findings.c.withdrawn_at.is_(None))
    return [finding_of(row) for row in db.execute(query.order_by(findings.c.fired_at, findings.c.id)).mappings()]


def alerts_of_finding(db: Connection, finding: str) -> list[str]:
    """The id of the alert that a finding is grouped into; none while it stands for itself or is another's echo."""
    query = select(findings.c.alert).where(findings.c.id == finding, findings.c.alert.is_not(None))
    return list(db.execute(query).scalars())


def findings_of_alert(db: Connection, alert: str) -> list[Finding]:
    """The standing findings grouped into an alert, oldest first."""
    return [finding_of(row) for row in db.execute(_FINDINGS_OF_ALERT, {"alert": alert}).mappings()]


_EVER_OF_ALERT = select(findings).where(findings.c.alert == bindparam("alert"))
_FINDINGS_OF_ALERT = _EVER_OF_ALERT.where(findings.c.withdrawn_at.is_(None)).order_by(findings.c.fired_at)


def findings_ever_of(db: Connection, alert: str) -> dict[str, tuple[Finding, datetime | None]]:
    """Every finding of an alert by id, with the time it lost its ground (None: it stands)."""
    rows = db.execute(_EVER_OF_ALERT, {"alert": alert}).mappings()
    return {row["id"]: (finding_of(row), row["withdrawn_at"]) for row in rows}


def update_finding(db: Connection, finding: Finding, *, alert: str | None = None) -> None:
    """A late document changed what a finding rests on: same id, new ground. alert: that it belongs to from now on."""
    values = {name: getattr(finding, name) for name in _CHANGEABLE}
    values |= {"numbers": dict(finding.numbers), "documents": list(finding.documents), "withdrawn_at": None}
    if alert is not None:
        values["alert"] = alert
    db.execute(_UPDATE_FINDING, {"which": finding.id, **values})


_CHANGEABLE = ("level", "window_start", "window_end", "fired_at", "reason")
_UPDATE_FINDING = update(findings).where(findings.c.id == bindparam("which"))


def free_finding(db: Connection, finding_id: str) -> None:
    """A finding that stands is in no alert: it is the echo of another one."""
    db.execute(update(findings).where(findings.c.id == finding_id).values(alert=None))


def withdraw_finding(db: Connection, finding_id: str, at: datetime) -> None:
    """A finding lost its ground (revision, withdrawal, late document). The row stays."""
    db.execute(_UPDATE_FINDING, {"which": finding_id, "withdrawn_at": at})


# --- alerts -----------------------------------------------------------------------------------------------------


def save_alert(db: Connection, alert: Alert, *, details: Mapping[str, Any]) -> bool:
    """Write a new alert or the new shape of a known one; its documents too. True when it is new."""
    values = {name: getattr(alert, name) for name in alert.__dataclass_fields__}
    for name in ("products", "enterprises", "issues", "territories", "documents", "findings"):
        values[name] = list(values[name])
    values |= {"state": alert.state.value, "details": dict(details)}
    new = create_only(db, alerts, values)
    if not new:
        changed = {name: value for name, value in values.items() if name not in ("id", "number", "created_at")}
        db.execute(_UPDATE_ALERT, {"which": alert.id, **changed})
    _keep_documents(db, alert)
    return new


_UPDATE_ALERT = update(alerts).where(alerts.c.id == bindparam("which"))


def _keep_documents(db: Connection, alert: Alert) -> None:
    """Let the alert hold exactly its documents; most of them are there already."""
    held = set(db.execute(_DOCUMENTS_OF, {"alert": alert.id}).scalars())
    gone, come = held - set(alert.documents), sorted(set(alert.documents) - held)
    if gone:
        mine = alert_documents.c.alert == alert.id
        db.execute(delete(alert_documents).where(mine, alert_documents.c.document.in_(sorted(gone))))
    if come:
        db.execute(insert(alert_documents), [{"alert": alert.id, "document": document} for document in come])


def next_alert_number(db: Connection, year: int) -> str:
    """The next number of the year: YJ-2026-0001, ... (inside a write transaction, so no two are equal)."""
    prefix = f"YJ-{year}-"
    last = db.execute(select(func.max(alerts.c.number)).where(alerts.c.number.startswith(prefix))).scalar_one_or_none()
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:04d}"


def find_alert(db: Connection, alert_id: str) -> Alert | None:
    """By id or by number."""
    row = db.execute(_ALERT, {"name": alert_id}).mappings().first()
    return alert_of(row) if row else None


_ALERT = select(alerts).where(or_(alerts.c.id == bindparam("name"), alerts.c.number == bindparam("name")))


def alert_details(db: Connection, alert_id: str) -> dict[str, Any]:
    """What the engine noted about an alert beside its record (factors, counts for the desk)."""
    found: dict[str, Any] | None = db.execute(_DETAILS, {"alert": alert_id}).scalar_one_or_none()
    return found or {}


_DETAILS = select(alerts.c.details).where(alerts.c.id == bindparam("alert"))


def standing_alert(db: Connection, alert: Alert) -> Alert:
    """The alert that this one went into, through however many; itself where it went into none."""
    into = alert_details(db, alert.id).get("merged_into")
    holder = find_alert(db, str(into)) if into else None
    return alert if holder is None or holder.id == alert.id else standing_alert(db, holder)


def alerts_of_subject(db: Connection, subject: str) -> list[Alert]:
    """All alerts on one matter, newest story first."""
    return [alert_of(row) for row in db.execute(_OF_SUBJECT, {"subject": subject}).mappings()]


_OF_SUBJECT = select(alerts).where(alerts.c.subject == bindparam("subject")).order_by(alerts.c.updated_at.desc())


def subjects_with_alerts(db: Connection, subjects: Sequence[str]) -> frozenset[str]:
    """Those of the subjects that have an alert, open or not."""
    found: set[str] = set()
    for first in range(0, len(subjects), 400):
        found |= set(db.execute(_SUBJECTS, {"subjects": list(subjects[first : first + 400])}).scalars())
    return frozenset(found)


def deliveries_of_alerts(db: Connection, alert_ids: Sequence[str]) -> list[str]:
    """Ids of what was written to be sent about them."""
    return list(db.execute(select(deliveries.c.id).where(deliveries.c.alert.in_(list(alert_ids)))).scalars())


def alerts_of_document(db: Connection, document_id: str) -> list[Alert]:
    """The alerts that rest on a document."""
    mine = select(alert_documents.c.alert).where(alert_documents.c.document == document_id)
    query = select(alerts).where(alerts.c.id.in_(mine)).order_by(alerts.c.first_at)
    return [alert_of(row) for row in db.execute(query).mappings()]


def open_alerts_of_rules(db: Connection, rules: Sequence[str]) -> list[Alert]:
    """The alerts of these rules that nobody has ended, oldest story first."""
    return [alert_of(row) for row in db.execute(_OPEN, {"rules": list(rules)}).mappings()]


_NOT_ENDED = (
    select(alerts)
    .where(alerts.c.state.not_in((AlertState.CLOSED.value, AlertState.DISMISSED.value)))
    .order_by(alerts.c.first_at, alerts.c.id)
)
_OPEN = _NOT_ENDED.where(alerts.c.rule.in_(bindparam("rules", expanding=True)))


def open_alerts_that_end_themselves(db: Connection) -> list[Alert]:
    """The open alerts that follow a series and whose end nobody has been asked about yet, oldest first."""
    follows = type_coerce(alerts.c.details, Text).contains('"ends_itself":true')
    asked = type_coerce(alerts.c.details, Text).contains('"all_clear":{')
    return [alert_of(row) for row in db.execute(_NOT_ENDED.where(follows, not_(asked))).mappings()]


# A list of all alerts is read by many pages: what a row says is read once, and again only where it says something else.
_JSON = ("products", "enterprises", "issues", "territories", "documents", "findings")
_LISTED = [
    type_coerce(alerts.c[name], Text).label(name) if name in _JSON else alerts.c[name]
    for name in Alert.__dataclass_fields__
]
_LINES = [
    type_coerce(one, Text).label(one.key) if isinstance(one.type, Moment) else one
    for one in _LISTED
    if one.key in AlertLine.__dataclass_fields__
]
MERGED = type_coerce(alerts.c.details, Text).contains('"merged_into":"')
"""Whether an alert went into another one, where it is told of."""
REAL = alerts.c.subject.not_like(f"{CANARY}:%")
"""Whether an alert is none of the canaries'."""


def list_alerts(
    db: Connection,
    *,
    states: Sequence[AlertState] = (),
    levels: Iterable[int] | None = None,
    since: datetime | None = None,
    limit: int | None = None,
    firm: str = "",
    merged: bool = True,
) -> list[Alert]:
    """Alerts but canaries, newest update first; `since` is in story time.  levels: None is all.  firm: on that one.

    merged: also those that went into another one.
    """
    query = select(*_LISTED).where(REAL).order_by(alerts.c.updated_at.desc(), alerts.c.id)
    if not merged:
        query = query.where(not_(MERGED))
    if levels is not None:
        query = query.where(alerts.c.level.in_(sorted(levels)))
    if states:
        query = query.where(alerts.c.state.in_([state.value for state in states]))
    if since is not None:
        query = query.where(alerts.c.updated_at >= since)
    if firm:
        written = json.dumps(firm, ensure_ascii=False)  # as the column holds it
        query = query.where(type_coerce(alerts.c.enterprises, Text).contains(written, autoescape=True))
    if limit is not None:
        query = query.limit(limit)
    return [_as_told(tuple(row)) for row in db.execute(query).all()]


def list_lines(db: Connection) -> list[AlertLine]:
    """All alerts but canaries and those that went into another one, without what is long; newest update first."""
    query = select(*_LINES).where(REAL, not_(MERGED)).order_by(alerts.c.updated_at.desc(), alerts.c.id)
    return [_as_line(tuple(row)) for row in db.execute(query).all()]


def count_by_rule(db: Connection, sees: Callable[[Sequence[str]], bool]) -> dict[str, int]:
    """How many alerts each rule opened, without canaries and those that went into another one.

    sees: whether those of these territories, the owner first, count.
    """
    parts = (alerts.c.rule, alerts.c.territory, type_coerce(alerts.c.territories, Text).label("told"))
    query = select(*parts, func.count().label("alerts")).where(REAL, not_(MERGED)).group_by(*parts)
    found: dict[str, int] = {}
    for row in db.execute(query):
        if sees((row.territory, *json.loads(row.told))):
            found[row.rule] = found.get(row.rule, 0) + row.alerts
    return found


def find_alerts(db: Connection, ids: Sequence[str], *, merged: bool = True, canaries: bool = False) -> list[Alert]:
    """The alerts of these ids, newest update first. merged: also those that went into another one.

    canaries: also what the invented events raised.
    """
    found: list[Alert] = []
    for start in range(0, len(ids), 400):
        query = select(*_LISTED).where(alerts.c.id.in_(list(ids[start : start + 400])))
        if not canaries:
            query = query.where(REAL)
        if not merged:
            query = query.where(not_(MERGED))
        found += [_as_told(tuple(row)) for row in db.execute(query)]
    return sorted(found, key=lambda alert: (alert.updated_at, alert.id), reverse=True)


def alerts_between(db: Connection, since: datetime, until: datetime) -> list[Alert]:
    """Alerts opened at since <= time < until, oldest first; without canaries and those that went into another."""
    made = and_(alerts.c.created_at >= since, alerts.c.created_at < until)
    own = and_(
        REAL,
        not_(MERGED),
    )
    query = select(*_LISTED).where(made, own).order_by(alerts.c.created_at, alerts.c.id)
    return [_as_told(tuple(row)) for row in db.execute(query)]


def add_history(db: Connection, event: AlertEvent, *, once: str | None = None) -> bool:
    """Append a row to an alert's history. False when the same row (or the same form, `once`) was written before."""
    values = {name: getattr(event, name) for name in event.__dataclass_fields__}
    values |= {"state": event.state.value, "details": dict(event.details), "once": once}
    return create_only(db, alert_history, values)


def next_history_number(db: Connection, alert: str) -> int:
    """The number the next row of an alert's history gets."""
    return (db.execute(_LAST_NUMBER, {"alert": alert}).scalar_one_or_none() or 0) + 1


_LAST_NUMBER = select(func.max(alert_history.c.number)).where(alert_history.c.alert == bindparam("alert"))


def history_row_of_form(db: Connection, once: str) -> int | None:
    """The number of the history row that a form wrote; None where it wrote none."""
    query = select(alert_history.c.number).where(alert_history.c.once == once)
    found: int | None = db.execute(query).scalar_one_or_none()
    return found


def alerts_of_forms(db: Connection, prefix: str, actor: str) -> list[str]:
    """The alerts to which this person did something by forms whose keys begin so."""
    mine = and_(alert_history.c.once.startswith(prefix, autoescape=True), alert_history.c.actor == actor)
    return list(db.execute(select(alert_history.c.alert).where(mine).order_by(alert_history.c.alert)).scalars())


def history_of(db: Connection, alert: str) -> list[AlertEvent]:
    """An alert's history, oldest first."""
    query = select(alert_history).where(alert_history.c.alert == alert).order_by(alert_history.c.number)
    return [
        AlertEvent(
            **{name: row[name] for name in AlertEvent.__dataclass_fields__ if name != "state"},
            state=AlertState(row["state"]),
        )
        for row in db.execute(query).mappings()
    ]


def alerts_touched(db: Connection, since: datetime, *, limit: int) -> list[tuple[datetime, int, str]]:
    """Story time, number and alert of the rows of history behind `since`, oldest first; of any alert."""
    columns = (alert_history.c.story_at, alert_history.c.number, alert_history.c.alert)
    query = select(*columns).where(alert_history.c.story_at > since).order_by(*columns).limit(limit)
    return [(row[0], row[1], row[2]) for row in db.execute(query)]


# --- deliveries -------------------------------------------------------------------------------------------------


def add_delivery(
    db: Connection, notification: Notification, *, now: datetime, at: datetime | None = None, what: str = ""
) -> bool:
    """Put a notification into the outbox once; its id is the idempotency key. True when it is new.

    at: not to be sent before.  what: what it tells of its alert.
    """
    wake(db, DELIVERY)
    values = {name: getattr(notification, name) for name in notification.__dataclass_fields__}
    due = {"state": "waiting", "created_at": now, "next_at": at or now, "attempts": 0, "what": what}
    return create_only(db, deliveries, {**values, **due, "details": dict(notification.details)})


def was_told(db: Connection, alert: str, *, channel: str, recipient: str) -> bool:
    """Whether a notice of this alert went, or is on its way, to a recipient."""
    mine = and_(deliveries.c.alert == alert, deliveries.c.channel == channel, deliveries.c.recipient == recipient)
    told = deliveries.c.state.not_in(["failed", "replaced", "withdrawn", "bounced"])
    return db.execute(select(deliveries.c.id).where(mine, told)).first() is not None


def find_delivery(db: Connection, delivery_id: str) -> tuple[Notification, datetime | None] | None:
    """A delivery, and when its receipt came."""
    row = db.execute(select(deliveries).where(deliveries.c.id == delivery_id)).mappings().first()
    return (_notification(row), row["receipt_at"]) if row else None


SETTLED = ("sent", "failed", "unsure", "bounced", "replaced", "withdrawn")
"""Deliveries that nothing more becomes of by itself."""


def send_again(db: Connection, delivery_id: str, *, by: str, now: datetime) -> bool:
    """Let a settled delivery be sent once more as the very same message; True where this call did it.

    One that was tried and waits for its next turn is tried now.
    """
    row = db.execute(select(deliveries).where(deliveries.c.id == delivery_id)).mappings().first()
    if row is None:
        return False
    settled = deliveries.c.state.in_(SETTLED)
    tried = and_(deliveries.c.state == "waiting", deliveries.c.attempts > 0, deliveries.c.next_at > now)
    mine = and_(deliveries.c.id == delivery_id, or_(settled, tried))
    told = {name: value for name, value in row["details"].items() if name not in ("bounced", "delayed")}
    wake(db, DELIVERY)
    values = {"state": "waiting", "next_at": now, "sent_at": None, "details": {**told, "by_hand": by}}
    return db.execute(update(deliveries).where(mine).values(**values)).rowcount == 1


def send_anew(db: Connection, delivery_id: str, new_id: str, *, by: str, now: datetime) -> bool:
    """Put a copy of a settled delivery into the outbox, which is a message of its own. True when it is new."""
    mine = and_(deliveries.c.id == delivery_id, deliveries.c.state.in_(SETTLED))
    row = db.execute(select(deliveries).where(mine)).mappings().first()
    if row is None:
        return False
    notice = _notification(row)
    details = {name: value for name, value in notice.details.items() if name not in ("bounced", "delayed", "returns")}
    details |= {"thread": notice.details.get("thread") or notice.id, "by_hand": by}
    return add_delivery(db, replace(notice, id=new_id, details=details), now=now, what=row["what"])


def first_notice(db: Connection, alert: str, *, channel: str, recipient: str) -> str | None:
    """The delivery with which a recipient heard of an alert first: what follows names it."""
    d = deliveries.c
    mine = and_(d.alert == alert, d.channel == channel, d.recipient == recipient)
    query = select(d.id).where(mine).order_by(d.created_at, d.id).limit(1)
    return db.execute(query).scalar_one_or_none()


def claim_delivery(db: Connection, *, who: str, now: datetime, but: Collection[str] = ()) -> Delivery | None:
    """Take the next due delivery. One whose sender died is in doubt: `deliveries_in_doubt`. One that was written while
    the machine's clock was ahead is due when that was set right.

    but: channels that take nothing now.
    """
    ahead = or_(
        and_(deliveries.c.created_at > now + SKEW, deliveries.c.attempts == 0), deliveries.c.next_at > now + LATEST
    )
    due = and_(deliveries.c.state == "waiting", or_(deliveries.c.next_at <= now, ahead))
    if but:
        due = and_(due, deliveries.c.channel.not_in(sorted(but)))
    next_one = select(deliveries.c.id).where(due).order_by(deliveries.c.level.desc(), deliveries.c.next_at).limit(1)
    one = next_one.with_for_update(skip_locked=True).cte("one")  # a subquery may run for each row on PostgreSQL
    taken = (
        update(deliveries)
        .where(deliveries.c.id.in_(select(one.c.id)), deliveries.c.state == "waiting")
        .values(state="sending", claimed_by=who, claimed_until=now + SEND_LEASE, attempts=deliveries.c.attempts + 1)
        .returning(deliveries)
    )
    row = db.execute(taken).mappings().first()
    return Delivery(_notification(row), row["attempts"], row["created_at"], row["next_at"]) if row else None


def handed_over(db: Connection, channel: str, since: datetime, now: datetime) -> int:
    """Messages of a channel that any sender sent since then, or is about to; not what was tried in vain."""
    mine = deliveries.c.channel == channel
    sent = and_(mine, deliveries.c.state == "sent", deliveries.c.next_at > since, deliveries.c.next_at <= now)
    going = and_(mine, deliveries.c.state.in_(("sending", "handing")))
    return int(sum(db.execute(select(func.count()).where(which)).scalar_one() for which in (sent, going)))


def overtaken(db: Connection, delivery: Delivery, *, standing: Collection[str]) -> bool:
    """Whether a later notice of the same alert to the same recipient went, or is about to go.

    standing: kinds of notices that nothing stands in for, nor they for others.
    """
    mine = delivery.notification
    if mine.alert is None:
        return False
    d = deliveries.c
    what = db.execute(select(d.what).where(d.id == mine.id)).scalar_one()
    if what in standing:
        return False
    same = and_(d.alert == mine.alert, d.recipient == mine.recipient, d.channel == mine.channel, d.id != mine.id)
    later = and_(d.created_at > delivery.created_at, d.what.not_in(sorted(standing)))
    going = d.state.in_(["waiting", "sending", "handing", "sent"])
    return db.execute(select(d.id).where(same, later, going).limit(1)).first() is not None


def drop_delivery(db: Connection, delivery: Delivery, state: Literal["replaced", "withdrawn"]) -> None:
    """A claimed delivery is not sent: a later one says it all, or its reader wants none."""
    mine = and_(deliveries.c.id == delivery.notification.id, deliveries.c.attempts == delivery.attempts)
    freed = {"state": state, "claimed_by": None, "claimed_until": None}
    db.execute(update(deliveries).where(mine).values(**freed))


def note_handover(db: Connection, delivery_id: str, *, attempt: int, now: datetime) -> bool:
    """The message itself is sent next. False when another sender has taken the delivery over."""
    mine = and_(deliveries.c.id == delivery_id, deliveries.c.attempts == attempt, deliveries.c.state == "sending")
    noted = update(deliveries).where(mine).values(state="handing", claimed_until=now + SEND_LEASE)
    return db.execute(noted).rowcount == 1


def free_deliveries(db: Connection, *, now: datetime) -> int:
    """Deliveries whose sender died before handing over are due again; returns how many."""
    lost = and_(deliveries.c.state == "sending", _run_out(now))
    freed = update(deliveries).where(lost).values(state="waiting", claimed_by=None, claimed_until=None)
    return db.execute(freed).rowcount


def _run_out(now: datetime) -> ColumnElement[bool]:
    """Claims that are over, and those that the machine's clock took while it was ahead."""
    return or_(deliveries.c.claimed_until < now, deliveries.c.claimed_until > now + SEND_LEASE + SKEW)


def release_deliveries(db: Connection, who: str, *, now: datetime) -> int:
    """What senders of this name held when they died need not wait for its claim to run out: what was not handed over is
    due again, the rest in doubt. Called when one of that name starts; returns how many."""
    held = and_(deliveries.c.state.in_(["sending", "handing"]), claims_of(deliveries.c.claimed_by, who))
    return db.execute(update(deliveries).where(held).values(claimed_until=now - SKEW)).rowcount


def settle_delivery(
    db: Connection,
    delivery_id: str,
    *,
    attempt: int,
    outcome: str,
    answer: str,
    seconds: float,
    at: datetime,
    again: datetime | None,
) -> bool:
    """Log an attempt and move the delivery on: sent, waiting (again is when), or failed. False, and nothing is written,
    when it is settled already: its sender slept until its claim ran out, and what became of it is told as unknown."""
    state = "sent" if outcome == "sent" else "waiting" if again else "failed"
    held = and_(deliveries.c.attempts == attempt, deliveries.c.state.in_(["sending", "handing"]))
    moved = (
        update(deliveries)
        .where(deliveries.c.id == delivery_id, held)
        .values(
            state=state,
            sent_at=at if outcome == "sent" else None,
            next_at=again or at,
            claimed_by=None,
            claimed_until=None,
        )
    )
    if db.execute(moved).rowcount == 0:
        return False
    create_only(
        db,
        delivery_attempts,
        {
            "delivery": delivery_id,
            "number": attempt,
            "at": at,
            "outcome": outcome,
            "answer": answer[:500],
            "seconds": seconds,
        },
    )
    return True


def deliveries_in_doubt(db: Connection, *, now: datetime) -> list[Delivery]:
    """Deliveries whose sender died between handing over and noting the answer."""
    lost = and_(deliveries.c.state == "handing", _run_out(now))
    return [
        Delivery(_notification(row), row["attempts"], row["created_at"], row["next_at"])
        for row in db.execute(select(deliveries).where(lost)).mappings()
    ]


def delivery_logs(db: Connection, ids: Sequence[str], *, limit: int = 100) -> dict[str, list[DeliveryLine]]:
    """The newest deliveries of several alerts, so many of each. One query for all."""
    of_alert = func.row_number().over(partition_by=deliveries.c.alert, order_by=_NEWEST_DELIVERY)
    ranked = select(deliveries.c.id, of_alert.label("place")).where(deliveries.c.alert.in_(list(ids))).subquery()
    query = _DELIVERY_LOG.join(ranked, ranked.c.id == deliveries.c.id).where(ranked.c.place <= limit)
    found: dict[str, list[DeliveryLine]] = {alert: [] for alert in ids}
    for row in db.execute(query).mappings():
        found[row["alert"]].append(_delivery_line(row))
    return found


def delivery_log(
    db: Connection,
    *,
    alert: str | None = None,
    entry: str | None = None,
    limit: int = 100,
    behind: tuple[datetime, str] | None = None,
) -> list[DeliveryLine]:
    """The newest deliveries with the answer of their last attempt. behind: created_at and id of the one before."""
    query = _DELIVERY_LOG.limit(limit)
    if behind is not None:
        at, last_id = behind
        same = and_(deliveries.c.created_at == at, deliveries.c.id < last_id)
        query = query.where(or_(deliveries.c.created_at < at, same))
    if alert is not None:
        query = query.where(deliveries.c.alert == alert)
    if entry is not None:
        query = query.where(deliveries.c.entry == entry)
    return [_delivery_line(row) for row in db.execute(query).mappings()]


_LAST_ANSWER = (
    select(delivery_attempts.c.answer)
    .where(delivery_attempts.c.delivery == deliveries.c.id)
    .order_by(delivery_attempts.c.number.desc())
    .limit(1)
    .scalar_subquery()
)
_NEWEST_DELIVERY = (deliveries.c.created_at.desc(), deliveries.c.id.desc())
_DELIVERY_LOG = select(deliveries, _LAST_ANSWER.label("answer")).order_by(*_NEWEST_DELIVERY)


def _delivery_line(row: RowMapping) -> DeliveryLine:
    names = DeliveryLine.__dataclass_fields__
    return DeliveryLine(**{name: row[name] for name in names if name != "answer"}, answer=row["answer"] or "")


def finding_of(row: RowMapping) -> Finding:
    """The record of a row of `findings`."""
    return Finding(
        **{name: row[name] for name in Finding.__dataclass_fields__ if name != "documents"},
        documents=tuple(row["documents"]),
    )


@lru_cache(maxsize=20_000)
def _as_told(row: tuple[Any, ...]) -> Alert:
    """The record of a row of `_LISTED`."""
    values = dict(zip(Alert.__dataclass_fields__, row, strict=True))
    for name in _JSON:
        values[name] = tuple(json.loads(values[name]))
    return Alert(**{**values, "state": AlertState(values["state"])})


@lru_cache(maxsize=50_000)
def _as_line(row: tuple[Any, ...]) -> AlertLine:
    """The record of a row of `_LINES`, whose times are as the database says them."""
    values = dict(zip(_LINE_NAMES, row, strict=True))
    for name in ("first_at", "updated_at", "due_at"):
        values[name] = moment_of(values[name])
    for name in ("products", "enterprises", "issues", "territories"):
        values[name] = tuple(json.loads(values[name]))
    return AlertLine(**{**values, "state": AlertState(values["state"])})


_LINE_NAMES = tuple(one.key for one in _LINES)


def alert_of(row: RowMapping) -> Alert:
    """The record of a row of `alerts`."""
    values: dict[str, Any] = {name: row[name] for name in Alert.__dataclass_fields__}
    for name in ("products", "enterprises", "issues", "territories", "documents", "findings"):
        values[name] = tuple(values[name])
    return Alert(**{**values, "state": AlertState(row["state"])})


def _notification(row: RowMapping) -> Notification:
    return Notification(**{name: row[name] for name in Notification.__dataclass_fields__})
