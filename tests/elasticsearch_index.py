"""What the tests ask an index on a real node besides searching, and writers that never rest."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from elasticsearch import Elasticsearch

from search.backend import SearchRequest
from search.elasticsearch import ElasticsearchBackend
from search.records import IndexEntry
from tests.search_documents import entry, words


def titles(backend: ElasticsearchBackend) -> dict[str, str]:
    """Id to title of all that a search finds, after a refresh; fails where the same id is found twice."""
    backend.refresh()
    found: dict[str, str] = {}
    after = None
    while True:
        page = backend.search(SearchRequest(size=1000, after=after, facets={}, histogram=False))
        for hit in page.hits:
            assert hit.id not in found, f"{hit.id} is there twice"
            found[hit.id] = hit.title.text
        if page.next is None:
            assert page.total == len(found) == backend.count()
            return found
        after = page.next


def months(client: Elasticsearch, name: str) -> dict[str, int]:
    """Month to documents, of the index that searches read."""
    counted = client.indices.stats(index=name, metric="docs").body["indices"]
    return {index.rpartition("-")[2]: one["primaries"]["docs"]["count"] for index, one in counted.items()}


class Desk:
    """A store in small and processes that write it: into the store first, then into the index, as the pipeline does."""

    def __init__(self, url: str, name: str) -> None:
        self.newest: dict[str, IndexEntry] = {}
        self.writes = 0
        self._url, self._name = url, name
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._failed: list[BaseException] = []

    def write(self, chance: random.Random, backend: ElasticsearchBackend) -> None:
        """New revisions of three signals, mostly in other months, and an old revision of one that comes late."""
        with self._lock:
            batch = [self._revised(f"s{chance.randrange(60)}") for _ in range(3)]
        known, version = batch[0].id, batch[0].version
        late = [self._revision(known, version - 1)] if version > 1 else []
        assert backend.index(batch) == ()
        assert backend.index(late) == ()
        self.writes += 1

    def _revised(self, known: str) -> IndexEntry:
        held = self.newest.get(known)
        self.newest[known] = self._revision(known, held.version + 1 if held else 1)
        return self.newest[known]

    def _revision(self, known: str, version: int) -> IndexEntry:
        return entry(known, f"{known} {version}", version=version, day=-(version * 31 % 67))

    def stored(self) -> list[IndexEntry]:
        with self._lock:
            return list(self.newest.values())

    def _run(self, seed: int) -> None:
        backend = ElasticsearchBackend(self._url, self._name, words)
        try:
            chance = random.Random(seed)
            while not self._over.is_set():
                self.write(chance, backend)
        except BaseException as error:  # noqa: BLE001 - told in the test's own thread
            self._failed.append(error)
        finally:
            backend.close()

    @contextmanager
    def open(self, writers: int) -> Iterator[None]:
        threads = [threading.Thread(target=self._run, args=(seed,)) for seed in range(writers)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()
        assert not self._failed, self._failed

    def wait(self, writes: int) -> None:
        """Until so many more writes are done."""
        wanted = self.writes + writes
        until(lambda: self.writes >= wanted or bool(self._failed))


def until(reached: Callable[[], bool]) -> None:
    """Wait for another thread, at most a minute."""
    turn = threading.Event()
    for _ in range(1200):
        if reached():
            return
        turn.wait(0.05)
    raise AssertionError("the other thread got nowhere")
