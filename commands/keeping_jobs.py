"""What the scheduler does for what is kept: the daily backup, the nightly check, retention."""

from pathlib import Path

from commands.backup import backed_up
from commands.keep import kept, words_of
from config.keeping import load_keeping
from config.settings import Settings
from core.clock import system_clock
from keeping.check import Budget, check_kept
from scheduler import DailyJob
from store.database import Store
from web.machine import bytes_word


def keeping_jobs(settings: Settings, store: Store) -> list[DailyJob]:
    """The nightly check; the daily backup and retention, where config/keeping.yml asks for them."""
    keeping = load_keeping(settings.config)
    rules, checking, retention = keeping.backup, keeping.check, keeping.retention

    def make() -> str:
        folder = Path(rules.to).expanduser()
        done = backed_up(settings, store, folder, keep=rules.keep, clock=system_clock, check=rules.verify)
        return f"{done.folder.name}，新写 {bytes_word(done.written)}"

    def look() -> str:
        budget = Budget(checking.pages, checking.minutes * 60)
        check = check_kept(store, settings.data_dir, budget, now=system_clock())
        return "；".join(what for what, _ in check.faults) or f"本轮已核对 {check.looked:,} 页"

    def clean() -> str:
        seconds = retention.minutes * 60
        return "；".join(words_of(kept(settings, store, now=system_clock(), do=True, seconds=seconds), done=True))

    hour, minute = checking.hour_minute
    jobs = [DailyJob("check-kept", "核对存档与库", hour, minute, look)]
    if rules.to:
        hour, minute = rules.hour_minute
        jobs.append(DailyJob("backup", "备份", hour, minute, make))
    if retention.daily:
        hour, minute = retention.hour_minute
        jobs.append(DailyJob("keep", "按保存期限清理", hour, minute, clean))
    return jobs
