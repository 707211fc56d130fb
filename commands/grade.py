"""`fengsui grade`: the risk grade of a firm explained, what changed, and the nightly pass."""

import json
from dataclasses import asdict
from datetime import date, timedelta
from typing import Annotated

import typer

from alerts.grade_worth import cases_since
from alerts.grading import confirmed_of, grades_for, nightly
from commands.knowledge import lexicon_of
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from config.grades import GRADES, GradeTable, load_grades
from config.settings import Settings
from core.clock import beijing, system_clock
from core.errors import UsageError
from enterprises.grade_worth import HIGH, share_of
from enterprises.match_file import matcher_of
from scheduler import DailyJob
from store.database import Store
from store.grades import changes, month_ends, overrides_of, shares, shares_before
from store.watchlists import find_firms

HOUR, MINUTE = 2, 20


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(grade)


def grade_jobs(settings: Settings, store: Store) -> list[DailyJob]:
    """The nightly pass: firms with something new, and those that time alone moves."""
    lexicon = lexicon_of(settings)
    table = load_grades(settings.config, products=lexicon.products)

    def run() -> str:
        done = nightly(store, table, now=system_clock())
        return f"重算 {done.looked} 家，变档 {done.changed} 家"

    return [DailyJob("grades", "风险分级", HOUR, MINUTE, run)]


def grade(
    what: Annotated[str, typer.Argument(help="a firm's id, name or credit code; or: drift, worth, nightly")],
    day: Annotated[str, typer.Option("--day", help="grade as of this ISO date; default: today")] = "",
    since: Annotated[
        str, typer.Option("--since", help="drift, worth: since this ISO date; default: drift all, worth a year")
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help="nightly: all firms with a record")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """企业风险分级（内部）：逐条说明、变档、夜间重算 (a firm's risk grade, drift, worth, or the nightly pass).

    drift: what changed, and the share of each grade at the end of the last twelve months.
    worth: of the failed samples, recalls and ledger entries since a day, how many firms stood in C or D the day before.
    """
    settings = settings_of(data, profile, log_level="WARNING")
    store, now = open_store(settings), system_clock()
    table = load_grades(settings.config, products=lexicon_of(settings).products)
    if what == "nightly":
        done = nightly(store, table, now=now, everything=everything)
        print(json.dumps(asdict(done)) if as_json else f"重算 {done.looked} 家，变档 {done.changed} 家")
        return
    today = beijing(now).date()
    if what == "drift":
        _drift(store, _day(since) if since else None, today, as_json)
        return
    if what == "worth":
        _worth(store, table, _day(since) if since else today - timedelta(days=365), today, as_json)
        return
    with store.read() as db:
        found, several = find_firms(db, [what])
        if what in several:
            raise UsageError(f"{what} 在名录中不止一家，请改用信用代码")
        firm, name = found.get(what, (what, what.removeprefix("NIL:")))
        if what not in found and not what.startswith("NIL:"):
            best = matcher_of(store, settings.data_dir).match(what, limit=1)
            meant = f"可能是 {best[0].name}（{best[0].id}，{best[0].why}）；" if best else ""
            raise UsageError(f"名录中没有 {what[:60]}；{meant}未列入名录的写 NIL:名称")
        on = _day(day) if day else today
        [one] = grades_for(db, [firm], table, on, confirmed_of(db, firm), as_said=True)
        override = overrides_of(db, [firm], now).get(firm)
    if as_json:
        told = asdict(one) | {"name": name, "set": asdict(override) if override else None}
        print(json.dumps(told, ensure_ascii=False, default=str))
        return
    print(f"{name}：{one.grade}（{one.points:g} 分，{on}）")
    if override:
        print(
            f"  现按 {override.grade} 管理：{override.author}，{override.reason}，至 {beijing(override.until):%Y-%m-%d}"
        )
    for reason in one.reasons:
        print(f"  {reason.worth:+6.1f}  {reason.words}{f'（{reason.day}，原 {reason.full:+g}）' if reason.day else ''}")
    for line in one.changes:
        print(f"  {line}")


def _drift(store: Store, since: date | None, today: date, as_json: bool) -> None:
    ends = month_ends(today)
    with store.read() as db:
        moved, counted = changes(db, since=since, limit=10_000), shares(db)
        then = shares_before(db, ends, counted)
    moved = [one for one in moved if one.before]
    if as_json:
        months = [{"day": str(day), "shares": row} for day, row in zip(ends, then, strict=True)]
        told = {"shares": counted, "months": months, "changes": [asdict(one) for one in moved]}
        print(json.dumps(told, ensure_ascii=False, default=str))
        return
    print("现有 " + "，".join(f"{grade} {counted.get(grade, 0)} 家" for grade in GRADES) + f"；变档 {len(moved)} 次")
    for day, row in zip(ends, then, strict=True):
        if total := sum(row.values()):
            parts = "  ".join(f"{grade} {row.get(grade, 0)}（{row.get(grade, 0) / total:.1%}）" for grade in GRADES)
            print(f"  {day}  {parts}")
    for one in moved:
        print(f"  {one.day}  {one.firm}  {one.before} → {one.grade}（{one.points:g} 分）{one.why}")


def _worth(store: Store, table: GradeTable, since: date, until: date, as_json: bool) -> None:
    with store.read() as db:
        cases, counted = cases_since(db, table, since, until), shares(db)
    total, high = sum(counted.values()), sum(counted.get(grade, 0) for grade in HIGH)
    told = {"all": share_of(cases), "with findings before": share_of([one for one in cases if one.findings])}
    if as_json:
        shown = {name: asdict(one) for name, one in told.items()}
        print(json.dumps({"since": str(since), "worth": shown, "now": counted, "cases": [asdict(one) for one in cases]},
                         ensure_ascii=False, default=str))  # fmt: skip
        return
    for name, one in zip(("隐患", "其中此前已有记录的"), told.values(), strict=True):
        low, top = one.interval
        print(
            f"{since} 以来{name} {one.cases} 家，前一日在 C、D 档的占 {one.high:.1%}（95% 区间 {low:.1%} 至 {top:.1%}）"
        )
    print(
        f"现有分级的企业 {total} 家，C、D 档占 {high / total:.1%}"
        if total
        else "还没有企业分级：先运行 fengsui grade nightly"
    )
    for case in cases:
        print(f"  {case.day}  {case.grade}  {case.points:6.1f}  {case.text}  {case.name}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text[:20]!r} is no ISO date (accepted: such as 2026-11-23)") from None
