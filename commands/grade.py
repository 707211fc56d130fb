"""`fengsui grade`: the risk grade of a firm explained, what changed, and the nightly pass."""

import json
from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer

from alerts.grading import confirmed_of, grades_for, nightly
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from config.grades import load_grades
from config.lexicon import load_lexicon
from config.settings import Settings
from core.clock import beijing, system_clock
from core.errors import UsageError
from scheduler import DailyJob
from store.database import Store
from store.grades import changes, overrides_of, shares
from store.watchlists import find_firms

HOUR, MINUTE = 2, 20


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(grade)


def grade_jobs(settings: Settings, store: Store) -> list[DailyJob]:
    """The nightly pass: firms with something new, and those that time alone moves."""
    lexicon = load_lexicon(settings.config)
    table = load_grades(settings.config, products=lexicon.products)

    def run() -> str:
        done = nightly(store, table, now=system_clock())
        return f"重算 {done.looked} 家，变档 {done.changed} 家"

    return [DailyJob("grades", "风险分级", HOUR, MINUTE, run)]


def grade(
    what: Annotated[str, typer.Argument(help="a firm's id, name or credit code; or: drift, nightly")],
    day: Annotated[str, typer.Option("--day", help="grade as of this ISO date; default: today")] = "",
    since: Annotated[str, typer.Option("--since", help="drift: changes since this ISO date; default: all")] = "",
    everything: Annotated[bool, typer.Option("--all", help="nightly: all firms with a record")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """企业风险分级（内部）：逐条说明、变档、夜间重算 (a firm's risk grade, drift, or the nightly pass)."""
    settings = settings_of(data, profile, log_level="WARNING")
    store, now = open_store(settings), system_clock()
    table = load_grades(settings.config, products=load_lexicon(settings.config).products)
    if what == "nightly":
        done = nightly(store, table, now=now, everything=everything)
        print(json.dumps(asdict(done)) if as_json else f"重算 {done.looked} 家，变档 {done.changed} 家")
        return
    if what == "drift":
        _drift(store, _day(since) if since else None, as_json)
        return
    with store.read() as db:
        found, several = find_firms(db, [what])
        if what in several:
            raise UsageError(f"{what} 在名录中不止一家，请改用信用代码")
        firm, name = found.get(what, (what, what.removeprefix("NIL:")))
        if what not in found and not what.startswith("NIL:"):
            raise UsageError(f"名录中没有 {what[:60]}；未列入名录的写 NIL:名称")
        on = _day(day) if day else beijing(now).date()
        [one] = grades_for(db, [firm], table, on, confirmed_of(db, firm))
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


def _drift(store: Store, since: date | None, as_json: bool) -> None:
    with store.read() as db:
        moved, counted = changes(db, since=since, limit=10_000), shares(db)
    moved = [one for one in moved if one.before]
    if as_json:
        told = {"shares": counted, "changes": [asdict(one) for one in moved]}
        print(json.dumps(told, ensure_ascii=False, default=str))
        return
    print("现有 " + "，".join(f"{grade} {counted.get(grade, 0)} 家" for grade in "ABCD") + f"；变档 {len(moved)} 次")
    for one in moved:
        print(f"  {one.day}  {one.firm}  {one.before} → {one.grade}（{one.points:g} 分）{one.why}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text[:20]!r} is no ISO date (accepted: such as 2026-11-23)") from None
