"""Papers drafted by the clock, as jobs of the scheduler: one for each hour of `drafts:` in config/reporting.yml."""

from collections.abc import Callable

from commands.desk import paper_services
from commands.knowledge import lexicon_of
from commands.watching import agenda_of
from config.reporting import load_reporting
from config.settings import Settings
from core.clock import system_clock
from core.errors import FengsuiError
from reports.papers.by_clock import draft_due
from scheduler import DailyJob
from store.database import Store
from web.papers import desk_for


def paper_jobs(settings: Settings, store: Store) -> list[DailyJob]:
    """Each looks once a day for what is due."""
    plan = load_reporting(settings.config, lexicon_of(settings).regions)
    hours = sorted({f"{one.drafts:%H:%M}" for one in plan.items if one.drafts is not None})

    def drafting(hour: str) -> Callable[[], str]:
        def do() -> str:
            services, now = paper_services(settings, store), system_clock()
            agenda = agenda_of(settings, services.lexicon)
            found = draft_due(store, agenda, lambda db, code: desk_for(services, db, code, now=now), now=now, hour=hour)
            if found.failed:
                raise FengsuiError(f"起草 {len(found.papers)} 件，没有起草：{'；'.join(found.failed)}")
            return f"{len(found.papers)} 件"

        return do

    return [
        DailyJob(f"papers-{hour}", f"起草公文 {hour}", int(hour[:2]), int(hour[3:]), drafting(hour)) for hour in hours
    ]
