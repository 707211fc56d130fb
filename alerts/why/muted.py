"""Whether an alert is kept quiet: what the alert's life wrote into its history (silences, inhibition, quiet hours)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from alerts.why.answer import Evidence, Outcome, Stage
from alerts.why.telling import clock
from core.clock import parse_published
from core.records import Alert, AlertEvent
from store.alert_log import find_alert, history_of
from store.silences import find_silence

MUTING: Mapping[str, tuple[str, tuple[str, ...], Outcome]] = {
    "silenced": ("静默", ("unsilenced",), "stopped"),
    "inhibited": ("被统领", ("released",), "stopped"),
    "deferred": ("暂缓告知", (), "noted"),
}
"""Action of the history that mutes an alert: its name, the actions that end it, and what it means for a document."""


def muted(db: Connection, alert: Alert, now: datetime) -> Iterator[Stage]:
    """A stage for each way in which an alert is kept quiet now."""
    history = history_of(db, alert.id)
    for action, (name, ends, outcome) in MUTING.items():
        row = _last(history, action, ends)
        if row is not None and not _over(row, now):
            told = f"{alert.number} 自 {clock(row.at)} 起不告知"
            sentence = f"{told}：{row.note}" if row.note else told
            yield Stage(action, name, outcome, sentence, tuple(_evidence(db, row)))


def _last(history: Sequence[AlertEvent], action: str, ends: Sequence[str]) -> AlertEvent | None:
    """The row that mutes it now; None where none does, or another one ended it."""
    found: AlertEvent | None = None
    for row in history:
        if row.action == action:
            found = row
        elif row.action in ends:
            found = None
    return found


def _over(row: AlertEvent, now: datetime) -> bool:
    """Whether it ended by itself at a moment that it named."""
    until = row.details.get("until")
    return isinstance(until, str) and parse_published(until) <= now


def _evidence(db: Connection, row: AlertEvent) -> Iterator[Evidence]:
    """Who silences it, why and until when; which alert rules over it."""
    silence = find_silence(db, str(row.details["silence"])) if row.details.get("silence") else None
    if silence is not None:
        asked = "、".join(map(str, silence.matchers))
        yield Evidence(
            f"静默 {silence.id}：{silence.author} 设，理由“{silence.reason}”，至 {clock(silence.ends_at)}，条件 {asked}"
        )
    ruler = find_alert(db, str(row.details["under"])) if row.details.get("under") else None
    if ruler is not None:
        yield Evidence(f"由 {ruler.number} {ruler.title} 统领，其结束后恢复告知", alert=ruler.id)
