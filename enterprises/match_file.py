"""The matcher of a data folder: its compiled file, opened when it is asked for and again when the registry changed."""

import os
import threading
from pathlib import Path

from core.errors import ConfigError
from enterprises.match import Matcher
from enterprises.match_index import MatchIndex, build_index, open_index, write_index
from enterprises.registry_import import VERSION
from store.database import Store, get_fact
from store.registry import count_entries, each_entry, load_entries

FILE = "registry.match"
SMALL = 5000
"""Firms up to which the index is built in memory, in half a second, and no file is written."""


def compile_matches(store: Store, folder: Path) -> MatchIndex | None:
    """Write the file of a large registry; of a small one, remove what may lie there. Returns what was written."""
    path = folder / FILE
    with store.read() as db:
        if count_entries(db) <= SMALL:
            path.unlink(missing_ok=True)
            return None
        index = build_index(each_entry(db), version=get_fact(db, VERSION) or "")
    write_index(index, path)
    return index


class MatcherShelf:
    """Holds the matcher of one store; used by many threads at once."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store, self._path = store, folder / FILE
        self._lock = threading.Lock()
        self._held: tuple[str, Matcher] | None = None

    def matcher(self) -> Matcher:
        """The matcher of the registry as it is now. Making one anew is work of moments, unless a file is missing.

        While an import runs, that of the file goes on: it is compiled when the import is done.
        """
        version = self._version()
        held = self._held
        if held is not None and held[0] == version:
            return held[1]
        with self._lock:
            if self._held is None or self._held[0] != version:
                self._held = (version, self._made())
            return self._held[1]

    def _version(self) -> str:
        """Of the registry, and of the file: it is written after the import that changed the registry."""
        with self._store.read() as db:
            told = get_fact(db, VERSION) or ""
        try:
            return f"{told} {os.stat(self._path).st_mtime_ns}"
        except FileNotFoundError:
            return told

    def _made(self) -> Matcher:
        with self._store.read() as db:
            if count_entries(db) <= SMALL:
                return Matcher(load_entries(db))
        return Matcher.over(self._opened() or compile_matches(self._store, self._path.parent) or build_index(()))

    def _opened(self) -> MatchIndex | None:
        """The file, whatever its version: an import that is done writes it anew."""
        try:
            return open_index(self._path) if os.path.exists(self._path) else None
        except ConfigError:
            return None  # cut or of an older program: it is made again


def matcher_of(store: Store, folder: Path) -> Matcher:
    """The matcher of a data folder, for one command."""
    return MatcherShelf(store, folder).matcher()
