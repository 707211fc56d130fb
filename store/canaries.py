"""Canaries: synthetic events that go the whole way once an hour: a broken way is noticed before a real one is lost.

What a canary leaves in the other tables (document, alert) is swept away; its row with the times of its way stays.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, desc, select, update

from core.records import CANARY
from store.inserts import create_only
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
LOST_AFTER = timedelta(minutes=30)
"""Longer than anybody watches one."""
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
    """A new canary. Those long under way (their watcher was killed) have failed; what they left is swept away."""
    for old in under_way(db):
        if now - old.planted_at >= LOST_AFTER:
            fail(db, old.id, now, "看守进程中断，没有等到结果")
    sweep(db)
    made = Canary(f"{now:%Y%m%d%H%M%S}", now, None, None, None, "planted", "")
    create_only(db, canaries, {name: getattr(made, name) for name in made.__dataclass_fields__})
    return made


def under_way(db: Connection) -> list[Canary]:
    """Those neither seen in the feed nor given up, oldest first: one of each hour, and those sent by hand."""
    waiting = (canaries.c.reached_at.is_(None), canaries.c.failed_at.is_(None))
    rows = db.execute(select(canaries).where(*waiting).order_by(canaries.c.planted_at)).mappings()
    return [Canary(**row) for row in rows]


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
    """Take away what ended canaries left in the tables of real documents and alerts. The archive keeps their pages."""
    alive = {one.id for one in under_way(db)}
    pages = db.execute(select(documents.c.id, documents.c.canonical_url).where(documents.c.source == CANARY)).all()
    theirs = [page.id for page in pages if page.canonical_url.rsplit("/", 1)[-1] not in alive]
    for table in (sentence_hashes, minhash_bands):
        db.execute(delete(table).where(table.c.document.in_(theirs)))
    db.execute(delete(documents).where(documents.c.id.in_(theirs)))
    subjects = db.execute(select(alerts.c.id, alerts.c.subject).where(alerts.c.subject.startswith(SUBJECT))).all()
    raised = [one.id for one in subjects if one.subject.removeprefix(SUBJECT) not in alive]
    for linked in (alert_documents, alert_history):
        db.execute(delete(linked).where(linked.c.alert.in_(raised)))
    db.execute(delete(alerts).where(alerts.c.id.in_(raised)))
