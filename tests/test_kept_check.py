"""What was damaged on the disk is found, told and put back from a backup; what is synced before what."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, select, update

from commands.digests import digest_desk_of
from config.ledger import Proofs
from config.settings import Settings
from core.errors import StoreError
from crawlers.archive import Archive
from keeping.check import Budget, check_kept
from ledger import proofs
from pipelines.intake import StoreIntake
from store.backups import LastBackup, note_backup
from store.checks import Check, Damage, last_check, note_check
from store.database import Store, check_profile
from store.schema import documents
from tests.command_line import run_here
from tests.crawl_server import Bench, Reply, Site
from tests.desk_server import NOW, make_services
from tests.kept_folder import add_pages, fill_folder
from tests.test_watched_pages import LIST, page
from web.app import create_app, entry_path


def fengsui(*words: object, ends: int = 0) -> str:
    done = run_here(*map(str, words))
    assert done.returncode == ends, done.stderr + done.stdout
    return done.stdout + done.stderr


def spoil(path: Path, at: int, body: bytes = b"\xff\x00\xff") -> None:
    """Change bytes in place, as a dying disk does: length and time stay."""
    found = path.stat()
    with path.open("r+b") as file:
        file.seek(at)
        file.write(body)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def test_a_changed_page_is_found_told_and_put_back_while_the_system_runs(data: Path) -> None:
    to, store = data.parent / "backup", Store(f"sqlite:///{data / 'fengsui.db'}")
    assert check_kept(store, data, Budget(), now=NOW).faults == []
    fengsui("backup", to, "--data", data)
    [file] = (data / "archive").glob("*/*.warc.gz")
    whole = file.read_bytes()
    spoil(file, len(whole) // 2)
    fengsui("doctor", "--deep", "--data", data, ends=1)
    told = fengsui("doctor", "--data", data, ends=1)
    assert "原文存档有 1 处损坏" in told
    assert "fengsui restore 目录 --only archive" in told
    assert "原文存档有 1 处损坏" in status_page(data)
    assert f"已恢复 archive/{file.parent.name}/{file.name}" in fengsui(
        "restore", to, "--data", data, "--only", "archive"
    )
    assert file.read_bytes() == whole
    assert check_kept(store, data, Budget(pages=1), now=NOW).faults == []  # damaged places are looked at again first
    [aside] = data.glob(".before-*/archive/*/*.warc.gz")
    assert aside.read_bytes() != whole


def test_a_changed_attachment_is_found_and_told_as_its_page_is(data: Path) -> None:
    store, archive = Store(f"sqlite:///{data / 'fengsui.db'}"), Archive(data / "archive", started=NOW)
    ref = archive.write_file("https://x.example/a.xls", "application/octet-stream", b"rows" * 99, NOW)
    archive.close()
    with store.write() as db:
        seq = db.execute(select(documents.c.seq).where(documents.c.archive.is_not(None)).limit(1)).scalar_one()
        values = {"attachments": ["a.xls"], "raw": {"files": [{"name": "a.xls", "archive": vars(ref)}]}}
        db.execute(update(documents).where(documents.c.seq == seq).values(**values))
    assert check_kept(store, data, Budget(), now=NOW).faults == []
    spoil(data / "archive" / ref.file, ref.offset + 30)
    for _night in range(2):
        [damage] = check_kept(store, data, Budget(), now=NOW).damage
        assert (damage.file, damage.place) == (f"archive/{ref.file}", seq)


def status_page(data: Path) -> str:
    services = make_services(data)
    with services.store.write() as db:
        door = entry_path(db, services=services)
    with TestClient(create_app(services)) as client:
        client.get(door)
        return client.get("/status").text


def page_of(file: Path, name: str) -> tuple[int, int]:
    """Where the first page of a table or index begins and ends in the file; the log beside it is written back."""
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [root] = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [name]).fetchone()
        [size] = db.execute("PRAGMA page_size").fetchone()
    return (root - 1) * size, root * size


def test_a_night_looks_at_a_slice_and_the_next_goes_on_behind_it(store: Store, tmp_path: Path) -> None:
    data = fill_folder(tmp_path / "data")
    lite = Store(f"sqlite:///{data / 'fengsui.db'}")
    seen = []
    for _night in range(60):
        check = check_kept(lite, data, Budget(pages=40), now=NOW)
        seen.append((check.next, check.looked))
        if check.whole_at:
            break
    assert seen[0][0] == 40
    assert len(seen) > 2
    assert seen[-1][0] == 0
    lite.close()


def test_time_is_a_bound_too(data: Path) -> None:
    store = Store(f"sqlite:///{data / 'fengsui.db'}")
    ticks = iter(range(1000))
    check = check_kept(store, data, Budget(pages=1000, seconds=5, tick=lambda: float(next(ticks))), now=NOW)
    assert 0 < len(check.tables) < 10
    assert check.looked == 0
    after = check_kept(store, data, Budget(pages=1000), now=NOW)
    assert after.looked == 20


def test_a_broken_page_of_the_database_is_found_told_and_put_back(data: Path) -> None:
    to, file = data.parent / "backup", data / "fengsui.db"
    fengsui("backup", to, "--data", data)
    start, _end = page_of(file, "documents")
    spoil(file, start, b"\xff" * 200)
    told = fengsui("doctor", "--deep", "--data", data, ends=1)
    assert "数据库文件已损坏" in told
    assert "fengsui restore 目录 --only store" in told
    assert "旧的备份没有动" in fengsui("backup", to, "--data", data, ends=1)
    store = Store(f"sqlite:///{file}")
    with pytest.raises(StoreError, match="--only store"), store.read() as db:
        db.execute(select(documents.c.text)).all()
    store.close()
    fengsui("restore", to, "--data", data, "--only", "store")
    with Store(f"sqlite:///{file}").read() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM documents").scalar_one() > 100
    assert [one.name for one in data.glob(".before-*/*")].count("fengsui.db") == 1


def test_a_torn_index_of_the_database_is_found_by_the_nightly_check(data: Path) -> None:
    _start, end = page_of(data / "fengsui.db", "ix_runs_asked_at")
    spoil(data / "fengsui.db", end - 40, b"\x01" * 40)
    check = check_kept(Store(f"sqlite:///{data / 'fengsui.db'}"), data, Budget(pages=10), now=NOW)
    assert [what for what, _ in check.faults if "数据库文件已损坏" in what]


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch, store: Store) -> Iterator[list[str]]:
    """What reached the disk, and which rows were committed, in order."""
    seen: list[str] = []
    really = os.fsync

    def fsync(handle: int) -> None:
        found = os.fstat(handle)
        name = Path(os.readlink(f"/proc/self/fd/{handle}")).name
        seen.append(f"folder {name}" if stat.S_ISDIR(found.st_mode) else f"file {name.partition('.')[2]}")
        really(handle)

    def wrote(_db: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if "INSERT INTO documents" in statement:
            seen.append("row")

    monkeypatch.setattr(os, "fsync", fsync)
    event.listen(store.engine, "after_cursor_execute", wrote)
    yield seen
    event.remove(store.engine, "after_cursor_execute", wrote)


def test_a_page_is_on_the_disk_before_its_row_is_written(order: list[str], store: Store, tmp_path: Path) -> None:
    site = Site()
    site.routes["/list"] = Reply(LIST)
    site.routes["/a/1.html"] = page("一批次电动自行车电池不合格。")
    with store.write() as db:
        check_profile(db, "demo")
    bench = Bench(site, tmp_path)
    bench.intake = StoreIntake(store, bench.clock)  # type: ignore[assignment]  # the real one
    keys: dict[str, Any] = {"list_url": f"{site.base}/list", "item": "ul.news li", "detail": {"body": "div.text"}}
    bench.crawl(bench.source("html_list", **keys))
    site.close()
    assert order.count("row") == 1
    before = order[: order.index("row")]
    assert before.count("file warc.gz") >= 3  # its beginning, the list, the page
    assert {"folder 202611", "folder archive"} <= set(before)


def test_a_proof_is_on_the_disk_with_its_name_before_it_is_registered(order: list[str], tmp_path: Path) -> None:
    kept = proofs.keep(tmp_path, "report", "a.pdf", b"%PDF-1.7 x", Proofs())
    assert order == [order[0], f"folder {kept.sha256[:2]}", "folder proofs"]
    assert order[0].startswith("file ")


def test_sqlite_syncs_at_every_commit(store: Store) -> None:
    if store.engine.dialect.name == "sqlite":
        with store.read() as db:
            assert db.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2


def test_what_was_found_survives_a_restart(data: Path) -> None:
    store = Store(f"sqlite:///{data / 'fengsui.db'}")
    refs = add_pages(data, store, most=4)
    (data / "archive" / refs[0].file).unlink()
    found = check_kept(store, data, Budget(), now=NOW)
    assert last_check(Store(store.url)) == found
    assert {one.kind for one in found.damage} == {"archive"}
    assert len(found.damage) == 4
    assert LastBackup().moment is None


def test_the_province_s_digest_says_that_a_backup_failed_and_a_county_s_does_not(store: Store, tmp_path: Path) -> None:
    settings = Settings(profile="demo", data=tmp_path)
    owed = digest_desk_of(settings, store).owed
    with store.read() as db:
        before = owed(db, NOW, ["360000"])
    note_backup(store, LastBackup(failed_at=NOW.isoformat(), why="磁盘已满"))
    note_check(store, Check(damage=(Damage("archive", "archive/x", "d1", "内容已改变"),)))
    with store.read() as db:
        after, below = owed(db, NOW, ["360000"]), owed(db, NOW, ["360100"])
    new = [one.text for one in after if one not in before]
    assert new == ["系统：原文存档有 1 处损坏：archive/x，内容已改变（d1）", "系统：备份失败：磁盘已满"]
    assert not [one for one in below if one.text.startswith("系统：")]
