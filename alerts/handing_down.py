"""Mails that tell a bureau an alert was dispatched to it: they wait half a minute, so that an undo takes them back.

What went out before the undo is called back by a mail of its own.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.mailing import MailPlanner
from core.records import Alert
from store.watch import sent_notices, waiting_notices, withdraw_notice

WAITS = timedelta(seconds=30)
DISPATCHED, CALLED_BACK = "dispatched", "called_back"


def addressees_of(planner: MailPlanner, alert: Alert) -> tuple[str, ...]:
    """The mail addresses of the bureau the alert is dispatched to: who is named for that very territory."""
    mine = (
        one.mail
        for one in planner.routes.recipients
        if alert.territory in (*one.territories, *one.orgs)
        and (not one.products or set(one.products) & set(alert.products))
    )
    return tuple(dict.fromkeys(mine))


def tell(db: Connection, planner: MailPlanner, alert: Alert, *, number: int, now: datetime) -> int:
    """Plan the mails of a dispatch. alert: as it is after it.  number: its history row.  Returns how many are new."""
    return planner.mail(
        db, alert, addressees_of(planner, alert), what=DISPATCHED, number=number, now=now, at=now + WAITS
    )


def take_back(db: Connection, planner: MailPlanner, alert: Alert, *, number: int, now: datetime) -> Sequence[str]:
    """Undo the mails of the newest dispatch: what waits is not sent, who was told is told that it is taken back.

    alert: as it is after the undo.  number: the history row of the undo.  Returns the addresses told before.
    """
    for notice in waiting_notices(db, alert.id):
        if notice.what == DISPATCHED:
            withdraw_notice(db, notice.id)
    told = sent_notices(db, alert.id, what=DISPATCHED)
    back = sent_notices(db, alert.id, what=CALLED_BACK)
    owed = [address for address in dict.fromkeys(told) if told.count(address) > back.count(address)]
    planner.mail(db, alert, owed, what=CALLED_BACK, number=number, now=now)
    return owed
