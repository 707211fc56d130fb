"""Whether what is kept is what was written: the archive page by page, proofs by their hash, SQLite by its own check.

A night looks at a slice: so many pages, so many minutes; the next night goes on behind it. What was found damaged is
looked at again first, so that what was restored is no longer told.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url

from core.records import ArchiveRef
from crawlers.archive import ArchiveDamaged, read_record
from keeping.folders import ARCHIVE, PROOFS
from keeping.manifest import hash_of
from keeping.store_copy import address_of, faults_in
from ledger.proofs import path_of
from store.checks import Check, Damage, archived_after, archived_at, last_check, note_check, proof_hashes
from store.database import Store
from store.schema import metadata

AT_ONCE = 500
MOST_TOLD = 200
"""Damage that is remembered: a lost disk makes every page one."""


@dataclass(frozen=True)
class Budget:
    """How much one look may take. pages: None: all of them.  seconds: by `tick`."""

    pages: int | None = None
    seconds: float = float("inf")
    tick: Callable[[], float] = time.monotonic


def check_kept(store: Store, data_dir: Path, budget: Budget, *, now: datetime) -> Check:
    """Look at a slice and remember what was found."""
    began, before = budget.tick(), last_check(store)

    def left() -> bool:
        return budget.tick() - began < budget.seconds

    check = replace(before, at=now.isoformat(), damage=tuple(_still(store, data_dir, before.damage)))
    check = _database(store, check, left, whole=budget.pages is None)
    check = _proofs(store, data_dir, check, left)
    check = _pages(store, data_dir, check, budget, left, now)
    note_check(store, check)
    return check


def _still(store: Store, data_dir: Path, damage: tuple[Damage, ...]) -> Iterator[Damage]:
    for one in damage:
        if one.kind == ARCHIVE:
            with store.read() as db:
                refs = archived_at(db, one.place)
            for ref, why in _faults(data_dir, refs):
                yield replace(one, file=f"{ARCHIVE}/{ref.file}", why=why)


def _pages(
    store: Store, data_dir: Path, check: Check, budget: Budget, left: Callable[[], bool], now: datetime
) -> Check:
    """Go on behind the last page that was looked at; from the start again where the end was reached."""
    looked, place, round_looked = 0, check.next, check.looked if check.next else 0
    known = {one.place: one for one in check.damage if one.kind == ARCHIVE}
    whole_at = check.whole_at
    while left() and (budget.pages is None or looked < budget.pages):
        most = AT_ONCE if budget.pages is None else min(AT_ONCE, budget.pages - looked)
        with store.read() as db:
            rows, last = archived_after(db, place, limit=most)
        if last is None:
            place, whole_at = 0, now.isoformat()
            break
        for at, document, refs in rows:
            for ref, why in _faults(data_dir, refs):
                known[at] = Damage(ARCHIVE, f"{ARCHIVE}/{ref.file}", document, why, at)
        looked, round_looked, place = looked + most, round_looked + len(rows), last
    others = [one for one in check.damage if one.kind != ARCHIVE]
    damage = (*others, *known.values())[:MOST_TOLD]
    return replace(check, next=place, looked=round_looked, whole_at=whole_at, damage=damage)


def _faults(data_dir: Path, refs: Iterable[ArchiveRef]) -> Iterator[tuple[ArchiveRef, str]]:
    """The first record of a document that is damaged, page or attached file, and why."""
    for ref in refs:
        try:
            read_record(data_dir / ARCHIVE, ref)
        except ArchiveDamaged as problem:
            yield ref, str(problem).partition(": ")[2] or str(problem)
            return


def _proofs(store: Store, data_dir: Path, check: Check, left: Callable[[], bool]) -> Check:
    """All of them, as long as there is time: there are few."""
    found: list[Damage] = []
    with store.read() as db:
        wanted = dict(proof_hashes(db))
    for sha256, owner in wanted.items():
        if not left():
            return check
        path = path_of(data_dir, sha256)
        try:
            why = "" if hash_of(path) == sha256 else "内容已改变（SHA-256 不符）"
        except OSError as problem:
            why = f"读不到（{problem.strerror}）"
        if why:
            found.append(Damage(PROOFS, path.relative_to(data_dir).as_posix(), owner, why))
    others = [one for one in check.damage if one.kind != PROOFS]
    return replace(check, damage=(*others, *found)[:MOST_TOLD])


def _database(store: Store, check: Check, left: Callable[[], bool], *, whole: bool) -> Check:
    """SQLite's own check, table by table; PostgreSQL counts the checksums that failed by itself."""
    address = make_url(store.url)
    if address.get_backend_name() != "sqlite":
        return replace(check, database=tuple(_failed_checksums(store)))
    with closing(sqlite3.connect(address_of(Path(address.database or ""), "mode=ro"), uri=True)) as db:
        if whole or check.database:
            return replace(check, tables=(), database=tuple(faults_in(db, thorough=True)))
        names = [table.name for table in metadata.sorted_tables]
        done = [name for name in check.tables if name in names]
        faults: list[str] = []
        for name in names:
            if name in done:
                continue
            if not left():
                break
            faults += [f"{name}：{one}" for one in faults_in(db, table=name)]
            done.append(name)
    return replace(check, tables=() if len(done) == len(names) else tuple(done), database=tuple(faults))


def _failed_checksums(store: Store) -> Iterator[str]:
    asked = text("SELECT coalesce(sum(checksum_failures), 0) FROM pg_stat_database")
    with store.read() as db:
        failed = db.execute(asked).scalar_one()
    if failed:
        yield f"PostgreSQL 的校验和有 {failed} 次不符（pg_stat_database），看其日志"
