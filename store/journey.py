"""Where a document is on its way through the pipeline, and how a person may have meant it: by address, id or title."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Text, and_, func, or_, select, type_coerce

from core.records import Finding
from store.alert_log import finding_of
from store.documents import JUDGED, STAGES
from store.schema import addresses, documents, findings


@dataclass(frozen=True)
class Journey:
    """A revision on its way. ahead: rows that are worked on before it in its stage.  busy: a process has it in hand."""

    seq: int
    stage: str
    error: str
    attempts: int
    moved_at: datetime | None
    busy: str
    ahead: int


@dataclass(frozen=True)
class Visited:
    """An address that a crawler asked for."""

    source: str
    seen_at: datetime
    gone_at: datetime | None


@dataclass(frozen=True)
class Hit:
    """A document that fits a question. at: its event time."""

    id: str
    title: str
    source: str
    at: datetime


def journey_of(db: Connection, document_id: str, revision: int) -> Journey | None:
    """Where a revision is; None for one that is not stored."""
    mine = and_(documents.c.id == document_id, documents.c.revision == revision)
    row = db.execute(select(documents).where(mine)).mappings().first()
    if row is None:
        return None
    ahead = 0
    if row["stage"] in STAGES[:-1]:
        before = _before(row["stage"], row["event_time"], row["seq"])
        query = select(func.count()).select_from(documents).where(documents.c.stage == row["stage"], before)
        ahead = db.execute(query).scalar_one()
    return Journey(
        row["seq"], row["stage"], row["error"] or "", row["attempts"], row["moved_at"], row["claimed_by"] or "", ahead
    )


def _before(stage: str, at: datetime, seq: int) -> ColumnElement[bool]:
    """What is worked on earlier: the oldest publication first, for the index the newest arrival."""
    if stage == JUDGED:
        return documents.c.seq > seq
    return or_(documents.c.event_time < at, and_(documents.c.event_time == at, documents.c.seq < seq))


def documents_at(db: Connection, canonical: Sequence[str], *, limit: int) -> list[Hit]:
    """Documents of an address, newest first. canonical: its canonical forms.

    Source by source: that is how the index is built.
    """
    theirs = and_(documents.c.source.in_(all_sources(db)), documents.c.canonical_url.in_(list(canonical)))
    return _hits(db, _rows(theirs), limit)


def all_sources(db: Connection) -> list[str]:
    """Every source that ever brought a document, each found by one look into the index. One statement."""
    least = select(func.min(documents.c.source).label("source"))
    walk = least.cte("walk", recursive=True)
    following = select(func.min(documents.c.source)).where(documents.c.source > walk.c.source).scalar_subquery()
    walk = walk.union_all(select(following).where(walk.c.source.is_not(None)))
    return list(db.execute(select(walk.c.source).where(walk.c.source.is_not(None))).scalars())


def documents_called(db: Connection, name: str, title: str, *, limit: int) -> list[Hit]:
    """Documents of an id; where there is none, those of the source's own id, of that title, of a title with it inside.

    In this order, newest first. Ids and whole titles are looked up; only for a part of a title all titles are gone
    through, on SQLite in their index.
    """
    theirs = and_(documents.c.source.in_(all_sources(db)), documents.c.external_id == name)
    found = _hits(db, documents.c.id == name, limit)
    if found:
        return found
    found = _hits(db, _rows(theirs), limit) + _hits(db, documents.c.title == title, limit)
    if len(found) < limit:
        found += _hits(db, _rows(documents.c.title.contains(title, autoescape=True)), limit)
    return list(dict.fromkeys(found))[:limit]


def _rows(which: ColumnElement[bool]) -> ColumnElement[bool]:
    """The same, looked up by itself: beside `latest`, SQLite goes through all documents of the sources instead."""
    return documents.c.seq.in_(select(documents.c.seq).where(which))


def _hits(db: Connection, which: ColumnElement[bool], limit: int) -> list[Hit]:
    columns = (documents.c.id, documents.c.title, documents.c.source, documents.c.event_time)
    query = select(*columns).where(which, documents.c.latest)
    rows = db.execute(query.order_by(documents.c.event_time.desc(), documents.c.seq.desc()).limit(limit))
    return [Hit(*row) for row in rows]


def texts_of(db: Connection, ids: Sequence[str], *, longest: int) -> list[str]:
    """How the texts of documents begin, `longest` characters of each; no reading of them is fetched."""
    query = select(func.substr(documents.c.text, 1, longest)).where(documents.c.id.in_(list(ids)), documents.c.latest)
    return list(db.execute(query.order_by(documents.c.event_time, documents.c.id)).scalars())


def visits_to(db: Connection, forms: Sequence[str]) -> list[Visited]:
    """What crawlers found at an address. forms: ways to write it."""
    query = select(addresses).where(addresses.c.url.in_(list(forms))).order_by(addresses.c.seen_at.desc())
    return [Visited(row["source"], row["seen_at"], row["gone_at"]) for row in db.execute(query).mappings()]


def findings_resting_on(db: Connection, document_id: str) -> list[tuple[Finding, str | None, datetime | None]]:
    """Every finding a document is part of, the withdrawn too: with its alert and when it lost its ground.

    Reads the whole table: for a person's question, not for the pipeline.
    """
    written = json.dumps(document_id, ensure_ascii=False)  # as the column holds it
    quoted = type_coerce(findings.c.documents, Text).contains(written, autoescape=True)
    rows = db.execute(select(findings).where(quoted).order_by(findings.c.fired_at)).mappings()
    return [(finding_of(row), row["alert"], row["withdrawn_at"]) for row in rows if document_id in row["documents"]]
