"""The embedded backend: a tantivy index in the data folder.

Any process may write; writes take turns (search/generations.py). A write opens a tantivy writer, commits and closes it
(measured: 1 ms to open, 9 ms to commit), so that a killed process leaves no lock and the last commit stays readable.
Searches see every commit of any process at once.
"""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Order, Query

from core.errors import SearchUnavailable
from search.backend import DEEPEST_OFFSET, Health, Refused, SearchRequest, SearchResult, Sort
from search.compile import Compiler
from search.embedded_query import TantivyForms
from search.embedded_schema import build_schema, document_of, register
from search.generations import Generations
from search.histogram import Bars, fill
from search.page import bars_for, counted_bars, facets_asked, facets_of, hits_of, nothing_found, pairs_of
from search.records import IndexEntry, Row, row_of
from search.text import Segmenter
from search.where import AllOf, Between, Where, ranked

HEAP = 64_000_000
"""Bytes a writer may hold before it writes a segment: 5,000 signals of 2,000 characters fit."""

ORDERS = {Sort.NEWEST: "time_order", Sort.OLDEST: "time_order", Sort.LEVEL: "level_order"}


@dataclass(frozen=True)
class _Open:
    """One commit of one generation, open for reading."""

    generation: Path
    stamp: tuple[int, int]
    index: tantivy.Index
    searcher: tantivy.Searcher


class EmbeddedBackend:
    """SearchBackend on tantivy, in the folder `root`. Safe to use from several threads."""

    def __init__(self, root: Path, words: Segmenter) -> None:
        self._generations = Generations(root)
        self._schema = build_schema()
        self._words = words
        self._compiler = Compiler(TantivyForms(self._schema), words)
        self._open: _Open | None = None

    # writing

    def index(self, entries: Sequence[IndexEntry]) -> tuple[Refused, ...]:
        """As SearchBackend.index."""
        rows = [row_of(entry) for entry in entries]
        with self._generations.writing():
            self._write(self._ready(), rows)
            self._generations.journal({"rows": rows})
        return ()

    def delete(self, ids: Iterable[str]) -> None:
        """As SearchBackend.delete."""
        gone = list(ids)
        with self._generations.writing():
            self._remove(self._ready(), gone)
            self._generations.journal({"ids": gone})

    def _ready(self) -> Path:
        """The generation to write to; made when there is none. Call it while writing."""
        current = self._generations.current()
        if current is None:
            current = self._generations.next()
            _create(self._schema, current)
            self._generations.switch(current)
        self._generations.check_format(current)
        return current

    def _write(self, generation: Path, rows: Sequence[Row]) -> None:
        if not rows:
            return
        newest: dict[str, Row] = {}
        for row in rows:
            held = newest.get(row["id"])
            if held is None or row["version"] >= held["version"]:
                newest[row["id"]] = row
        with _tantivy_errors(), _writer(generation) as (index, writer):
            versions = self._versions(index, list(newest))
            for known, row in newest.items():
                if versions.get(known, row["version"]) <= row["version"]:
                    writer.delete_documents_by_term("id", known)
                    writer.add_document(document_of(row))

    def _remove(self, generation: Path, ids: Sequence[str]) -> None:
        if not ids:
            return
        with _tantivy_errors(), _writer(generation) as (_, writer):
            for known in ids:
                writer.delete_documents_by_term("id", known)

    def _versions(self, index: tantivy.Index, ids: list[str]) -> dict[str, int]:
        """The versions the index holds of `ids`."""
        searcher = index.searcher()
        query = Query.const_score_query(Query.term_set_query(self._schema, "id", ids), 0.0)
        found = [address for _, address in searcher.search(query, max(1, len(ids)), count=False).hits]
        versions = searcher.fast_field_values("version", found)
        return {
            searcher.doc(address)["id"][0]: int(version or 0) for address, version in zip(found, versions, strict=True)
        }

    @contextmanager
    def rebuild(self) -> Iterator["_Builder"]:
        """As SearchBackend.rebuild."""
        with self._generations.rebuilding():
            with self._generations.writing():
                fresh = self._generations.next()
                _create(self._schema, fresh)
            yield _Builder(self, fresh)
            with self._generations.writing():
                for change in self._generations.journalled():
                    self._write(fresh, change.get("rows", []))
                    self._remove(fresh, change.get("ids", []))
                self._generations.switch(fresh)

    # reading

    def search(self, request: SearchRequest) -> SearchResult:
        """As SearchBackend.search."""
        started = time.perf_counter()
        opened = self._reader()
        if opened is None:
            return nothing_found(request)
        searcher = opened.searcher
        asked = request.everything_asked()
        query = self._compiler.compile(asked)
        with _tantivy_errors():
            addresses, total, following = self._page(searcher, query, asked, request)
            answer, bars = self._counted(searcher, query, request)
            blobs = [(score, json.loads(bytes(searcher.doc(address)["shown"][0]))) for score, address in addresses]
        hits = hits_of(blobs, request.where, self._words)
        took = (time.perf_counter() - started) * 1000
        histogram = fill(bars, counted_bars(answer)) if bars else None
        facets, pairs = facets_of(answer, request), pairs_of(answer, request)
        return SearchResult(total, hits, facets, histogram, took, following, pairs)

    def _page(
        self, searcher: tantivy.Searcher, query: Query, asked: Where, request: SearchRequest
    ) -> tuple[list[tuple[float, Any]], int, int | None]:
        """(score, address) of the page's hits, total, and where the next page starts."""
        if request.sort is Sort.RELEVANCE and ranked(asked):
            best, total = _best(searcher, query, request.offset + request.size)
            return best[request.offset :], total, None
        by = ORDERS.get(request.sort, "time_order")
        ascending = request.sort is Sort.OLDEST
        total = searcher.search(query, 1).count  # type: ignore[attr-defined]  # the stub lacks it
        if not request.size:
            return [], total, None
        if request.after is not None:
            rest = Between(by, low=request.after, with_low=False) if ascending else Between(by, high=request.after)
            query = self._compiler.compile(AllOf((asked, rest)))
        found = searcher.search(
            query,
            max(1, request.size),
            count=False,
            order_by_field=by,
            offset=request.offset,
            order=Order.Asc if ascending else Order.Desc,
        )
        page = list(found.hits)[: request.size]
        following = page[-1][0] if page and len(page) == request.size and request.sort is not Sort.RELEVANCE else None
        return [(0.0, address) for _, address in page], total, following

    def _counted(self, searcher: tantivy.Searcher, query: Query, request: SearchRequest) -> tuple[Any, Bars | None]:
        """What the engine counted, and for which bars."""

        def edges() -> tuple[float | None, float | None]:
            asked = {edge: {edge: {"field": "event_time"}} for edge in ("min", "max")}
            found = searcher.aggregate(query, asked)
            return found["min"]["value"], found["max"]["value"]

        bars = bars_for(request, edges)
        asked = facets_asked(request, bars)
        return (searcher.aggregate(query, asked) if asked else {}), bars

    def _reader(self) -> _Open | None:
        """The newest commit of the generation in use; None when nothing was ever written."""
        for _ in range(3):  # a rebuild may take the folder away between two steps
            current = self._generations.current()
            if current is None:
                return None
            try:
                meta = (current / "meta.json").stat()
                stamp = (meta.st_mtime_ns, meta.st_ino)
            except FileNotFoundError:
                continue
            opened = self._open
            if opened is not None and opened.generation == current and opened.stamp == stamp:
                return opened
            self._generations.check_format(current)
            with _tantivy_errors():
                index = opened.index if opened and opened.generation == current else tantivy.Index.open(str(current))
                index.reload()
                self._open = _Open(current, stamp, index, index.searcher())
            return self._open
        raise SearchUnavailable("检索索引的文件不完整，请运行 fengsui reindex 重建")

    def count(self) -> int:
        """As SearchBackend.count."""
        opened = self._reader()
        return int(opened.searcher.num_docs) if opened else 0

    def refresh(self) -> None:
        """Every search looks for new commits: nothing to do."""

    def health(self) -> Health:
        """As SearchBackend.health."""
        try:
            documents = self.count()
        except SearchUnavailable as error:
            remedy = "fengsui reindex" if "reindex" in str(error) else ""
            return Health(False, "embedded", 0, str(error), remedy)
        current = self._generations.current()
        generation = current.name if current else ""
        return Health(True, "embedded", documents, f"内置索引，{documents} 条", generation=generation)

    def close(self) -> None:
        """As SearchBackend.close."""
        self._open = None


class _Builder:
    """Writes into a generation that nobody reads yet."""

    def __init__(self, backend: EmbeddedBackend, generation: Path) -> None:
        self._backend = backend
        self._generation = generation

    def index(self, entries: Sequence[IndexEntry]) -> tuple[Refused, ...]:
        """As SearchBackend.index, unseen until the switch."""
        self._backend._write(self._generation, [row_of(entry) for entry in entries])
        return ()


def _create(schema: tantivy.Schema, generation: Path) -> None:
    with _tantivy_errors():
        tantivy.Index(schema, str(generation))


@contextmanager
def _writer(generation: Path) -> Iterator[tuple[tantivy.Index, tantivy.IndexWriter]]:
    """A writer whose changes are committed together when the block ends, or not at all."""
    index = register(tantivy.Index.open(str(generation)))
    writer = index.writer(HEAP, 1)
    try:
        yield index, writer
        writer.commit()
    finally:
        # Merges of small segments run to their end here: no thread outlives the lock.
        writer.wait_merging_threads()


@contextmanager
def _tantivy_errors() -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError) as error:  # what tantivy raises for a full disk, a missing file, a broken index
        raise SearchUnavailable(f"检索索引出错：{error}；磁盘有空间时请运行 fengsui reindex 重建") from error


def _best(searcher: tantivy.Searcher, query: Query, size: int) -> tuple[list[tuple[float, Any]], int]:
    """The `size` best (score, address), ties newest first, and the total. tantivy breaks ties its own way, so all hits
    that tie with the last one are fetched before they are cut."""
    limit = size + 1
    while True:
        found = searcher.search(query, limit)
        hits = list(found.hits)
        if len(hits) < limit or hits[-1][0] < hits[max(size, 1) - 1][0] or limit > 4 * DEEPEST_OFFSET:
            break
        limit *= 2
    orders = searcher.fast_field_values("time_order", [address for _, address in hits])
    ranked_hits = sorted(zip(hits, orders, strict=True), key=lambda pair: (-pair[0][0], -(pair[1] or 0)))
    return [hit for hit, _ in ranked_hits[:size]], found.count  # type: ignore[attr-defined]  # the stub lacks it
