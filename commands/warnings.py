"""Alerts by hand: alerts, digest, feed-url."""

import json
from datetime import date as day_type
from pathlib import Path
from typing import Annotated

import typer

from alerts.alert_json import alert_line
from alerts.digest import build_digest, plan_digest, previous_day, titles_of_sources
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.outgoing import router_of, routes_of
from commands.stores import open_store
from config.lexicon import load_lexicon
from core.clock import parse_published, system_clock
from core.errors import UsageError
from core.records import LEVEL_COLOURS
from enterprises.registry_import import registry_of
from store.alert_log import list_alerts
from store.tokens import create_token
from store.users import find_user


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(alerts)
    app.command()(digest)
    app.command("feed-url")(feed_url)


def alerts(
    since: Annotated[str | None, typer.Option("--since", help="ISO date or time, of the story")] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """列出预警 (alerts as the desk shows them; a JSON line each)."""
    store = open_store(settings_of(data, profile, log_level="WARNING"))
    try:
        moment = parse_published(since) if since else None
    except ValueError as problem:
        raise UsageError(f"--since: {since!r} is no ISO date or date-time") from problem
    with store.read() as db:
        lines = [line for alert in list_alerts(db, since=moment) if (line := alert_line(db, alert)) is not None]
    for line in sorted(lines, key=lambda line: (line["first_at"], line["id"])):
        if as_json:
            print(json.dumps(line, ensure_ascii=False))
        else:
            print(
                line["first_at"][:16],
                LEVEL_COLOURS[line["level"]],
                line["state"],
                line["territory"],
                line["title"],
                sep="  ",
            )


def digest(
    date: Annotated[str | None, typer.Option("--date", help="ISO date, Beijing; default: yesterday")] = None,
    send: Annotated[bool, typer.Option("--send", help="put it into the outbox, once a recipient")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="folder for subject, text and HTML")] = None,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """每日摘要 (the daily digest; printed, written or sent)."""
    settings = settings_of(data, profile, log_level="WARNING")
    store = open_store(settings)
    try:
        day = parse_day(date) if date else previous_day(system_clock())
    except ValueError as problem:
        raise UsageError(f"--date: {date!r} is no ISO date (accepted: 2026-11-23)") from problem
    with store.read() as db:
        titles, demo = titles_of_sources(settings), settings.profile == "demo"
        made = build_digest(db, day, public_url=settings.public_url, demo=demo, sources=titles)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "subject.txt").write_text(made.subject + "\n", encoding="utf-8")
        (out / "digest.txt").write_text(made.text, encoding="utf-8")
        (out / "digest.html").write_text(made.html, encoding="utf-8")
    else:
        print(made.subject, made.text, sep="\n\n")
    if send:
        lexicon = load_lexicon(settings.config)
        to = [one for one in routes_of(settings, lexicon).recipients if one.digest_at is not None]
        if settings.smtp_url is None or not to:
            raise UsageError("nothing sent: set FENGSUI_SMTP_URL and FENGSUI_MAIL_TO (or config/routes.yml) first")
        router = router_of(settings, lexicon, registry_of(store)[0])
        planned = plan_digest(store, day, to, lexicon.regions, settings=settings, now=system_clock(), router=router)
        print(f"已放入待发 {planned} 封")


def feed_url(
    user: Annotated[str, typer.Argument(help="account whose territory the feed shows")] = "admin",
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """新建一组私有订阅地址 (makes private feed addresses; revoke them on the account page)."""
    settings = settings_of(data, profile, log_level="WARNING")
    store = open_store(settings)
    with store.write() as db:
        if find_user(db, user) is None:
            raise UsageError(f"没有账号 {user}；fengsui user list 列出全部")
        secret = create_token(db, "feed", user=user, note="feed-url", now=system_clock())
    for kind in ("atom", "rss", "json"):
        print(f"{settings.public_url.rstrip('/')}/feeds/{secret}/alerts.{kind}")


def parse_day(text: str) -> day_type:
    """An ISO date."""
    return day_type.fromisoformat(text)
