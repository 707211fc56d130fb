"""What is recorded of firms (licences, results, penalties, ...), how they are tied, how their entries changed."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Table, or_, select

from core.firms import PAPERS, EntryChange, FactKind, FirmFact, FirmTie, TieKind
from store.inserts import insert_into
from store.schema import firm_changes, firm_facts, firm_ties

_FACT = tuple(field.name for field in fields(FirmFact))
_TIE = tuple(field.name for field in fields(FirmTie))
AT_ONCE = 400  # firms in one question: SQLite takes a limited number of values


def fact_id(fact: FirmFact) -> str:
    """The same licence or result has the same id whatever is said of it later."""
    day = "" if fact.kind in PAPERS else fact.day  # a paper that is prolonged stays the same paper
    told = "\x1f".join(map(str, (fact.firm, fact.kind, fact.number, day, fact.product, fact.model, fact.batch)))
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def save_facts(db: Connection, facts: Iterable[FirmFact], *, now: datetime) -> int:
    """Write facts, a known one over itself; how many were given."""
    rows = [{**{name: getattr(fact, name) for name in _FACT}, "id": fact_id(fact), "updated_at": now} for fact in facts]
    _upsert(db, firm_facts, rows, keys=("id",))
    return len(rows)


def known_facts(db: Connection, ids: Sequence[str]) -> dict[str, FirmFact]:
    """Those of the facts that are stored, by `fact_id`."""
    found: dict[str, FirmFact] = {}
    for start in range(0, len(ids), AT_ONCE):
        query = select(firm_facts).where(firm_facts.c.id.in_(ids[start : start + AT_ONCE]))
        found |= {row["id"]: fact_of(row) for row in db.execute(query).mappings()}
    return found


def note_changes(db: Connection, pairs: Iterable[tuple[FirmFact, FirmFact]], *, now: datetime, source: str) -> None:
    """Keep what facts said before a re-import, beside the changes of entries. pairs: before and after.

    A field of a change is called `fact:<fact_id>:<field>`.
    """
    rows = []
    for before, after in pairs:
        changed = {
            f"{OF_A_FACT}{fact_id(after)}:{name}": [_text(getattr(before, name)), _text(getattr(after, name))]
            for name in _FACT
            if name != "source" and getattr(before, name) != getattr(after, name)
        }
        rows.append({"firm": after.firm, "at": now, "source": source, "changes": changed})
    if rows:
        db.execute(firm_changes.insert(), rows)


def note_tie_changes(db: Connection, pairs: Iterable[tuple[FirmTie, FirmTie]], *, now: datetime, source: str) -> None:
    """Keep what relations said before a re-import, with each firm of the registry that has a side. pairs: before and
    after.

    A field of a change is called `tie:<field>:<kind>:<one>|<other>|<product>`.
    """
    rows = []
    for before, after in pairs:
        told = f"{after.kind}:{after.one}|{after.other}|{after.product}"
        changed = {
            f"{OF_A_TIE}{name}:{told}": [_text(getattr(before, name)), _text(getattr(after, name))]
            for name in ("since", "until", "document")
            if getattr(before, name) != getattr(after, name)
        }
        sides = [firm for firm in (after.one, after.other) if not firm.startswith("NIL:")]
        rows += [{"firm": firm, "at": now, "source": source, "changes": changed} for firm in sides if changed]
    if rows:
        db.execute(firm_changes.insert(), rows)


OF_A_FACT, OF_A_TIE = "fact:", "tie:"


def changed_tie(name: str) -> tuple[str, FirmTie] | None:
    """The field and the relation, of a field of a change; None where it is of no relation."""
    if not name.startswith(OF_A_TIE):
        return None
    field, kind, told = name.removeprefix(OF_A_TIE).split(":", 2)
    one, other, product = told.split("|", 2)
    return field, FirmTie(one, TieKind(kind), other, product)


def changed_field(name: str) -> tuple[str, str] | None:
    """The id of a fact and its field, of a field of a change; None where it is one of the entry."""
    if not name.startswith(OF_A_FACT):
        return None
    which, _, field = name.removeprefix(OF_A_FACT).partition(":")
    return which, field


def said_before(facts: Iterable[FirmFact], history: Sequence[EntryChange], end: datetime) -> dict[str, FirmFact]:
    """What facts said at a moment, by id: those that re-imports changed after it. history: newest first."""
    known = {fact_id(fact): fact for fact in facts}
    found: dict[str, FirmFact] = {}
    for change in history:
        for name, (before, _after) in change.changes.items() if change.at > end else ():
            which, field = changed_field(name) or ("", "")
            if which in known and field in _FACT:
                found[which] = replace(found.get(which, known[which]), **{field: _value(field, before)})
    return found


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _value(field: str, text: str) -> Any:
    if field in ("day", "until", "state_since"):
        return date.fromisoformat(text) if text else None
    return int(text) if field == "count" else text


def tie_key(tie: FirmTie) -> tuple[str, TieKind, str, str]:
    """What makes a relation the same."""
    return tie.one, tie.kind, tie.other, tie.product


def known_ties(db: Connection, ties: Sequence[FirmTie]) -> dict[tuple[str, TieKind, str, str], FirmTie]:
    """Those of the relations that are stored, by `tie_key`."""
    wanted = {tie_key(tie) for tie in ties}
    ones = sorted({tie.one for tie in ties})
    found: dict[tuple[str, TieKind, str, str], FirmTie] = {}
    for start in range(0, len(ones), AT_ONCE):
        query = select(*(firm_ties.c[name] for name in _TIE)).where(firm_ties.c.one.in_(ones[start : start + AT_ONCE]))
        for row in db.execute(query).mappings():
            tie = FirmTie(**{**row, "kind": TieKind(row["kind"])})
            if tie_key(tie) in wanted:
                found[tie_key(tie)] = tie
    return found


def drop_fact(db: Connection, fact: FirmFact) -> None:
    """Take a fact back, whatever was said of it later."""
    db.execute(firm_facts.delete().where(firm_facts.c.id == fact_id(fact)))


def save_ties(db: Connection, ties: Iterable[FirmTie], *, now: datetime) -> int:
    """Write relations, a known one over itself; how many were given."""
    rows = [{**{name: getattr(tie, name) for name in _TIE}, "updated_at": now} for tie in ties]
    _upsert(db, firm_ties, rows, keys=("one", "kind", "other", "product"))
    return len(rows)


def facts_of(db: Connection, firms: Sequence[str]) -> dict[str, list[FirmFact]]:
    """What is recorded of each of the firms, the newest day first; firms without anything have an empty list."""
    found: dict[str, list[FirmFact]] = {firm: [] for firm in firms}
    for start in range(0, len(firms), AT_ONCE):
        query = select(*(firm_facts.c[name] for name in _FACT)).where(
            firm_facts.c.firm.in_(firms[start : start + AT_ONCE])
        )
        query = query.order_by(firm_facts.c.day.desc(), firm_facts.c.id)
        for row in db.execute(query).mappings():
            found[row["firm"]].append(fact_of(row))
    return found


def facts_numbered(db: Connection, number: str) -> list[FirmFact]:
    """The papers and results with this number, of any firm."""
    query = select(*(firm_facts.c[name] for name in _FACT)).where(firm_facts.c.number == number).limit(100)
    return [fact_of(row) for row in db.execute(query).mappings()]


def ties_of(db: Connection, firms: Sequence[str]) -> list[FirmTie]:
    """The relations in which one of the firms (at most 400) stands on either side."""
    asked = list(firms[:AT_ONCE])
    query = select(*(firm_ties.c[name] for name in _TIE))
    query = query.where(or_(firm_ties.c.one.in_(asked), firm_ties.c.other.in_(asked)))
    rows = db.execute(query.order_by(firm_ties.c.one, firm_ties.c.kind, firm_ties.c.other)).mappings()
    return [FirmTie(**{**row, "kind": TieKind(row["kind"])}) for row in rows]


def changes_of(db: Connection, firm: str) -> list[EntryChange]:
    """How re-imports changed an entry, newest first."""
    query = select(firm_changes).where(firm_changes.c.firm == firm).order_by(firm_changes.c.number.desc()).limit(100)
    return [
        EntryChange(row["firm"], row["at"], row["source"], {k: (v[0], v[1]) for k, v in row["changes"].items()})
        for row in db.execute(query).mappings()
    ]


def fact_of(row: Any) -> FirmFact:
    """The record of a row that has all columns of FirmFact."""
    return FirmFact(**{**{name: row[name] for name in _FACT}, "kind": FactKind(row["kind"])})


def _upsert(db: Connection, table: Table, rows: list[dict[str, Any]], *, keys: tuple[str, ...]) -> None:
    if not rows:
        return
    statement = insert_into(table, db.dialect.name)
    changed = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    db.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=changed), rows)
