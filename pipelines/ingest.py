"""Documents from JSON lines through the whole pipeline, in story order and on the story's clock; nothing is sent."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.clock import parse_published
from core.errors import UsageError
from core.records import KIND_OF, Kind, RawDocument, SourceType
from pipelines.indexing import Indexer
from pipelines.intake import save_raw
from pipelines.stages import BATCH, Pipeline
from store.documents import count_documents
from store.index_queue import backlog

PASSING = timedelta(hours=4)
LONGEST_ID = 512
"""Bytes of UTF-8: what Elasticsearch takes."""


@dataclass(frozen=True)
class Line:
    """One valid line of an ingest file."""

    number: int
    id: str
    published: datetime
    raw: RawDocument


@dataclass
class StoryClock:
    """Shows the time the story has reached; set by whoever reads the next document."""

    now: datetime = field(default_factory=lambda: parse_published("2000-01-01"))

    def __call__(self) -> datetime:
        return self.now


def read_lines(lines: Iterable[str], *, file: str) -> list[Line]:
    """All lines, by published (stable). Raises UsageError naming file, line and field of the first mistake."""
    found = [_line(text, number, file) for number, text in enumerate(lines, 1) if text.strip()]
    return sorted(found, key=lambda line: line.published)


def ingest_lines(
    lines: list[Line],
    pipeline: Pipeline,
    indexer: Indexer,
    clock: StoryClock,
    *,
    pass_time: Callable[[datetime], object] = lambda _now: None,
) -> Iterator[Counter[str]]:
    """Carry the lines through; yields the running counts after each batch (new, changed, unchanged).

    pass_time: called every few hours of the story and at its end: rules wait for time, too.

    The index is written at the end; `index_waiting` of the last counts is what it lacks then, because it is down.
    """
    counts: Counter[str] = Counter()
    passed = clock.now
    for start in range(0, len(lines), BATCH):
        for line in lines[start : start + BATCH]:
            clock.now = max(clock.now, line.published)
            if clock.now - passed >= PASSING:
                pass_time(clock.now)
                passed = clock.now
            with pipeline.store.write() as db:
                counts[save_raw(db, line.raw, now=line.published, given_id=line.id)] += 1
            # One at a time: each document is judged at its own moment of the story, as if it had just come in.
            pipeline.step()
        yield counts
    pipeline.drain()
    pass_time(clock.now)
    indexer.drain()
    with pipeline.store.read() as db:
        counts.update(count_documents(db))
        counts["index_waiting"] = backlog(db).waiting
    yield counts


def _line(text: str, number: int, file: str) -> Line:
    where = f"{file}: line {number}"
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"{where}: not JSON ({problem})") from problem
    if not isinstance(row, dict):
        raise UsageError(f"{where}: not a JSON object")
    for name in ("source", "title", "text", "published"):
        if not isinstance(row.get(name), str):
            raise UsageError(f"{where}: {name}: missing or not text (needed: source, title, text, published)")
    try:
        published = parse_published(row["published"])
    except ValueError as problem:
        raise UsageError(f"{where}: published: {row['published']!r} is no ISO date or date-time") from problem
    given = str(row.get("id") or "")
    if len(given.encode(errors="replace")) > LONGEST_ID:
        raise UsageError(f"{where}: id: longer than {LONGEST_ID} bytes, which no index takes; use a shorter one")
    raw = RawDocument(
        source=row["source"],
        kind=_kind(row, where),
        url=str(row.get("url") or ""),
        title=row["title"],
        text=row["text"],
        fetched_at=published,
        external_id="" if row.get("url") else given,
        published=published,
        date_source="item",
        author=row.get("author"),
        tables=tuple(tuple(tuple(str(cell) for cell in cells) for cells in table) for table in row.get("tables") or ()),
    )
    return Line(number, given, published, raw)


def _kind(row: dict[str, Any], where: str) -> Kind:
    given = row.get("source_type")
    if given is None:
        return Kind.NEWS
    if given in SourceType.__members__.values():
        return KIND_OF[SourceType(given)]
    if given in Kind.__members__.values():
        return Kind(given)
    raise UsageError(f"{where}: source_type: {given!r} (accepted: {', '.join([*SourceType, *Kind])})")
