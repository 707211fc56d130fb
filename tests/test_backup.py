"""Backup and restore: what was destroyed comes back row by row and byte by byte, and nothing else is ever touched."""

import gzip
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from config.settings import PROJECT, Settings
from core.clock import system_clock
from core.errors import FengsuiError
from keeping import backup as backing
from keeping.backup import Source, back_up
from keeping.manifest import backups, read_manifest
from keeping.store_copy import faults_of_copy
from store.database import Store
from store.processes import beat
from tests.command_line import Finished, run_here
from tests.desk_server import NOW
from tests.kept_folder import PROOF, copy_rows, files_of, rows_of
from tests.postgresql import Database

MADE_AGAIN = ("index", "fengsui.db", "fengsui.db-wal", "fengsui.db-shm", "run.lock")
SEAL = "a passphrase of some length"


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'fengsui.db'}"


def fengsui(*words: object, ends: int = 0) -> Finished:
    done = run_here(*map(str, words))
    assert done.returncode == ends, done.stderr + done.stdout
    return done


def test_what_was_destroyed_comes_back_row_by_row_and_byte_by_byte(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENGSUI_BACKUP_KEY", SEAL)
    to = data.parent / "backup"
    before, files = rows_of(url(data)), files_of(data, without=MADE_AGAIN)
    assert sum(map(len, before.values())) > 500
    assert {"second_factor.key", "imports/名录.csv"} < set(files)
    assert "rows" in json.loads(fengsui("backup", to, "--data", data, "--json").stdout)
    assert "与清单一致" in fengsui("backup", to, "--verify").stdout
    shutil.rmtree(data)
    done = fengsui("restore", to, "--data", data)
    assert "fengsui reindex" in done.stdout
    waiting = sum(not {"waiting", "sending"}.isdisjoint(map(str, row)) for row in before["deliveries"])
    assert (f"待发的通知有 {waiting} 条" in done.stdout) is (waiting > 0)
    after = rows_of(url(data))
    assert {name: rows for name, rows in after.items() if rows != before[name]} == {}
    assert files_of(data, without=MADE_AGAIN) == files
    assert (data / "second_factor.key").stat().st_mode & 0o077 == 0


def test_what_was_destroyed_on_postgresql_comes_back(tmp_path: Path, postgresql: Database, data: Path) -> None:
    postgresql.empty()
    store, to = Store(postgresql.url), tmp_path / "backup"
    copy_rows(url(data), store)
    before = rows_of(postgresql.url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FENGSUI_DATABASE_URL", postgresql.url)
        fengsui("backup", to, "--data", data)
        with store.write() as db:
            db.execute(text("delete from documents"))
            db.execute(text("update alerts set title = 'x'"))
        shutil.rmtree(data)
        refused = fengsui("restore", to, "--data", data, ends=2).stderr
        assert "--force" in refused
        kept = fengsui("restore", to, "--data", data, "--force").stdout
    assert "fengsui_before_" in kept
    assert rows_of(postgresql.url) == before
    with store.write() as db:  # back to how the fixture wants it: counters go on, the old schema goes
        [aside] = db.execute(text("select nspname from pg_namespace where nspname like 'fengsui_before_%'")).scalars()
        assert db.execute(text(f'select count(*) from "{aside}".documents')).scalar_one() == 0
        db.execute(text(f'drop schema "{aside}" cascade'))
    store.close()


def test_a_database_of_postgresql_that_was_cut_off_while_it_came_back_is_not_opened_empty(
    tmp_path: Path, postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgresql.empty()
    monkeypatch.setenv("FENGSUI_DATABASE_URL", postgresql.url)
    data, to = tmp_path / "data", tmp_path / "backup"
    fengsui("migrate", "--data", data)
    fengsui("backup", to, "--data", data)
    before = {**rows_of(postgresql.url), "facts": []}  # one of them tells of the backup itself
    words = ("restore", to, "--data", data, "--only", "store")

    class Killed(BaseException):
        """As by kill -9: nothing catches it, nothing is cleaned up after it."""

    def killed(*_args: object, **_more: object) -> bytes:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("keeping.store_copy.run_program", killed)
        with pytest.raises(Killed):
            run_here(*map(str, words))
    told = fengsui("audit", "verify", "--data", data, ends=2).stderr
    assert f"fengsui restore {to} --name {backups(to)[0]} --only store" in told
    fengsui(*words)
    assert {**rows_of(postgresql.url), "facts": []} == before
    with Store(postgresql.url).write() as db:
        [aside] = db.execute(text("select nspname from pg_namespace where nspname like 'fengsui_before_%'")).scalars()
        db.execute(text(f'drop schema "{aside}" cascade'))


def test_a_second_backup_writes_only_what_is_new(data: Path) -> None:
    to = data.parent / "backup"
    fengsui("backup", to, "--data", data)
    pool = {path.name for path in (to / "files").glob("*/*")}
    (data / "archive" / "202611" / "later.warc.gz").write_bytes(b"new")
    fengsui("backup", to, "--data", data)
    assert {path.name for path in (to / "files").glob("*/*")} - pool == {hashlib.sha256(b"new").hexdigest()}
    assert len(backups(to)) == 2
    assert "已删去" in fengsui("backup", to, "--data", data, "--keep", 1).stdout
    assert len(backups(to)) == 1
    fengsui("backup", to, "--verify")


def test_the_name_of_a_key_is_told_where_it_is_left_out(data: Path) -> None:
    to = data.parent / "backup"
    assert "second_factor.key 没有放入" in fengsui("backup", to, "--data", data).stdout
    assert b"k" * 32 not in [path.read_bytes() for path in (to / "files").glob("*/*")]
    shutil.rmtree(data)
    assert "备份里没有密钥 second_factor.key" in fengsui("restore", to, "--data", data).stdout


def test_sealed_keys_open_with_their_passphrase_alone(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    to = data.parent / "backup"
    monkeypatch.setenv("FENGSUI_BACKUP_KEY", SEAL)
    fengsui("backup", to, "--data", data)
    assert all(b"k" * 32 not in path.read_bytes() for path in (to / "files").glob("*/*"))
    (data / "second_factor.key").unlink()
    monkeypatch.setenv("FENGSUI_BACKUP_KEY", "another passphrase!")
    assert "打不开" in fengsui("restore", to, "--data", data, "--only", "keys", ends=2).stderr
    assert not (data / "second_factor.key").exists()
    monkeypatch.setenv("FENGSUI_BACKUP_KEY", SEAL)
    fengsui("restore", to, "--data", data, "--only", "keys")
    assert (data / "second_factor.key").read_bytes() == b"k" * 32


@pytest.mark.parametrize("place", ["../../outside", "{0}/outside"])
def test_no_part_of_a_manifest_leads_out_of_the_folder(data: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    to, outside = data.parent / "backup", data.parent / "outside"
    monkeypatch.setenv("FENGSUI_BACKUP_KEY", SEAL)
    fengsui("backup", to, "--data", data)
    file = to / backups(to)[0] / "manifest.json"
    whole = json.loads(file.read_text())
    for part in ("files", "sealed"):
        changed = json.loads(file.read_text()) if part == "files" else whole
        (changed["files"][0] if part == "files" else changed["sealed"])["path"] = place.format(data.parent)
        file.write_text(json.dumps(changed))
        (file.parent / "manifest.json.sha256").write_text(hashlib.sha256(file.read_bytes()).hexdigest())
        only = ("--only", "keys") if part == "sealed" else ("--force",)
        assert "指到目录之外" in fengsui("restore", to, "--data", data, *only, ends=2).stderr
        assert not outside.exists()


def test_a_passphrase_that_is_too_short_is_told_before_anything_is_copied(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENGSUI_BACKUP_KEY", "kurz-7")
    told = fengsui("backup", data.parent / "backup", "--data", data, ends=2).stderr
    assert "FENGSUI_BACKUP_KEY：至少 16 个字符" in told
    assert "kurz-7" not in told


@contextmanager
def killed_at(name: str) -> Iterator[None]:
    """A backup that ends in the middle as by kill -9: nothing is cleaned up after it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backing, name, lambda *_args, **_more: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr(shutil, "rmtree", lambda *_args, **_more: None)
        with pytest.raises(KeyboardInterrupt):
            yield


def test_a_backup_that_was_killed_leaves_the_older_one_whole(data: Path) -> None:
    to = data.parent / "backup"
    source = Source(Store(url(data)), data, PROJECT / "config", "demo")
    first = back_up(source, to, now=NOW).folder
    with killed_at("write_manifest"):
        back_up(source, to, now=NOW)
    assert list(to.glob(".making-*"))
    assert backups(to) == [first.name]
    fengsui("backup", to, "--verify")
    assert back_up(source, to, now=NOW, keep=1).folder.name > first.name
    assert not list(to.glob(".making-*"))
    fengsui("backup", to, "--verify")


def test_a_full_disk_is_told_and_leaves_the_older_one_whole(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    to = data.parent / "backup"
    fengsui("backup", to, "--data", data)
    (data / "archive" / "later.warc.gz").write_bytes(b"new")
    usage = shutil.disk_usage(to)._replace(free=10)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _path: usage)
        assert "只余 0.00 GB；旧的备份没有动" in fengsui("backup", to, "--data", data, ends=1).stderr
    assert "备份失败" in fengsui("doctor", "--data", data, ends=1).stdout

    def full(*_args: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(backing, "write_manifest", full)
        assert "所在磁盘已满；旧的备份没有动" in fengsui("backup", to, "--data", data, ends=1).stderr
    assert len(backups(to)) == 1
    fengsui("backup", to, "--verify")


def test_a_backup_inside_the_data_folder_is_refused(data: Path) -> None:
    assert "在数据目录里" in fengsui("backup", data / "backup", "--data", data, ends=2).stderr


def test_a_changed_byte_in_a_backup_is_found_and_nothing_is_restored_from_it(data: Path) -> None:
    to = data.parent / "backup"
    fengsui("backup", to, "--data", data)
    manifest = read_manifest(to / backups(to)[0])
    [page] = [one for one in manifest.files if one.path.startswith("archive/")]
    kept = to / "files" / page.sha256[:2] / page.sha256
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    assert page.path in fengsui("backup", to, "--verify", ends=1).stderr
    files, rows = files_of(data, without=MADE_AGAIN), rows_of(url(data))
    assert "SHA-256 不符" in fengsui("restore", to, "--data", data, "--force", ends=1).stderr
    assert (files_of(data, without=MADE_AGAIN), rows_of(url(data))) == (files, rows)


def test_verify_unpacks_the_store_and_counts_its_rows(data: Path) -> None:
    """A copy that was bad from the start has the hash that its manifest names."""
    to = data.parent / "backup"
    made = back_up(Source(Store(url(data)), data, PROJECT / "config", "demo"), to, now=NOW)
    copy, packed = made.manifest.store, made.folder / made.manifest.store.file
    plain = gzip.decompress(packed.read_bytes())
    for body, rows, told in (
        (packed.read_bytes()[:-9], copy.tables, "解不开"),
        (gzip.compress(plain[:-4096]), copy.tables, "不符"),
        (packed.read_bytes(), {**copy.tables, "users": copy.tables["users"] + 1}, "users 有"),
    ):
        bad = to / "other"
        bad.mkdir(exist_ok=True)
        (bad / copy.file).write_bytes(body)
        lying = replace(copy, sha256=hashlib.sha256(body).hexdigest(), tables=rows)
        (fault,) = faults_of_copy(lying, bad / copy.file)
        assert told in fault
    assert faults_of_copy(copy, packed) == []
    assert not list(to.glob(".making-*"))


def test_restore_refuses_what_does_not_fit(data: Path) -> None:
    to, other = data.parent / "backup", data.parent / "other"
    assert "没有备份" in fengsui("restore", to, "--data", other, ends=2).stderr
    fengsui("backup", to, "--data", data)
    assert "不是空的" in fengsui("restore", to, "--data", data, ends=2).stderr
    assert "demo 的" in fengsui("restore", to, "--data", other, "--profile", "live", ends=2).stderr
    file = to / backups(to)[0] / "manifest.json"
    newer = file.read_text().replace('"schema": "', '"schema": "9')
    file.write_text(newer)
    assert "清单已损坏" in fengsui("restore", to, "--data", other, ends=2).stderr
    (file.parent / "manifest.json.sha256").write_text(hashlib.sha256(newer.encode()).hexdigest())
    assert "比本版新" in fengsui("restore", to, "--data", other, ends=2).stderr


def test_a_database_outside_of_the_folder_is_not_taken_for_the_one_inside(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to, elsewhere = data.parent / "backup", data.parent / "elsewhere.db"
    shutil.copy(data / "fengsui.db", elsewhere)
    monkeypatch.setenv("FENGSUI_DATABASE_URL", f"sqlite:///{elsewhere}")
    fengsui("backup", to, "--data", data)
    assert "指到数据目录之外" in fengsui("restore", to, "--data", data, "--force", ends=2).stderr


def test_restore_refuses_a_running_system(data: Path) -> None:
    to, store = data.parent / "backup", Store(url(data))
    fengsui("backup", to, "--data", data)
    with store.write() as db:
        beat(db, "worker", pid=1, now=system_clock())
    assert "还在运行（worker）" in fengsui("restore", to, "--data", data, "--force", ends=2).stderr


def test_what_stood_there_is_kept_aside(data: Path) -> None:
    to = data.parent / "backup"
    fengsui("backup", to, "--data", data)
    (data / "archive" / "202611" / "later.warc.gz").write_bytes(b"later")
    fengsui("restore", to, "--data", data, "--force")
    assert not (data / "archive" / "202611" / "later.warc.gz").exists()
    [aside] = data.glob(".before-*")
    assert (aside / "archive" / "202611" / "later.warc.gz").read_bytes() == b"later"
    assert (aside / "fengsui.db").is_file()
    fengsui("backup", to, "--data", data)  # what lies aside is no part of the next backup
    assert not [one for one in read_manifest(to / backups(to)[-1]).files if one.path.startswith(".")]


def test_a_proof_that_was_lost_comes_back_while_the_system_runs(data: Path) -> None:
    to = data.parent / "backup"
    fengsui("backup", to, "--data", data)
    [proof] = (data / "proofs").glob("*/*")
    proof.unlink()
    assert "已恢复 proofs/" in fengsui("restore", to, "--data", data, "--only", "proofs").stdout
    assert proof.read_bytes() == PROOF


def test_half_a_record_of_an_open_file_is_cut_off_after_a_restore(data: Path) -> None:
    to = data.parent / "backup"
    [page] = (data / "archive").glob("*/*.warc.gz")
    whole = page.read_bytes()
    page.write_bytes(whole + whole[:40])
    page.with_name(page.name + ".open").touch()
    fengsui("backup", to, "--data", data)
    shutil.rmtree(data)
    assert "cut off" in fengsui("restore", to, "--data", data).stdout
    assert page.read_bytes() == whole
    assert not list(page.parent.glob("*.open"))


def test_another_backup_at_work_is_told(data: Path) -> None:
    to = data.parent / "backup"
    with backing._alone(to), pytest.raises(FengsuiError, match="另一个备份正在进行"):
        back_up(Source(Store(url(data)), data, Settings().config, "demo"), to, now=NOW)
