"""Official papers: drafts, what people wrote into their fields, and the frozen bytes of signed ones."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, or_, select, update

from core.clock import beijing
from store import database
from store.schema import paper_files, paper_values, papers

NUMBERS_LOCK = 0x47574E6F
"""Advisory lock of the numbers on PostgreSQL; SQLite has one writer anyway."""


@dataclass(frozen=True)
class PaperLine:
    """A paper without its content."""

    id: str
    kind: str
    territory: str
    subject: str
    title: str
    made_at: datetime
    made_by: str
    corrects: str | None
    signed_at: datetime | None
    signed_by: str | None
    dropped_at: datetime | None = None
    dropped_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class PaperRow(PaperLine):
    """A paper. content: as reports/papers/record.py writes it."""

    content: Mapping[str, Any]


@dataclass(frozen=True)
class PaperValue:
    """What somebody wrote into a field; an empty value takes back what was there."""

    number: int
    key: str
    value: str
    at: datetime
    actor: str


@dataclass(frozen=True)
class PaperFile:
    """A file of a signed paper."""

    name: str
    body: bytes
    sha256: str


_LINE = tuple(papers.c[name] for name in PaperLine.__dataclass_fields__)


def take_turn(db: Connection) -> None:
    """Nobody else numbers, fills or signs before this transaction ends."""
    database.take_turn(db, NUMBERS_LOCK)


def add_paper(
    db: Connection, *, kind: str, territory: str, subject: str, title: str, content: Mapping[str, Any], at: datetime,
    by: str, corrects: str | None, once: str,
) -> str:  # fmt: skip
    """A new draft with the next number of its year; its id, also where the same form came before."""
    take_turn(db)
    before = db.execute(select(papers.c.id).where(papers.c.once == once)).scalar()
    if before is not None:
        return str(before)
    year = beijing(at).year
    serial = _next_serial(db, year)
    made = f"GW-{year}-{serial:04d}"
    values = {"kind": kind, "territory": territory, "subject": subject, "title": title, "content": dict(content)}
    db.execute(
        insert(papers).values(
            id=made, year=year, serial=serial, made_at=at, made_by=by, corrects=corrects, once=once, **values
        )
    )
    return made


def _next_serial(db: Connection, year: int) -> int:
    """The first number that no paper of the year has: what was thrown away gave its own back."""
    query = select(papers.c.serial).where(papers.c.year == year, papers.c.serial > 0).order_by(papers.c.serial)
    taken = list(db.execute(query).scalars())
    return next((place for place, serial in enumerate(taken, 1) if serial != place), len(taken) + 1)


def drop_paper(db: Connection, paper: str, *, at: datetime, by: str) -> str | None:
    """Throw a draft away: it is kept, with what was written into it, under an id of its own, and its number is free.

    The new id (GW-2026-0003-X1); None where it is signed, thrown away or not there.
    """
    take_turn(db)
    row = db.execute(select(papers).where(papers.c.id == paper)).mappings().first()
    if row is None or row["signed_at"] is not None or row["dropped_at"] is not None:
        return None
    same = select(func.count()).select_from(papers).where(papers.c.id.like(f"{paper}-X%"))
    new = f"{paper}-X{db.execute(same).scalar_one() + 1}"
    lowest = db.execute(select(func.min(papers.c.serial)).where(papers.c.year == row["year"])).scalar_one()
    gone = {"id": new, "serial": min(0, lowest) - 1, "dropped_at": at, "dropped_by": by, "once": f"{row['once']} {new}"}
    db.execute(insert(papers).values({**row, **gone}))
    db.execute(update(paper_values).where(paper_values.c.paper == paper).values(paper=new))
    db.execute(delete(papers).where(papers.c.id == paper))
    return new


def drafted_by_form(db: Connection, once: str) -> bool:
    """Whether a form, or the clock, drafted a paper before, also one that was thrown away."""
    ours = or_(papers.c.once == once, papers.c.once.like(f"{once} GW-%"))
    return db.execute(select(papers.c.id).where(ours).limit(1)).first() is not None


def find_paper(db: Connection, paper: str) -> PaperRow | None:
    """By its id."""
    row = db.execute(select(*_LINE, papers.c.content).where(papers.c.id == paper.upper())).mappings().first()
    return PaperRow(**row) if row else None


def renew_content(db: Connection, paper: str, *, title: str, content: Mapping[str, Any]) -> None:
    """A draft as the records are now."""
    db.execute(update(papers).where(papers.c.id == paper).values(title=title, content=dict(content)))


def papers_of_subject(db: Connection, subject: str, kind: str, territory: str) -> list[PaperRow]:
    """The papers of one kind and bureau about one thing that stand, oldest first."""
    query = select(*_LINE, papers.c.content).where(
        papers.c.subject == subject, papers.c.kind == kind, papers.c.territory == territory,
        papers.c.dropped_at.is_(None),
    )  # fmt: skip
    return [PaperRow(**row) for row in db.execute(query.order_by(papers.c.made_at, papers.c.serial)).mappings()]


def signed_since(db: Connection, kind: str, since: datetime, territories: Collection[str]) -> list[PaperRow]:
    """The papers of a kind that these bureaus signed since then, the first signed first."""
    query = select(*_LINE, papers.c.content).where(
        papers.c.kind == kind, papers.c.signed_at >= since, papers.c.territory.in_(sorted(territories))
    )
    return [PaperRow(**row) for row in db.execute(query.order_by(papers.c.signed_at, papers.c.id)).mappings()]


def list_papers(
    db: Connection, *, codes: Collection[str] | None, kind: str = "", signed: bool | None = None,
    dropped: bool = False, limit: int, offset: int = 0,
) -> list[PaperLine]:  # fmt: skip
    """Newest first. codes: of the bureaus whose papers may be seen; None: all.  dropped: those thrown away instead."""
    query = _sifted(select(*_LINE), codes, kind, signed, dropped=dropped)
    query = query.order_by(papers.c.made_at.desc(), papers.c.id.desc()).limit(limit).offset(offset)
    return [PaperLine(**row) for row in db.execute(query).mappings()]


def count_papers(
    db: Connection, *, codes: Collection[str] | None, kind: str = "", signed: bool | None = None, dropped: bool = False
) -> int:
    """How many such there are."""
    counted = select(func.count()).select_from(papers)
    return int(db.execute(_sifted(counted, codes, kind, signed, dropped=dropped)).scalar_one())


def _sifted(
    query: Select[Any], codes: Collection[str] | None, kind: str, signed: bool | None, *, dropped: bool
) -> Select[Any]:
    query = query.where(papers.c.dropped_at.is_not(None) if dropped else papers.c.dropped_at.is_(None))
    if codes is not None:
        query = query.where(papers.c.territory.in_(sorted(codes)))
    if kind:
        query = query.where(papers.c.kind == kind)
    if signed is not None:
        query = query.where(papers.c.signed_at.is_not(None) if signed else papers.c.signed_at.is_(None))
    return query


def values_of(db: Connection, paper: str) -> list[PaperValue]:
    """All that was written into its fields, oldest first."""
    columns = (paper_values.c[name] for name in PaperValue.__dataclass_fields__)
    query = select(*columns).where(paper_values.c.paper == paper).order_by(paper_values.c.number)
    return [PaperValue(**row) for row in db.execute(query).mappings()]


def add_values(db: Connection, paper: str, values: Mapping[str, str], *, at: datetime, by: str, once: str) -> bool:
    """Write fields; False: the same form came before."""
    if db.execute(select(paper_values.c.number).where(paper_values.c.once == once).limit(1)).first() is not None:
        return False
    rows = [{"paper": paper, "key": key, "value": value, "at": at, "actor": by, "once": once}
            for key, value in values.items()]  # fmt: skip
    if rows:
        db.execute(insert(paper_values), rows)
    return True


def sign_paper(db: Connection, paper: str, *, at: datetime, by: str, files: Mapping[str, bytes]) -> bool:
    """Freeze it with its files; False: it was signed before."""
    open_yet = (papers.c.signed_at.is_(None), papers.c.dropped_at.is_(None))
    only_once = update(papers).where(papers.c.id == paper, *open_yet)
    if db.execute(only_once.values(signed_at=at, signed_by=by)).rowcount != 1:
        return False
    for name, body in files.items():
        db.execute(
            insert(paper_files).values(paper=paper, name=name, body=body, sha256=hashlib.sha256(body).hexdigest())
        )
    return True


def files_of(db: Connection, paper: str) -> dict[str, str]:
    """Names of the files of a signed paper, and their SHA-256."""
    query = select(paper_files.c.name, paper_files.c.sha256).where(paper_files.c.paper == paper)
    return {row[0]: row[1] for row in db.execute(query.order_by(paper_files.c.name))}


def find_file(db: Connection, paper: str, name: str) -> PaperFile | None:
    """One file of a signed paper."""
    query = select(paper_files.c.name, paper_files.c.body, paper_files.c.sha256)
    row = db.execute(query.where(paper_files.c.paper == paper, paper_files.c.name == name)).first()
    return PaperFile(row[0], bytes(row[1]), row[2]) if row else None


def standing(values: Sequence[PaperValue]) -> dict[str, str]:
    """What each field holds now; fields that were emptied are missing."""
    newest = {one.key: one.value for one in values}
    return {key: value for key, value in newest.items() if value}
