"""What waits in each queue, and since when: documents by stage, crawls, deliveries, runs of the rule lab."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, select, text

from core.records import CANARY
from store.documents import STAGES
from store.schema import deliveries, documents, lab_runs, runs


@dataclass(frozen=True)
class Queue:
    """key: a stage of documents, or runs | deliveries | lab.  since: of what waits longest; None: nothing waits."""

    key: str
    waiting: int
    since: datetime | None


def queues(db: Connection, now: datetime) -> list[Queue]:
    """All of them. Deliveries held for a later time do not wait."""
    d = documents.c
    open_stages = [stage for stage in STAGES if stage != "indexed"]
    # A document waits since it moved on; one that just came in has not moved yet.
    since = func.min(func.coalesce(d.moved_at, d.stored_at))
    found = select(d.stage, func.count(), since).where(d.stage.in_(open_stages), d.source != CANARY).group_by(d.stage)
    stages = {row[0]: Queue(row[0], row[1], row[2]) for row in db.execute(found)}
    due = and_(deliveries.c.state == "waiting", deliveries.c.next_at <= now)
    others = {
        "runs": select(func.count(), func.min(runs.c.asked_at)).where(runs.c.status == "waiting"),
        "deliveries": select(func.count(), func.min(deliveries.c.next_at)).where(due),
        "lab": select(func.count(), func.min(lab_runs.c.asked_at)).where(lab_runs.c.state == "waiting"),
    }
    return [stages.get(stage, Queue(stage, 0, None)) for stage in open_stages] + [
        Queue(key, *db.execute(query).one()) for key, query in others.items()
    ]


def database_size(db: Connection) -> int:
    """Bytes of the database as it says itself."""
    if db.dialect.name == "postgresql":
        return int(db.execute(text("select pg_database_size(current_database())")).scalar_one())
    pages = db.execute(text("pragma page_count")).scalar_one()
    return int(pages) * int(db.execute(text("pragma page_size")).scalar_one())
