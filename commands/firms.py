"""The enterprise registry by hand: import, match."""

import json
from pathlib import Path
from typing import Annotated

import typer

from commands.firm_import import import_registry
from commands.knowledge import registry_for
from commands.options import DataOption, JsonOption, ProfileOption, RegistryOption, settings_of
from commands.stores import open_store
from enterprises.match import Matcher, match_of
from enterprises.match_file import compile_matches, matcher_of
from nlp.registry_names import compile_registry


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="企业名录 (the enterprise registry)", no_args_is_help=True)
    group.command("import")(import_registry)
    group.command("compile")(compile_names)
    app.add_typer(group, name="enterprises")
    app.command()(match)


def compile_names(
    out: Annotated[Path, typer.Option("--out", help="the file to write, for --registry of analyze and evaluate")],
    registry: RegistryOption = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """把名录编译成一个文件，百万家也能瞬间打开 (compiles a registry into a file that opens at once)."""
    settings = settings_of(data, profile, log_level="WARNING")
    entries = registry_for(settings, registry)
    compile_registry(entries, out)
    if registry is None:
        compile_matches(open_store(settings), settings.data_dir)
    size = out.stat().st_size
    told = {"firms": len(entries), "bytes": size, "file": str(out)}
    print(json.dumps(told, ensure_ascii=False) if as_json else f"{len(entries)} 家企业已编译：{out}（{size:,} 字节）")


def match(
    names: Annotated[list[str] | None, typer.Argument(help="names, brands or credit codes")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="one name a line, UTF-8")] = None,
    registry: RegistryOption = None,
    region: Annotated[str, typer.Option("--region", help="region code that is preferred")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=100)] = 5,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """按任何叫法查企业 (finds a firm by a full, short, former, misspelt or pinyin name, a brand or a credit code).

    Each candidate has a score of 0 to 1 and what agreed; namesakes are told. Several names: one answer each, in their
    order; --json prints a JSON line a name: query, candidates (id, name, score, why, region, namesakes), namesakes.

    Examples: fengsui match 光明线览 · fengsui match yunzhui · fengsui match 91360113YX9115549X ·
    fengsui match --file names.txt --region 360900 --json
    """
    wanted = list(names or [])
    if file is not None:
        wanted += [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    if not wanted:
        raise typer.BadParameter("no name given (accepted: NAME... or --file NAMES.txt)")
    settings = settings_of(data, profile, log_level="WARNING")
    matcher = (
        Matcher(registry_for(settings, registry)) if registry else matcher_of(open_store(settings), settings.data_dir)
    )
    for query in wanted:
        found = matcher.match(query, region=region, limit=limit)
        if as_json:
            print(json.dumps(match_of(query, found), ensure_ascii=False))
            continue
        alike = found[0].namesakes if found else 0
        told = "未找到" if not found else f"同名提示：另有 {alike} 家同样相符，请加属地或信用代码" if alike else ""
        print(f"{query}：{told}")
        for candidate in found:
            print(f"  {candidate.score:.2f}  {candidate.id}  {candidate.name}  {candidate.why}")
