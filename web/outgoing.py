"""What a step sends out of the house: it waits half a minute, and an undo in that time takes it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alerts import handing_down
from alerts.mailing import MailPlanner
from alerts.wording import Names
from core.records import Alert, AlertEvent
from store.alert_log import history_of, history_row_of_form
from store.watch import waiting_notices
from web.services import Services


@dataclass(frozen=True)
class Outgoing:
    """What goes out after a dispatch. at: when; None where it went.  to: addresses, none: nobody is named there."""

    to: Sequence[str]
    at: datetime | None = None


def after_step(db: Connection, services: Services, alert: Alert, once: str) -> None:
    """Plan or take back the mails of a step that was just written under this form. alert: as it is after it."""
    planner, number = _planner(services), history_row_of_form(db, once)
    if planner is None or number is None:
        return
    rows = {row.number: row for row in history_of(db, alert.id)}
    step, now = rows[number], services.clock()
    if step.action == "dispatch":
        handing_down.tell(db, planner, alert, number=number, now=now)
    elif step.action == "undo" and rows[step.details["undone"]].action == "dispatch":
        handing_down.take_back(db, planner, alert, number=number, now=now)


def outgoing_of(db: Connection, services: Services, alert: Alert, step: AlertEvent) -> Outgoing | None:
    """What the dispatch `step` sends; None where the desk sends no mail, or it was another step."""
    planner = _planner(services)
    if planner is None or step.action != "dispatch":
        return None
    waiting = [notice for notice in waiting_notices(db, alert.id) if notice.what == handing_down.DISPATCHED]
    if waiting:
        return Outgoing([notice.recipient for notice in waiting], waiting[0].next_at)
    return Outgoing(handing_down.addressees_of(planner, alert))


def _planner(services: Services) -> MailPlanner | None:
    if services.routes is None:
        return None
    settings, regions = services.settings, services.lexicon.regions
    titles = {one.key: one.title for one in services.sources}
    names = Names(services.lexicon, services.router.registry, titles) if services.router else None
    return MailPlanner(
        services.routes, regions, settings.public_url, demo=services.demo, router=services.router, names=names
    )
