"""What is measured: our two backends behind the interface that their rivals have too."""

import os
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from search.backend import SearchBackend, SearchRequest
from search.elasticsearch import ElasticsearchBackend
from search.embedded import EmbeddedBackend
from search.records import IndexEntry
from search.text import Segmenter


class Engine(Protocol):
    """Takes signals in and answers pages."""

    def load(self, entries: Sequence[IndexEntry]) -> None:
        """Write a batch; it is durable when this returns."""

    def settle(self) -> None:
        """Make all that was written visible."""

    def page(self, request: SearchRequest) -> int:
        """Make one page, with hits, marks, facets and bars; how many hits there are in all."""

    def size(self) -> int:
        """Bytes on disk."""

    def close(self) -> None:
        """Give everything back."""


class Ours:
    """A SearchBackend as an engine. measure: its bytes on disk."""

    def __init__(self, backend: SearchBackend, measure: Callable[[], int]) -> None:
        self.backend = backend
        self.size = measure

    def load(self, entries: Sequence[IndexEntry]) -> None:
        refused = self.backend.index(entries)
        assert not refused, refused[:3]

    def settle(self) -> None:
        self.backend.refresh()

    def page(self, request: SearchRequest) -> int:
        return self.backend.search(request).total

    def close(self) -> None:
        self.backend.close()


def embedded(folder: Path, words: Segmenter) -> Ours:
    """The embedded index in `folder`."""
    return Ours(EmbeddedBackend(folder, words), lambda: folder_bytes(folder))


def elastic(url: str, words: Segmenter, name: str = "bench") -> Ours:
    """Our Elasticsearch backend on the server at `url`."""
    return Ours(ElasticsearchBackend(url, name, words), lambda: elastic_bytes(url, f"{name}-*"))


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below `folder`; those that go away meanwhile do not count."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total


def elastic_bytes(url: str, pattern: str) -> int:
    """Bytes of the primary shards as the server counts them, translog left out."""
    with urllib.request.urlopen(f"{url}/_cat/indices/{pattern}?h=pri.store.size&bytes=b", timeout=30) as answer:
        return sum(map(int, answer.read().split()))


def forget_pages(folder: Path) -> None:
    """Ask the system to drop the files of `folder` from its page cache: the next start reads from the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)
