"""Plans what is sent about an alert: rows of the outbox, written in the transaction that changes the alert."""

from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from core.records import Alert


class Notifier(Protocol):
    """What the engine tells of an opened, raised, lowered, reopened or dismissed alert."""

    def plan(self, db: Connection, alert: Alert, *, what: str, number: int, now: datetime) -> int:
        """Put deliveries into the outbox; number: the history row that caused it. Returns how many are new."""

    def changed(self, db: Connection, alert: Alert) -> object:
        """The alert has grown without anything that people must be told: what still waits says what is true now."""
