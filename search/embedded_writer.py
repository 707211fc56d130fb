"""How this process writes the embedded index: its tantivy writer stays open from one write to the next.

tantivy merges small segments into larger ones beside the writes, as long as their writer is open. To open one for each
write, and to close it after all merges, blocked single writes of 50 signals for up to 8 s, growing with the index; not
to wait ends every merge before it is done, and each commit leaves a segment more. So the writer, and the lock that says
whose turn it is (search/generations.py), are kept until another process wants to write or the backend is closed. The
system gives both back when a process dies; the last commit stays readable.
"""

import threading
import weakref
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import tantivy
from tantivy import Query

from core.errors import SearchUnavailable
from search.backend import Refused
from search.embedded_schema import document_of, register
from search.generations import Generations, Turn
from search.packing import LEARN_FROM, Packer, PackingError
from search.records import Row

HEAP = 64_000_000
"""Bytes a writer may hold before it writes a segment: 5,000 signals of 2,000 characters fit."""

MANY = 30
"""Segments that a writer leaves behind without waiting for merges; processes that take turns quickly would otherwise
end each other's merges for ever."""

BITS = 63

LOOK = 0.05
"""Seconds between looks whether another process waits."""


@contextmanager
def tantivy_errors() -> Iterator[None]:
    """What tantivy and the packing of rows raise for a full disk, a missing file, a broken index ends here."""
    try:
        yield
    except (ValueError, OSError, PackingError) as error:
        raise SearchUnavailable(f"检索索引出错：{error}；磁盘有空间时请运行 fengsui reindex 重建") from error


def hopeless(row: Row) -> Refused | None:
    """Why the index can never hold `row`; one such row must do its neighbours no harm."""
    for key, value in row.items():
        for one in value if isinstance(value, list) else (value,):
            if isinstance(one, str):
                try:
                    one.encode()
                except UnicodeEncodeError:
                    return Refused(row["id"], f"{key} 里有半个字符，存不下")
            elif isinstance(one, int) and one.bit_length() > BITS:
                return Refused(row["id"], f"{key} 的数超过 64 位，存不下")
    return None


class Writer:
    """An open tantivy writer of one generation. One thread at a time."""

    def __init__(self, generation: Path, schema: tantivy.Schema) -> None:
        self.generation = generation
        self.packer = Packer(generation)
        self._schema = schema
        with tantivy_errors():
            self._index = register(tantivy.Index.open(str(generation)))
            self._index.config_reader("manual")
            self._writer = self._index.writer(HEAP, 1)

    def write(self, rows: list[Row]) -> None:
        """Rows, each unless the index holds a higher version of its id; committed when this returns."""
        if not rows:
            return
        newest: dict[str, Row] = {}
        for row in rows:
            held = newest.get(row["id"])
            if held is None or row["version"] >= held["version"]:
                newest[row["id"]] = row
        with tantivy_errors():
            versions = self._versions(list(newest))
            if not self.packer.learnt and self._index.searcher().num_docs + len(newest) >= LEARN_FROM:
                self.packer.learn(self._examples(newest.values()))
            for known, row in newest.items():
                if versions.get(known, row["version"]) > row["version"]:
                    continue
                if known in versions:
                    self._writer.delete_documents_by_term("id", known)
                self._writer.add_document(document_of(row, self.packer.pack(row)))
            self._writer.commit()

    def remove(self, ids: list[str]) -> None:
        """Take ids out; committed when this returns."""
        if not ids:
            return
        with tantivy_errors():
            for known in ids:
                self._writer.delete_documents_by_term("id", known)
            self._writer.commit()

    def close(self, *, merged: bool = False) -> None:
        """Give the writer back; what was not committed is lost. merged: wait until no merge is left to do."""
        with tantivy_errors():
            if merged or self._segments() > MANY:
                self._writer.wait_merging_threads()
        del self._writer  # ends its threads and frees its lock

    def _examples(self, fresh: Collection[Row]) -> list[Row]:
        """Rows to learn from: new ones, and held ones where those are too few."""
        examples = list(islice(fresh, LEARN_FROM))
        searcher = self._index.searcher()
        more = LEARN_FROM - len(examples)
        held = searcher.search(Query.all_query(), more, count=False).hits if more else []
        return examples + [self.packer.unpack(searcher.doc(address)["shown"][0]) for _, address in held]

    def _versions(self, ids: list[str]) -> dict[str, int]:
        """The versions the index holds of `ids`; usually they are all new."""
        self._index.reload()
        searcher = self._index.searcher()
        if not searcher.search(Query.term_set_query(self._schema, "id", ids), 1).count:  # type: ignore[attr-defined]
            return {}
        held = {}
        for known in ids:
            found = searcher.search(Query.term_query(self._schema, "id", known), 1, count=False).hits
            for version in searcher.fast_field_values("version", [address for _, address in found]):
                held[known] = int(version or 0)
        return held

    def _segments(self) -> int:
        self._index.reload()
        return int(self._index.searcher().num_segments)


@dataclass
class _Held:
    """The turn of this process, and its writer once something was written."""

    turn: Turn
    writer: Writer | None = None


class WriterKeeper:
    """The writer of this process, kept open. Safe to use from several threads."""

    def __init__(self, generations: Generations, schema: tantivy.Schema) -> None:
        self._generations = generations
        self._schema = schema
        self._guard = threading.RLock()
        self._held: _Held | None = None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Nobody else writes, in this process or another one."""
        with self._guard:
            if self._held is None:
                self._held = _Held(self._generations.take_turn())
                watch = weakref.ref(self), self._held.turn.over
                threading.Thread(target=_look_out, args=watch, daemon=True).start()
            try:
                yield
            except BaseException:
                self._give_up()  # half a write in an open writer must not be committed by the next one
                raise
            self.give_way()

    def writer(self, generation: Path) -> Writer:
        """The writer of `generation`. Call it while `writing`."""
        assert self._held is not None
        held = self._held.writer
        if held is None or held.generation != generation:
            if held is not None:
                held.close()
            held = self._held.writer = Writer(generation, self._schema)
        return held

    def close(self) -> None:
        """Let others write."""
        with self._guard:
            self._give_up()

    def give_way(self) -> None:
        """Let others write if somebody waits."""
        with self._guard:
            if self._generations.wanted():
                self._give_up()

    def _give_up(self) -> None:
        held, self._held = self._held, None
        if held is None:
            return
        try:
            if held.writer is not None:
                held.writer.close()
        finally:
            held.turn.end()


def _look_out(keeper: "weakref.ref[WriterKeeper]", over: threading.Event) -> None:
    """Give the turn up when another process waits for it; a keeper that nobody holds any more gives all back itself."""
    while not over.wait(LOOK):
        held = keeper()
        if held is None:
            return
        held.give_way()
        del held
