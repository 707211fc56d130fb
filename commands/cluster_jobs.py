"""What the scheduler does for clusters: counts documents of before and, where the registry changed, firms."""

from threading import Event

from config.clusters import load_clusters
from config.settings import Settings
from core.clock import system_clock
from enterprises.cluster_rows import catch_up
from scheduler import HourlyJob
from store.database import Store


def cluster_jobs(settings: Settings, store: Store) -> list[HourlyJob]:
    """Hourly; nothing where nothing changed."""

    def do(stop: Event) -> str:
        return catch_up(store, load_clusters(settings.config), stop, clock=system_clock)

    return [HourlyJob("clusters", "聚集计数", do)]
