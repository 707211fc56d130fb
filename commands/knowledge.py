"""What every command starts from: the store of the profile, the lexicon, the registry and the segmenter."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from commands.stores import open_store
from config.lexicon import Lexicon, load_lexicon, load_registry_csv
from config.settings import Settings
from core.records import RegistryEntry
from enterprises.registry_import import registry_of, version_of
from nlp.analyze import dictionary_words
from nlp.registry_names import CompiledNames, RegistryNames, is_compiled
from nlp.segment import Segmenter
from store.database import Store


@dataclass(frozen=True)
class Knowledge:
    """What reading, searching and showing have in common. version: of the stored registry."""

    lexicon: Lexicon
    registry: tuple[RegistryEntry, ...]
    segmenter: Segmenter
    version: str = ""


_shared: dict[Path, Knowledge] = {}
"""What `fengsui run` loaded for its forks, by config folder: they hold it in the same memory."""


def share(settings: Settings, store: Store) -> None:
    """Load once what each fork will ask for, and the packages that most of them open the servers with."""
    _shared[settings.config] = knowledge_of(settings, store)
    if settings.elasticsearch_url:
        importlib.import_module("elasticsearch")
    if not settings.database.startswith("sqlite"):
        importlib.import_module("procrastinate")


def lexicon_of(settings: Settings) -> Lexicon:
    """The lexicon of the config folder."""
    shared = _shared.get(settings.config)
    return shared.lexicon if shared else load_lexicon(settings.config)


def knowledge_of(settings: Settings, store: Store, registry: Path | None = None) -> Knowledge:
    """Lexicon, registry (of `registry`, else of the store) and the segmenter that keeps their words whole."""
    shared = _shared.get(settings.config)
    if shared and registry is None and shared.version == version_of(store):
        return shared
    lexicon = lexicon_of(settings)
    entries, version = (load_registry_csv(registry), "") if registry else registry_of(store)
    return Knowledge(lexicon, entries, Segmenter(dictionary_words(lexicon, entries)), version)


def names_for(settings: Settings, registry: Path | None) -> Sequence[RegistryEntry] | RegistryNames:
    """What the reading looks firms up in: `registry` (CSV, or a file of `fengsui enterprises compile`), else the
    data folder's store."""
    if registry is not None and is_compiled(registry):
        return CompiledNames(registry)
    return registry_for(settings, registry)


def registry_for(settings: Settings, registry: Path | None) -> tuple[RegistryEntry, ...]:
    """The firms of `registry`, or of the data folder's store."""
    if registry is not None:
        return load_registry_csv(registry)
    store = open_store(settings)
    try:
        return registry_of(store)[0]
    finally:
        store.close()
