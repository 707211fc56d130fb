"""Everything as plain files that other programs read: a JSON line a row, what each column means, the files beside.

One moment of the store, read a few rows at a time: memory does not grow with it.
"""

import base64
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, Table, Text, select, type_coerce

from core.clock import as_utc, iso_beijing
from core.errors import UsageError
from core.ids import to_pretty_json
from keeping.folders import kept_files
from keeping.manifest import pour
from store.database import Store
from store.schema import Json, Moment, metadata

PAGE = 100
SECRETS: Mapping[str, tuple[str, ...]] = {
    "users": ("password",), "sessions": ("token_hash", "csrf"), "tokens": ("token_hash",),
    "second_factors": ("secret",), "recovery_codes": ("hash",),
}  # fmt: skip
"""Columns that are of use to nobody but this system: they come empty, keys of rows as a number."""
WORDS = {Moment: "moment", Json: "json", LargeBinary: "base64"}
PLAIN = {"INTEGER": "integer", "BIGINT": "integer", "BOOLEAN": "boolean", "FLOAT": "number", "DATE": "date"}


@dataclass(frozen=True)
class Exported:
    """rows: by table.  files: of the data folder.  bytes: of all that was written."""

    folder: Path
    rows: Mapping[str, int]
    files: int
    bytes: int


def export_all(store: Store, data_dir: Path, folder: Path, *, now: datetime, copy: bool) -> Exported:
    """Write everything into a folder that is not there yet; it appears when it is whole. copy: the archive and proofs,
    too; else they are listed with their hashes. Raises UsageError."""
    if folder.exists():
        raise UsageError(f"{folder} 已经存在：换一个目录，导出不覆盖")
    if folder.resolve().is_relative_to(data_dir.resolve()):
        raise UsageError(f"{folder} 在数据目录里：请给另一处")
    making = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    making.mkdir(parents=True, mode=0o700)
    try:
        sums: dict[str, str] = {}
        with store.read() as db:
            if db.dialect.name == "postgresql":  # where each statement sees what was committed before it
                db.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            rows = {table.name: _write_table(db, table, making, sums) for table in metadata.sorted_tables}
        _write(making, "dictionary.json", to_pretty_json(dictionary()).encode(), sums)
        files = _files(data_dir, making, sums, copy=copy)
        _write(making, "README.txt", _readme(now, copy=copy).encode(), sums)
        told = {"made_at": iso_beijing(now), "schema": store.schema_version(), "rows": rows, "files": files}
        _write(making, "manifest.json", to_pretty_json({**told, "copied": copy}).encode(), sums)
        lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(sums.items()))
        (making / "SHA256SUMS").write_text(lines, encoding="utf-8")
        size = sum(path.stat().st_size for path in making.rglob("*") if path.is_file())
        making.rename(folder)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return Exported(folder, rows, files, size)


def dictionary() -> dict[str, Any]:
    """What each table and column means, as the schema says it."""
    return {
        table.name: {
            "comment": table.comment or "",
            "columns": {
                one.name: {
                    "type": type_of(one),
                    "nullable": bool(one.nullable),
                    "key": one.primary_key,
                    "refers_to": next((key.target_fullname for key in one.foreign_keys), ""),
                    "comment": one.comment or "",
                    "left_out": one.name in SECRETS.get(table.name, ()),
                }
                for one in table.columns
            },
        }
        for table in metadata.sorted_tables
    }


def type_of(column: Column[Any]) -> str:
    """text, integer, number, boolean, date, moment (ISO, UTC), json, base64."""
    own = next((word for kind, word in WORDS.items() if isinstance(column.type, kind)), "")
    return own or PLAIN.get(str(column.type).split("(")[0], "text")


def value_of(column: Column[Any], told: Any) -> Any:
    """What stands in a line, as the database takes it: for who brings an export into a store again."""
    kind = type_of(column)
    if told is None:
        return None
    if kind == "moment":
        return datetime.fromisoformat(told)
    if kind == "date":
        return date.fromisoformat(told)
    return base64.b64decode(told) if kind == "base64" else told


def _write_table(db: Connection, table: Table, folder: Path, sums: dict[str, str]) -> int:
    (folder / "tables").mkdir(exist_ok=True)
    name, sha, count = f"tables/{table.name}.jsonl", hashlib.sha256(), 0
    with (folder / name).open("wb") as file:
        for line in _lines(db, table):
            file.write(line)
            sha.update(line)
            count += 1
    sums[name] = sha.hexdigest()
    return count


def _lines(db: Connection, table: Table) -> Iterator[bytes]:
    secret = SECRETS.get(table.name, ())
    # JSON is written out as it is stored: reading and writing it again would cost twice and could change a number.
    columns = [type_coerce(one, Text).label(one.name) if isinstance(one.type, Json) else one for one in table.columns]
    names = [json.dumps(one.name) for one in table.columns]
    query = select(*columns).order_by(*table.primary_key.columns).execution_options(yield_per=PAGE)
    for number, row in enumerate(db.execute(query), start=1):
        told = []
        for name, column, value in zip(names, table.columns, row, strict=True):
            if column.name in secret and value is not None:
                value = f"left-out-{number}" if column.primary_key else ""
            elif isinstance(column.type, Json) and value:
                told.append(f"{name}:{value}")
                continue
            told.append(f"{name}:{_plain(value)}")
        yield ("{" + ",".join(told) + "}\n").encode("utf-8", "surrogatepass")


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        value = as_utc(value).isoformat()
    elif isinstance(value, date):
        value = value.isoformat()
    elif isinstance(value, bytes):
        value = base64.b64encode(value).decode()
    return json.dumps(value, ensure_ascii=False)


def _files(data_dir: Path, folder: Path, sums: dict[str, str], *, copy: bool) -> int:
    """List the files of the data folder; copy them where that is wanted."""
    count, sha = 0, hashlib.sha256()
    with (folder / "files.jsonl").open("wb") as listing:
        for name, path in kept_files(data_dir):
            target = folder / "files" / name
            target.parent.mkdir(parents=True, exist_ok=True) if copy else None
            digest, size = _hashed(path, target if copy else None)
            if copy:
                sums[f"files/{name}"] = digest
            line = json.dumps({"path": name, "size": size, "sha256": digest}, ensure_ascii=False).encode() + b"\n"
            listing.write(line)
            sha.update(line)
            count += 1
    sums["files.jsonl"] = sha.hexdigest()
    return count


def _hashed(path: Path, target: Path | None) -> tuple[str, int]:
    """Hash a file, and copy it on the way; as long as it is now, for it may grow meanwhile."""
    most = path.stat().st_size
    with path.open("rb") as source, target.open("wb") if target else nullcontext() as out:
        return pour(source, out, most=most)


def _write(folder: Path, name: str, body: bytes, sums: dict[str, str]) -> None:
    (folder / name).write_bytes(body)
    sums[name] = hashlib.sha256(body).hexdigest()


def _readme(now: datetime, *, copy: bool) -> str:
    files = "files/ 是原文存档（WARC）、佐证材料等" if copy else "文件没有复制，按路径在原数据目录里取"
    return (
        f"烽燧全部数据，导出于 {iso_beijing(now)}\n\n"
        "tables/表名.jsonl   每行一条记录，UTF-8，JSON Lines；时间为 UTC\n"
        "dictionary.json     每张表、每一列的类型和含义；left_out 的列（口令、密钥）为空\n"
        f"files.jsonl         数据目录里每个文件的路径、大小、SHA-256；{files}\n"
        "documents.archive   指到 files 里 archive/ 下的 WARC 文件、偏移和长度\n"
        "SHA256SUMS          核对：sha256sum -c SHA256SUMS\n\n"
        "含个人信息和未公开的研判，按涉密和个人信息管理规定保管。\n"
    )
