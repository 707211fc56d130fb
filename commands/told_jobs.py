"""What the scheduler does for traces: documents that were stored before lots were read are read once."""

from threading import Event

from enterprises.told_before import read_before
from scheduler import HourlyJob
from store.database import Store


def told_jobs(store: Store) -> list[HourlyJob]:
    """Documents that were stored before this was read are read once, after an upgrade."""

    def do(stop: Event) -> str:
        count = read_before(store, stop)
        return f"补读文书 {count:,} 份" if count else ""

    return [HourlyJob("told", "补读抽查、召回记录", do)]
