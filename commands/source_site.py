"""What {base} means when a source is tried: the demo's sample site, or what the settings say."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from commands.sample_site import SITE_PORT, base_of, is_ours
from commands.stores import store_exists
from config.settings import Settings
from config.sources import FileImportSource, SourceConfig
from core.clock import system_clock
from core.errors import UsageError
from demo.site import serving
from pipelines.intake import StoreIntake
from store.database import Store, get_fact

BASE = "{base}"


@contextmanager
def answering(settings: Settings, source: SourceConfig, folder: Path) -> Iterator[Settings]:
    """Settings under which `source` can be asked, with nothing written to the data folder.

    In the demo the sample site of the running system answers, else one of its own in `folder`, for as long as the
    block lasts. Raises UsageError where {base} stands for nothing.
    """
    wants_base = any(BASE in url for url in source.addresses)
    fresh = not settings.data_dir.exists()
    wants_files = isinstance(source, FileImportSource) and fresh and settings.profile == "demo"
    if settings.source_base or not (wants_base or wants_files):
        yield settings
    elif settings.profile != "demo":
        raise UsageError(
            f"{source.key}: list_url has {{base}}, which stands for nothing; give FENGSUI_SOURCE_BASE=http://host:port"
        )
    elif running := _running_base(settings):
        yield settings.model_copy(update={"source_base": running})
    else:
        with serving(folder, port=0, speed=None) as server:
            update = {"source_base": server.base, **({"data": folder} if fresh else {})}
            yield settings.model_copy(update=update)


def held_until(settings: Settings, source: str) -> datetime | None:
    """Until when the site wants no visit, as the store knows it; None without a store."""
    if not store_exists(settings):
        return None
    store = Store(settings.database)
    try:
        return StoreIntake(store, system_clock).held_until(source)
    finally:
        store.close()


def _running_base(settings: Settings) -> str | None:
    if not store_exists(settings):
        return None
    store = Store(settings.database)
    try:
        with store.read() as db:
            port = get_fact(db, SITE_PORT)
    finally:
        store.close()
    return base_of(int(port)) if port and is_ours(base_of(int(port))) else None
