"""Plans alert mails: rows of the outbox, written in the transaction that changes the alert. One row a recipient."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection

from config.routes import Routes
from core.clock import beijing
from core.ids import short_id
from core.records import LEVEL_COLOURS, LEVEL_NAMES, Alert, Notification
from store.alert_log import add_delivery, was_told
from store.documents import find_signals

TEMPLATES = Path(__file__).parent / "templates"
WORDS = {"opened": "新预警", "raised": "升级", "lowered": "降级", "reopened": "重新打开", "dismissed": "撤回"}
CLOSING = ("lowered", "dismissed")
"""Told only to those who were told of the alert before."""
SHOWN_DOCUMENTS = 5


def environment() -> Environment:
    """Templates of mails: HTML escapes everything, a name that is not given is a mistake."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["clock"] = lambda moment: beijing(moment).strftime("%m-%d %H:%M")
    return made


@dataclass(frozen=True)
class MailPlanner:
    """Implements alerts.notify.Notifier for mail. recipients: addresses, each gets a mail of its own."""

    recipients: Sequence[str]
    routes: Routes
    public_url: str
    demo: bool = False

    def plan(self, db: Connection, alert: Alert, *, what: str, number: int, now: datetime) -> int:
        """Put a mail to each recipient into the outbox; the same change again is the same row."""
        closing = what in CLOSING
        too_low = alert.level < self.routes.mail_from_level and not closing
        if too_low or now - alert.updated_at > self.routes.notify_within:
            return 0
        subject, text, html = self._written(db, alert, what)
        planned = 0
        for recipient in self.recipients:
            if closing and not was_told(db, alert.id, channel="mail", recipient=recipient):
                continue
            delivery = short_id("n", "mail", recipient, alert.id, str(number))
            notice = Notification(delivery, "mail", recipient, subject, text, html, alert.id, alert.level)
            planned += add_delivery(db, notice, now=now)
        return planned

    def _written(self, db: Connection, alert: Alert, what: str) -> tuple[str, str, str]:
        signals = find_signals(db, alert.documents)
        facts = {
            "alert": alert,
            "what": WORDS.get(what, what),
            "colour": LEVEL_COLOURS[alert.level],
            "level_name": LEVEL_NAMES[alert.level],
            "documents": signals[-SHOWN_DOCUMENTS:][::-1],
            "link": f"{self.public_url.rstrip('/')}/alerts/{alert.id}",
            "demo": self.demo,
        }
        pages = environment()
        subject = f"{'[演示] ' if self.demo else ''}[{facts['colour']}] {facts['what']}：{alert.title}"
        return (
            subject,
            pages.get_template("alert_mail.txt").render(facts),
            pages.get_template("alert_mail.html").render(facts),
        )
