"""Events over documents of a file: read, told apart, nothing stored. The same decisions as pipelines.events."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core.clock import parse_published
from core.ids import content_hash
from core.records import KIND_OF, SOURCE_TYPE_OF, Analysis, Document, Kind, SourceType
from nlp.analyze import Analyzer
from nlp.event_figures import BCubed, Shelf, bcubed
from nlp.event_traits import Traits
from nlp.subjects import Subjects, subjects_of
from pipelines.duplicates import WITHIN, Marks
from pipelines.events import EventKeeper

UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
MOST_MARKS = 50  # a sentence that more texts share is a phrase of the office

Read = Callable[[Mapping[str, Any], Document], Analysis]
"""How a row is read: by the analyzer, or from its gold labels when decisions alone are measured."""


@dataclass(frozen=True)
class Placed:
    """A row with its event: named after the document that began it; a text that is no risk may stand alone."""

    id: str
    event: str
    risk: bool


def document_of(row: Mapping[str, Any], place: int) -> Document:
    """A document from an input line of `fengsui analyze`. Raises ValueError for a time or kind that is none."""
    at = parse_published(row["published"]) if row.get("published") else UNDATED
    title, text = row.get("title") or "", row.get("text") or ""
    tables = tuple(tuple(tuple(map(str, cells)) for cells in table) for table in row.get("tables") or ())
    return Document(
        id=str(row.get("id") or f"line-{place}"), source=str(row.get("source") or ""), kind=_kind(row), url="",
        canonical_url="", title=title, text=text, event_time=at, published=at, fetched_at=at, stored_at=at, revision=1,
        content_hash=content_hash(title, text), tables=tables, repost_of=row.get("repost_of"),
    )  # fmt: skip


def _kind(row: Mapping[str, Any]) -> Kind:
    given = row.get("source_type")
    if given in set(SourceType):
        return KIND_OF[SourceType(given)]
    return Kind(given) if given in set(Kind) else Kind.NEWS


def reader(analyzer: Analyzer) -> Read:
    """Reads rows as the pipeline does."""

    def read(row: Mapping[str, Any], document: Document) -> Analysis:
        known = SOURCE_TYPE_OF[document.kind] if row.get("source_type") else None
        published = document.published if row.get("published") else None
        return analyzer.analyze(
            document.title, document.text, source_type=known, published=published, tables=document.tables
        )

    return read


def read_rows(rows: Sequence[Mapping[str, Any]], read: Read, keeper: EventKeeper) -> list[Traits]:
    """The traits of the rows in order of published (stable); copies of a text know their origin."""
    documents = sorted(
        ((document_of(row, place), row) for place, row in enumerate(rows, 1)), key=lambda pair: pair[0].event_time
    )
    copies = _Copies()
    found = []
    for document, row in documents:
        analysis = read(row, document)
        origin = copies.origin_of(document, subjects_of(analysis))
        found.append(keeper.traits_of(_with_origin(document, origin), analysis))
    return found


def _with_origin(document: Document, origin: str | None) -> Document:
    return document if origin is None else Document(**{**vars(document), "repost_of": document.repost_of or origin})


def place_rows(rows: Sequence[Mapping[str, Any]], read: Read, keeper: EventKeeper) -> list[Placed]:
    """Every row with its event, in order of published."""
    traits, shelf = read_rows(rows, read, keeper), Shelf(keeper.regions)
    for one in traits:
        shelf.add(one)
    return [Placed(one.document, shelf.event_of.get(one.document, one.document), one.risk) for one in traits]


def measure_rows(rows: Sequence[Mapping[str, Any]], read: Read, keeper: EventKeeper) -> BCubed | None:
    """BCubed over the rows that gold calls a risk and gives an event; None where no row has one."""
    truth = {str(row["id"]): row["event_id"] for row in rows if row.get("is_risk") and row.get("event_id")}
    if not truth:
        return None
    return bcubed(truth, {placed.id: placed.event for placed in place_rows(rows, read, keeper)})


@dataclass
class _Copies:
    """Which earlier row a row repeats, by the marks of pipelines.duplicates and what the texts name."""

    subjects: dict[str, Subjects] = field(default_factory=dict)
    marks: dict[str, Marks] = field(default_factory=dict)
    times: dict[str, datetime] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    by_mark: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    def origin_of(self, document: Document, subjects: Subjects) -> str | None:
        mine = Marks.of(document.title, document.text)
        keys = [*mine.hashes, *mine.bands] if document.text else []
        seen = Counter(name for key in keys for name in self.by_mark[key][-MOST_MARKS:])
        near = (name for name, _ in seen.most_common(8) if self._repeats(mine, name, document, subjects))
        origin = next((self.origins[name] for name in near), None)
        self.marks[document.id], self.times[document.id] = mine, document.event_time
        self.subjects[document.id] = subjects
        self.origins[document.id] = origin or document.id
        for key in keys:
            self.by_mark[key].append(document.id)
        return origin

    def _repeats(self, mine: Marks, other: str, document: Document, subjects: Subjects) -> bool:
        if abs(self.times[other] - document.event_time) > WITHIN or not mine.repeats(self.marks[other]):
            return False
        return not any(subjects.differ(self.subjects[name]) for name in (other, self.origins[other]))
