"""The lead times that the desk shows, counted anew every hour."""

from threading import Event

from alerts.lead_table import count_leads
from config.grouping import load_grouping
from config.settings import Settings
from core.clock import system_clock
from scheduler import HourlyJob
from store.database import Store


def lead_jobs(settings: Settings, store: Store) -> list[HourlyJob]:
    """The count as a job of the scheduler."""
    family = load_grouping(settings.config).family_of

    def do(stop: Event) -> str:
        return f"通报 {count_leads(store, family=family, clock=system_clock, stop=stop)} 份"

    return [HourlyJob("lead-times", "提前量计算", do)]
