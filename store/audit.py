"""The audit log: who did what to what. Append-only; each row carries the hash of the one before it and of itself.

The chain knows its two ends (`audit_head`): where it begins after the oldest rows were pruned, and its newest row.
Somebody who may write the whole database can forge a whole chain; the newest hash, kept elsewhere, tells of that too.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, func, or_, select, true, update

from core.ids import digest, to_json
from store.database import take_turn
from store.schema import audit, audit_head

CHAIN_LOCK = 0x46656E67
"""Advisory lock of the chain on PostgreSQL; SQLite has one writer anyway."""
ACCOUNT = "user_"
"""Actions that begin so are about the account that is their object."""

Damage = Literal["changed", "missing", "inserted", "rewritten"]


@dataclass(frozen=True)
class AuditLine:
    """One row."""

    number: int
    at: datetime
    actor: str
    action: str
    object: str
    details: Mapping[str, Any]
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class Head:
    """The ends of the chain: rows after `base_number` up to `number` are there."""

    base_number: int
    base_hash: str
    number: int
    hash: str


@dataclass(frozen=True)
class Break:
    """The first place where the chain does not hold.

    changed: the row is not what was written.  missing: rows from this number on are gone.  inserted: the row was never
    written by us.  rewritten: the hash kept elsewhere is not in the chain.
    """

    number: int
    damage: Damage


@dataclass(frozen=True)
class Verdict:
    """What a look at the chain found. rows: how many were looked at."""

    rows: int
    head: Head
    broken: Break | None


def note(
    db: Connection, actor: str, action: str, object: str, *, at: datetime, details: Mapping[str, Any] | None = None
) -> None:
    """Append a row. Secrets never go in."""
    take_turn(db, CHAIN_LOCK)
    last = head_of(db)
    values = {
        "number": last.number + 1, "at": at, "actor": actor, "action": action, "object": object,
        "details": dict(details or {}),
    }  # fmt: skip
    hash = hash_of(last.hash, values)
    db.execute(audit.insert().values(**values, previous_hash=last.hash, hash=hash))
    db.execute(update(audit_head).values(number=values["number"], hash=hash))


def head_of(db: Connection) -> Head:
    """The ends of the chain. Where somebody removed that row, the log goes on behind its last row all the same."""
    row = db.execute(select(audit_head)).mappings().first()
    if row is not None:
        return _head(row)
    last = db.execute(select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)).first()
    made = Head(0, "", last.number if last else 0, last.hash if last else "")
    db.execute(audit_head.insert().values(id=1, **vars(made)))
    return made


def newest(db: Connection, limit: int = 100, *, actions: Collection[str] = ()) -> list[AuditLine]:
    """The newest rows; of these actions only, where some are named."""
    query = select(audit).order_by(audit.c.number.desc()).limit(limit)
    if actions:
        query = query.where(audit.c.action.in_(actions))
    return [line_of(row) for row in db.execute(query).mappings()]


def search(
    db: Connection,
    *,
    actor: str = "",
    action: str = "",
    object: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    within: Iterable[str] | None = None,
    limit: int = 100,
) -> list[AuditLine]:
    """Rows, newest first. since, until: [from, to).  before: numbers below.  object: a part of it.

    within: only what these accounts did, and what was done to them; None: all.
    """
    asked: list[ColumnElement[bool]] = [true()]
    if actor:
        asked.append(audit.c.actor == actor)
    if action:
        asked.append(audit.c.action == action)
    if object:
        asked.append(audit.c.object.contains(object, autoescape=True))
    if since is not None:
        asked.append(audit.c.at >= since)
    if until is not None:
        asked.append(audit.c.at < until)
    if before is not None:
        asked.append(audit.c.number < before)
    if within is not None:
        names = sorted(within)
        done_to = and_(audit.c.action.startswith(ACCOUNT, autoescape=True), audit.c.object.in_(names))
        asked.append(or_(audit.c.actor.in_(names), done_to))
    query = select(audit).where(*asked).order_by(audit.c.number.desc()).limit(limit)
    return [line_of(row) for row in db.execute(query).mappings()]


def count(db: Connection) -> int:
    """How many rows there are."""
    return db.execute(select(func.count()).select_from(audit)).scalar_one()


# --- the chain --------------------------------------------------------------------------------------------------


def verify(db: Connection) -> Break | None:
    """The first place where the chain does not hold; None: all is whole."""
    return check_chain(db).broken


def check_chain(db: Connection, *, last: int | None = None, kept: tuple[int, str] | None = None) -> Verdict:
    """Look at every row, or the `last` ones. kept: number and hash noted elsewhere earlier, which must still be there.

    One statement: a row that is being written meanwhile is seen together with its head or not at all.
    """
    ends = [column.label(f"head_{column.name}") for column in audit_head.c]
    joined = audit_head.outerjoin(audit, true() if last is None else audit.c.number > audit_head.c.number - last)
    query = select(*ends, audit).select_from(joined).order_by(audit.c.number).execution_options(yield_per=1000)
    rows = db.execute(query).mappings()
    chain: _Chain | None = None
    for row in rows:
        if chain is None:
            head = _head(row, "head_")
            part = last is not None and head.number - last > head.base_number
            start = (int(row["number"]) - 1, row["previous_hash"]) if part and row["number"] is not None else None
            chain = _Chain(head, start, kept)
        if row["number"] is not None:
            chain.take(line_of(row))
    if chain is None:
        # The head's row itself was removed: nothing says any more where the chain ends.
        return Verdict(0, Head(0, "", 0, ""), Break(1, "missing") if count(db) else None)
    return chain.close()


class _Chain:
    """Walks rows in order; one row is held back, since the row after it tells a changed one from an inserted one."""

    def __init__(self, head: Head, start: tuple[int, str] | None, kept: tuple[int, str] | None) -> None:
        self.head, self.kept = head, kept
        self.number, self.hash = start or (head.base_number, head.base_hash)
        self.rows = 0
        self.broken: Break | None = None
        self.held: AuditLine | None = None
        self.kept_seen = kept is None or kept[0] <= head.base_number

    def take(self, line: AuditLine) -> None:
        self.rows += 1
        if self.kept is not None and line.number == self.kept[0]:
            self.kept_seen = line.hash == self.kept[1]
        if self.broken is None and self.held is not None:
            self._judge(self.held, line.previous_hash)
        self.held = line

    def close(self) -> Verdict:
        if self.broken is None and self.held is not None:
            self._judge(self.held, None)
        if self.broken is None:
            self.broken = self._end()
        if self.broken is None and self.kept is not None and not self.kept_seen:
            self.broken = Break(self.kept[0], "rewritten")
        return Verdict(self.rows, self.head, self.broken)

    def _judge(self, line: AuditLine, next_link: str | None) -> None:
        own = line.hash == hash_of(line.previous_hash, vars(line))
        linked = line.previous_hash == self.hash
        if line.number > self.head.number or next_link == self.hash:
            self.broken = Break(line.number, "inserted")
        elif own and linked:
            self.number, self.hash = line.number, line.hash
        elif own and not linked and line.number > self.number + 1:
            self.broken = Break(self.number + 1, "missing")
        elif own and not linked:
            # This row is as it was written, so the one before it is not, though its own hash was made to fit.
            self.broken = Break(self.number or line.number, "changed")
        else:
            self.broken = Break(line.number, "changed")

    def _end(self) -> Break | None:
        if self.number < self.head.number:
            return Break(self.number + 1, "missing")
        return None if self.hash == self.head.hash else Break(self.number, "changed")


def verify_lines(lines: Iterable[AuditLine]) -> Verdict:
    """The same for rows that were exported: they must follow one another, from wherever they begin."""
    chain: _Chain | None = None
    found = list(lines)
    for line in found:
        if chain is None:
            newest_line = max(found, key=lambda one: one.number)
            head = Head(line.number - 1, line.previous_hash, newest_line.number, newest_line.hash)
            chain = _Chain(head, None, None)
        chain.take(line)
    return chain.close() if chain else Verdict(0, Head(0, "", 0, ""), None)


def prune(db: Connection, *, before: datetime, actor: str, now: datetime) -> int:
    """Drop the oldest rows, up to the last one before `before`; how many. The chain begins after them, and says so.

    Rows are dropped from the old end only. The caller has exported them.
    """
    head = head_of(db)
    first_kept = select(func.min(audit.c.number)).where(audit.c.at >= before).scalar_subquery()
    old = select(audit.c.number, audit.c.hash).where(audit.c.number < func.coalesce(first_kept, head.number + 1))
    row = db.execute(old.order_by(audit.c.number.desc()).limit(1)).first()
    if row is None:
        return 0
    gone = db.execute(delete(audit).where(audit.c.number <= row.number)).rowcount
    db.execute(update(audit_head).values(base_number=row.number, base_hash=row.hash))
    note(db, actor, "audit_prune", f"1-{row.number}", at=now, details={"rows": gone, "last_hash": row.hash})
    return gone


def hash_of(previous: str, values: Mapping[str, Any]) -> str:
    """The hash of a row: all it says, its number and the hash before it."""
    at: datetime = values["at"]
    when = at.astimezone(UTC).isoformat(timespec="microseconds")
    said = (values["actor"], values["action"], values["object"], to_json(values["details"]))
    return digest(previous, str(values["number"]), when, *said)


def _head(row: RowMapping, prefix: str = "") -> Head:
    return Head(**{name: row[prefix + name] for name in Head.__dataclass_fields__})


def line_of(row: RowMapping) -> AuditLine:
    """The record of a row of `audit`."""
    return AuditLine(**{name: row[name] for name in AuditLine.__dataclass_fields__})
