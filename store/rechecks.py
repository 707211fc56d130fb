"""Known pages that are looked at again, on a schedule that thins out as they age, and what was found missing there; and
links behind which there was no page yet."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, func, select, update

from store.inserts import create_only
from store.schema import addresses, documents

DEAD = "dead:"
"""Stands before the address of a link that led to no page: the page itself is not known by it."""
DEAD_LOOKS = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
"""A list may show a link before its page is there: so long after it was found dead it is tried again."""


def addresses_to_recheck(
    db: Connection,
    source: str,
    *,
    since: datetime,
    now: datetime,
    looks: Sequence[timedelta],
    missing_for: timedelta,
    limit: int,
) -> list[tuple[str, str]]:
    """(address, document id) of what was published after `since` and is due for a look, longest due first.

    looks: the ages at which a page is looked at, youngest first, counted from when its newest revision was stored, so
    that one that changed is young again; empty: always. A look that comes late stands for all that were due before.
    One found missing is due again after `missing_for`: it takes two looks. One that was withdrawn keeps its schedule,
    for pages come back.
    """
    seen = func.coalesce(addresses.c.seen_at, documents.c.stored_at)
    query = (
        select(
            documents.c.url, documents.c.id, documents.c.stored_at, seen, addresses.c.gone_at, documents.c.withdrawn_at
        )
        .outerjoin(addresses, and_(addresses.c.source == documents.c.source, addresses.c.url == documents.c.url))
        .where(documents.c.source == source, documents.c.latest, documents.c.url != "")
        .where(documents.c.event_time >= since)
    )
    due: list[tuple[datetime, str, str]] = []
    for url, document, stored, last, missing, withdrawn in db.execute(query):
        if missing is not None and withdrawn is None:
            at: datetime | None = missing + missing_for
        elif looks:
            at = next((stored + age for age in looks if stored + age > last), None)
        else:
            at = last
        if at is not None and at <= now:
            due.append((at, url, document))
    return list({url: document for _, url, document in sorted(due)}.items())[:limit]


def note_missing(db: Connection, source: str, url: str, at: datetime) -> datetime:
    """The page is not there. Returns since when it is missing."""
    create_only(db, addresses, {"source": source, "url": url, "seen_at": at})
    mine = and_(addresses.c.source == source, addresses.c.url == url)
    db.execute(update(addresses).where(mine).values(seen_at=at, gone_at=func.coalesce(addresses.c.gone_at, at)))
    since: datetime = db.execute(select(addresses.c.gone_at).where(mine)).scalar_one()
    return since


def note_looked(db: Connection, source: str, url: str, at: datetime) -> None:
    """It was looked at and told nothing: what is known of it stays, and its next look is that of its schedule."""
    if not create_only(db, addresses, {"source": source, "url": url, "seen_at": at}):
        db.execute(update(addresses).where(addresses.c.source == source, addresses.c.url == url).values(seen_at=at))


def note_dead(db: Connection, source: str, url: str, at: datetime) -> None:
    """A link of a list leads to no page, and none was ever seen there."""
    key = f"{DEAD}{url}"
    if not create_only(db, addresses, {"source": source, "url": key, "seen_at": at, "gone_at": at}):
        mine = and_(addresses.c.source == source, addresses.c.url == key)
        db.execute(update(addresses).where(mine).values(seen_at=at))


def is_dead_now(db: Connection, source: str, url: str, now: datetime) -> bool:
    """Whether a link was found dead and its next try is not due yet. After the last one it is tried as any other."""
    mine = and_(addresses.c.source == source, addresses.c.url == f"{DEAD}{url}")
    row = db.execute(select(addresses.c.gone_at, addresses.c.seen_at).where(mine)).first()
    due = _next_try(row.gone_at, row.seen_at) if row is not None else None
    return due is not None and now < due


def dead_due(db: Connection, source: str, now: datetime) -> bool:
    """Whether a link of the source that was found dead is to be tried again, so that its list is read whatever it says.
    None is after a day and an hour: its last try has come by then."""
    mine = and_(addresses.c.source == source, addresses.c.url >= DEAD, addresses.c.url < f"{DEAD[:-1]};")
    young = addresses.c.gone_at > now - DEAD_LOOKS[-1] - DEAD_LOOKS[1]
    rows = db.execute(select(addresses.c.gone_at, addresses.c.seen_at).where(mine, young)).all()
    return any(due is not None and due <= now for due in (_next_try(row.gone_at, row.seen_at) for row in rows))


def forget_dead(db: Connection, source: str, url: str) -> None:
    """Its page is there."""
    db.execute(delete(addresses).where(addresses.c.source == source, addresses.c.url == f"{DEAD}{url}"))


def _next_try(first: datetime, last: datetime) -> datetime | None:
    return next((first + age for age in DEAD_LOOKS if first + age > last), None)
