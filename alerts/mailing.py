"""Plans alert mails: rows of the outbox, written in the transaction that changes the alert. One row a recipient."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection

from alerts.router import Router, concern
from alerts.routing import Told
from config.regions import Regions
from config.routes import Recipient, Routes
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
    """Implements alerts.notify.Notifier for mail: each recipient whose matter it is gets a mail of its own.

    router: says where alerts go, for recipients that name organisations; None: those are not told.
    """

    routes: Routes
    regions: Regions
    public_url: str
    demo: bool = False
    router: Router | None = None
    _last: dict[Alert, Mapping[str, Told]] = field(default_factory=dict, init=False, repr=False, compare=False)

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
        return concern(recipient, alert, self.regions, lambda: self._routed(db, alert)).told

    def _routed(self, db: Connection, alert: Alert) -> Mapping[str, Told]:
        """Whom the routing lets the machine write to; asked once for all recipients of a change."""
        if self.router is None:
            return {}
        if alert not in self._last:
            self._last.clear()
            self._last[alert] = self.router.route(db, alert).sent_by_machine
        return self._last[alert]

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
