"""Overdue reports are told to the office above, once: a row of `report_calls` and mails of the outbox, together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from config.routes import Recipient, Routes, channel_of
from core.clock import beijing
from core.ids import short_id
from core.records import Notification
from ledger.words import bureau_of
from reports.agenda import Agenda, Duty
from store.alert_log import add_delivery
from store.database import Store
from store.reporting import note_call


@dataclass(frozen=True)
class CallMail:
    """Writes the mails: one a recipient, item and period, naming all that are late."""

    routes: Routes
    public_url: str
    demo: bool = False

    def plan(self, db: Connection, agenda: Agenda, office: str, late: Sequence[Duty], now: datetime) -> int:
        """Put them into the outbox; how many are new."""
        one, planned = late[0], 0
        names = "、".join(bureau_of(agenda.regions, each.territory) for each in late)
        when = f"应于 {beijing(one.due):%Y-%m-%d %H:%M} 报{one.item.to or '上级'}"
        told = f"{when}，至今未报：{names}（{len(late)} 个单位）。"
        head = "[演示] " if self.demo else ""
        subject = f"{head}报送逾期：{one.title}，{len(late)} 个单位未报"
        link = f"{self.public_url.rstrip('/')}/calendar"
        text = f"{one.title}\n\n{told}\n\n报送日历：{link}\n"
        for person in _told(self.routes, agenda, office):
            key = short_id("n", channel_of(person.mail), person.mail, "report", *one.owed, *(d.territory for d in late))
            notice = Notification(key, channel_of(person.mail), person.mail, subject, text, "")
            planned += add_delivery(db, notice, now=now, what="report_late")
        return planned


def _told(routes: Routes, agenda: Agenda, office: str) -> list[Recipient]:
    """The recipients of the first office from this one upwards that has any."""
    for code in agenda.regions.chain(office):
        found = [one for one in routes.recipients if code in one.territories]
        if found:
            return found
    return []


@dataclass(frozen=True)
class ReportWatch:
    """mail: None where no mail is set up; the desk shows what is late all the same."""

    store: Store
    agenda: Agenda
    mail: CallMail | None = None

    def tick(self, now: datetime) -> Counter[str]:
        """Do what is due; again does nothing. Counts: called, told."""
        with self.store.read() as db:
            late = self.agenda.to_call(db, now)
        done: Counter[str] = Counter()
        groups: dict[tuple[str, str, str], list[Duty]] = {}
        for one in late:
            groups.setdefault((self.agenda.above(one.territory), *one.owed[:2]), []).append(one)
        for (office, *_), duties in groups.items():
            with self.store.write() as db:
                fresh = [one for one in duties if note_call(db, one.owed, to=office, at=now)]
                done["called"] += len(fresh)
                if fresh and self.mail is not None:
                    done["told"] += self.mail.plan(db, self.agenda, office, fresh, now)
        return +done
