"""Canaries: synthetic events that go the whole way once an hour: a broken way is noticed before a real one is lost.

What a canary leaves in the other tables (document, alert) is swept away; its row with the times of its way stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, delete, desc, select, update

from core.records import CANARY
from store.alert_log import create_only
from store.schema import (
    alert_documents,
    alert_history,
    alerts,
    canaries,
    documents,
    minhash_bands,
    sentence_hashes,
)

SUBJECT = f"{CANARY}:"
"""How the subject of a canary's alert begins."""
STAGES = ("planted", "fetched", "read", "alerted", "reached")
"""The way; a canary that failed says the last one it came to."""


@dataclass(frozen=True)
class Canary:
    """One canary. id: `YYYYMMDDhhmmss` of planting, UTC.  reached_at: seen in the feed.  note: why no further."""

    id: str
    planted_at: datetime
    alerted_at: datetime | None
    reached_at: datetime | None
    failed_at: datetime | None
    stage: str
    note: str

    @property
    def seconds(self) -> float | None:
        """Planting to feed."""
        return (self.reached_at - self.planted_at).total_seconds() if self.reached_at else None


def plant(db: Connection, now: datetime) -> Canary:
    """A new canary. Those still under way (their watcher was killed) have failed; what they left is swept away."""
    under_way = (canaries.c.reached_at.is_(None), canaries.c.failed_at.is_(None))
    for row in db.execute(select(canaries.c.id).where(*under_way)).all():
        fail(db, row.id, now, "看守进程中断，没有等到结果")
    sweep(db)
    made = Canary(f"{now:%Y%m%d%H%M%S}", now, None, None, None, "planted", "")
    create_only(db, canaries, {name: getattr(made, name) for name in made.__dataclass_fields__})
    return made


def newest(db: Connection, limit: int = 1) -> list[Canary]:
    """Latest planted first."""
    rows = db.execute(select(canaries).order_by(desc(canaries.c.planted_at)).limit(limit)).mappings()
    return [Canary(**row) for row in rows]


def find(db: Connection, canary: str) -> Canary | None:
    """A canary by id."""
    row = db.execute(select(canaries).where(canaries.c.id == canary)).mappings().first()
    return Canary(**row) if row else None


def last_failure(db: Connection) -> Canary | None:
    """The newest that did not reach the feed."""
    query = select(canaries).where(canaries.c.failed_at.is_not(None)).order_by(desc(canaries.c.planted_at)).limit(1)
    row = db.execute(query).mappings().first()
    return Canary(**row) if row else None


def alerted(db: Connection, canary: str, at: datetime, *, note: str = "") -> None:
    """The worker judged it. note: why there is no alert; none where there is one."""
    times = {"note": note} if note else {"alerted_at": at}
    db.execute(update(canaries).where(canaries.c.id == canary).values(**times))


def reach(db: Connection, canary: str, at: datetime) -> None:
    """It stands in the feed: all is well, and its traces go."""
    db.execute(update(canaries).where(canaries.c.id == canary).values(reached_at=at, stage="reached", note=""))
    sweep(db)


def fail(db: Connection, canary: str, at: datetime, why: str) -> None:
    """It did not come through: keep the stage it came to, and why it went no further as far as that is known."""
    found = find(db, canary)
    if found is None:
        return
    stage, told = _how_far(db, found)
    note = found.note or told or why
    db.execute(update(canaries).where(canaries.c.id == canary).values(failed_at=at, stage=stage, note=note))


def _how_far(db: Connection, canary: Canary) -> tuple[str, str]:
    if canary.alerted_at is not None:
        return "alerted", "预警已写入，订阅里没有"
    row = db.execute(
        select(documents.c.stage, documents.c.error).where(
            documents.c.source == CANARY, documents.c.canonical_url.endswith(f"/{canary.id}")
        )
    ).first()
    if row is None:
        return "planted", "没有采到：采集进程没有运行，或取不到网页席位"
    return ("fetched" if row.stage in ("fetched", "deduped") else "read"), row.error or "研读进程没有处理完"


def sweep(db: Connection) -> None:
    """Take away what canaries left in the tables of real documents and alerts. The archive keeps their pages."""
    theirs = _ids(db, select(documents.c.id).where(documents.c.source == CANARY))
    for table in (sentence_hashes, minhash_bands):
        db.execute(delete(table).where(table.c.document.in_(theirs)))
    db.execute(delete(documents).where(documents.c.id.in_(theirs)))
    raised = _ids(db, select(alerts.c.id).where(alerts.c.subject.startswith(SUBJECT)))
    for linked in (alert_documents, alert_history):
        db.execute(delete(linked).where(linked.c.alert.in_(raised)))
    db.execute(delete(alerts).where(alerts.c.id.in_(raised)))


def _ids(db: Connection, query: Select[str]) -> Sequence[str]:
    return list(db.execute(query).scalars())
