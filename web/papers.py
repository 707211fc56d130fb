"""What papers are written from at this desk: the records, cut to the bureau whose paper it is."""

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from alerts.duty import Duty
from reports.papers.gather import Desk
from reports.papers.rephrase import Rephraser
from reports.records import Marks
from reports.weekly import Office, WeeklyBook
from store.users import EVERYWHERE, User
from web.access import Viewer
from web.dossier import cut_of
from web.services import Services
from web.visit import Visit

SYSTEM = User("system", "admin", EVERYWHERE, "system", "", True, False, datetime.min.replace(tzinfo=UTC), None, {})


def desk_for(
    services: Services, db: Connection, territory: str, *, now: datetime, marks: Marks | None = None
) -> Desk:  # fmt: skip
    """The records as the bureau of a territory reads them, whoever asks."""
    regions = services.lexicon.regions
    bureau = Viewer(replace(SYSTEM, territory=territory), regions)
    parts = services.rule_parts
    duty = (parts.duty if parts else None) or Duty()
    known = services.settings
    model = Rephraser(known.rephrase_url, known.rephrase_model, known.rephrase_key) if known.rephrase_url else None
    return Desk(
        db, services.lexicon, cut_of(bureau), territory, now, {one.key: one.title for one in services.sources},
        Office(territory, bureau.sees_code),
        WeeklyBook(services.weekly, services.lexicon, parts.ack_hours if parts else {}, marks), services.ledger,
        duty.is_workday, services.laws, {one.key: one.kind.value for one in services.sources},
        frozenset(one.key for one in services.sources if one.enabled),
        model.paper if model else None,
        services.reporting.casualty_days, services.reporting.fire_days,
    )  # fmt: skip


def desk_of(visit: Visit, db: Connection, territory: str) -> Desk:
    """The same for a page."""
    return desk_for(visit.services, db, territory, now=visit.now, marks=visit.request.app.state.marks)
