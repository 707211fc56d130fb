"""What the search index needs at a quiet hour."""

from config.settings import Settings
from core.errors import SearchUnavailable
from scheduler import DailyJob
from search.open import open_backend

HOUR, MINUTE = 3, 30


def index_jobs(settings: Settings) -> list[DailyJob]:
    """The nightly tidying of an index on a cluster; the embedded one needs none."""
    if not settings.elasticsearch_url:
        return []
    return [DailyJob("index-tidy", "合并检索索引", HOUR, MINUTE, lambda: _tidied(settings))]


def tidy_index(settings: Settings) -> int:
    """Begin the merge; how many months. No text is cut for it. Raises SearchUnavailable."""
    backend = open_backend(settings, words=str.split)
    try:
        return backend.tidy()
    finally:
        backend.close()


def _tidied(settings: Settings) -> str:
    try:
        return f"合并 {tidy_index(settings)} 个月份"
    except SearchUnavailable as problem:  # said elsewhere, and no reason to call the night a failure: it can wait a day
        return f"没有合并：{problem}"
