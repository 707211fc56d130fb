"""One alert as `fengsui alerts --json` prints it: the contract's fields, and a few more."""

from typing import Any

from sqlalchemy import Connection

from alerts.lifecycle import proposal_of
from core.clock import iso_beijing
from core.records import LEVEL_COLOURS, Alert
from store.alert_log import alert_details, history_of
from store.documents import given_ids
from store.watch import watch_of


def alert_line(db: Connection, alert: Alert) -> dict[str, Any] | None:
    """The line of an alert; None for one that was merged into another. Times are story time, +08:00.

    first_at: of the first of those that were merged into it, too: people knew from then on.
    silence, under: the silence or the alert for which nobody is told of it now.  all_clear: why its end is proposed.
    """
    details, given = alert_details(db, alert.id), given_ids(db, alert.documents)
    if details.get("merged_into"):
        return None
    mark, rows = watch_of(db, alert.id), history_of(db, alert.id)
    taken_over = [row.story_at for row in rows if row.action == "took_over"]
    return {
        "id": alert.id,
        "level": alert.level,
        "state": alert.state.value,
        "first_at": iso_beijing(min([alert.first_at, *taken_over])),
        "updated_at": iso_beijing(alert.updated_at),
        "title": alert.title,
        "rule": alert.rule,
        "reason": alert.reason,
        "products": list(alert.products),
        "enterprises": list(alert.enterprises),
        "territory": alert.territory,
        "documents": [one for document in alert.documents for one in given.get(document, [document])],
        "number": alert.number,
        "colour": LEVEL_COLOURS[alert.level],
        "issues": list(alert.issues),
        "territories": list(alert.territories),
        "unconfirmed": alert.unconfirmed,
        "origins": alert.origins,
        "late": alert.late > 0,
        "late_seconds": alert.late,
        "due_at": iso_beijing(alert.due_at) if alert.due_at else None,
        "silence": mark.silence if mark else None,
        "under": mark.under if mark else None,
        "all_clear": proposal_of(details),
        "history": [
            {
                "at": iso_beijing(row.at),
                "story_at": iso_beijing(row.story_at),
                "actor": row.actor,
                "action": row.action,
                "level": row.level,
                "state": row.state.value,
                "note": row.note,
                "reason": row.details.get("reason", ""),
            }
            for row in rows
        ],
    }
