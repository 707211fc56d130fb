"""Where an alert goes and why: route."""

import json
from typing import Annotated

import typer

from alerts.lifecycle import confirmation_words
from alerts.router import notices
from alerts.routing_words import route_json, route_lines
from alerts.setup import duty_of
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.outgoing import router_of, routes_of
from commands.stores import open_store
from config.lexicon import load_lexicon
from core.clock import system_clock
from core.errors import UsageError
from enterprises.registry_import import registry_of
from store.alert_log import alert_details, find_alert, standing_alert


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(route)


def route(
    alert: Annotated[str, typer.Argument(help="id or number of an alert: YJ-2026-0001")],
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """预警派往哪里、抄送谁、依据哪条规定 (where an alert goes, by which rule of orgs.yaml, and who is mailed)."""
    settings = settings_of(data, profile, log_level="WARNING")
    store = open_store(settings)
    lexicon = load_lexicon(settings.config)
    router = router_of(settings, lexicon, registry_of(store)[0])
    routes = routes_of(settings, lexicon)
    with store.read() as db:
        found = find_alert(db, alert)
        if found is None:
            raise UsageError(f"没有预警 {alert[:40]}；fengsui alerts --json 列出全部")
        found = standing_alert(db, found)
        made = router.route(db, found)
        confirmation = confirmation_words(found, alert_details(db, found.id))
        by_digest = duty_of(settings.config).by_digest_alone(found.level)
        who = notices(found, routes, lexicon.regions, lambda: made.sent_by_machine, system_clock(), by_digest=by_digest)
        told = list(who)
    if as_json:
        print(json.dumps(route_json(found, made, told, confirmation), ensure_ascii=False))
        return
    print(*route_lines(found, made, told, confirmation), sep="\n")
