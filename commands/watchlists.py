"""`fengsui watchlist`: firms that somebody wants to hear of, put on lists and taken off by hand."""

import json
import secrets
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from config.lexicon import load_lexicon
from core.clock import iso_beijing, system_clock
from core.errors import UsageError
from core.records import LEVEL_COLOURS, LEVEL_IDS
from enterprises.match_file import matcher_of
from enterprises.watching import (
    KINDS,
    MOST_ROWS,
    NEAR,
    Weighed,
    Weighing,
    end_of_day,
    finish_list,
    make_list,
    put_on,
    read_rows,
    resolve,
    take_off,
    weigh,
)
from store.users import EVERYWHERE
from store.watchlists import WatchedFirm, WatchList, all_lists, find_list, firms_on, sizes, watched_as

ListArgument = Annotated[str, typer.Argument(help="its number, GZ-2026-0001")]
ReasonOption = Annotated[str, typer.Option("--reason", help="why; required")]
UntilOption = Annotated[str, typer.Option("--until", help="last day, ISO date; default: no end")]
AuthorOption = Annotated[str, typer.Option("--author", help="who answers for it")]
PAGE = 1_000


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(
        help="关注名单：名单内企业一有新信号即预警 (watch-lists: a new signal of a listed firm alerts)",
        no_args_is_help=True,
    )
    for name, command in (
        ("new", new), ("add", add), ("import", import_file), ("remove", remove), ("end", end), ("list", show_all),
        ("show", show),
    ):  # fmt: skip
        group.command(name)(command)
    app.add_typer(group, name="watchlist")


def new(
    name: Annotated[str, typer.Argument(help="what it is called, 2 to 40 characters")],
    purpose: Annotated[str, typer.Option("--purpose", help="what it is for")] = "",
    level: Annotated[str, typer.Option("--level", help="floor of its alerts: blue | yellow | orange | red")] = "",
    territory: Annotated[str, typer.Option("--territory", help="region code it acts on; default: all")] = EVERYWHERE,
    shared: Annotated[
        str, typer.Option("--shared", help="lowest role that sees it: viewer | officer | supervisor; empty: nobody")
    ] = "officer",
    author: AuthorOption = "命令行",
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """新建名单 (makes a list; firms are put on it by add and import)."""
    settings = settings_of(data, profile, log_level="WARNING")
    if level and level not in LEVEL_IDS:
        raise UsageError(f"--level: {level!r} (accepted: {', '.join(LEVEL_IDS)})")
    if territory != EVERYWHERE and territory not in load_lexicon(settings.config).regions:
        raise UsageError(f"--territory: {territory!r} is no known region code (accepted: such as 360100)")
    store, now = open_store(settings), system_clock()
    one = WatchList("", name.strip(), purpose.strip(), author, territory, shared, LEVEL_IDS.get(level, 0), now)
    with store.write() as db:
        made = make_list(db, one, once=f"cli-{secrets.token_hex(12)}")
    print(json.dumps(list_json(made, 0), ensure_ascii=False) if as_json else f"{made.id} 已建：{made.name}")


def add(
    list_id: ListArgument,
    firms: Annotated[list[str], typer.Argument(help="registered names, credit codes or ids")],
    reason: ReasonOption = "",
    until: UntilOption = "",
    author: AuthorOption = "命令行",
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """列入企业 (a name that no registry entry has is kept as it is, and told)."""
    _put(list_id, [(firm.strip(), "") for firm in firms if firm.strip()], reason, until, author, as_json, data, profile)


def import_file(
    list_id: ListArgument,
    file: Annotated[Path, typer.Argument(help="text, CSV or spreadsheet: name or code, and a reason")],
    reason: ReasonOption = "",
    until: UntilOption = "",
    author: AuthorOption = "命令行",
    preview: Annotated[bool, typer.Option("--preview", help="tell what each row comes to; write nothing")] = False,
    near: Annotated[
        float | None, typer.Option("--near", min=0.7, max=1.0, help="take like names from this score")
    ] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """从文件列入企业 (as add, from a file of up to 20,000 rows).

    --preview tells what each row comes to (exact, near, namesakes, none) and writes nothing; --near takes what is so
    like one firm alone, instead of keeping the name.
    """
    rows = read_rows(file.read_bytes())
    if preview or near is not None:
        settings = settings_of(data, profile, log_level="WARNING")
        store = open_store(settings)
        matcher = matcher_of(store, settings.data_dir)
        with store.read() as db:
            _found(db, list_id)
            weighed = weigh(db, rows, lambda name: matcher.match(name, limit=4), most=MOST_ROWS)
        if preview:
            _show_weighed(weighed, as_json)
            return
        rows = [(one.firm, one.why) for one in weighed.exact]
        rows += [(_taken(one, near), one.why) for one in weighed.undecided]
    _put(list_id, rows, reason, until, author, as_json, data, profile)


def _taken(one: Weighed, near: float | None) -> str:
    """The firm that a row is taken for: the one it is like, else its name."""
    alone = near is not None and one.kind == NEAR and one.candidates[0].score >= near
    return one.candidates[0].id if alone else one.text


def _show_weighed(weighed: Weighing, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(weighed), ensure_ascii=False))
        return
    undecided = Counter(one.kind for one in weighed.undecided)
    counts = "，".join(f"{KINDS[kind]} {undecided[kind]}" for kind in KINDS)
    print(f"完全相同 {len(weighed.exact)}，{counts}，重复 {weighed.twice}；没有写入")
    for one in weighed.undecided:
        print(f"  {one.text}：{KINDS[one.kind]}")
        for firm in one.candidates:
            print(f"    {firm.score:.2f}  {firm.id}  {firm.name}  {firm.why}")


def _put(
    list_id: str, rows: list[tuple[str, str]], reason: str, until: str, author: str, as_json: bool,
    data: Path | None, profile: str | None,
) -> None:  # fmt: skip
    store, now = open_store(settings_of(data, profile, log_level="WARNING")), system_clock()
    with store.write() as db:
        one, met = _found(db, list_id), resolve(db, rows)
        added, there = put_on(db, one, met.given, reason=reason, by=author, now=now, until=end_of_day(until))
    if as_json:
        told = {"list": one.id, "added": added, "already": there, "twice": met.twice}
        print(json.dumps(told | {"unknown": met.unknown, "namesakes": met.namesakes}, ensure_ascii=False))
        return
    print(f"{one.id}：新列入 {added} 家，已在名单 {there} 家，重复 {met.twice} 行")
    for name in met.unknown:
        print(f"  名录中没有，按原名列入：{name}")
    for name in met.namesakes:
        print(f"  名录中不止一家，按原名列入，请改用信用代码：{name}")


def remove(
    list_id: ListArgument,
    firms: Annotated[list[str], typer.Argument(help="registered names, credit codes or ids")],
    reason: ReasonOption = "",
    author: AuthorOption = "命令行",
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """移出企业 (takes firms off a list)."""
    store, now = open_store(settings_of(data, profile, log_level="WARNING")), system_clock()
    taken = []
    with store.write() as db:
        one = _found(db, list_id)
        for given in resolve(db, [(firm.strip(), "") for firm in firms]).given:
            rows = [row for mine, row in watched_as(db, given.firm, now) if mine.id == one.id]
            if not rows:
                raise UsageError(f"{one.id} 上没有 {given.name}")
            take_off(db, rows[0], by=author, why=reason, now=now)
            taken.append(given.name)
    print(json.dumps({"list": one.id, "removed": taken}, ensure_ascii=False) if as_json else f"移出 {len(taken)} 家")


def end(
    list_id: ListArgument,
    reason: ReasonOption = "",
    author: AuthorOption = "命令行",
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """结束名单 (from now on it makes no alerts)."""
    store, now = open_store(settings_of(data, profile, log_level="WARNING")), system_clock()
    with store.write() as db:
        one = _found(db, list_id)
        finish_list(db, one, by=author, why=reason, now=now)
    print(json.dumps({"list": one.id, "ended": True}) if as_json else f"{one.id} 已结束")


def show_all(as_json: JsonOption = False, data: DataOption = None, profile: ProfileOption = None) -> None:
    """列出名单 (a JSON line each)."""
    store, now = open_store(settings_of(data, profile, log_level="WARNING")), system_clock()
    with store.read() as db:
        found = all_lists(db)
        counts = sizes(db, [one.id for one in found], now)
    for one in found:
        if as_json:
            print(json.dumps(list_json(one, counts[one.id]), ensure_ascii=False))
        else:
            floor = f"下限{LEVEL_COLOURS[one.level]}" if one.level else "不设下限"
            print(one.id, "已结束" if one.ended_at else "生效", f"{counts[one.id]} 家", floor, one.name, sep="  ")


def show(
    list_id: ListArgument, as_json: JsonOption = False, data: DataOption = None, profile: ProfileOption = None
) -> None:
    """列出名单上的企业 (a JSON line each, the newest entry first)."""
    store, now, before = open_store(settings_of(data, profile, log_level="WARNING")), system_clock(), 0
    with store.read() as db:
        one = _found(db, list_id)
        while rows := firms_on(db, one.id, now, before=before, limit=PAGE):
            before = rows[-1].number
            for row in rows:
                if as_json:
                    print(json.dumps(row_json(row), ensure_ascii=False))
                else:
                    until = f"至 {row.last_day}" if row.until else "不设到期"
                    print(row.firm, row.name, f"{row.added_by}：{row.reason}", until, sep="  ")


def list_json(one: WatchList, firms: int) -> dict[str, Any]:
    """A list as `--json` prints it. Times with +08:00."""
    return {
        "id": one.id, "name": one.name, "purpose": one.purpose, "owner": one.owner, "territory": one.territory,
        "shared": one.shared, "level": one.level, "firms": firms, "created_at": iso_beijing(one.created_at),
        "ended_at": iso_beijing(one.ended_at) if one.ended_at else None,
    }  # fmt: skip


def row_json(row: WatchedFirm) -> dict[str, Any]:
    """A firm on a list as `--json` prints it."""
    return {
        "firm": row.firm, "name": row.name, "reason": row.reason, "added_by": row.added_by,
        "added_at": iso_beijing(row.added_at), "until": row.last_day or None,
    }  # fmt: skip


def _found(db: Connection, list_id: str) -> WatchList:
    one = find_list(db, list_id)
    if one is None:
        raise UsageError(f"没有关注名单 {list_id[:40]}；fengsui watchlist list 列出现有的")
    return one
