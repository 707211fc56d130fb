"""What waits for the index: claims, what was written, what the index will never take, and how much is behind.

A row in stage `judged` waits. Written, it goes to `indexed`; refused for ever, to `refused` with the reason, until
`retry_refused` puts it back. Everything here runs on the machine's clock, never on a story's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from store.documents import INDEXED, JUDGED, LEASE, REFUSED, SUSPECT
from store.schema import documents
from store.wake import INDEX, wake

FREE: Mapping[str, Any] = {"claimed_by": None, "claimed_until": None}


@dataclass(frozen=True)
class Waiting:
    """A claimed row: the entry to write is that of the document's newest revision that was read."""

    seq: int
    id: str
    revision: int


@dataclass(frozen=True)
class Backlog:
    """How far the index is behind. since: when the one that waits longest was judged; None when nothing waits."""

    waiting: int
    since: datetime | None
    refused: int


def claim_waiting(db: Connection, *, who: str, now: datetime, limit: int) -> list[Waiting]:
    """Take up to `limit` rows for `who`, the newest first: what comes in now is found at once, also while what an
    outage left is caught up."""
    free = and_(documents.c.stage == JUDGED, or_(documents.c.claimed_until.is_(None), documents.c.claimed_until < now))
    quiet = and_(free, documents.c.attempts < SUSPECT)
    return _take(db, quiet, who, now, limit) or _take(db, free, who, now, 1)


def _take(db: Connection, which: ColumnElement[bool], who: str, now: datetime, limit: int) -> list[Waiting]:
    wanted = (
        select(documents.c.seq)
        .where(which)
        .order_by(documents.c.seq.desc())
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("wanted")  # not a subquery: PostgreSQL may run one for each row, and take more than was asked for
    )
    taken = (
        update(documents)
        .where(documents.c.seq.in_(select(wanted.c.seq)))
        .values(claimed_by=who, claimed_until=now + LEASE, attempts=documents.c.attempts + 1)
        .returning(documents.c.seq, documents.c.id, documents.c.revision)
    )
    return sorted((Waiting(*row) for row in db.execute(taken)), key=lambda row: -row.seq)


def settle(
    db: Connection, rows: Sequence[Waiting], *, who: str, now: datetime, refused: Mapping[str, str] | None = None
) -> list[str]:
    """What was claimed is in the index, but for `refused`: document id to reason.

    Returns the documents whose claims were lost: this process slept, another wrote them, and what was written now may
    be the older reading. They are written once more.
    """
    no = refused or {}
    done = [row.seq for row in rows if row.id not in no]
    values = {**FREE, "moved_at": now, "attempts": 0}
    moved = update(documents).where(_held(done, who)).values(stage=INDEXED, error=None, **values)
    settled = set(db.execute(moved.returning(documents.c.seq)).scalars())
    for row in rows:
        if row.id in no:
            told = {"stage": REFUSED, "error": no[row.id][:2000]}
            db.execute(update(documents).where(_held([row.seq], who)).values(**told, **values))
    lost = sorted({row.id for row in rows if row.id not in no and row.seq not in settled})
    if lost:
        again = and_(documents.c.id.in_(lost), documents.c.latest, documents.c.stage == INDEXED)
        db.execute(update(documents).where(again).values(stage=JUDGED, **values))
        wake(db, INDEX)
    return lost


def put_off(db: Connection, rows: Sequence[Waiting], *, who: str) -> None:
    """Free claimed rows without counting a try: the index was not there."""
    values = {**FREE, "attempts": documents.c.attempts - 1}
    db.execute(update(documents).where(_held([row.seq for row in rows], who)).values(**values))


def _held(seqs: Sequence[int], who: str) -> ColumnElement[bool]:
    return and_(documents.c.seq.in_(list(seqs)), documents.c.claimed_by == who, documents.c.stage == JUDGED)


def refuse_rebuilt(db: Connection, reasons: Mapping[str, str], *, now: datetime) -> None:
    """A rebuild left these out (document id to reason): they are not in the index any more."""
    for document_id, reason in reasons.items():
        mine = and_(documents.c.id == document_id, documents.c.latest, documents.c.stage == INDEXED)
        db.execute(update(documents).where(mine).values(stage=REFUSED, error=reason[:2000], moved_at=now))


def retry_refused(db: Connection, *, now: datetime) -> int:
    """Let the index see again what it refused. Returns how many."""
    values = {"stage": JUDGED, "moved_at": now, "attempts": 0, "error": None}
    wake(db, INDEX)
    return db.execute(update(documents).where(documents.c.stage == REFUSED).values(**values)).rowcount


def write_again(db: Connection, since: datetime | None, *, now: datetime) -> int:
    """Send what was written at or after `since` (None: everything) to the index again. Returns how many.

    What is being written at this moment is let go, too, so that it does not count as written into another index.
    """
    wake(db, INDEX)
    held = and_(documents.c.stage == JUDGED, documents.c.claimed_by.is_not(None))
    db.execute(update(documents).where(held).values(**FREE))
    again = documents.c.stage == INDEXED
    if since is not None:
        again = and_(again, or_(documents.c.moved_at.is_(None), documents.c.moved_at >= since))
    return db.execute(update(documents).where(again).values(stage=JUDGED, moved_at=now, attempts=0)).rowcount


def backlog(db: Connection) -> Backlog:
    """How far the index is behind."""
    waits = documents.c.stage == JUDGED
    waiting, refused = (
        db.execute(select(func.count()).select_from(documents).where(documents.c.stage == stage)).scalar_one()
        for stage in (JUDGED, REFUSED)
    )
    # In the order of an index: the least of 100,000 is found without reading them.
    oldest = select(documents.c.moved_at).where(waits, documents.c.moved_at.is_not(None)).order_by(documents.c.moved_at)
    since = db.execute(oldest.limit(1)).scalar_one_or_none() if waiting else None
    if waiting and since is None:  # stored by a version that did not note the time
        since = db.execute(select(func.min(documents.c.stored_at)).where(waits)).scalar_one()
    return Backlog(waiting, since, refused)
