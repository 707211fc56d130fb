"""What the store remembers of the daily check of what is kept."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, select

from core.records import ArchiveRef
from store.database import Store, get_fact, set_fact
from store.schema import alert_files, documents, ledger_proofs

FACT = "kept_check"


@dataclass(frozen=True)
class Damage:
    """One thing that is not what was written. file: within the data folder.  about: document or entry it belongs to.

    place: of its row, to look at it again.
    """

    kind: str
    file: str
    about: str
    why: str
    place: int = 0


@dataclass(frozen=True)
class Check:
    """at: ISO, UTC, of the last slice.  next: place of the first document that was not looked at in this round.

    looked: in this round.  whole_at: when a round was last finished.  tables: that were looked at in this round of the
    database.  database: what SQLite said.
    """

    at: str = ""
    next: int = 0
    looked: int = 0
    whole_at: str = ""
    damage: tuple[Damage, ...] = ()
    tables: tuple[str, ...] = ()
    database: tuple[str, ...] = ()

    @property
    def faults(self) -> list[tuple[str, str]]:
        """What is wrong, and what to do about it."""
        found = []
        for kind, word in (("archive", "原文存档"), ("proofs", "佐证材料")):
            mine = [one for one in self.damage if one.kind == kind]
            if mine:
                told = f"{word}有 {len(mine)} 处损坏：{mine[0].file}，{mine[0].why}（{mine[0].about}）"
                found.append((told, f"由备份恢复：fengsui restore 目录 --only {kind}"))
        if self.database:
            told = f"数据库文件已损坏：{self.database[0]}"
            found.append((told, "停下系统，由备份恢复：fengsui restore 目录 --only store"))
        return found


def last_check(store: Store) -> Check:
    """What is remembered."""
    with store.read() as db:
        kept = get_fact(db, FACT)
    if not kept:
        return Check()
    given = {name: value for name, value in json.loads(kept).items() if name in Check.__dataclass_fields__}
    given |= {name: tuple(given.get(name, ())) for name in ("tables", "database")}
    damage = tuple(Damage(**one) for one in given.pop("damage", ()))
    return Check(**given, damage=damage)


def note_check(store: Store, check: Check) -> None:
    """Remember it."""
    with store.write() as db:
        set_fact(db, FACT, json.dumps(asdict(check), ensure_ascii=False))


def archived_after(
    db: Connection, place: int, *, limit: int
) -> tuple[list[tuple[int, str, tuple[ArchiveRef, ...]]], int | None]:
    """Place, document, page and attached files of those of the next rows that have any in the archive, in the order of
    arrival, and the place of the last row; None: there are no more."""
    rows = db.execute(_ARCHIVED.where(documents.c.seq > place).order_by(documents.c.seq).limit(limit)).all()
    found = [(row.seq, row.id, refs) for row, refs in _with_refs(db, rows) if refs]
    return found, rows[-1].seq if rows else None


def archived_at(db: Connection, place: int) -> tuple[ArchiveRef, ...]:
    """Page and attached files of one row; empty where they are gone."""
    rows = db.execute(_ARCHIVED.where(documents.c.seq == place)).all()
    return next((refs for _row, refs in _with_refs(db, rows)), ())


_ARCHIVED = select(documents.c.seq, documents.c.id, documents.c.archive, documents.c.attachments)


def _with_refs(db: Connection, rows: Sequence[Any]) -> Iterator[tuple[Any, tuple[ArchiveRef, ...]]]:
    attached = [row.seq for row in rows if row.attachments]
    query = select(documents.c.seq, documents.c.raw).where(documents.c.seq.in_(attached))
    raws = {row.seq: row.raw for row in db.execute(query)} if attached else {}
    for row in rows:
        files = (one.get("archive") for one in raws.get(row.seq, {}).get("files", ()))
        yield row, tuple(ref_of(one) for one in (row.archive, *files) if one)


def ref_of(kept: Any) -> ArchiveRef:
    """A reference as it stands in a row."""
    return ArchiveRef(**{name: kept[name] for name in ArchiveRef.__dataclass_fields__})


def proof_hashes(db: Connection) -> Iterator[tuple[str, str]]:
    """SHA-256 and what it belongs to, of all files that people handed in."""
    for table, owner in ((ledger_proofs, ledger_proofs.c.entry), (alert_files, alert_files.c.alert)):
        for row in db.execute(select(table.c.sha256, owner)):
            yield row[0], str(row[1])
