"""What is known of mail addresses (whether they take mail, what their owners turned off), and pictures of mails."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, and_, delete, func, or_, select, update

from store.inserts import create_only, insert_into
from store.schema import deliveries, mail_addresses, mail_pictures

Failing = Literal["refused", "bounced"]
_A = mail_addresses.c
MARKS = 20
"""Mails that came back which are remembered of one delivery, the last."""


@dataclass(frozen=True)
class AddressState:
    """One address. failing_at: since when it takes none.  lowest: mails of alerts below this level are turned off."""

    address: str
    failing_at: datetime | None = None
    failing_kind: str | None = None
    failing_answer: str | None = None
    failing_delivery: str | None = None
    no_digest_at: datetime | None = None
    lowest: int = 0
    lowest_at: datetime | None = None


def address_states(db: Connection, addresses: Collection[str]) -> dict[str, AddressState]:
    """What is known of these; those of which nothing is are left out."""
    query = select(mail_addresses).where(_A.address.in_(sorted(addresses)))
    return {row["address"]: _state(row) for row in db.execute(query).mappings()}


def noted_addresses(db: Connection) -> list[AddressState]:
    """Every address that takes no mail or whose owner turned something off: failing ones first, then by name."""
    noted = or_(_A.failing_at.is_not(None), _A.no_digest_at.is_not(None), _A.lowest > 0)
    query = select(mail_addresses).where(noted).order_by(_A.failing_at.is_(None), _A.address)
    return [_state(row) for row in db.execute(query).mappings()]


def count_failing(db: Connection) -> int:
    """How many addresses take no mail."""
    return db.execute(select(func.count()).where(_A.failing_at.is_not(None))).scalar_one()


def note_failing(db: Connection, address: str, kind: Failing, *, answer: str, delivery: str, now: datetime) -> None:
    """Mails to it are refused for good. The first time counts; the last answer is kept."""
    known = address_states(db, [address]).get(address)
    since = known.failing_at if known and known.failing_at else now
    _save(db, address, failing_at=since, failing_kind=kind, failing_answer=answer[:500], failing_delivery=delivery)


def forget_failing(db: Connection, address: str, *, kinds: Collection[Failing] = ("refused", "bounced")) -> bool:
    """It takes mail again. kinds: only where it failed so. True where it was marked."""
    marked = and_(_A.address == address, _A.failing_at.is_not(None), _A.failing_kind.in_(sorted(kinds)))
    none = {"failing_at": None, "failing_kind": None, "failing_answer": None, "failing_delivery": None}
    return db.execute(update(mail_addresses).where(marked).values(**none)).rowcount == 1


def turn_off_digest(db: Connection, address: str, now: datetime) -> bool:
    """True where it came until now."""
    known = address_states(db, [address]).get(address)
    if known and known.no_digest_at:
        return False
    _save(db, address, no_digest_at=now)
    return True


def turn_off_below(db: Connection, address: str, lowest: int, now: datetime) -> bool:
    """Mails of alerts below a level (2 to 4: never red) are not sent. True where that is more than before."""
    known = address_states(db, [address]).get(address)
    lowest = min(lowest, 4)
    if known and known.lowest >= lowest:
        return False
    _save(db, address, lowest=lowest, lowest_at=now)
    return True


def turn_on(db: Connection, address: str) -> bool:
    """Everything comes again. True where something was turned off."""
    off = and_(_A.address == address, or_(_A.no_digest_at.is_not(None), _A.lowest > 0))
    every = {"no_digest_at": None, "lowest": 0, "lowest_at": None}
    return db.execute(update(mail_addresses).where(off).values(**every)).rowcount == 1


@dataclass(frozen=True)
class DigestRow:
    """A digest in the outbox. since, to: the time it tells of.  alone: of one day, asked for by hand."""

    id: str
    state: str
    since: datetime
    to: datetime
    alone: bool = False


def digests_of(db: Connection, address: str, *, since: datetime) -> list[DigestRow]:
    """The digests to an address that were put into the outbox since then, newest first."""
    d = deliveries.c
    mine = and_(d.recipient == address, d.created_at >= since, d.what == "digest")
    query = select(d.id, d.state, d.details, d.created_at).where(mine).order_by(d.created_at.desc(), d.id)
    found = []
    for row in db.execute(query):
        begun, ended = (row.details.get(name) for name in ("from", "to"))
        first = datetime.fromisoformat(begun) if begun else row.created_at
        last = datetime.fromisoformat(ended) if ended else row.created_at
        found.append(DigestRow(row.id, row.state, first, last, bool(row.details.get("alone"))))
    return found


def keep_picture(db: Connection, png: bytes, now: datetime) -> str:
    """Keep a picture once; returns its SHA-256."""
    name = hashlib.sha256(png).hexdigest()
    create_only(db, mail_pictures, {"sha256": name, "png": png, "created_at": now})
    return name


def sweep_pictures(db: Connection, before: datetime) -> int:
    """Forget pictures that were kept before a moment; a mail that is sent again then goes without. Returns how many."""
    return db.execute(delete(mail_pictures).where(mail_pictures.c.created_at < before)).rowcount


def pictures_of(db: Connection, names: Collection[str]) -> dict[str, bytes]:
    """Kept pictures by SHA-256."""
    query = select(mail_pictures.c.sha256, mail_pictures.c.png).where(mail_pictures.c.sha256.in_(sorted(names)))
    return {row.sha256: bytes(row.png) for row in db.execute(query)}


def note_bounce(
    db: Connection, delivery: str, recipient: str, *, answer: str, final: bool, mark: str, now: datetime
) -> bool:
    """What a server said afterwards of a mail that it had taken. final: it gave up.  mark: of the mail that says so.

    False where there is no such delivery to that address, where it was said before, also of an earlier copy of a
    mail that was sent again since, and where the mail is still to go.
    """
    row = db.execute(select(deliveries).where(deliveries.c.id == delivery)).mappings().first()
    if row is None or row["channel"] != "mail" or row["recipient"].lower() != recipient.lower():
        return False
    said, marks = "bounced" if final else "delayed", row["details"].get("returns", [])
    if mark in marks or (final and row["state"] in ("waiting", "sending", "handing")):
        return False
    new = row["state"] != "bounced" and not row["details"].get(said)
    told = {said: answer[:500]} if new else {}
    values: dict[str, Any] = {"details": {**row["details"], **told, "returns": [*marks, mark][-MARKS:]}}
    if new and final:
        values["state"] = "bounced"
        note_failing(db, row["recipient"], "bounced", answer=answer, delivery=delivery, now=now)
    db.execute(update(deliveries).where(deliveries.c.id == delivery).values(**values))
    return new


def note_receipt(db: Connection, delivery: str, now: datetime) -> bool:
    """The link in a mail was pressed. True for the first time."""
    mine = and_(deliveries.c.id == delivery, deliveries.c.receipt_at.is_(None))
    return db.execute(update(deliveries).where(mine).values(receipt_at=now)).rowcount == 1


def _save(db: Connection, address: str, **values: object) -> None:
    new = insert_into(mail_addresses, db.dialect.name).values(address=address, **values)
    db.execute(new.on_conflict_do_update(index_elements=["address"], set_=values))


def _state(row: RowMapping) -> AddressState:
    names: Mapping[str, object] = AddressState.__dataclass_fields__
    return AddressState(**{name: row[name] for name in names})
