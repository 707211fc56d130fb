"""Alerts by hand: alerts, feed-url."""

import json
from typing import Annotated

import typer

from alerts.alert_json import alert_line
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from core.clock import parse_published, system_clock
from core.errors import UsageError
from core.records import LEVEL_COLOURS
from store.alert_log import list_alerts
from store.tokens import create_token
from store.users import find_user


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(alerts)
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
