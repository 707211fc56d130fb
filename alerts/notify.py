"""Plans what is sent about an alert: rows of the outbox, written in the transaction that changes the alert."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from alerts.letters import Letters
from config.regions import Regions
from config.routes import Route
from core.ids import digest
from core.records import Alert, Notification
from store.alert_log import add_delivery, was_told

RECENT = timedelta(hours=24)
"""Older news is not sent: reading up two months of history must not fill anybody's mail box."""
CLOSING = ("dismissed", "lowered")


class Notifier(Protocol):
    """What the engine tells of an opened, raised, lowered, reopened or dismissed alert."""

    def plan(self, db: Connection, alert: Alert, *, what: str, number: int, now: datetime) -> int:
        """Put deliveries into the outbox; number: the history row that caused it. Returns how many are new."""


@dataclass(frozen=True)
class Outbox:
    """Plans by the routes. mail_to: who stands for $mail_to.  letters: writes subject, text and HTML."""

    routes: tuple[Route, ...]
    mail_to: str
    regions: Regions
    letters: Letters

    def plan(self, db: Connection, alert: Alert, *, what: str, number: int, now: datetime) -> int:
        """One delivery a recipient; the same history row never makes a second one.

        A lowered or dismissed alert is told only to a house that was told of it before.
        """
        if now - alert.updated_at > RECENT:
            return 0
        closing = what in CLOSING
        if closing and not was_told(db, alert.id):
            return 0
        people = self.recipients(alert, closing=closing)
        if not people:
            return 0
        letter = self.letters.alert(alert, what)
        count = 0
        for channel, recipient in people:
            notification = Notification(
                id=digest(channel, recipient, alert.id, str(number)),
                channel=channel,
                recipient=recipient,
                subject=letter.subject,
                text=letter.text,
                html=letter.html,
                alert=alert.id,
                level=alert.level,
            )
            count += add_delivery(db, notification, now=now)
        return count

    def recipients(self, alert: Alert, *, closing: bool = False) -> list[tuple[str, str]]:
        """(channel, address) of everybody whose route takes the alert, each once."""
        found = [
            (route.channel, address)
            for route in self.routes
            if (closing or alert.level >= route.rank) and self._concerns(route, alert)
            for address in route.recipients(self.mail_to)
        ]
        return list(dict.fromkeys(found))

    def _concerns(self, route: Route, alert: Alert) -> bool:
        product = not route.products or bool(set(route.products) & set(alert.products))
        places = alert.territories or (alert.territory,)
        return product and (
            not route.territories
            or any(self.regions.is_within(mine, code) for mine in route.territories for code in places)
        )
