"""Plans alert mails: rows of the outbox, written in the transaction that changes the alert. One row a recipient."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection

from alerts.lateness import late_words
from config.regions import Regions
from config.routes import Recipient, Routes
from core.clock import beijing
from core.ids import short_id
from core.records import LEVEL_COLOURS, LEVEL_NAMES, Alert, Notification
from store.alert_log import add_delivery, was_told
from store.documents import find_signals

TEMPLATES = Path(__file__).parent / "templates"
WORDS = {
    "opened": "新预警",
    "raised": "升级",
    "lowered": "降级",
    "reopened": "重新打开",
    "dismissed": "撤回",
    "grown": "件数翻倍",
    "cleared": "解除",
}
CLOSING = ("lowered", "dismissed", "cleared")
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
    """Implements alerts.notify.Notifier for mail: each recipient whose matter it is gets a mail of its own."""

    routes: Routes
    regions: Regions
    public_url: str
    demo: bool = False

    def plan(self, db: Connection, alert: Alert, *, what: str, number: int, now: datetime) -> int:
        """Put a mail to each recipient into the outbox; the same change again is the same row."""
        if now - alert.updated_at > self.routes.notify_within:
            return 0
        addresses = [one.mail for one in self.routes.recipients if self._is_told(db, alert, one, what)]
        if not addresses:
            return 0
        subject, text, html = self._written(db, alert, what)
        planned = 0
        for address in addresses:
            delivery = short_id("n", "mail", address, alert.id, str(number))
            notice = Notification(delivery, "mail", address, subject, text, html, alert.id, alert.level)
            planned += add_delivery(db, notice, now=now)
        return planned

    def _is_told(self, db: Connection, alert: Alert, recipient: Recipient, what: str) -> bool:
        """Who was told of it before hears its end too, even where it is theirs no longer."""
        if what in CLOSING:
            return was_told(db, alert.id, channel="mail", recipient=recipient.mail)
        return alert.level >= recipient.lowest and recipient.concerned(alert.territories, alert.products, self.regions)

    def _written(self, db: Connection, alert: Alert, what: str) -> tuple[str, str, str]:
        signals = find_signals(db, alert.documents)
        facts = {
            "alert": alert,
            "what": WORDS.get(what, what),
            "colour": LEVEL_COLOURS[alert.level],
            "level_name": LEVEL_NAMES[alert.level],
            "documents": signals[-SHOWN_DOCUMENTS:][::-1],
            "late": late_words(alert.late),
            "link": f"{self.public_url.rstrip('/')}/alerts/{alert.id}",
            "demo": self.demo,
        }
        pages = environment()
        marks = f"{'[演示] ' if self.demo else ''}{'[补判] ' if alert.late else ''}[{facts['colour']}]"
        subject = f"{marks} {facts['what']}：{alert.title}"
        return (
            subject,
            pages.get_template("alert_mail.txt").render(facts),
            pages.get_template("alert_mail.html").render(facts),
        )
