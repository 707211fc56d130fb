"""What a paper is about, found by its address: an alert, an event, an entry of the ledger, as far as the bureau may see
it."""

from collections.abc import Sequence

from sqlalchemy import Connection

from core.errors import UsageError
from core.records import Alert
from reports.papers.gather import MOST, Desk, Matter, read_matter
from store.alert_log import find_alert
from store.events import find_event, members_of
from store.ledger import Entry, find_entry

GONE = "没有这条记录，或不在本局属地之内"


def settled(db: Connection, subject: str) -> str:
    """A subject by the one name under which its papers are kept; as it is where nothing is called so."""
    sort, _, name = subject.partition(":")
    if sort == "alert" and (alert := find_alert(db, name)):
        return f"alert:{alert.id}"
    if sort == "event" and (event := find_event(db, name)):
        return f"event:{event.number}"
    return f"entry:{name.upper()}" if sort == "entry" else subject


def matter_of(desk: Desk, subject: str) -> Matter:
    """The matter of a subject `alert:<id>`, `event:<id>` or `entry:<id>`. Raises UsageError."""
    sort, _, name = subject.partition(":")
    found = {"alert": _of_alert, "event": _of_event, "entry": _of_entry}[sort](desk, name)
    if not found.told:
        raise UsageError("本局可读的文书中没有这件事的材料，不能起草")
    return found


def entry_of(desk: Desk, name: str) -> Entry:
    """An entry of the ledger that this bureau sees. Raises UsageError."""
    entry = find_entry(desk.db, name)
    if entry is None or not (desk.cut.sees(entry.territory) or (entry.unit and desk.cut.sees(entry.unit))):
        raise UsageError(GONE)
    return entry


def _seen(desk: Desk, codes: Sequence[str]) -> None:
    if not any(desk.cut.sees(code) for code in codes):
        raise UsageError(GONE)


def _of_alert(desk: Desk, name: str) -> Matter:
    alert = find_alert(desk.db, name)
    if alert is None:
        raise UsageError(GONE)
    _seen(desk, (alert.territory, *alert.territories))
    return _matter(desk, alert, f"alert:{alert.id}")


def _matter(desk: Desk, alert: Alert, subject: str) -> Matter:
    return read_matter(
        desk, alert.documents, subject=subject, name=alert.title, record=f"预警 {alert.number}", alert=alert,
        level=alert.level, number=alert.number,
    )  # fmt: skip


def _of_event(desk: Desk, name: str) -> Matter:
    event = find_event(desk.db, name)
    if event is None:
        raise UsageError(GONE)
    _seen(desk, tuple(event.facts.get("territories", ())))
    ids = [one.document for one in members_of(desk.db, event.id, limit=MOST) if one.risk]
    return read_matter(
        desk, ids, subject=f"event:{event.number}", name=event.title, record=f"事件 {event.number}",
        level=event.level, number=event.number,
    )  # fmt: skip


def _of_entry(desk: Desk, name: str) -> Matter:
    entry = entry_of(desk, name)
    alert = find_alert(desk.db, entry.alert) if entry.alert else None
    if alert is None:
        raise UsageError("这条台账没有关联预警，没有可引用的文书；请从预警或事件起草")
    return _matter(desk, alert, f"entry:{entry.id}")
