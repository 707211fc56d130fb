"""What the scheduler does for what is kept: the daily backup."""

from pathlib import Path

from commands.backup import backed_up
from config.keeping import load_keeping
from config.settings import Settings
from core.clock import system_clock
from scheduler import DailyJob
from store.database import Store
from web.machine import bytes_word


def keeping_jobs(settings: Settings, store: Store) -> list[DailyJob]:
    """The daily backup, where config/keeping.yml names a folder for it."""
    rules = load_keeping(settings.config).backup

    def make() -> str:
        folder = Path(rules.to).expanduser()
        done = backed_up(settings, store, folder, keep=rules.keep, clock=system_clock, check=rules.verify)
        return f"{done.folder.name}，新写 {bytes_word(done.written)}"

    hour, minute = rules.hour_minute
    return [DailyJob("backup", "备份", hour, minute, make)] if rules.to else []
