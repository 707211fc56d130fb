"""A demo data folder as a system leaves it: rows in many tables, pages in the archive, a proof, keys, a file."""

import shutil
from pathlib import Path

from sqlalchemy import insert, select, text, update

from core.records import ArchiveRef
from crawlers.archive import Archive
from ledger import proofs
from store.database import Store
from store.schema import alert_documents, documents, metadata
from tests.desk_server import NOW, filled_folder

PROOF = b"%PDF-1.7\nproof\n"


def fill_folder(folder: Path) -> Path:
    """Fill it: the demo's rows, and for twenty documents a page in the archive."""
    shutil.copytree(filled_folder(), folder, dirs_exist_ok=True)
    add_pages(folder, Store(f"sqlite:///{folder / 'fengsui.db'}"))
    proof = proofs.path_of(folder, "ab" * 32)
    proof.parent.mkdir(parents=True)
    proof.write_bytes(PROOF)
    (folder / "second_factor.key").write_bytes(b"k" * 32)
    (folder / "imports").mkdir()
    (folder / "imports" / "名录.csv").write_text("企业名称\n甲公司\n", encoding="utf-8")
    return folder


def add_pages(folder: Path, store: Store, *, most: int = 20) -> list[ArchiveRef]:
    """Archive a page for some documents, half of them cited by alerts, and lead their rows to it."""
    archive, made = Archive(folder / "archive", started=NOW), []
    with store.write() as db:
        query = select(documents.c.seq, documents.c.url, documents.c.text).order_by(documents.c.seq)
        cited = documents.c.id.in_(select(alert_documents.c.document))
        half = [query.where(which).limit(most // 2) for which in (cited, ~cited)]
        for row in sorted((row for some in half for row in db.execute(some).all()), key=lambda row: int(row.seq)):
            headers = [("Content-Type", "text/html; charset=utf-8")]
            ref = archive.write_response(row.url, 200, headers, f"<p>{row.text}</p>".encode(), NOW)
            db.execute(update(documents).where(documents.c.seq == row.seq).values(archive=vars(ref)))
            made.append(ref)
    archive.close()
    store.close()
    return made


def copy_rows(url: str, store: Store) -> None:
    """Put all rows of an SQLite file into a PostgreSQL, in place of what is there."""
    source = Store(url)
    with source.read() as here, store.write() as db:
        db.execute(text("set local session_replication_role = replica"))  # tables in any order
        for table in metadata.sorted_tables:
            db.execute(table.delete())
            if some := [dict(one) for one in here.execute(table.select()).mappings()]:
                db.execute(insert(table), some)
    source.close()


def rows_of(url: str) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, in an order of their own."""
    store = Store(url)
    with store.read() as db:
        found = {
            table.name: sorted((tuple(row) for row in db.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }
    store.close()
    return found


def files_of(folder: Path, *, without: tuple[str, ...] = ()) -> dict[str, bytes]:
    """The bytes of all files below a folder."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: path.read_bytes() for name, path in sorted(named.items()) if name.split("/")[0] not in without}
