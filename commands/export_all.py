"""Everything as plain files: export-all."""

import getpass
import json
from pathlib import Path
from typing import Annotated

import typer

from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import existing_store
from core.clock import system_clock
from keeping.export import export_all
from store import audit
from web.machine import bytes_word


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("export-all")(export_everything)


def export_everything(
    folder: Annotated[Path, typer.Argument(metavar="目录", help="还不存在的目录 (not there yet)")],
    files: Annotated[bool, typer.Option("--files", help="存档和材料也复制；不加只列清单 (copies files, too)")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """导出全部：每张表一个 JSON Lines 文件、数据字典、文件清单和校验和，系统照常运行 (everything, for other programs).

    Passwords, keys and tokens come empty. Holds personal data; audited.
    """
    settings = settings_of(data, profile, log_level="WARNING")
    store, now = existing_store(settings), system_clock()
    with store.write() as db:
        audit.note(db, getpass.getuser(), "export_all", str(folder), at=now, details={"files": files})
    done = export_all(store, settings.data_dir, folder, now=now, copy=files)
    if as_json:
        print(json.dumps({"folder": str(done.folder), "rows": done.rows, "files": done.files, "bytes": done.bytes}))
        return
    rows = sum(done.rows.values())
    print(f"{done.folder}：{len(done.rows)} 张表 {rows:,} 行，{done.files:,} 个文件，{bytes_word(done.bytes)}")
    print(f"核对：cd {done.folder} && sha256sum -c SHA256SUMS")
