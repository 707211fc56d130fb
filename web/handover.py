"""What a shift hands over: open matters, what was done, red alerts with who was told, silences, blind sources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from alerts.shifts import Shift
from core.records import Alert, AlertEvent, AlertLine, AlertState
from store.alert_log import DeliveryLine, delivery_logs, find_alerts
from store.schema import alert_history
from store.shift_log import ShiftRow
from store.silences import Silence, list_silences, silenced_alerts
from store.source_states import WELL, StateChange, changes_between, present_states
from web import inbox
from web.history import DID, rows_since
from web.visit import Visit

RED = 4
DONE = tuple(action for key in ("accept", "dispatch", "answer", "level", "closed", "reopen") for action in DID[key][1])
"""Deeds of people in a shift, and ends."""


@dataclass(frozen=True)
class Matter:
    """An alert that was open at the end of the shift, or is now. state, level: at that time."""

    row: inbox.Row[Alert]
    state: AlertState
    level: int


@dataclass(frozen=True)
class Told:
    """A red alert and whom it was sent to."""

    alert: Alert
    lines: Sequence[DeliveryLine]


@dataclass(frozen=True)
class Blind:
    """A source that was not well in the shift. over: when it was well again; None: it still is not."""

    source: str
    state: str
    since: datetime
    why: str
    over: datetime | None


@dataclass(frozen=True)
class Sheet:
    """The sheet of one shift, cut to a viewer."""

    matters: Sequence[Matter]
    rows: Sequence[AlertEvent]
    red: Sequence[Told]
    silences: Sequence[Silence]
    blind: Sequence[Blind]

    @property
    def done(self) -> list[AlertEvent]:
        """What people did, oldest first."""
        return [row for row in reversed(self.rows) if row.action in DONE]


def sheet_of(db: Connection, visit: Visit, shift: Shift, after: Shift) -> Sheet:
    """The sheet as it stands now, or stood at the end of a shift that is over."""
    until = min(shift.end, visit.now)
    rows = rows_since(db, visit.me, shift.start, until)
    running = shift.end > visit.now
    seen = inbox.standing_lines(db, visit.me)
    matters = _open_now(db, visit, seen) if running else _open_then(db, visit, seen, shift.end)
    touched = {row.alert for row in rows if row.level == RED}
    standing = [one.id for one in seen if one.level == RED and one.state in inbox.OPEN]
    red = find_alerts(db, standing)
    red += find_alerts(db, sorted(touched.difference(standing)))
    sent = delivery_logs(db, [alert.id for alert in red])
    told = [Told(alert, sent[alert.id]) for alert in red]
    return Sheet(matters, rows, told, _silences(db, visit, shift, after), _blind(db, shift.start, until))


def _open_now(db: Connection, visit: Visit, seen: Sequence[AlertLine]) -> list[Matter]:
    silenced = silenced_alerts(db, visit.services.clock())
    still_open = [alert for alert in seen if alert.state in inbox.OPEN and alert.id not in silenced]
    rows = inbox.rows_of(still_open, now=visit.now, sort="limit")
    return [Matter(row, row.alert.state, row.alert.level) for row in inbox.in_full(db, rows)]


def _open_then(db: Connection, visit: Visit, seen: Sequence[AlertLine], end: datetime) -> list[Matter]:
    last = select(alert_history.c.alert, func.max(alert_history.c.number).label("number")).where(
        alert_history.c.story_at <= end
    )
    newest = last.group_by(alert_history.c.alert).subquery()
    query = select(alert_history.c.alert, alert_history.c.state, alert_history.c.level).join(
        newest, (newest.c.alert == alert_history.c.alert) & (newest.c.number == alert_history.c.number)
    )
    then = {row[0]: (AlertState(row[1]), row[2]) for row in db.execute(query)}
    were_open = [alert for alert in seen if alert.id in then and then[alert.id][0] in inbox.OPEN]
    rows = inbox.rows_of(were_open, now=visit.now, sort="limit")
    return [Matter(row, *then[row.alert.id]) for row in inbox.in_full(db, rows)]


def _silences(db: Connection, visit: Visit, shift: Shift, after: Shift) -> list[Silence]:
    """Those that end in this shift or the next one, in order."""
    ending = [one for one in list_silences(db) if shift.start <= one.until < after.end and one.starts_at < after.end]
    mine = [one for one in ending if one.territory == "000000" or visit.me.sees_rule(one.territory)]
    return sorted(mine, key=lambda one: one.until)


def _blind(db: Connection, start: datetime, until: datetime) -> list[Blind]:
    ill: dict[str, StateChange] = {
        key: change for key, change in present_states(db, before=start).items() if change.state != WELL
    }
    over: dict[str, datetime] = {}
    for change in changes_between(db, start, until):
        if change.state != WELL:
            ill[change.source] = change
            over.pop(change.source, None)
        elif change.source in ill:
            over[change.source] = change.at
    found = [Blind(key, one.state, one.at, one.why, over.get(key)) for key, one in ill.items()]
    return sorted(found, key=lambda one: (one.over is not None, one.since))


def by_alert(notes: Sequence[ShiftRow]) -> Mapping[str, list[ShiftRow]]:
    """Notes under the alert they are about; under an empty name those about none."""
    found: dict[str, list[ShiftRow]] = {}
    for note in notes:
        found.setdefault(note.alert, []).append(note)
    return found
