"""Documents that a dossier rests on, as a list of evidence tells them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from enterprises.signals import Cut
from nlp.privacy import mask
from store.schema import documents

AT_ONCE = 400


@dataclass(frozen=True)
class Cited:
    """A document that is cited. title: masked.  sha256: of its text as stored, content_hash."""

    id: str
    title: str
    source: str
    at: datetime
    fetched_at: datetime
    sha256: str
    withdrawn: bool


def cited_of(db: Connection, cut: Cut, ids: Iterable[str]) -> dict[str, Cited]:
    """Those of the documents that the viewer may read."""
    wanted, found = list(dict.fromkeys(ids)), {}
    columns = [
        documents.c[name]
        for name in ("id", "title", "source", "event_time", "fetched_at", "content_hash", "withdrawn_at")
    ]
    for start in range(0, len(wanted), AT_ONCE):
        some = documents.c.id.in_(wanted[start : start + AT_ONCE])
        for row in db.execute(select(*columns).where(some, documents.c.latest, cut.documents)):
            found[row.id] = Cited(
                row.id, mask(row.title) or "（无标题）", row.source, row.event_time, row.fetched_at, row.content_hash,
                row.withdrawn_at is not None,
            )  # fmt: skip
    return found
