"""Bundles of evidence: evidence."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from commands.options import DataOption, ProfileOption, settings_of
from commands.stores import open_store
from core.clock import system_clock
from pipelines.evidence.bundle import bundle_of
from pipelines.evidence.pack import refuse_taken, write_folder, write_zip_file
from store import audit


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(evidence)


def evidence(
    asked: Annotated[str, typer.Argument(metavar="ID", help="document id, alert id or alert number")],
    out: Annotated[
        Path | None, typer.Option("--out", help="a folder, or a FILE.zip (default: ./fengsui-evidence-ID.zip)")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="含个人信息的原件也放入，记入审计日志 (originals with personal data; audited)")
    ] = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """导出证据包：原页面、报文头、存档记录、各版本、附件、分析，可用 sha256sum -c 核对 (a bundle that verifies).

    Complaints, posts and reviews come masked unless --raw. Exit 0 whole, 1 something could not be read, 2 wrong use.
    """
    settings = settings_of(data, profile, log_level="WARNING")
    store = open_store(settings)
    bundle = bundle_of(
        store, archive=settings.data_dir / "archive", lexicons=settings.config / "lexicons", asked=asked, raw=raw
    )
    path = out or Path(f"{bundle.name}.zip")
    is_zip = path.suffix.lower() == ".zip"
    target = path if is_zip else path / bundle.name
    refuse_taken(target)
    details = {"raw": raw, "documents": len(bundle.ids), "how": "command"}
    with store.write() as db:
        audit.note(db, getpass.getuser(), "export_evidence", asked, at=system_clock(), details=details)
    if is_zip:
        write_zip_file(bundle.files(), target, root=bundle.name)
    else:
        write_folder(bundle.files(), target)
    for problem in bundle.problems:
        typer.echo(f"存档读不出来：{problem}", err=True)
    typer.echo(f"{target}：{len(bundle.ids)} 件文档；核对：{_check(target, bundle.name, is_zip=is_zip)}")
    if bundle.problems:
        raise typer.Exit(1)


def _check(target: Path, name: str, *, is_zip: bool) -> str:
    unpack = f"unzip {target} && cd {name}" if is_zip else f"cd {target}"
    return f"{unpack} && sha256sum -c SHA256SUMS"
