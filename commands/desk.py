"""The desk: the pages people work with."""

import socket
from typing import Annotated, Any

import typer

from alerts.feeds import FeedWriter
from alerts.lifecycle import act
from alerts.setup import load_parts
from commands.assemble import names_of, open_index, rule_queries
from commands.kept import KeptOption, begin, prompt
from commands.knowledge import knowledge_of, lexicon_of
from commands.options import DataOption, ProfileOption
from commands.outgoing import router_of, routes_of
from commands.stores import open_store
from config.channels import load_channels
from config.clusters import load_clusters
from config.intake import load_intake
from config.keeping import load_keeping
from config.laws import load_laws
from config.ledger import load_ledger_rules
from config.lexicon import Lexicon
from config.progress import load_progress
from config.reporting import load_reporting
from config.settings import Settings
from config.signin import load_sign_in
from config.sources import load_sources
from config.tiles import load_tiles
from config.weekly import load_weekly
from store import second_factor
from store.database import Store
from web.server import serve as serve_desk
from web.services import Services


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("desk")(prompt(desk))


def desk(
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8000,
    host: Annotated[str, typer.Option("--host", help="address to listen on")] = "127.0.0.1",
    kept: KeptOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """网页席位 (the web desk)."""
    settings = begin(kept, data, profile)
    serve_desk(desk_services(settings), host=host, port=port, sockets=[_listening(host, port)])


def desk_services(settings: Settings) -> Services:
    """All that the desk's pages need."""
    store = open_store(settings)
    known = knowledge_of(settings, store)
    sources = load_sources(settings.config, settings.profile, base=settings.source_base)
    firms = {entry.id: entry for entry in known.registry}
    parts = load_parts(
        settings.config, registry=firms.get, lexicon=known.lexicon, queries=rule_queries(settings, known)
    )
    services = Services(
        store=store,
        settings=settings,
        lexicon=known.lexicon,
        sources=sources,
        rules=parts.rules,
        rule_parts=parts,
        search=open_index(settings, known),
        segmenter=known.segmenter.words,
        router=router_of(settings, known.lexicon, known.registry),
        routes=routes_of(settings, known.lexicon),
        channels={name: one.title for name, one in load_channels(settings.config).items()},
        keeping=load_keeping(settings.config),
        sign_in=load_sign_in(settings.config, regions=known.lexicon.regions),
        act=act,
        render_feed=FeedWriter(settings.public_url, known.lexicon),
        synonyms=known.lexicon.synonyms,
        query_names=names_of(known, {source.key: source.title for source in sources}),
        clusters=load_clusters(settings.config),
        tiles=load_tiles(settings.config, known.lexicon.regions),
        **_of_files(settings, known.lexicon),
    )
    with store.write() as db:
        second_factor.seal_plain(db, services.vault)
    return services


def paper_services(settings: Settings, store: Store) -> Services:
    """What papers are written from, without what only pages need (index, registry, finders)."""
    lexicon = lexicon_of(settings)
    parts = load_parts(settings.config, registry=lambda _: None, lexicon=lexicon)
    return Services(
        store=store,
        settings=settings,
        lexicon=lexicon,
        sources=load_sources(settings.config, settings.profile, base=settings.source_base),
        rule_parts=parts,
        **_of_files(settings, lexicon),
    )


def _of_files(settings: Settings, lexicon: Lexicon) -> dict[str, Any]:
    """What files of config alone say."""
    return {
        "ledger": load_ledger_rules(settings.config),
        "laws": load_laws(settings.config, issues=lexicon.issues),
        "weekly": load_weekly(settings.config),
        "progress": load_progress(settings.config),
        "intake": load_intake(settings.config),
        "reporting": load_reporting(settings.config, lexicon.regions),
    }


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener
