"""Everything as plain files: whole, verifiable, readable elsewhere, without secrets, in flat memory."""

import json
import subprocess
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, insert, select, update

from keeping import export
from keeping.export import SECRETS, _lines, dictionary, export_all, value_of
from store.database import Store, set_fact
from store.schema import documents, metadata
from store.users import create_user
from tests.desk_server import NOW
from tests.kept_folder import PROOF, rows_of
from tests.postgresql import Database
from tests.test_backup import fengsui


def test_what_is_exported_is_the_store_when_it_is_read_again(filled: Store, data: Path, store: Store) -> None:
    out = data.parent / "out"
    done = export_all(filled, data, out, now=NOW, copy=False)
    assert sum(done.rows.values()) > 500
    with store.write() as db:
        for table in metadata.sorted_tables:
            db.execute(table.delete())
        for table in metadata.sorted_tables:
            lines = (out / "tables" / f"{table.name}.jsonl").read_text(encoding="utf-8").splitlines()
            rows = [{name: value_of(table.c[name], told) for name, told in json.loads(line).items()} for line in lines]
            if rows:
                db.execute(insert(table), rows)
    before, after = rows_of(filled.url), rows_of(store.url)
    assert {name for name, rows in before.items() if rows != after[name]} <= set(SECRETS)


def test_it_verifies_with_standard_tools_and_has_the_files(data: Path) -> None:
    out = data.parent / "out"
    assert "张表" in fengsui("export-all", out, "--files", "--data", data).stdout
    checked = subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=out, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, b"")
    [proof] = (out / "files" / "proofs").glob("*/*")
    assert proof.read_bytes() == PROOF
    assert not list(out.rglob("*.key"))
    listed = [json.loads(line)["path"] for line in (out / "files.jsonl").read_text().splitlines()]
    assert "imports/名录.csv" in listed
    assert "已经存在" in fengsui("export-all", out, "--data", data, ends=2).stderr
    assert "在数据目录里" in fengsui("export-all", data / "out", "--data", data, ends=2).stderr


def test_secrets_come_empty_and_every_column_is_explained(filled: Store, data: Path) -> None:
    with filled.write() as db:
        about: dict[str, Any] = {"role": "viewer", "territory": "000000", "display_name": "李", "now": NOW}
        create_user(db, "li", password="a long password 7", **about)
    out = data.parent / "out"
    export_all(filled, data, out, now=NOW, copy=False)
    users = [json.loads(line) for line in (out / "tables" / "users.jsonl").read_text().splitlines()]
    assert {one["password"] for one in users} == {""}
    told = json.loads((out / "dictionary.json").read_text())
    assert told == json.loads(json.dumps(dictionary()))
    assert set(told) == set(metadata.tables)
    assert told["documents"]["columns"]["stored_at"]["type"] == "moment"
    assert told["documents"]["columns"]["raw"]["type"] == "json"
    assert told["users"]["columns"]["password"]["left_out"]
    assert all("$argon2" not in path.read_text() for path in (out / "tables").glob("*.jsonl"))


def test_an_export_of_postgresql_is_one_moment_too(
    postgresql: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgresql.empty()
    store, write = Store(postgresql.url), export._write_table

    def while_others_write(db: Connection, table: Table, folder: Path, sums: dict[str, str]) -> int:
        count = write(db, table, folder, sums)
        with store.write() as other:
            set_fact(other, f"after {table.name}", "x")
        return count

    monkeypatch.setattr(export, "_write_table", while_others_write)
    export_all(store, tmp_path, tmp_path.parent / f"{tmp_path.name}-out", now=NOW, copy=False)
    store.close()
    assert metadata.sorted_tables[0].name != "facts"
    assert "after " not in (tmp_path.parent / f"{tmp_path.name}-out" / "tables" / "facts.jsonl").read_text()


def test_an_export_that_fails_leaves_nothing(filled: Store, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("keeping.export._files", full)
    with pytest.raises(OSError, match="No space"):
        export_all(filled, data, data.parent / "out", now=NOW, copy=False)
    assert [one.name for one in data.parent.iterdir() if "out" in one.name] == []


def test_memory_does_not_grow_with_the_table(filled: Store) -> None:
    with filled.write() as db:
        db.execute(update(documents).values(text="长" * 20_000))
    with filled.read() as db:
        count = len(db.execute(select(documents.c.seq)).all())
        tracemalloc.start()
        size = sum(len(line) for line in _lines(db, documents))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size > 60_000 * count
    assert peak < size / 3
