"""The embedded backend: a tantivy index in the data folder.

Any process may write; writes take turns (search/embedded_writer.py). Searches see every commit of any process at once.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Order, Query

from core.errors import SearchUnavailable
from search.backend import DEEPEST_OFFSET, Health, Refused, SearchRequest, SearchResult, Sort
from search.compile import Compiler
from search.embedded_query import TantivyForms
from search.embedded_schema import build_schema
from search.embedded_writer import Writer, WriterKeeper, hopeless, tantivy_errors
from search.generations import Generations
from search.groups import GroupCount, GroupsAsked, counted_from_hits, nested_of, unnested
from search.histogram import fill
from search.packing import Packer
from search.page import SPAN, counted, counted_bars, edges_of, facets_of, hits_of, nothing_found, pairs_of
from search.records import IndexEntry, Row, row_of
from search.text import Segmenter
from search.where import AllOf, Between, Where, ranked

PORTION, PORTION_CHARACTERS = 5_000, 10_000_000
"""Signals, and characters of text, that a rebuild commits at once: small commits are merged again and again."""

MOST_TIED = 4 * DEEPEST_OFFSET
"""Hits looked at for those that tie with the last one of a page in order of relevance."""
MOST_GROUPS = 1_000_000
"""Values of a field that are counted; the engine itself stops at 65,000 buckets in all."""
ORDERS = {Sort.NEWEST: "time_order", Sort.OLDEST: "time_order", Sort.LEVEL: "level_order"}


@dataclass(frozen=True)
class _Open:
    """One commit of one generation, open for reading."""

    generation: Path
    stamp: tuple[int, int]
    index: tantivy.Index
    searcher: tantivy.Searcher
    packer: Packer

    def row(self, address: Any) -> Row:
        """What people see of a signal."""
        return self.packer.unpack(self.searcher.doc(address)["shown"][0])

    @cached_property
    def edges(self) -> tuple[float | None, float | None]:
        """First and last event time of all signals."""
        return edges_of(self.searcher.aggregate(Query.all_query(), SPAN))


@dataclass(frozen=True)
class _Page:
    """(score, address) of a page's hits, and where the next page starts."""

    hits: list[tuple[float, Any]]
    following: int | None = None


class EmbeddedBackend:
    """SearchBackend on tantivy, in the folder `root`. Safe to use from several threads."""

    def __init__(self, root: Path, words: Segmenter) -> None:
        self._generations = Generations(root)
        self._schema = build_schema()
        self._words = words
        self._compiler = Compiler(TantivyForms(self._schema), words)
        self._keeper = WriterKeeper(self._generations, self._schema)
        self._open: _Open | None = None

    # writing

    def index(self, entries: Sequence[IndexEntry]) -> tuple[Refused, ...]:
        """As SearchBackend.index."""
        rows, refused = _sorted_out(entries)
        if rows:
            with self._keeper.writing():
                self._keeper.writer(self._ready()).write(rows)
                self._generations.journal({"rows": rows})
        return refused

    def delete(self, ids: Iterable[str]) -> None:
        """As SearchBackend.delete."""
        gone = list(ids)
        if gone:
            with self._keeper.writing():
                self._keeper.writer(self._ready()).remove(gone)
                self._generations.journal({"ids": gone})

    def _ready(self) -> Path:
        """The generation to write to; made when there is none. Call it while writing."""
        current = self._generations.current()
        if current is None:
            current = self._create()
            self._generations.switch(current)
        self._generations.check_format(current)
        return current

    def _create(self) -> Path:
        fresh = self._generations.next()
        with tantivy_errors():
            tantivy.Index(self._schema, str(fresh))
        return fresh

    @contextmanager
    def rebuild(self) -> Iterator["_Builder"]:
        """As SearchBackend.rebuild."""
        with self._generations.rebuilding():
            with self._keeper.writing():
                fresh = self._create()
            builder = _Builder(Writer(fresh, self._schema))
            whole = False
            try:
                yield builder
                builder.flush()
                whole = True
            finally:
                builder.writer.close(merged=whole)
            with self._keeper.writing():
                writer = self._keeper.writer(fresh)
                for change in self._generations.journalled():
                    writer.write(change.get("rows", []))
                    writer.remove(change.get("ids", []))
                self._generations.switch(fresh)

    # reading

    def search(self, request: SearchRequest) -> SearchResult:
        """As SearchBackend.search."""
        started = time.perf_counter()
        opened = self._reader()
        if opened is None:
            return nothing_found(request)
        asked = request.everything_asked()
        query = self._compiler.compile(asked)
        with tantivy_errors():
            page = self._page(opened.searcher, query, asked, request)
            counts, bars = counted(request, lambda: opened.edges, partial(opened.searcher.aggregate, query))
            rows = [(score, opened.row(address)) for score, address in page.hits]
        hits = hits_of(rows, request.where, self._words)
        histogram = fill(bars, counted_bars(counts)) if bars else None
        facets, pairs = facets_of(counts, request), pairs_of(counts, request)
        took = (time.perf_counter() - started) * 1000
        return SearchResult(int(counts["_span"]["count"]), hits, facets, histogram, took, page.following, pairs)

    def _page(self, searcher: tantivy.Searcher, query: Query, asked: Where, request: SearchRequest) -> _Page:
        """The hits of a page."""
        if not request.size:
            return _Page([])
        if request.sort is Sort.RELEVANCE and ranked(asked):
            return _Page(_best(searcher, query, request.offset + request.size)[request.offset :])
        by = ORDERS.get(request.sort, "time_order")
        ascending = request.sort is Sort.OLDEST
        if request.after is not None:
            rest = Between(by, low=request.after, with_low=False) if ascending else Between(by, high=request.after)
            query = self._compiler.compile(AllOf((asked, rest)))
        order = Order.Asc if ascending else Order.Desc
        found = searcher.search(
            query, request.size, count=False, order_by_field=by, offset=request.offset, order=order
        ).hits
        full = len(found) == request.size and request.sort is not Sort.RELEVANCE
        return _Page([(0.0, address) for _, address in found], found[-1][0] if full else None)

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
            with tantivy_errors():
                if opened is not None and opened.generation == current:
                    index, packer = opened.index, opened.packer
                else:
                    index, packer = tantivy.Index.open(str(current)), Packer(current)
                    index.config_reader("manual")  # its own watch would open every commit a second time
                index.reload()
                self._open = _Open(current, stamp, index, index.searcher(), packer)
            return self._open
        raise SearchUnavailable("检索索引的文件不完整，请运行 fengsui reindex 重建")

    def groups(self, asked: GroupsAsked) -> list[GroupCount]:
        """As CountingBackend.groups. More groups than the engine likes to count at once are counted from the hits."""
        opened = self._reader()
        if opened is None:
            return []
        query = self._compiler.compile(asked.asked())
        try:
            answer = opened.searcher.aggregate(query, {"groups": nested_of(asked, MOST_GROUPS)})
        except ValueError as problem:
            if "bucket" not in str(problem):
                raise SearchUnavailable(f"检索索引答不了分组计数：{problem}") from problem
            return list(counted_from_hits(self, asked))
        return list(unnested(asked, answer["groups"]))

    def count(self) -> int:
        """As SearchBackend.count."""
        opened = self._reader()
        return int(opened.searcher.num_docs) if opened else 0

    def refresh(self) -> None:
        """Every search looks for new commits: nothing to do."""

    def tidy(self) -> int:
        """Merged as it is written: nothing to do."""
        return 0

    def health(self) -> Health:
        """As SearchBackend.health."""
        try:
            documents = self.search(SearchRequest(size=1, histogram=False)).total  # a hit is unpacked, too
        except SearchUnavailable as error:
            remedy = "fengsui reindex" if "reindex" in str(error) else ""
            return Health(False, "embedded", 0, str(error), remedy)
        current = self._generations.current()
        generation = current.name if current else ""
        return Health(True, "embedded", documents, f"内置索引，{documents} 条", generation=generation)

    def close(self) -> None:
        """As SearchBackend.close."""
        self._keeper.close()
        self._open = None


class _Builder:
    """Writes into a generation that nobody reads yet, in large portions."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self._rows: list[Row] = []
        self._characters = 0

    def index(self, entries: Sequence[IndexEntry]) -> tuple[Refused, ...]:
        """As SearchBackend.index, unseen until the switch and durable only then."""
        rows, refused = _sorted_out(entries)
        for row in rows:
            self._rows.append(row)
            self._characters += len(row.get("body", ""))
            if len(self._rows) >= PORTION or self._characters >= PORTION_CHARACTERS:
                self.flush()
        return refused

    def flush(self) -> None:
        """Commit what has come together."""
        self.writer.write(self._rows)
        self._rows, self._characters = [], 0


def _sorted_out(entries: Sequence[IndexEntry]) -> tuple[list[Row], tuple[Refused, ...]]:
    """Rows to write, and those that can never be taken."""
    judged = [(row, hopeless(row)) for row in map(row_of, entries)]
    return [row for row, no in judged if no is None], tuple(no for _, no in judged if no)


def _best(searcher: tantivy.Searcher, query: Query, size: int) -> list[tuple[float, Any]]:
    """The `size` best (score, address), ties newest first. tantivy breaks ties its own way, so all hits that tie with
    the last one are fetched before they are cut."""
    limit = 2 * size + 200  # more hits cost next to nothing, another look costs the whole search again: few looks
    while True:
        hits = searcher.search(query, limit, count=False).hits
        if len(hits) < limit or hits[-1][0] < hits[size - 1][0] or limit >= MOST_TIED:
            break
        limit = min(10 * limit, MOST_TIED)
    orders = searcher.fast_field_values("time_order", [address for _, address in hits])
    best = sorted(zip(hits, orders, strict=True), key=lambda pair: (-pair[0][0], -(pair[1] or 0)))
    return [hit for hit, _ in best[:size]]
