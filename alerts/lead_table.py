"""The lead times of a year, counted by the hour and kept, so that a page reads them instead of comparing texts.

What is kept is what alerts/lead_time.py says; between two counts a page is behind, and says as of when.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from threading import Event
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, func, select, true

from alerts.lead_time import Heard, Lead, lead_times
from core.clock import Clock, beijing
from store.database import Store, get_fact, set_fact
from store.inserts import insert_into
from store.schema import lead_times as table

KEPT = timedelta(days=370)
"""Back from now: the longest stretch a page shows is a year."""
PIECE = timedelta(days=31)
"""Counted and written at once, so that neither memory nor a transaction grows with the year."""
RECENT = 2
"""Pieces that are counted every hour."""
COUNTED = "lead_times_counted"
SIGNAL = ("document", "at", "source", "kind", "title", "jurisdiction")


def counted_at(db: Connection) -> datetime | None:
    """When the kept lead times were last counted; None: never yet."""
    found = get_fact(db, COUNTED)
    return datetime.fromisoformat(found) if found else None


def kept_leads(
    db: Connection, *, since: datetime, until: datetime, product: str | None, source: str | None, most: int
) -> list[Lead]:
    """As lead_times, out of what was counted last."""
    query = select(table).where(table.c.at >= since, table.c.at <= until)
    for column, value in ((table.c.product, product), (table.c.source, source)):
        if value is not None:
            query = query.where(column == value)
    rows = db.execute(query.order_by(table.c.at.desc(), table.c.notice).limit(most)).mappings()
    return [_lead(row) for row in rows]


def count_leads(store: Store, *, family: Callable[[str | None], str | None], clock: Clock, stop: Event) -> int:
    """Count anew and keep what changed; how many notices are kept then. Ends early when asked to stop.

    The first time on a Beijing day the whole year, else the last two months: what comes of an older notice is rare.
    """
    now = clock()
    with store.read() as db:
        last = counted_at(db)
    whole = last is None or beijing(last).date() != beijing(now).date()
    for since, until in islice(_pieces(now), None if whole else RECENT):
        if stop.is_set():
            break
        with store.read() as db:
            found = lead_times(db, since=since, until=until, family=family)
        span = and_(table.c.at >= since, table.c.at <= until if until is not None else true())
        _keep(store, {lead.notice.document: _values(lead) for lead in found}, span)
    with store.write() as db:
        db.execute(delete(table).where(table.c.at < now - KEPT))
        if not stop.is_set():
            set_fact(db, COUNTED, now.isoformat())
        return db.execute(select(func.count()).select_from(table)).scalar_one()


def _pieces(now: datetime) -> Iterator[tuple[datetime, datetime | None]]:
    """Stretches that touch, the newest first, which has no end: a source may be ahead of our clock."""
    since, until = now - PIECE, None
    while until is None or until > now - KEPT:
        yield since, until
        since, until = max(since - PIECE, now - KEPT), since


def _keep(store: Store, found: dict[str, dict[str, Any]], span: ColumnElement[bool]) -> None:
    """Let a stretch hold exactly this. Most of it is there already, and then nothing is written."""
    with store.read() as db:
        held = {row["notice"]: dict(row) for row in db.execute(select(table).where(span)).mappings()}
    come = [values for name, values in found.items() if held.get(name) != values]
    gone = sorted(held.keys() - found.keys())
    if not come and not gone:
        return
    with store.write() as db:
        for first in range(0, len(gone), 400):
            db.execute(delete(table).where(table.c.notice.in_(gone[first : first + 400])))
        new = insert_into(table, db.dialect.name)
        changed = {column.name: new.excluded[column.name] for column in table.columns if not column.primary_key}
        if come:
            db.execute(new.on_conflict_do_update(index_elements=["notice"], set_=changed), come)


def _values(lead: Lead) -> dict[str, Any]:
    notice, signal = lead.notice, lead.signal
    return {
        "notice": notice.document, "at": notice.at, "source": notice.source, "kind": notice.kind,
        "title": notice.title, "jurisdiction": notice.jurisdiction, "type": lead.type, "firm": lead.firm,
        "product": lead.product, "alert": lead.alert, "alert_at": lead.alert_at,
        **{_signal_column(name): getattr(signal, name) if signal else None for name in SIGNAL},
    }  # fmt: skip


def _signal_column(name: str) -> str:
    return "signal" if name == "document" else f"signal_{name}"


def _lead(row: RowMapping) -> Lead:
    notice = Heard(row["notice"], row["at"], row["source"], row["kind"], row["title"], row["jurisdiction"])
    signal = Heard(**{name: row[_signal_column(name)] for name in SIGNAL}) if row["signal"] is not None else None
    return Lead(notice, row["type"], row["firm"], row["product"], signal, alert=row["alert"], alert_at=row["alert_at"])
