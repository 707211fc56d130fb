"""What the desk says of alerts that nobody is told of now, and of those whose end the system proposes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from alerts.lifecycle import proposal_of
from alerts.reasons import reason_word
from core.clock import beijing
from core.records import Alert
from store.alert_log import find_alert
from store.silences import find_silence
from store.watch import watches


@dataclass(frozen=True)
class Muted:
    """short: a mark in lists.  words: who, why and until when.  link: what mutes it."""

    short: str
    words: str
    link: str


def mutes_of(db: Connection, alerts: Sequence[Alert], now: datetime) -> dict[str, Muted]:
    """The muted ones among them by id."""
    found: dict[str, Muted] = {}
    for alert_id, watch in watches(db, [alert.id for alert in alerts]).items():
        silence = find_silence(db, watch.silence) if watch.silence else None
        ruler = find_alert(db, watch.under) if watch.under else None
        if silence is not None and silence.state_at(now) == "active":
            until = f"{beijing(silence.until):%m-%d %H:%M}"
            words = f"静默至 {until}，不再告知：{silence.reason}（{silence.author}）"
            found[alert_id] = Muted(f"静默至 {until}", words, f"/silences#{silence.id}")
        elif ruler is not None:
            words = f"由 {ruler.number} 统领，不另行告知：{ruler.title}"
            found[alert_id] = Muted(f"由 {ruler.number} 统领", words, f"/alerts/{ruler.id}")
    return found


def proposed_end(details: Mapping[str, Any]) -> str:
    """Why the system proposes to end an alert, in words; empty where it does not."""
    reason = proposal_of(details)
    return reason_word("all_clear", reason) if reason else ""
