"""Why there is an alert, or none: why."""

import json
from typing import Annotated

import typer

from alerts.desk_rules import read_desk_rules
from alerts.setup import load_parts
from alerts.why.answer import answer_json, answer_lines
from alerts.why.explain import explain
from alerts.why.world import World
from commands.assemble import rule_queries
from commands.knowledge import knowledge_of
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.outgoing import router_of, routes_of
from commands.stores import open_store
from config.intake import load_intake
from config.sources import load_sources
from core.clock import system_clock
from store.desk_rules import all_versions


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(why)


def why(
    asked: Annotated[str, typer.Argument(metavar="URL|ID|TITLE", help="address, document id, alert number or title")],
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """为什么有、为什么没有预警：逐阶段说明 (the stage at which a document stopped to count; why an alert is there)."""
    settings = settings_of(data, profile, log_level="WARNING")
    store = open_store(settings)
    known = knowledge_of(settings, store)
    firms = {entry.id: entry for entry in known.registry}
    parts = load_parts(
        settings.config, registry=firms.get, lexicon=known.lexicon, queries=rule_queries(settings, known)
    )
    with store.read() as db:
        desk = read_desk_rules(all_versions(db), parts.queries)
        world = World(
            engine=parts.engine(desk),
            desk=desk,
            sources=load_sources(settings.config, settings.profile, base=settings.source_base),
            profile=settings.profile,
            handed_in=load_intake(settings.config).titles,
            router=router_of(settings, known.lexicon, known.registry),
            routes=routes_of(settings, known.lexicon),
            duty=parts.duty,
        )
        answer = explain(world, db, asked, system_clock())
    print(json.dumps(answer_json(answer), ensure_ascii=False) if as_json else "\n".join(answer_lines(answer)))
