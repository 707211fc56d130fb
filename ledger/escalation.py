"""Who is told by mail that an entry is overdue: rows of the same outbox as alerts', in the transaction of the history.

Told is the office the row names; where nobody there is mailed, the next one above. Only whose territory holds that
office, and so the entry: nobody hears of what he may not see. One row of the history makes one mail a person, ever.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import FileSystemLoader
from sqlalchemy import Connection

from alerts.mailing import environment
from config.regions import Regions
from config.routes import Recipient, Routes, channel_of
from core.ids import short_id
from core.records import LEVEL_COLOURS, Notification
from ledger.words import ACTION_WORDS, STATE_WORDS, bureau_of
from store.alert_log import add_delivery
from store.ledger import Entry, EntryRow

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class EscalationMail:
    """Plans the mails. Recipients known only by an organisation are not told: the ledger has offices, no divisions."""

    routes: Routes
    regions: Regions
    public_url: str
    demo: bool = False

    def plan(self, db: Connection, entry: Entry, row: EntryRow, *, now: datetime) -> int:
        """Put a mail to each person of the office above into the outbox. row: as written. Returns how many are new."""
        planned = 0
        subject, text, html = self._written(entry, row)
        for one in self.told(entry, row.details["to"]):
            channel = channel_of(one.mail)
            key = short_id("n", channel, one.mail, "ledger", entry.id, str(row.number))
            notice = Notification(key, channel, one.mail, subject, text, html, level=entry.level, entry=entry.id)
            planned += add_delivery(db, notice, now=now, what=row.action)
        return planned

    def told(self, entry: Entry, office: str) -> list[Recipient]:
        """The recipients of the first office from this one upwards that has any for such an entry."""
        for code in self.regions.chain(office):
            found = [one for one in self.routes.recipients if code in one.territories and _wants(one, entry)]
            if found:
                return found
        return []

    def _written(self, entry: Entry, row: EntryRow) -> tuple[str, str, str]:
        facts = {
            "entry": entry,
            "what": ACTION_WORDS[row.action],
            "told": row.note,
            "colour": LEVEL_COLOURS[entry.level],
            "state": STATE_WORDS[entry.state][0],
            "place": self.regions.name_of(entry.territory),
            "office": bureau_of(self.regions, entry.unit),
            "link": f"{self.public_url.rstrip('/')}/ledger/{entry.id}",
            "demo": self.demo,
        }
        pages = environment().overlay(loader=FileSystemLoader(TEMPLATES))
        marks = f"{'[演示] ' if self.demo else ''}[{facts['colour']}]"
        return (
            " ".join(f"{marks} {facts['what']}：{entry.id} {entry.title}".split()),
            pages.get_template("escalation.txt").render(facts),
            pages.get_template("escalation.html").render(facts),
        )


def _wants(one: Recipient, entry: Entry) -> bool:
    return entry.level >= one.lowest and (not one.products or entry.product in one.products)
