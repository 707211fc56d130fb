"""The rows that a cell of the weekly table counts, as lines that lead to them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from urllib.parse import urlencode

from sqlalchemy import Connection, select

from core.clock import BEIJING
from ledger.words import STATE_WORDS
from reports.figures import Item
from store.events import find_events
from store.ledger import HazardState
from store.schema import alerts, documents, enterprises, handed_in, ledger_entries
from web.names import STATES, Names, firm_names

KINDS = {"document": "文档", "alert": "预警", "entry": "台账", "event": "事件", "firm": "企业", "handed": "报送记录"}


@dataclass(frozen=True)
class Line:
    """href: where the row is told of.  number: its own number; empty: none.  about: source, state."""

    item: Item
    href: str
    number: str
    title: str
    about: str
    at: datetime | None


def lines_of(db: Connection, items: Sequence[Item], names: Names) -> list[Line]:
    """A line for each item, in the given order; what is no longer there keeps its id."""
    found: dict[tuple[str, str], Line] = {}
    for kind, look in LOOKS.items():
        mine = {item.id: item for item in items if item.kind == kind}
        for line in look(db, mine, names):
            found[kind, line.item.id] = line
    return [found.get((one.kind, one.id), Line(one, "", one.id, "已不在库中", "", None)) for one in items]


def _documents(db: Connection, mine: dict[str, Item], names: Names) -> Iterable[Line]:
    d = documents.c
    for row in db.execute(select(d.id, d.title, d.source, d.event_time).where(d.id.in_(list(mine)), d.latest)):
        yield Line(mine[row[0]], f"/documents/{row[0]}", "", row[1], names.source(row[2]), row[3])


def _alerts(db: Connection, mine: dict[str, Item], names: Names) -> Iterable[Line]:
    a = alerts.c
    for row in db.execute(select(a.id, a.number, a.title, a.state, a.created_at).where(a.id.in_(list(mine)))):
        yield Line(mine[row[0]], f"/alerts/{row[0]}", row[1], row[2], STATES[row[3]][0], row[4])


def _entries(db: Connection, mine: dict[str, Item], names: Names) -> Iterable[Line]:
    e = ledger_entries.c
    for row in db.execute(select(e.id, e.title, e.state, e.found_on).where(e.id.in_(list(mine)))):
        found_on = datetime.combine(row[3], time(), BEIJING)
        yield Line(mine[row[0]], f"/ledger/{row[0]}", row[0], row[1], STATE_WORDS[HazardState(row[2])][0], found_on)


def _events(db: Connection, mine: dict[str, Item], names: Names) -> Iterable[Line]:
    for event in find_events(db, mine).values():
        if event.id in mine:
            about = f"{event.documents} 篇"
            yield Line(mine[event.id], f"/events/{event.number}", event.number, event.title, about, event.first_at)


def _firms(db: Connection, mine: dict[str, Item], names: Names) -> Iterable[Line]:
    e = enterprises.c
    for row in db.execute(select(e.id, e.name, e.region_code).where(e.id.in_(list(mine)))):
        yield Line(mine[row[0]], f"/enterprises/{row[0]}", "", row[1], names.region(row[2]), None)


def _handed(db: Connection, mine: dict[str, Item], names: Names) -> Iterable[Line]:
    h, numbers = handed_in.c, [int(one) for one in mine if one.isdigit()]
    columns = (h.number, h.kind, h.external_id, h.product, h.firm, h.day, h.territory)
    rows = db.execute(select(*columns).where(h.number.in_(numbers))).all()
    firms = firm_names(db, [row.firm for row in rows])
    for row in rows:
        about = "，".join(filter(None, (names.product(row.product) if row.product else "", firms.get(row.firm, ""))))
        href = f"/progress/records?{urlencode({'kind': row.kind, 'region': row.territory, 'year': row.day.year})}"
        at = datetime.combine(row.day, time(), BEIJING)
        yield Line(mine[str(row.number)], href, row.external_id, about, names.region(row.territory), at)


LOOKS = {
    "document": _documents,
    "alert": _alerts,
    "entry": _entries,
    "event": _events,
    "firm": _firms,
    "handed": _handed,
}
