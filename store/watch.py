"""What the clock has done to each alert: muted, reminded of, passed on. A row an alert, made when it is first seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, select, update

from core.records import Alert, AlertState
from store.alert_log import find_alert
from store.inserts import insert_into
from store.schema import alert_watch, alerts, deliveries

OWED = ("reopened", "opened", "raised")
"""What people have to be told of, the first that is owed goes before the others."""


@dataclass(frozen=True)
class Watch:
    """The columns of alert_watch (store.schema says what each means)."""

    alert: str
    silence: str | None = None
    under: str | None = None
    owed: str | None = None
    level: int = 0
    since: datetime | None = None
    repeats: int = 0
    repeat_at: datetime | None = None
    steps: int = 0
    step_at: datetime | None = None
    ended: bool = False

    @property
    def muted(self) -> bool:
        """Whether it is held back now."""
        return bool(self.silence or self.under)


def save_watch(db: Connection, watch: Watch) -> None:
    """Write the row of an alert, new or not."""
    values = {name: getattr(watch, name) for name in Watch.__dataclass_fields__}
    changed = {name: value for name, value in values.items() if name != "alert"}
    new = insert_into(alert_watch, db.dialect.name).values(**values)
    db.execute(new.on_conflict_do_update(index_elements=["alert"], set_=changed))


def watch_of(db: Connection, alert: str) -> Watch | None:
    """The row of an alert; None where the clock has not seen it yet."""
    row = db.execute(select(alert_watch).where(alert_watch.c.alert == alert)).mappings().first()
    return _watch(row) if row else None


def watches(db: Connection, ids: Sequence[str]) -> dict[str, Watch]:
    """The rows of many alerts by id."""
    found: dict[str, Watch] = {}
    for first in range(0, len(ids), 400):
        query = select(alert_watch).where(alert_watch.c.alert.in_(list(ids[first : first + 400])))
        found |= {row["alert"]: _watch(row) for row in db.execute(query).mappings()}
    return found


def muted_watches(db: Connection) -> dict[str, Watch]:
    """The rows of the alerts that are held back."""
    held = alert_watch.c.silence.is_not(None) | alert_watch.c.under.is_not(None)
    return {row["alert"]: _watch(row) for row in db.execute(select(alert_watch).where(held)).mappings()}


def ended_unsaid(db: Connection) -> list[str]:
    """Ids of ended alerts of whose end the told do not know yet."""
    over = alerts.c.state.in_([AlertState.CLOSED.value, AlertState.DISMISSED.value])
    query = select(alerts.c.id).join(alert_watch, alert_watch.c.alert == alerts.c.id)
    return list(db.execute(query.where(over, alert_watch.c.ended.is_(False)).order_by(alerts.c.id)).scalars())


def hold_alert(db: Connection, alert_id: str) -> Alert | None:
    """The alert, which nobody else changes until this transaction ends."""
    db.execute(select(alerts.c.id).where(alerts.c.id == alert_id).with_for_update())
    return find_alert(db, alert_id)


def details_of(db: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """`alert_details` of many alerts by id."""
    found: dict[str, dict[str, Any]] = {}
    for first in range(0, len(ids), 400):
        query = select(alerts.c.id, alerts.c.details).where(alerts.c.id.in_(list(ids[first : first + 400])))
        found |= {row.id: row.details or {} for row in db.execute(query)}
    return found


# --- notices that wait ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WaitingNotice:
    """A notice that was not sent yet. next_at: when it will be."""

    id: str
    alert: str
    recipient: str
    what: str
    next_at: datetime
    created_at: datetime


def waiting_notices(db: Connection, alert: str, *, recipient: str | None = None) -> list[WaitingNotice]:
    """The notices of an alert that nobody has begun to send, oldest first."""
    mine = and_(deliveries.c.alert == alert, deliveries.c.state == "waiting")
    query = select(deliveries).where(mine).order_by(deliveries.c.created_at, deliveries.c.id)
    if recipient is not None:
        query = query.where(deliveries.c.recipient == recipient)
    names = WaitingNotice.__dataclass_fields__
    return [WaitingNotice(**{name: row[name] for name in names}) for row in db.execute(query).mappings()]


def replace_notice(db: Connection, delivery: str) -> bool:
    """Take a waiting notice back: a later one says it all, or it is not to be told. False where it went meanwhile."""
    mine = and_(deliveries.c.id == delivery, deliveries.c.state == "waiting")
    return db.execute(update(deliveries).where(mine).values(state="replaced")).rowcount == 1


def withdraw_notice(db: Connection, delivery: str) -> bool:
    """Take a waiting notice back for good. False where it went meanwhile."""
    mine = and_(deliveries.c.id == delivery, deliveries.c.state == "waiting")
    return db.execute(update(deliveries).where(mine).values(state="withdrawn")).rowcount == 1


def sent_notices(db: Connection, alert: str, *, what: str) -> list[str]:
    """To whom a notice of this kind went or is going out, one entry a notice. Calling back is never taken
    back: what waits of it counts."""
    mine = and_(deliveries.c.alert == alert, deliveries.c.what == what)
    states = ["sending", "handing", "sent", "unsure", *(["waiting"] if what == "called_back" else [])]
    return list(db.execute(select(deliveries.c.recipient).where(mine, deliveries.c.state.in_(states))).scalars())


def take_back_notices(db: Connection, watch: Watch, what: str | None = None) -> Watch:
    """Take back what waits to be sent of an alert; the watch, not written, remembers what people are still to hear.

    what: that, too, is still to be told.
    """
    taken = [notice.what for notice in waiting_notices(db, watch.alert) if replace_notice(db, notice.id)]
    news = {what, watch.owed, *taken}
    return replace(watch, owed=next((one for one in OWED if one in news), None))


def rewrite_notice(db: Connection, delivery: str, made: Mapping[str, Any], *, level: int) -> bool:
    """Let a waiting notice say what is true now. False where it went meanwhile. made: subject, text, html, drawn."""
    mine = and_(deliveries.c.id == delivery, deliveries.c.state == "waiting")
    row = db.execute(select(deliveries.c.channel, deliveries.c.details).where(mine)).first()
    if row is None:
        return False
    details = {**row.details, "drawn": made["drawn"]} if row.channel == "mail" else row.details
    values = {**{name: made[name] for name in ("subject", "text", "html")}, "level": level, "details": details}
    return db.execute(update(deliveries).where(mine).values(**values)).rowcount == 1


def mails_told(db: Connection, alert: str) -> list[str]:
    """Addresses to which a notice of the alert went, or is being sent."""
    mine = deliveries.c.alert == alert
    told = deliveries.c.state.in_(["sending", "handing", "sent", "unsure"])
    return sorted(db.execute(select(deliveries.c.recipient).where(mine, told).distinct()).scalars())


def _watch(row: RowMapping) -> Watch:
    return Watch(**{name: row[name] for name in Watch.__dataclass_fields__})
