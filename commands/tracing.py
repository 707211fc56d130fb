"""双向追查 by hand: trace. Also reads what was stored before documents were read for single goods."""

import json
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import typer

from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from config.lexicon import Lexicon, load_lexicon
from core.clock import beijing, system_clock
from core.errors import FengsuiError
from core.told import NIL, plain
from enterprises.match_file import matcher_of
from enterprises.told_before import read_again
from enterprises.trace import MOST_NODES, MOST_STEPS, NODES, STEPS, Start, Trace, trace
from enterprises.trace_letters import letters
from enterprises.trace_words import Places, lot_name, table_rows
from ledger.words import bureau_of
from store.database import Store
from store.registry import find_by_name, find_entry
from store.told import rows_with


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("trace")(trace_command)


def trace_command(
    firm: Annotated[str, typer.Argument(metavar="[FIRM]", help="registry id or name of a firm")] = "",
    batch: Annotated[str, typer.Option("--batch", help="batch or day of production")] = "",
    model: Annotated[str, typer.Option("--model", help="model")] = "",
    number: Annotated[str, typer.Option("--number", help="number of the notice or recall")] = "",
    steps: Annotated[int, typer.Option("--steps", min=1, max=MOST_STEPS, help="how far to follow")] = STEPS,
    most: Annotated[int, typer.Option("--most", min=2, max=MOST_NODES, help="nodes at most")] = NODES,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="read all stored documents for single goods again")
    ] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """双向追查：从企业、批次、型号查到生产、委托、销售和属地 (traces lots to firms and firms to lots).

    Exit 1 when nothing is kept of what was asked for.
    """
    settings = settings_of(data, profile, log_level="WARNING")
    if not (firm or plain(batch) or plain(model) or plain(number) or rebuild):
        raise typer.BadParameter("nothing to trace (accepted: FIRM, --batch, --model, --number, --rebuild)")
    if firm and (batch or model or number):
        raise typer.BadParameter("a firm or a lot, not both (accepted: FIRM, or --batch, --model, --number together)")
    store, lexicon = open_store(settings), load_lexicon(settings.config)
    if rebuild:
        count = read_again(store, Event())
        print(json.dumps({"documents": count}) if as_json else f"重读文书 {count:,} 份")
        if not (firm or batch or model or number):
            return
    asked = Start(_firm_of(store, settings.data_dir, firm) if firm else "", model, batch, number)
    with store.read() as db:
        found = trace(db, asked, steps=steps, most=most)
    if not found.nodes or (asked.firm.startswith(NIL) and len(found.nodes) < 2):
        raise FengsuiError("no document or registry record tells of it; try another way of writing, or --rebuild once")
    _tell(found, lexicon, as_json=as_json)


def _firm_of(store: Store, folder: Path, name: str) -> str:
    """A registry id, by id, exact name or the best match; else the name as documents write it."""
    with store.read() as db:
        if find_entry(db, name) is not None:
            return name
        known = find_by_name(db, name)
        if known:
            return known
        if rows_with(db, f"n:{plain(name.removeprefix(NIL))}", limit=1).rows:
            return f"{NIL}{name.removeprefix(NIL)}"
    best = matcher_of(store, folder).match(name, limit=2)
    if best and best[0].score >= 0.9 and (len(best) == 1 or best[1].score < best[0].score):
        return best[0].id
    return f"{NIL}{name.removeprefix(NIL)}"


def _tell(found: Trace, lexicon: Lexicon, *, as_json: bool) -> None:
    places = Places(lexicon.regions)
    drafts = letters(
        found,
        places=places,
        product_word=lexicon.product_name,
        bureau=lambda code: bureau_of(lexicon.regions, code),
        today=beijing(system_clock()).date(),
    )
    if as_json:
        nodes = [
            _plain(asdict(one)) | {"label": lot_name(one, lexicon.product_name), "place": asdict(places.of(one))}
            for one in found.nodes
        ]
        edges = [_plain(asdict(one)) | {"since": one.since and one.since.isoformat()} for one in found.edges]
        left = {"open_ends": found.open_ends, "rows": found.left_rows, "nodes": found.left_nodes}
        notices = [{"territory": one.territory, "to": one.to, "title": one.title, "text": one.text()} for one in drafts]
        print(json.dumps({"nodes": nodes, "edges": edges, "left_out": left, "notices": notices}, ensure_ascii=False))
        return
    for row in table_rows(found, places, lexicon.product_name):
        steps, one, place, said, other, _, _, _, outcome, since, documents, sources = row
        print(
            f"{steps}  {one}（{place or '住所不明'}）{said} {other}  {outcome} {since} {documents or sources}".rstrip()
        )
    firms = sum(node.sort == "firm" for node in found.nodes)
    print(f"企业 {firms} 家，产品批次 {len(found.nodes) - firms} 个，协查函草稿 {len(drafts)} 份（--json 含全文）")
    if found.open_ends or found.left_rows or found.left_nodes:
        rows = sum(found.left_rows.values())
        print(f"没有列全：未展开 {found.open_ends}，未列记录 {rows}，超出上限 {found.left_nodes}（--steps、--most）")


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """Days as text."""
    text: dict[str, Any] = json.loads(json.dumps(record, default=str, ensure_ascii=False))
    return text
