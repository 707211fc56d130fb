"""The watch over the sources, as a job of the scheduler and after a crawl by hand; and the sweeping of old runs."""

from datetime import timedelta

from alerts.duty import Duty
from alerts.source_health.verdict import STATE_WORDS
from alerts.source_health.watch import SourceWatch
from config.calendar_classes import FILE as CALENDAR_FILE
from config.calendar_classes import Calendar, load_calendar
from config.duty import load_duty
from config.keeping import load_keeping
from config.settings import Settings
from config.sources import load_sources
from core.clock import system_clock
from scheduler import DailyJob, FrequentJob
from store.database import Store
from store.processes import forget_gone
from store.queue_schema import sweep_jobs
from store.runs import drop_runs

SECONDS = 15
HOUR, MINUTE = 3, 50


def source_watch_of(settings: Settings, store: Store) -> SourceWatch:
    """The watch over this profile's sources."""
    sources = load_sources(settings.config, settings.profile, base=settings.source_base)
    calendar = load_calendar(settings.config) if (settings.config / CALENDAR_FILE).exists() else Calendar()
    return SourceWatch(store, sources, Duty(load_duty(settings.config), calendar=calendar).is_workday)


def source_watch_jobs(settings: Settings, store: Store) -> list[FrequentJob]:
    """The watch every few seconds; what it notes are the states that changed."""
    watch = source_watch_of(settings, store)

    def tick() -> str:
        return "，".join(f"{one.source} {STATE_WORDS[one.state]}" for one in watch.tick(system_clock()))

    return [FrequentJob("source-watch", "信源巡检", SECONDS, tick)]


def run_sweeping_jobs(settings: Settings, store: Store) -> list[DailyJob]:
    """Runs older than config/keeping.yml says go each night; what was learnt of the sources stays."""
    kept = timedelta(days=load_keeping(settings.config).retention.runs)

    def sweep() -> str:
        with store.write() as db:
            forget_gone(db, now=system_clock())
            sweep_jobs(db)
            return f"清理 {drop_runs(db, system_clock() - kept)} 条"

    return [DailyJob("run-sweep", "清理抓取记录", HOUR, MINUTE, sweep)]
