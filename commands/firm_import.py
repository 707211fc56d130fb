"""`fengsui enterprises import`: files of firms and of what is recorded of them."""

import csv
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from config.lexicon import Lexicon, load_lexicon
from config.registry_columns import FIRMS, KINDS, TIES, load_columns
from core.clock import system_clock
from core.firms import FirmFact, FirmTie, TieKind
from core.records import RegistryEntry
from core.spreadsheet import safe
from enterprises.entry_rows import Known
from enterprises.fact_import import import_facts, preview_facts
from enterprises.import_report import ImportReport, RefusedRow
from enterprises.match_file import compile_matches
from enterprises.registry_import import ImportPlan, import_file, preview_file
from enterprises.trace_words import EDGES
from store.database import Store

SHOWN = 20
"""Refused rows that are printed; `--refused` writes all."""
STEP = 100_000


def import_registry(
    file: Annotated[Path, typer.Argument(help="CSV（任何编码）、XLSX、JSON 或 JSON Lines，列序不限")],
    kind: Annotated[str, typer.Option("--kind", help=f"文件内容 (accepted: {', '.join(KINDS)})")] = FIRMS,
    preview: Annotated[bool, typer.Option("--preview", help="只看表头对应和前几行，不写入 (writes nothing)")] = False,
    header: Annotated[
        list[str] | None,
        typer.Option("--map", help='"表头=字段"，可多次；"表头=" 为不用该列 ("their header=our field")'),
    ] = None,
    refused: Annotated[
        Path | None, typer.Option("--refused", help="把未收的行连同原因写成 CSV (refused rows, with the reason)")
    ] = None,
    keep_bad_codes: Annotated[
        bool, typer.Option("--keep-bad-codes", help="信用代码校验不符的企业不带代码收下 (else the row is refused)")
    ] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """导入企业名录及许可证、抽查、处罚等；再次导入即为更新 (imports firms and facts; again is an update)."""
    if kind not in KINDS:
        raise typer.BadParameter(f"{kind!r} (accepted: {', '.join(KINDS)})", param_hint="--kind")
    settings = settings_of(data, profile, log_level="WARNING")
    store = open_store(settings)
    known = _known(load_lexicon(settings.config))
    with _refused_rows(refused) as tell:
        plan = ImportPlan(
            load_columns(settings.config)[kind], known, _given(header or []), keep_bad_codes, tell, _progress(as_json)
        )
        if preview:
            _show_preview(store, file, plan, as_json=as_json)
            return
        run = import_file if kind == FIRMS else import_facts
        report = run(store, file, plan, clock=system_clock)
    if kind == FIRMS and (report.new or report.updated):
        compile_matches(store, settings.data_dir)
    _show(report, refused, as_json=as_json)
    if report.refused and not report.taken:
        raise typer.Exit(1)


def _known(lexicon: Lexicon) -> Known:
    """The words of products and regions; a name that two regions share says nothing."""
    products = {word: product.id for product in lexicon.products.values() for word in product.terms}
    products |= {product.name: product.id for product in lexicon.products.values()}
    regions: dict[str, str] = {}
    for region in lexicon.regions:
        for name in {region.name, region.short_name, lexicon.regions.full_name_of(region.code)}:
            regions[name] = "" if regions.get(name, region.code) != region.code else region.code
    return Known(products, {name: code for name, code in regions.items() if code and name})


def _given(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, sign, field = pair.rpartition("=")
        if not sign or not name.strip():
            raise typer.BadParameter(f"{pair!r} (accepted: 表头=字段)", param_hint="--map")
        found[name.strip()] = field.strip()
    return found


@contextmanager
def _refused_rows(path: Path | None) -> Iterator[Callable[[RefusedRow], None] | None]:
    """Writes each refused row as it comes; no cell is taken for a formula."""
    if path is None:
        yield None
        return
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["行号", "原因", "原行"])
        yield lambda row: writer.writerow([row.line, safe(row.reason), *map(safe, row.cells)])


def _progress(as_json: bool) -> Callable[[int], None] | None:
    if as_json or not sys.stderr.isatty():
        return None
    return lambda rows: print(f"已读 {rows:,} 行", file=sys.stderr) if rows % STEP == 0 else None


def _show(report: ImportReport, refused: Path | None, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_told(report), ensure_ascii=False))
        return
    what = "家" if report.kind == FIRMS else "条"
    print(
        f"读 {report.rows} 行：新增 {report.new} {what}，更新 {report.updated} {what}，"
        f"未变 {report.unchanged} {what}，未收 {report.refused} 行"
    )
    if report.unused:
        print(f"没有用到的列：{'、'.join(report.unused)}（用 --map '表头=字段' 指明）")
    for row in [*report.reasons[:SHOWN], *report.notes[:SHOWN]]:
        print(f"  第 {row.line} 行：{row.reason}")
    if report.refused > SHOWN:
        where = f"，全部见 {refused}" if refused else "，用 --refused FILE 写出全部"
        print(f"  未收的行共 {report.refused} 行{where}")


def _told(report: ImportReport) -> dict[str, Any]:
    counts = {name: getattr(report, name) for name in ("kind", "rows", "new", "updated", "unchanged", "refused")}
    return {
        **counts,
        "mapped": report.mapped,
        "unused": list(report.unused),
        "reasons": [{"line": row.line, "reason": row.reason} for row in report.reasons],
        "notes": [{"line": row.line, "reason": row.reason} for row in report.notes],
    }


def _show_preview(store: Store, file: Path, plan: ImportPlan, *, as_json: bool) -> None:
    report: ImportReport
    found: list[RegistryEntry] | list[FirmFact | FirmTie]
    if plan.columns.kind == FIRMS:
        report, found = preview_file(file, plan)
    else:
        report, found = preview_facts(store, file, plan, clock=system_clock)
    rows = [{name: value for name, value in asdict(one).items() if value not in ("", (), None)} for one in found]
    if as_json:
        told = _told(report)
        shown = {name: told[name] for name in ("kind", "mapped", "unused", "reasons")}
        print(
            json.dumps({**shown, "fields": list(plan.columns.fields), "first": rows}, ensure_ascii=False, default=str)
        )
        return
    print("表头对应：")
    for name, field in report.mapped.items():
        print(f"  {name.strip()} → {field}")
    if report.unused:
        print(f"没有用到的列：{'、'.join(report.unused)}（可用字段：{'、'.join(plan.columns.fields)}）")
    print("前几行将记为：")
    for row in rows:
        print("  " + json.dumps(row, ensure_ascii=False, default=str))
        if plan.columns.kind == TIES:
            print(f"    读作：{row['one']} {EDGES[TieKind(row['kind'])]} {row['other']}")
    for refused in report.reasons[:SHOWN]:
        print(f"  第 {refused.line} 行不收：{refused.reason}")
    print("以上为预览，没有写入。")
