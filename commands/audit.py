"""`fengsui audit`: who did what to what, and whether anybody has touched that log since."""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from core.clock import beijing, parse_published, system_clock
from core.errors import UsageError
from core.ids import to_json
from store.audit import AuditLine, Verdict, check_chain, prune, search, verify_lines
from store.database import Store

DAMAGE_WORDS = {
    "changed": "第 {number} 条被改动",
    "missing": "自第 {number} 条起有缺失",
    "inserted": "第 {number} 条是后来插入的",
    "rewritten": "第 {number} 条与另存的校验值不符，整条链可能被重写",
}
KEPT_FORM = re.compile(r"(\d{1,15}):([0-9a-f]{64})")
STEP = 1000


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="操作记录与校验链 (audit log: list, verify, export, prune)", no_args_is_help=True)
    group.command("list")(list_command)
    group.command("verify")(verify)
    group.command("export")(export)
    group.command("prune")(prune_command)
    app.add_typer(group, name="audit")


def list_command(
    who: Annotated[str, typer.Option("--who", help="account")] = "",
    what: Annotated[str, typer.Option("--what", help="action: sign_in, user_create, ...")] = "",
    since: Annotated[str | None, typer.Option("--since", help="ISO date or time, Beijing")] = None,
    until: Annotated[str | None, typer.Option("--until", help="ISO date or time, not included")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000)] = 50,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """列出操作记录，最近的在前."""
    store = open_store(settings_of(data, profile, log_level="WARNING"))
    with store.read() as db:
        first, end = _moment(since, "--since"), _moment(until, "--until")
        lines = search(db, actor=who, action=what, since=first, until=end, limit=limit)
    for line in lines:
        if as_json:
            print(to_json(line_json(line)))
        else:
            told = to_json(line.details) if line.details else ""
            print(
                line.number,
                f"{beijing(line.at):%Y-%m-%d %H:%M:%S}",
                line.actor,
                line.action,
                line.object,
                told,
                sep="\t",
            )


def verify(
    kept: Annotated[
        str | None, typer.Option("--kept", help="NUMBER:HASH printed by an earlier run and kept elsewhere")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="an exported file instead of the store")] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """核对操作记录的校验链；有改动、缺失或插入时退出码为 1 (names the first row that does not fit)."""
    if file is not None:
        verdict = verify_lines(read_lines(file))
    else:
        store = open_store(settings_of(data, profile, log_level="WARNING"))
        with store.read() as db:
            verdict = check_chain(db, kept=_kept(kept))
    print(to_json(verdict_json(verdict)) if as_json else _in_words(verdict))
    if verdict.broken is not None:
        raise typer.Exit(1)


def export(
    file: Annotated[Path, typer.Argument(help="new file, one JSON record a line")],
    until: Annotated[str | None, typer.Option("--until", help="ISO date or time, not included")] = None,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """把操作记录写成文件；链条不变 (the chain stays as it is)."""
    store = open_store(settings_of(data, profile, log_level="WARNING"))
    print(f"{file}：{_export(store, file, _moment(until, '--until'))} 条")


def prune_command(
    before: Annotated[str, typer.Option("--before", help="ISO date or time, Beijing: older rows go")],
    file: Annotated[Path, typer.Option("--export", help="new file the rows are written to first")],
    actor: Annotated[str, typer.Option("--by", help="who answers for it")] = "命令行",
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """先导出再清理最早的记录；链条从其后接续 (exports, then drops the oldest rows)."""
    store = open_store(settings_of(data, profile, log_level="WARNING"))
    moment = _moment(before, "--before")
    assert moment is not None
    with store.read() as db:
        if (broken := check_chain(db).broken) is not None:
            raise UsageError(f"没有清理：{DAMAGE_WORDS[broken.damage].format(number=broken.number)}，先查清")
    written = _export(store, file, moment)
    with store.write() as db:
        gone = prune(db, before=moment, actor=actor[:80], now=system_clock())
    print(f"已导出 {written} 条到 {file}，清理 {gone} 条")


def line_json(line: AuditLine) -> dict[str, Any]:
    """A row as it is exported: everything its hash covers, times to the microsecond."""
    return {**vars(line), "at": line.at.isoformat(timespec="microseconds"), "details": dict(line.details)}


def read_lines(file: Path) -> Iterable[AuditLine]:
    """The rows of an exported file. Raises UsageError naming the line that is none."""
    try:
        texts = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"{file} 读不到：{problem}") from problem
    for place, text in enumerate(texts, 1):
        try:
            row = json.loads(text)
            at = datetime.fromisoformat(row["at"])
            values = {name: row[name] for name in AuditLine.__dataclass_fields__}
            yield AuditLine(**{**values, "at": at, "number": int(row["number"])})
        except (ValueError, KeyError, TypeError) as problem:
            raise UsageError(f"{file} 第 {place} 行不是导出的记录：{problem!r}") from problem


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """What was found, for machines."""
    broken = vars(verdict.broken) if verdict.broken else None
    head = {"number": verdict.head.number, "hash": verdict.head.hash}
    return {"whole": broken is None, "rows": verdict.rows, "broken": broken, "head": head}


def _in_words(verdict: Verdict) -> str:
    if verdict.broken is not None:
        return f"链条断裂：{DAMAGE_WORDS[verdict.broken.damage].format(number=verdict.broken.number)}"
    kept = f"；校验值（另存一份）{verdict.head.number}:{verdict.head.hash}" if verdict.rows else ""
    return f"链条完整：{verdict.rows} 条{kept}"


def _export(store: Store, file: Path, until: datetime | None) -> int:
    """Oldest first, in pieces; how many. Raises UsageError where the file is there already."""
    try:
        out = file.open("x", encoding="utf-8")
    except FileExistsError:
        raise UsageError(f"{file} 已存在，换一个文件名") from None
    number = 0
    with out, store.read() as db:
        before: int | None = None
        pieces: list[list[AuditLine]] = []
        while lines := search(db, until=until, before=before, limit=STEP):
            before = lines[-1].number
            pieces.append(lines)
        for lines in reversed(pieces):
            for line in reversed(lines):
                out.write(to_json(line_json(line)) + "\n")
                number += 1
    return number


def _moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_published(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} 不是日期或时刻（如 2026-11-23 或 2026-11-23T08:30）") from None


def _kept(text: str | None) -> tuple[int, str] | None:
    if text is None:
        return None
    found = KEPT_FORM.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"--kept {text!r} 不是“序号:校验值”，照 fengsui audit verify 印出的写")
    return int(found[1]), found[2]
