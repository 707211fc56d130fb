"""The Elasticsearch backend: the official 8.19 client, which talks to servers 8 and 9.

    <name>                    alias that searches read
    <name>-000002             the generation in use, made from the template <name>
    <name>-000002-write       alias of one generation; every write goes to each generation that has one, so that an
                              index being built gets what arrives meanwhile. Writes demand the alias: a generation
                              that is gone cannot come back as an index nobody planned.

Durable: a bulk is on disk when it is answered (the server's translog). Visible: after a second, or `refresh()`.
Versions are external: an older write never wins, an equal one repeats (a new analysis of the same revision).
Uses no scripts, no delete_by_query, no plugin.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import elasticsearch

from core.errors import SearchUnavailable
from search.backend import Health, Refused, SearchRequest, SearchResult, Sort
from search.compile import Compiler
from search.elastic_client import Access, connect, telling
from search.elastic_query import ElasticForms, Json
from search.elastic_schema import template
from search.fields import format_mark
from search.histogram import fill
from search.page import OLD_FORMAT, bars_for, counted_bars, facets_asked, facets_of, hits_of, pairs_of
from search.records import IndexEntry, Row, row_of
from search.text import Segmenter
from search.where import Where, ranked

CHUNK = 500
"""Entries a bulk request; at 10 kB each it stays well below the server's 100 MB limit."""
ATTEMPTS = 6
FIRST_WAIT = 0.5
"""Seconds before a bulk that the server was too busy for (429) is tried again; doubled each time: 16 s in all."""
BUSY = 429
CONFLICT = 409
GONE = 404


class ElasticsearchBackend:
    """SearchBackend on an Elasticsearch server. name: what all indices and aliases begin with (one a profile)."""

    def __init__(
        self, access: Access | str, name: str, words: Segmenter, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._access = Access(access) if isinstance(access, str) else access
        self._where = self._access.where
        self._client = connect(self._access)
        self._name = name
        self._words = words
        self._compiler = Compiler(ElasticForms(), words)
        self._pause = pause
        self._checked = False

    # writing

    def index(self, entries: Sequence[IndexEntry]) -> tuple[Refused, ...]:
        """As SearchBackend.index."""
        with self._errors():
            self._check_format()
            return self._write(self._doors(), [row_of(entry) for entry in entries])

    def delete(self, ids: Iterable[str]) -> None:
        """As SearchBackend.delete."""
        gone = list(ids)
        with self._errors():
            for door in self._doors():
                for start in range(0, len(gone), CHUNK):
                    self._delete(door, gone[start : start + CHUNK])

    def _delete(self, door: str, ids: Sequence[str]) -> None:
        """Take them out of one generation, each with the version it has.

        The server remembers a deletion as a version. One without a version would count as the next, and the same
        revision written again at once would be taken for an older one.
        """
        left = list(ids)
        for _attempt in range(ATTEMPTS):
            rows = self._client.mget(index=door, ids=left, source=False)["docs"] if left else []
            versions = {row["_id"]: row["_version"] for row in rows if row.get("found")}
            # A conflict means that it was written anew between our look and our deletion: look again.
            actions = [(_delete_action(door, *one), None) for one in versions.items()]
            left = [no.id for no in self._bulk(actions, conflicts=True)]
            if not left:
                return
        raise SearchUnavailable(f"Elasticsearch（{self._where}）里 {len(left)} 条一直在改写，没有删掉")

    def _write(self, doors: Sequence[str], rows: Sequence[Row]) -> tuple[Refused, ...]:
        refused: dict[str, Refused] = {}
        for door in doors:
            actions = [(_write_action(door, row), row) for row in rows]
            for start in range(0, len(actions), CHUNK):
                for no in self._bulk(actions[start : start + CHUNK]):
                    refused[no.id] = no
        return tuple(refused.values())

    def _bulk(self, actions: Sequence[tuple[Json, Row | None]], *, conflicts: bool = False) -> list[Refused]:
        """Send actions; those the server is too busy for go again. Raises SearchUnavailable when it stays busy.

        conflicts: an older version counts as refused, too.
        """
        passing = (GONE,) if conflicts else (CONFLICT, GONE)
        refused: list[Refused] = []
        waiting = list(actions)
        for attempt in range(ATTEMPTS):
            if not waiting:
                return refused
            if attempt:
                self._pause(FIRST_WAIT * 2 ** (attempt - 1))
            try:
                answer = self._client.bulk(operations=[line for action in waiting for line in action if line])
            except elasticsearch.ApiError as error:
                if error.status_code != BUSY:
                    raise
                continue
            again = []
            for action, item in zip(waiting, answer["items"], strict=True):
                result = next(iter(item.values()))
                if result["status"] == BUSY:
                    again.append(action)
                elif result.get("error", {}).get("type") == "index_not_found_exception":
                    raise SearchUnavailable("索引刚被重建替换，请重试")
                elif result["status"] >= 400 and result["status"] not in passing:
                    refused.append(Refused(result["_id"], _reason(result["error"])))
            waiting = again
        if waiting:
            raise SearchUnavailable(f"Elasticsearch（{self._where}）持续繁忙，{len(waiting)} 条稍后补写")
        return refused

    def _doors(self) -> list[str]:
        """The write aliases of all generations, the one in use first."""
        answer = self._client.options(ignore_status=GONE).indices.get_alias(name=f"{self._name}-*-write")
        doors = [door for index in answer.body.values() if isinstance(index, dict) for door in index.get("aliases", {})]
        return sorted(doors)

    def _make(self, number: int, aliases: Json) -> str:
        """A new, empty generation."""
        index = f"{self._name}-{number:06d}"
        self._client.indices.put_index_template(name=self._name, **template(f"{self._name}-0*"))
        try:
            self._client.indices.create(index=index, aliases={f"{index}-write": {}, **aliases})
        except elasticsearch.BadRequestError as error:
            if error.error != "resource_already_exists_exception":  # another process was quicker
                raise
        return index

    @contextmanager
    def rebuild(self) -> Iterator["_Builder"]:
        """As SearchBackend.rebuild. A second rebuild takes over from one that died or still runs; that one fails."""
        with self._errors():
            old = self._readable()
            every = sorted(self._client.indices.get(index=f"{self._name}-0*", expand_wildcards="open").body)
            number = max((int(index.rpartition("-")[2]) for index in every), default=0) + 1
            for left in set(every) - set(old):
                self._client.options(ignore_status=GONE).indices.delete(index=left)
            fresh = self._make(number, {})
        yield _Builder(self, f"{fresh}-write")
        with self._errors():
            self._client.indices.refresh(index=fresh)
            turns: list[Json] = [{"add": {"index": fresh, "alias": self._name}}]
            turns += [{"remove_index": {"index": index}} for index in old]
            self._client.indices.update_aliases(actions=turns)
            self._checked = False

    def _readable(self) -> list[str]:
        """The generations that searches read: one, or none."""
        answer = self._client.options(ignore_status=GONE).indices.get_alias(name=self._name)
        return sorted(index for index, found in answer.body.items() if isinstance(found, dict) and "aliases" in found)

    # reading

    def search(self, request: SearchRequest) -> SearchResult:
        """As SearchBackend.search."""
        with self._errors():
            self._check_format()
            asked = request.everything_asked()
            query = self._compiler.compile(asked)
            bars = bars_for(request, lambda: self._edges(query))
            answer = self._client.search(
                index=self._name,
                query=query,
                size=request.size,
                from_=request.offset,
                search_after=None if request.after is None else [request.after],
                track_total_hits=True,
                sort=_order(asked, request.sort),
                aggregations=facets_asked(request, bars),
            )
        rows, groups = answer["hits"]["hits"], answer.get("aggregations", {})
        total, took = answer["hits"]["total"]["value"], float(answer["took"])
        hits = hits_of([(row.get("_score") or 0.0, row["_source"]) for row in rows], request.where, self._words)
        histogram = fill(bars, counted_bars(groups)) if bars else None
        full = rows and len(rows) == request.size and request.sort is not Sort.RELEVANCE
        following = rows[-1]["sort"][0] if full else None
        facets, pairs = facets_of(groups, request), pairs_of(groups, request)
        return SearchResult(total, hits, facets, histogram, took, following, pairs)

    def _edges(self, query: Json) -> tuple[float | None, float | None]:
        span = {"span": {"stats": {"field": "event_time"}}}
        found = self._client.search(index=self._name, size=0, query=query, aggregations=span)["aggregations"]["span"]
        return found["min"], found["max"]

    def _check_format(self) -> None:
        """Raises SearchUnavailable when the index is of another format; makes the first index when there is none."""
        if self._checked:
            return
        found = self._client.options(ignore_status=GONE).indices.get_mapping(index=self._name).body
        marks = [
            index["mappings"].get("_meta", {}).get("format")
            for index in found.values()
            if isinstance(index, dict) and "mappings" in index
        ]
        if not marks:
            self._make(1, {self._name: {}})
            self._client.cluster.health(index=self._name, wait_for_status="yellow", timeout="10s")
        elif marks != [format_mark()]:
            raise SearchUnavailable(OLD_FORMAT)
        self._checked = True

    def count(self) -> int:
        """As SearchBackend.count."""
        with self._errors():
            self._check_format()
            return int(self._client.count(index=self._name)["count"])

    def refresh(self) -> None:
        """As SearchBackend.refresh."""
        with self._errors():
            self._check_format()
            self._client.indices.refresh(index=self._name)

    def health(self) -> Health:
        """As SearchBackend.health."""
        try:
            documents = self.count()
            with self._errors():
                colour = self._client.cluster.health(index=self._name)["status"]
        except SearchUnavailable as error:
            remedy = "fengsui reindex" if "reindex" in str(error) else "检查 Elasticsearch 是否启动、地址与密码是否正确"
            return Health(False, "elasticsearch", 0, str(error), remedy)
        detail = f"Elasticsearch（{self._where}）{colour}，{documents} 条"
        return Health(
            colour != "red", "elasticsearch", documents, detail, "" if colour != "red" else "查看集群分片状态"
        )

    def close(self) -> None:
        """As SearchBackend.close."""
        self._client.close()

    def _errors(self) -> AbstractContextManager[None]:
        return telling(self._access)


class _Builder:
    """Writes into a generation that nobody reads yet."""

    def __init__(self, backend: ElasticsearchBackend, door: str) -> None:
        self._backend = backend
        self._door = door

    def index(self, entries: Sequence[IndexEntry]) -> tuple[Refused, ...]:
        """As SearchBackend.index, unseen until the switch."""
        with self._backend._errors():
            return self._backend._write([self._door], [row_of(entry) for entry in entries])


def _delete_action(door: str, known: str, version: int) -> Json:
    return {
        "delete": {
            "_index": door,
            "_id": known,
            "version": version,
            "version_type": "external_gte",
            "require_alias": True,
        }
    }


def _write_action(door: str, row: Row) -> Json:
    return {
        "index": {
            "_index": door,
            "_id": row["id"],
            "version": row["version"],
            "version_type": "external_gte",
            "require_alias": True,
        }
    }


def _reason(error: Json) -> str:
    cause = error.get("caused_by", {}).get("reason", "")
    return f"{error.get('type', '')}: {error.get('reason', '')} {cause}".strip()


def _order(asked: Where, sort: Sort) -> list[Json]:
    if sort is Sort.RELEVANCE and ranked(asked):
        return [{"_score": {"order": "desc"}}, {"time_order": {"order": "desc"}}]
    field = "level_order" if sort is Sort.LEVEL else "time_order"
    return [{field: {"order": "asc" if sort is Sort.OLDEST else "desc"}}]
