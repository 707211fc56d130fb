"""`fengsui silence`: who muted what, why and until when."""

import json
import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any

import typer

from alerts.silences import Draft, add_silence, draft_of, expire_silence, preview
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.outgoing import teller_of
from commands.rule_files import known_rules
from commands.stores import open_store
from config.alert_life import load_alert_life
from config.lexicon import Lexicon, load_lexicon
from config.matchers import LABELS
from config.settings import Settings
from core.clock import beijing, iso_beijing, parse_published, system_clock
from core.durations import parse_duration
from core.errors import UsageError
from core.records import LEVEL_COLOURS, Alert
from store.silences import Silence, list_silences
from store.users import EVERYWHERE

STATE_WORDS = {"active": "生效", "planned": "未到时", "ended": "已结束"}
MatchOption = Annotated[
    list[str] | None,
    typer.Option("--match", "-m", help=f"LABEL=VALUE (also !=, =~, !~), again for more; labels: {', '.join(LABELS)}"),
]
ForOption = Annotated[str | None, typer.Option("--for", help="how long: 8h, 3d, 2w")]
UntilOption = Annotated[str | None, typer.Option("--until", help="ISO date or time, instead of --for")]
StartsOption = Annotated[str | None, typer.Option("--starts", help="ISO date or time; default: now")]
TerritoryOption = Annotated[str, typer.Option("--territory", help="region code it is cut to; default: everywhere")]
AuthorOption = Annotated[str, typer.Option("--author", help="who answers for it")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(
        help="静默：某类预警暂不告知 (silences: alerts that are not told of for a while)", no_args_is_help=True
    )
    for command in (add, preview_command, expire):
        group.command(command.__name__.removesuffix("_command"))(command)
    group.command("list")(list_command)
    app.add_typer(group, name="silence")


def add(
    match: MatchOption = None,
    reason: Annotated[str, typer.Option("--reason", help="why; required")] = "",
    for_: ForOption = None,
    until: UntilOption = None,
    starts: StartsOption = None,
    territory: TerritoryOption = EVERYWHERE,
    author: AuthorOption = "命令行",
    replaces: Annotated[
        str | None, typer.Option("--replaces", help="number of the silence this is made instead of")
    ] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """新建静默；须有理由和到期时间 (red is muted only where a matcher says level=red)."""
    settings = settings_of(data, profile, log_level="WARNING")
    store, lexicon, now = open_store(settings), load_lexicon(settings.config), system_clock()
    if not for_ and not until:
        raise UsageError("须写明到期：--for 8h 或 --until 2026-11-26T09:00")
    if for_ and until:
        raise UsageError("--for 和 --until 只写一个")
    with store.read() as db:
        rules = known_rules(settings, db)
    draft = _draft(settings, lexicon, match, reason, for_, until, starts, territory, now, rules)
    teller = teller_of(settings, lexicon, (), mail=False)
    with store.write() as db:
        once = f"cli-{secrets.token_hex(12)}"
        made = add_silence(db, draft, author=_author(author), now=now, once=once, replaces=replaces)
        marked = teller.apply_silences(db, now)
    if as_json:
        print(json.dumps(silence_json(made, now) | {"muted": [alert.number for alert in marked]}, ensure_ascii=False))
    else:
        print(f"{made.id} 已建，到 {beijing(made.ends_at):%Y-%m-%d %H:%M}；现有预警静默 {len(marked)} 条")


def preview_command(
    match: MatchOption = None,
    territory: TerritoryOption = EVERYWHERE,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """试看会静默哪些未办结预警，不保存 (which open alerts it would mute)."""
    settings = settings_of(data, profile, log_level="WARNING")
    store, lexicon, now = open_store(settings), load_lexicon(settings.config), system_clock()
    with store.read() as db:
        rules = known_rules(settings, db)
        draft = _draft(settings, lexicon, match, "试看", "1h", None, None, territory, now, rules)
        found = preview(db, draft, lexicon)
    if as_json:
        shown = {"open": found.open, "muted": [_alert_json(alert) for alert in found.muted]}
        print(json.dumps(shown | {"red_spared": [_alert_json(alert) for alert in found.spared]}, ensure_ascii=False))
        return
    print(f"未办结 {found.open} 条，会静默 {len(found.muted)} 条")
    for alert in found.muted:
        print(alert.number, LEVEL_COLOURS[alert.level], alert.state, alert.title, sep="  ")
    for alert in found.spared:
        print(alert.number, "红色不静默（须写明 level=red）", alert.title, sep="  ")


def expire(
    number: Annotated[str, typer.Argument(help="its number, JM-2026-0001")],
    reason: Annotated[str, typer.Option("--reason", help="why; required")] = "",
    author: AuthorOption = "命令行",
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """提前解除静默 (ends one early; what is still to be accepted is told then, by the watch)."""
    settings = settings_of(data, profile, log_level="WARNING")
    store, now = open_store(settings), system_clock()
    if len(reason.strip()) < 2:
        raise UsageError("须写明解除的理由：--reason …")
    with store.write() as db:
        ended = expire_silence(db, number, by=_author(author), why=reason, now=now)
    print(json.dumps(silence_json(ended, now), ensure_ascii=False) if as_json else f"{ended.id} 已解除")


def list_command(
    everything: Annotated[bool, typer.Option("--all", help="those that are over, too")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """列出静默 (in force and planned; a JSON line each)."""
    settings = settings_of(data, profile, log_level="WARNING")
    store, now = open_store(settings), system_clock()
    with store.read() as db:
        found = [one for one in list_silences(db) if everything or one.state_at(now) != "ended"]
    for one in found:
        if as_json:
            print(json.dumps(silence_json(one, now), ensure_ascii=False))
        else:
            until = f"至 {beijing(one.until):%m-%d %H:%M}"
            print(
                one.id,
                STATE_WORDS[one.state_at(now)],
                until,
                "，".join(one.matchers),
                f"{one.author}：{one.reason}",
                sep="  ",
            )


def silence_json(one: Silence, now: datetime) -> dict[str, Any]:
    """A silence as `--json` prints it. Times with +08:00."""
    return {
        "id": one.id,
        "state": one.state_at(now),
        "matchers": list(one.matchers),
        "reason": one.reason,
        "author": one.author,
        "territory": one.territory,
        "created_at": iso_beijing(one.created_at),
        "starts_at": iso_beijing(one.starts_at),
        "ends_at": iso_beijing(one.ends_at),
        "expired_at": iso_beijing(one.expired_at) if one.expired_at else None,
        "expired_by": one.expired_by,
        "expired_why": one.expired_why,
        "replaces": one.replaces,
    }


def _draft(
    settings: Settings,
    lexicon: Lexicon,
    match: list[str] | None,
    reason: str,
    for_: str | None,
    until: str | None,
    starts: str | None,
    territory: str,
    now: datetime,
    rules: Collection[str],
) -> Draft:
    if territory != EVERYWHERE and territory not in lexicon.regions:
        raise UsageError(f"--territory: {territory!r} is no known region code (accepted: such as 360100)")
    try:
        starts_at = parse_published(starts) if starts else now
        ends_at = parse_published(until) if until else starts_at + parse_duration(for_ or "")
    except (ValueError, OverflowError) as problem:
        raise UsageError(f"--starts, --until, --for: {problem}") from problem
    longest = load_alert_life(settings.config).silence.longest
    return draft_of(
        match or [], reason=reason, starts_at=starts_at, ends_at=ends_at, now=now, longest=longest, lexicon=lexicon,
        territory=territory, rules=rules,
    )  # fmt: skip


def _author(given: str) -> str:
    author = " ".join(given.split())
    if not 1 <= len(author) <= 40:
        raise UsageError("--author：1 至 40 字")
    return author


def _alert_json(alert: Alert) -> dict[str, Any]:
    return {"id": alert.id, "number": alert.number, "level": alert.level, "title": alert.title}
