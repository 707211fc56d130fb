"""Rows that the system writes into an alert's history: each with a reason from the closed lists of alerts.reasons."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from alerts.reasons import checked
from alerts.standing import SYSTEM
from core.records import Alert, AlertEvent, AlertState
from store.alert_log import add_history, next_history_number


def add_event(
    db: Connection,
    alert: Alert,
    action: str,
    reason: str,
    note: str,
    now: datetime,
    *,
    story_at: datetime | None = None,
    level: int | None = None,
    state: AlertState | None = None,
    document: str = "",
    more: Mapping[str, Any] | None = None,
    once: str | None = None,
) -> int | None:
    """Append one row by the system; its number. None where the row of that key (`once`) was there.

    story_at: `now` when not given.  level, state: the alert's own when not given.  document: whose text brought it.
    more: other details.  Raises ValueError for a reason that is not of the action's list.
    """
    details = {"reason": checked(action, reason), **({"document": document} if document else {}), **(more or {})}
    number = next_history_number(db, alert.id)
    event = AlertEvent(
        alert=alert.id,
        number=number,
        at=now,
        story_at=story_at or now,
        actor=SYSTEM,
        action=action,
        level=alert.level if level is None else level,
        state=state or alert.state,
        note=note,
        details=details,
    )
    return number if add_history(db, event, once=once) else None
