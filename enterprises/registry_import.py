"""Registry files into the store. A row that cannot be taken is reported, the others are."""

from pathlib import Path

from config.lexicon import load_registry_csv
from core.clock import Clock
from core.records import RegistryEntry
from store.database import Store, get_fact, set_fact
from store.registry import load_entries, save_entries

VERSION = "registry_version"


def import_file(store: Store, path: Path, *, clock: Clock) -> tuple[int, int]:
    """Write the firms of a CSV file (columns of lexicons/enterprises_demo.csv); returns (new, updated).

    Raises ConfigError naming file, row and column of what it cannot read; then nothing is written.
    """
    entries = load_registry_csv(path)
    with store.write() as db:
        counted = save_entries(db, entries, now=clock())
        set_fact(db, VERSION, clock().isoformat())
    return counted


def registry_of(store: Store) -> tuple[tuple[RegistryEntry, ...], str]:
    """The stored registry and its version (it changes with every import)."""
    with store.read() as db:
        return load_entries(db), get_fact(db, VERSION) or ""
