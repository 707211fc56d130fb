"""The Elasticsearch backend: the official 8.19 client, which talks to servers 8 and 9.

Monthly indices behind one alias (search/elastic_names.py); which write wins (search/elastic_places.py); rebuilds
(search/elastic_generations.py).

Durable: when a write returns, it is on the disk of the shard and of every copy that is in step (the server's translog).
Visible: within a second (`refresh_interval`), or after `refresh()`; writes never wait for it. What a write replaces in
another month is taken out right after, so that a search in that second may see both or the old one.
Uses no scripts, no update or delete by query, no plugin, no lifecycle management.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, cast

import elasticsearch

from core.clock import Clock, system_clock
from core.errors import SearchUnavailable
from search.backend import Health, Refused, SearchRequest, SearchResult, Sort
from search.compile import Compiler
from search.elastic_client import Access, Cluster, Json, Silence, telling
from search.elastic_control import beating
from search.elastic_generations import Generations
from search.elastic_health import cluster_health, unreachable
from search.elastic_names import IndexNames
from search.elastic_query import TOGETHER, ElasticForms, together
from search.elastic_schema import REPLICAS
from search.elastic_tidy import merge_past_months
from search.elastic_writer import Writer, newest_of
from search.fields import format_mark
from search.groups import GroupCount, GroupsAsked, paged
from search.histogram import fill
from search.page import OLD_FORMAT, SPAN, counted, counted_bars, edges_of, facets_of, hits_of, nothing_found, pairs_of
from search.records import IndexEntry, row_of
from search.text import Segmenter
from search.where import AnyOf, Where, WildText, ranked, wanted_text

GUESS_KEPT = 60.0
"""Seconds."""


class ElasticsearchBackend:
    """SearchBackend on an Elasticsearch cluster. Safe to use from several threads and processes.

    name: what all indices and aliases begin with (one a profile).  replicas: copies of each shard: a number, or a
    range like 0-1 that follows the number of nodes.  shards: of each month. Both hold for what is made from now on.
    """

    def __init__(
        self,
        access: Access | str,
        name: str,
        words: Segmenter,
        *,
        replicas: str = REPLICAS,
        shards: int = 1,
        pause: Callable[[float], None] = time.sleep,
        clock: Clock = system_clock,
    ) -> None:
        self._cluster = Cluster(Access(access) if isinstance(access, str) else access, pause=pause)
        self._client = self._cluster.client
        self._silence = Silence(self._cluster.access)
        self._names = IndexNames(name)
        self._generations = Generations(self._cluster, self._names, replicas, clock, shards=shards)
        self._writer = Writer(self._cluster, self._names, self._generations)
        self._words = words
        self._compiler = Compiler(ElasticForms(), words)
        self._clock = clock
        self._checked = False
        self._span: tuple[float, tuple[float | None, float | None]] | None = None

    # writing

    def index(self, entries: Sequence[IndexEntry]) -> tuple[Refused, ...]:
        """As SearchBackend.index."""
        with self._errors():
            return self._writer.write([row_of(entry) for entry in entries])

    def delete(self, ids: Iterable[str]) -> None:
        """As SearchBackend.delete."""
        with self._errors():
            self._writer.delete(ids)

    @contextmanager
    def rebuild(self) -> Iterator["_Builder"]:
        """As SearchBackend.rebuild. Raises SearchUnavailable while another rebuild lives, naming who and since when."""
        with self._errors():
            number, token = self._generations.begin()
        with beating(self._generations.control, token, self._clock):
            try:
                yield _Builder(self, number)
                with self._errors():
                    self._generations.finish(number, token)
            except BaseException:
                # The lock of a cluster that is away runs out, and the next rebuild clears up.
                with suppress(SearchUnavailable), self._errors():
                    self._generations.abandon(number, token)
                raise
        self._checked = False

    # reading

    def search(self, request: SearchRequest) -> SearchResult:
        """As SearchBackend.search."""
        with self._errors(), self._silence.listening():
            if not self._readable():
                return nothing_found(request)
            asked = request.everything_asked()
            query = self._compiler.compile(asked)
            by_score = request.sort is Sort.RELEVANCE and ranked(asked)
            page: Json = {
                "query": self._weighed(query, asked) if by_score else query,
                "size": request.size,
                "from_": request.offset,
                "search_after": None if request.after is None else [request.after],
                "track_total_hits": True,
                "sort": _order(asked, request.sort),
                # Each month alone would weigh words by its own counts, and rank the same text differently.
                "search_type": "dfs_query_then_fetch" if by_score else None,
            }
            answers: list[Json] = []

            def ask(aggregations: Json) -> Json:
                more = {"query": query, "size": 0} if answers else page
                answers.append(self._ask(aggregations=together(aggregations), **more))
                return cast(Json, answers[-1]["aggregations"][TOGETHER])

            groups, bars = counted(request, self._edges, ask)
            answer = answers[0]
        rows, total = answer["hits"]["hits"], answer["hits"]["total"]["value"]
        took = sum(each["took"] for each in answers)
        hits = hits_of([(row.get("_score") or 0.0, row["_source"]) for row in rows], request.where, self._words)
        histogram = fill(bars, counted_bars(groups)) if bars else None
        full = rows and len(rows) == request.size and request.sort is not Sort.RELEVANCE
        following = rows[-1]["sort"][0] if full else None
        facets, pairs = facets_of(groups, request), pairs_of(groups, request)
        return SearchResult(total, hits, facets, histogram, float(took), following, pairs)

    def _weighed(self, query: Json, asked: Where) -> Json:
        """`query`, and beside it its words, asked of every month in a way that finds nothing.

        A month outside the asked time is left out of a query, and would not tell how frequent the words are in it: the
        same texts would be ranked otherwise for each choice of time.
        """
        scored = tuple(leaf for leaf in wanted_text(asked) if not isinstance(leaf, WildText))
        nowhere: Json = {"term": {"id": ""}}
        words: Json = {"bool": {"must": [self._compiler.compile(AnyOf(scored))], "filter": [nowhere]}}
        return {"bool": {"should": [query, words], "minimum_should_match": 1}}

    def groups(self, asked: GroupsAsked) -> list[GroupCount]:
        """As CountingBackend.groups: composite aggregations, page by page, without a limit on terms."""
        with self._errors(), self._silence.listening():
            if not self._readable():
                return []
            query = self._compiler.compile(asked.asked())

            def ask(aggregation: Json) -> Json:
                answer = self._ask(query=query, size=0, track_total_hits=False, aggregations={"groups": aggregation})
                return cast(Json, answer["aggregations"]["groups"])

            return list(paged(asked, ask))

    def _edges(self) -> tuple[float | None, float | None]:
        """First and last event time of all signals, at most a minute old: bars are guessed by it."""
        now = time.monotonic()
        if self._span is None or now - self._span[0] > GUESS_KEPT:
            self._span = now, edges_of(self._ask(size=0, aggregations=SPAN)["aggregations"])
        return self._span[1]

    def _ask(self, **request: Any) -> Json:
        """One search over all months; those that cannot hold a hit, by the times in them, are passed over.

        An answer that lacks a shard is none: its totals would be wrong in silence.
        """
        whole: Json = {"index": self._names.name, "allow_partial_search_results": False, "pre_filter_shard_size": 1}
        answer: Json = self._cluster.ask(lambda: self._client.search(**whole, **request)).body
        return answer

    def _readable(self) -> bool:
        """Whether there is an index. Raises SearchUnavailable when it is of another format."""
        if not self._checked:
            marks = self._generations.formats(self._names.name)
            if not all(self._names.number_of(index) and mark == format_mark() for index, mark in marks.items()):
                raise SearchUnavailable(OLD_FORMAT)
            self._checked = bool(marks)
        return self._checked

    def count(self) -> int:
        """As SearchBackend.count."""
        with self._errors():
            if not self._readable():
                return 0
            return int(self._ask(size=0, track_total_hits=True)["hits"]["total"]["value"])

    def refresh(self) -> None:
        """As SearchBackend.refresh."""
        with self._errors():
            if self._readable():
                self._cluster.ask(lambda: self._client.indices.refresh(index=self._names.name))

    def tidy(self) -> int:
        """As SearchBackend.tidy: months that are over."""
        with self._errors():
            return merge_past_months(self._cluster, self._names, self._generations, self._clock())

    def health(self) -> Health:
        """As SearchBackend.health."""
        try:
            with self._errors():
                state = self._generations.control.read()
                self._readable()
                return cluster_health(self._cluster, self._names, state, self._counted(), now=self._clock())
        except SearchUnavailable as error:
            return unreachable(error)

    def _counted(self) -> int | None:
        """Signals in the index; None while a shard is away."""
        try:
            return self.count()
        except SearchUnavailable:
            return None

    def close(self) -> None:
        """As SearchBackend.close."""
        self._client.close()

    def _errors(self) -> AbstractContextManager[None]:
        return telling(self._cluster.access)


class _Builder:
    """Writes into a generation that nobody reads yet."""

    def __init__(self, backend: ElasticsearchBackend, number: int) -> None:
        self._backend = backend
        self._number = number

    def index(self, entries: Sequence[IndexEntry]) -> tuple[Refused, ...]:
        """As SearchBackend.index, unseen until the switch."""
        rows = newest_of(row_of(entry) for entry in entries)
        with self._backend._errors():
            try:
                return tuple(self._backend._writer.write_into(self._number, rows, rebuilt=True))
            except elasticsearch.NotFoundError as error:
                raise SearchUnavailable("本次重建停顿过久，已被另一次重建接手；现用索引不受影响") from error


def _order(asked: Where, sort: Sort) -> list[Json]:
    if sort is Sort.RELEVANCE and ranked(asked):
        return [{"_score": {"order": "desc"}}, {"time_order": {"order": "desc"}}]
    field = "level_order" if sort is Sort.LEVEL else "time_order"
    return [{field: {"order": "asc" if sort is Sort.OLDEST else "desc"}}]
