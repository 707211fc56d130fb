"""Whether an alert is kept quiet: what the alert's life wrote into its history (silences, inhibition, quiet hours)."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection

from alerts.why.answer import Evidence, Outcome, Stage
from alerts.why.telling import clock
from core.records import Alert, AlertEvent
from store.alert_log import history_of

MUTING: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "silenced": ("silenced", "静默", ("unsilenced",)),
    "inhibited": ("inhibited", "被统领", ("released",)),
    "deferred": ("deferred", "暂缓告知", ("repeated", "raised", "notified")),
}
"""Action that mutes: key and name of the stage, and the actions that end it. They are those of the alert's history."""
STOPPING = ("silenced", "inhibited")


def muted(db: Connection, alert: Alert) -> Iterator[Stage]:
    """A stage for each way in which an alert is kept quiet now."""
    history = history_of(db, alert.id)
    for action, (key, name, ends) in MUTING.items():
        row = _last(history, action, ends)
        if row is not None:
            told = f"{alert.number} 自 {clock(row.at)} 起不告知"
            outcome: Outcome = "stopped" if action in STOPPING else "noted"
            yield Stage(key, name, outcome, f"{told}：{row.note}" if row.note else told, _evidence(row, alert))


def _last(history: list[AlertEvent], action: str, ends: tuple[str, ...]) -> AlertEvent | None:
    """The row that mutes it now; None where none does, or another one ended it."""
    found: AlertEvent | None = None
    for row in history:
        if row.action == action:
            found = row
        elif row.action in ends:
            found = None
    return found


def _evidence(row: AlertEvent, alert: Alert) -> tuple[Evidence, ...]:
    told = [f"{name}：{value}" for name, value in row.details.items() if isinstance(value, str | int | float) and value]
    return (Evidence(f"{row.actor}，{clock(row.at)}" + (f"；{'；'.join(told)}" if told else ""), alert=alert.id),)
