"""The signals about a firm that a viewer may read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from nlp.privacy import mask
from store.schema import documents

MOST_SIGNALS = 500
NIL = "NIL:"
"""Before the name of a firm that no list has."""


@dataclass(frozen=True)
class Cut:
    """What of the records a viewer sees. documents, entries: conditions on the tables of documents and of the ledger.

    sees: whether matters of a region code are seen; None is no place known.
    """

    documents: ColumnElement[bool]
    entries: Sequence[ColumnElement[bool]]
    sees: Callable[[str | None], bool]


@dataclass(frozen=True)
class SignalRow:
    """A signal about a firm. title: masked.  product, place: ids; empty: none was read."""

    id: str
    at: datetime
    kind: str
    title: str
    source: str
    level: int
    repost: bool
    product: str = ""
    place: str = ""


def signals_of(
    db: Connection, cut: Cut, firm: str, *, start: datetime | None = None, end: datetime | None = None,
    limit: int = MOST_SIGNALS,
) -> list[SignalRow]:  # fmt: skip
    """The signals about a firm, newest first. start, end: both included; None is open."""
    columns = (documents.c.id, documents.c.event_time, documents.c.kind, documents.c.title, documents.c.source)
    more = (documents.c.level, documents.c.repost_of, documents.c.product, documents.c.jurisdiction)
    query = select(*columns, *more).where(*_about(cut, firm))
    if start is not None:
        query = query.where(documents.c.event_time >= start)
    if end is not None:
        query = query.where(documents.c.event_time <= end)
    return [
        SignalRow(
            row.id, row.event_time, row.kind, mask(row.title) or "（无标题）", row.source, row.level or 0,
            row.repost_of is not None, row.product or "", row.jurisdiction or "",
        )
        for row in db.execute(query.order_by(documents.c.event_time.desc()).limit(limit))
    ]  # fmt: skip


def count_signals(
    db: Connection, cut: Cut, firm: str, *, after: datetime | None = None, before: datetime | None = None
) -> int:
    """How many signals about a firm came after, or before, a moment; read from the index alone."""
    query = select(func.count()).select_from(documents).where(*_about(cut, firm))
    if after is not None:
        query = query.where(documents.c.event_time > after)
    if before is not None:
        query = query.where(documents.c.event_time < before)
    return db.execute(query).scalar_one()


def _about(cut: Cut, firm: str) -> tuple[ColumnElement[bool], ...]:
    return (documents.c.enterprise == firm, documents.c.latest, documents.c.is_risk, cut.documents)
