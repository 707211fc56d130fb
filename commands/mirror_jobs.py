"""What the scheduler does for the recall mirror: looks at the recalls abroad that came since."""

from threading import Event

from commands.knowledge import lexicon_of
from config.settings import Settings
from core.clock import system_clock
from enterprises.mirror_queue import fill_queue
from scheduler import HourlyJob
from store.database import Store


def mirror_jobs(settings: Settings, store: Store) -> list[HourlyJob]:
    """Hourly; the registry is gone through only where there is something new."""

    def do(stop: Event) -> str:
        regions = lexicon_of(settings).regions
        told, _ = fill_queue(store, regions, clock=system_clock)
        return f"新看境外召回 {told.asked} 份，待核 {told.queued} 份" if told.asked else ""

    return [HourlyJob("mirror", "境外召回比对名录", do)]
