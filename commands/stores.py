"""The store of a profile, ready for use."""

from config.registry_columns import FIRMS, load_columns
from config.settings import Settings
from core.clock import system_clock
from enterprises.registry_import import ImportPlan, import_file
from store.database import Store, Synchronous, check_profile
from store.registry import count_entries


def open_store(settings: Settings, *, synchronous: Synchronous = "FULL") -> Store:
    """The migrated store of this profile; the demo's registry is in it from the first start."""
    store = Store(settings.database, synchronous=synchronous)
    store.migrate()
    with store.write() as db:
        check_profile(db, settings.profile)
        empty = settings.profile == "demo" and count_entries(db) == 0
    if empty:
        plan = ImportPlan(load_columns(settings.config)[FIRMS])
        import_file(store, settings.config / "lexicons" / "enterprises_demo.csv", plan, clock=system_clock)
    return store


def store_exists(settings: Settings) -> bool:
    """Whether there is something to open: looking must not make a data folder."""
    return settings.database_url is not None or (settings.data_dir / "fengsui.db").exists()
