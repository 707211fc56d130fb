"""The store of a profile, ready for use."""

from config.registry_columns import FIRMS, load_columns
from config.settings import Settings
from core.clock import beijing, system_clock
from core.errors import UsageError
from demo.firm_facts import demo_facts, demo_ties
from enterprises.registry_import import ImportPlan, import_file
from keeping.moving import unfinished
from store.database import Store, Synchronous, check_profile
from store.firm_facts import save_facts, save_ties
from store.registry import count_entries, load_entries


def open_store(settings: Settings, *, synchronous: Synchronous = "FULL", kept: bool = False) -> Store:
    """The migrated store of this profile; the demo's registry and its facts are in it from the first start.

    kept: for a process that stays.
    """
    if (begun := unfinished(settings.data_dir)) is not None:
        raise UsageError(f"{settings.data_dir} 的恢复没有做完（由 {begun.backup}）：再运行 {begun.again}，它接着做完")
    store = Store(settings.database, synchronous=synchronous, kept=kept)
    store.migrate()
    with store.write() as db:
        check_profile(db, settings.profile)
        empty = settings.profile == "demo" and count_entries(db) == 0
    if empty:
        plan = ImportPlan(load_columns(settings.config)[FIRMS])
        import_file(store, settings.config / "lexicons" / "enterprises_demo.csv", plan, clock=system_clock)
        with store.write() as db:
            now = system_clock()
            zero = beijing(now).date()
            save_facts(db, demo_facts(load_entries(db), zero), now=now)
            save_ties(db, demo_ties(zero), now=now)
    return store


def existing_store(settings: Settings) -> Store:
    """The store of a profile for who looks after what is there: where there is none, --data is mistyped, and an empty
    one made for it would say that all is well. Raises UsageError."""
    if not store_exists(settings):
        raise UsageError(f"{settings.data_dir} 里没有库：看 --data、--profile")
    return open_store(settings)


def store_exists(settings: Settings) -> bool:
    """Whether there is something to open: looking must not make a data folder."""
    return settings.database_url is not None or (settings.data_dir / "fengsui.db").exists()
