"""`fengsui progress`: how far sampling and the campaign are, and what should be sampled."""

import json
from typing import Annotated, Any

import typer

from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from commands.tables import table_lines
from config.lexicon import load_lexicon
from config.progress import load_progress
from core.clock import beijing, system_clock
from core.errors import UsageError
from reports.progress import Asked, Row, codes_of, progress
from reports.targets import Target, targets


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("progress")(show)


def show(
    region: Annotated[str, typer.Option("--region", help="区划代码，默认本省 (region code)")] = "",
    year: Annotated[int, typer.Option("--year", help="年份，默认今年")] = 0,
    suggest: Annotated[bool, typer.Option("--targets", help="列出建议抽样 (suggested sampling targets)")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """抽查占比、自查、检查、整改进展，建议抽样 (progress of sampling and of the campaign by territory)."""
    settings = settings_of(data, profile, log_level="WARNING")
    lexicon, rules, now = load_lexicon(settings.config), load_progress(settings.config), system_clock()
    code = region or lexicon.regions.home
    if code not in lexicon.regions:
        raise UsageError(f"没有属地 {code}（可用：lexicons/regions.csv 的代码）")
    if year and not 2000 <= year <= beijing(now).year:
        raise UsageError(f"--year {year}：须为 2000 年至今年")
    key = frozenset(one.id for one in lexicon.products.values() if one.key)
    asked = Asked(code, year or beijing(now).year, now)
    with open_store(settings).read() as db:
        found = progress(db, asked, lexicon.regions, rules, key=key)
        wanted = suggest or as_json
        codes = codes_of(lexicon.regions, code)
        suggested = targets(db, rules.targets, now, codes=codes, key=key) if wanted else []
    if as_json:
        print(json.dumps(found.as_json() | {"targets": [_target(one) for one in suggested]}, ensure_ascii=False))
        return
    head = ("属地", "批次", "重点%", "网络%", "农村%", "不合格%", "自查", "检查", "隐患", "销号", "逾期")
    for line in table_lines(head, [_cells(row) for row in (*found.rows, found.total)]):
        print(line)
    print(f"重点产品批次的下限：{rules.floor:g}%")
    for one in suggested:
        reasons = "；".join(f"{each.text} {each.points:+d}" for each in one.reasons)
        place = lexicon.regions.name_of(one.territory)
        print(f"{one.points}  {lexicon.product_name(one.product)}  {place}  {one.firm or '—'}  {reasons}")


def _cells(row: Row) -> list[str]:
    shares = [row.sampling.share(part) for part in ("key", "online", "rural", "failed")]
    told = ["—" if share is None else f"{share:.1f}" for share in shares]
    counts = (row.self_firms, row.visits, row.hazards, row.closed, row.over)
    return [row.name, str(row.sampling.batches), *told, *map(str, counts)]


def _target(one: Target) -> dict[str, Any]:
    return {
        "product": one.product, "territory": one.territory, "firm": one.firm, "points": one.points,
        "reasons": [{"points": each.points, "text": each.text} for each in one.reasons],
        "events": [number for number, _ in one.events], "documents": list(one.documents),
        "decision": one.decision.do if one.decision else None,
    }  # fmt: skip
