"""Events by hand: events FILE, events list, events show, events merge, events split."""

import getpass
import json
from datetime import datetime
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from commands.assemble import keeper_of
from commands.knowledge import knowledge_of, registry_for
from commands.options import DataOption, JsonOption, ProfileOption, RegistryOption, settings_of
from commands.reading import json_lines
from commands.stores import open_store
from config.grouping import load_grouping
from config.lexicon import load_lexicon
from config.recogniser import recogniser_folder
from config.settings import Settings
from core.clock import iso_beijing, parse_published, system_clock
from core.errors import UsageError
from core.records import LEVEL_COLOURS
from nlp.analyze import Analyzer
from pipelines.event_rows import place_rows, reader
from pipelines.events import EventKeeper, names_in
from store.database import Store
from store.documents import find_document
from store.events import Event, Member, find_event, list_events, members_of

FILE_COMMAND = "file"
MOST_SHOWN = 10_000


class _FileFirst(TyperGroup):
    """`events FILE` is `events file FILE`; global options may stand before the word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        words = [place for place, word in enumerate(args) if word in self.commands]
        if words:
            first = words[0]
            args = [args[first], *args[:first], *args[first + 1 :]]
        elif args and args[0] not in ctx.help_option_names:
            args = [FILE_COMMAND, *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="事件 (documents that tell one story)", no_args_is_help=True, cls=_FileFirst)
    group.command(FILE_COMMAND)(cluster)
    group.command("list")(list_all)
    group.command("show")(show)
    group.command("merge")(merge)
    group.command("split")(split)
    app.add_typer(group, name="events")


def cluster(
    file: Annotated[str, typer.Argument(help="JSON lines {id, title, text, published?, source_type?}; - is stdin")],
    registry: RegistryOption = None,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """把文件中的文档归为事件，每行一个 {id, event_id} (in order of published; nothing is stored)."""
    settings = settings_of(data, profile, log_level="WARNING")
    lexicon, firms = load_lexicon(settings.config), registry_for(settings, registry)
    keeper = EventKeeper(lexicon.regions, load_grouping(settings.config).family_of, names_in(firms))
    analyzer = Analyzer(lexicon, firms, recogniser_folder(settings.config))
    rows = [row for number, row in json_lines(file) if _checked(row, f"{file}: line {number}")]
    for placed in place_rows(rows, reader(analyzer), keeper):
        print(json.dumps({"id": placed.id, "event_id": placed.event, "is_risk": placed.risk}, ensure_ascii=False))


def _checked(row: dict[str, Any], where: str) -> bool:
    for name in ("title", "text", "published"):
        if not isinstance(row.get(name) or "", str):
            raise UsageError(f"{where}: {name} must be a string")
    try:
        if row.get("published"):
            parse_published(row["published"])
    except ValueError as problem:
        raise UsageError(f"{where}: published: {row['published']!r} is no ISO date or date-time") from problem
    return True


def list_all(
    since: Annotated[str | None, typer.Option("--since", help="ISO date or time of the newest document")] = None,
    least: Annotated[int, typer.Option("--least", min=1, help="texts of their own, at least")] = 1,
    size: Annotated[int, typer.Option("--size", min=1, max=MOST_SHOWN)] = 100,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """列出事件，最近的在前 (the events, the newest first)."""
    store = open_store(settings_of(data, profile, log_level="WARNING"))
    with store.read() as db:
        for event in list_events(db, since=_moment(since) if since else None, least=least, limit=size):
            if as_json:
                documents = [member.document for member in members_of(db, event.id, limit=MOST_SHOWN)]
                print(json.dumps(_event_json(event) | {"document_ids": documents}, ensure_ascii=False))
            else:
                print(_event_line(event))


def show(
    event: Annotated[str, typer.Argument(help="SJ-2026-0001 or id")],
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """一个事件的文档，转载列在原文之下 (the documents of an event, copies below their origin)."""
    store = open_store(settings_of(data, profile, log_level="WARNING"))
    with store.read() as db:
        found = find_event(db, event)
        if found is None:
            raise UsageError(f"没有事件 {event}；fengsui events list 列出全部")
        members = members_of(db, found.id, limit=MOST_SHOWN)
        if as_json:
            lines = [_member_json(member) | {"title": member.traits["title"]} for member in members]
            print(json.dumps(_event_json(found) | {"members": lines}, ensure_ascii=False))
            return
        print(_event_line(found))
        inside = {member.document for member in members}
        for member in members:
            origin = member.traits["origin"]
            if origin != member.document and origin in inside:
                continue
            print(_member_line(member, "  "))
            for copy in members:
                if copy.traits["origin"] == member.document and copy.document != member.document:
                    print(_member_line(copy, "    转载  "))


def merge(
    into: Annotated[str, typer.Argument(help="SJ-2026-0001 or id")],
    other: Annotated[str, typer.Argument(help="the event that is the same")],
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """两个事件是同一件事：并为一个，保留较早的编号 (they stay one)."""
    store, keeper = _opened(settings_of(data, profile, log_level="WARNING"))
    with store.write() as db:
        done = keeper.merge(db, into, other, actor=_who(), now=system_clock())
    _say(done, as_json)


def split(
    event: Annotated[str, typer.Argument(help="SJ-2026-0001 or id")],
    documents: Annotated[list[str], typer.Argument(help="document ids that tell another story")],
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """把文档拆出为另一个事件 (they stay apart; copies go with their origin)."""
    store, keeper = _opened(settings_of(data, profile, log_level="WARNING"))
    with store.write() as db:
        missing = [name for name in documents if find_document(db, name) is None]
        if missing:
            raise UsageError(f"没有文档 {missing[0]}；fengsui events show {event} 列出它的文档")
        done = keeper.split(db, event, documents, actor=_who(), now=system_clock())
    _say(done, as_json)


def _opened(settings: Settings) -> tuple[Store, EventKeeper]:
    store = open_store(settings)
    return store, keeper_of(settings, knowledge_of(settings, store))


def _who() -> str:
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):  # a container without a user database
        return "cli"


def _moment(text: str) -> datetime:
    try:
        return parse_published(text)
    except ValueError as problem:
        raise UsageError(f"--since: {text!r} is no ISO date or date-time") from problem


def _say(event: Event, as_json: bool) -> None:
    print(json.dumps(_event_json(event), ensure_ascii=False) if as_json else _event_line(event))


def _event_json(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "number": event.number,
        "title": event.title,
        "first_at": iso_beijing(event.first_at),
        "last_at": iso_beijing(event.last_at),
        "level": event.level,
        "documents": event.documents,
        "origins": event.origins,
        "enterprises": list(event.facts.get("firms", ())),
        "products": list(event.facts.get("families", ())),
        "issues": list(event.facts.get("issues", ())),
        "territories": list(event.facts.get("territories", ())),
    }


def _member_json(member: Member) -> dict[str, Any]:
    return {
        "id": member.document,
        "at": iso_beijing(member.at),
        "is_risk": member.risk,
        "origin": member.traits["origin"],
        "like": member.like,
        "points": member.points,
        "why": list(member.why),
        "by_hand": member.held,
    }


def _event_line(event: Event) -> str:
    span = f"{iso_beijing(event.first_at)[:16]} 至 {iso_beijing(event.last_at)[:16]}"
    counts = f"{event.documents} 篇，独立 {event.origins}"
    return "  ".join((event.number, LEVEL_COLOURS[event.level], span, counts, event.title))


def _member_line(member: Member, indent: str) -> str:
    why = "、".join(member.why) or ("人工" if member.held else "首见")
    mark = "" if member.risk else "  不计"
    return f"{indent}{iso_beijing(member.at)[:16]}  {member.document}  {member.traits['title']}  （{why}）{mark}"
