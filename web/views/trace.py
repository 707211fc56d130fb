"""双向追查: from a failed or recalled lot to who made and sold it, from a firm to its lots; drafts of letters."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from sqlalchemy import Connection, select
from starlette.responses import Response

from charts.flow import Box, Link, flow
from core.clock import beijing
from core.spreadsheet import csv_text
from core.told import NIL
from enterprises.trace import (
    MOST_NODES,
    MOST_STEPS,
    NODES,
    STEPS,
    Edge,
    Ground,
    Node,
    Sort,
    Start,
    Trace,
    trace,
)
from enterprises.trace_letters import Letter, letters
from enterprises.trace_words import EDGES, HEADER, Places, lot_name, makes, outcome_words, sources, table_rows
from ledger.words import bureau_of
from nlp.privacy import mask
from store.registry import find_entry
from store.schema import documents
from web.visit import Here, Refused, Visit

router = APIRouter(include_in_schema=False)
DRAWN = 9
"""Boxes of a column of the picture; the table has all."""
LISTED = 100
"""Rows of the table on the page; the file has all."""
SIZES = (30, NODES, 120, MOST_NODES)
HEADS = ("生产、委托、召回", "产品批次", "销售、平台")


@dataclass(frozen=True)
class Row:
    """An edge as a line of the table. documents: (id, title) that the viewer may read; hidden: how many not."""

    edge: Edge
    one: Node
    other: Node
    lot: Node | None
    documents: tuple[tuple[str, str], ...]
    hidden: int
    registry: tuple[str, ...]


@dataclass(frozen=True)
class PlaceRow:
    """A territory of the trace. firms: that lie there."""

    code: str
    firms: tuple[str, ...]
    guessed: bool


@router.get("/trace")
def show_trace(
    visit: Here, batch: str = "", model: str = "", number: str = "", steps: int = STEPS, most: int = NODES
) -> Response:
    """From a lot: model, batch, number of a notice; without any the empty form."""
    start = Start(model=model[:80].strip(), batch=batch[:80].strip(), number=number[:80].strip())
    return _page(visit, start, steps, most)


@router.get("/enterprises/{firm:path}/trace")
def show_trace_of_firm(visit: Here, firm: str, steps: int = STEPS, most: int = NODES) -> Response:
    """From a firm to its lots, and on to who ordered and sold them."""
    return _page(visit, Start(firm=firm), steps, most)


@router.get("/trace.csv")
def download(
    visit: Here, firm: str = "", batch: str = "", model: str = "", number: str = "", steps: int = STEPS,
    most: int = NODES,
) -> Response:  # fmt: skip
    """The table as a file, every row of it."""
    _checked(steps, most)
    start = Start(firm, model[:80].strip(), batch[:80].strip(), number[:80].strip())
    with visit.services.store.read() as db:
        found, _ = _traced(db, visit, start, steps, most)
    places = Places(visit.services.lexicon.regions)
    body = csv_text(HEADER, table_rows(found, places, visit.services.lexicon.product_name))
    headers = {"Content-Disposition": 'attachment; filename="trace.csv"'}
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)


def _page(visit: Visit, start: Start, steps: int, most: int) -> Response:
    _checked(steps, most)
    places = Places(visit.services.lexicon.regions)
    with visit.services.store.read() as db:
        found, titles = _traced(db, visit, start, steps, most)
        entry = find_entry(db, start.firm) if start.firm else None
    if start.firm and entry is None and len(found.nodes) < 2:
        raise Refused(404, f"没有企业 {start.firm.removeprefix(NIL)[:60]}：名录中没有，也没有文书记载它的产品。")
    word = visit.names.product
    drafts = drafts_of(visit, found, places)
    nodes = {node.id: node for node in found.nodes}
    rows = sorted((_row(edge, nodes, titles) for edge in found.edges), key=_near_first)
    asked = {"firm": start.firm, "model": start.model, "batch": start.batch, "number": start.number}
    asked |= {"steps": str(steps) if steps != STEPS else "", "most": str(most) if most != NODES else ""}
    return visit.page(
        "trace.html", start=start, name=entry.name if entry else start.firm.removeprefix(NIL), found=found,
        rows=rows[:LISTED], more=max(0, len(rows) - LISTED), picture=_picture(found, rows, places, word, start),
        boxes=DRAWN, labels={node.id: lot_name(node, word) for node in found.nodes},
        said={node.id: outcome_words(node) for node in found.nodes},
        where={node.id: places.of(node) for node in found.nodes},
        KINDS=EDGES, places=_places(found, places), drafts=drafts, titles=titles, steps=steps, most=most, sizes=SIZES,
        most_steps=MOST_STEPS, csv=f"/trace.csv?{urlencode({k: v for k, v in asked.items() if v})}",
        left=sum(found.left_rows.values()), unplaced=_unplaced(found, places),
    )  # fmt: skip


def drafts_of(visit: Visit, found: Trace, places: Places) -> list[Letter]:
    """The letters a trace comes to, Chinese whatever the desk's language."""
    lexicon = visit.services.lexicon
    return letters(
        found,
        places=places,
        product_word=lexicon.product_name,
        bureau=lambda code: bureau_of(lexicon.regions, code),
        today=beijing(visit.now).date(),
    )


def _checked(steps: int, most: int) -> None:
    if not 1 <= steps <= MOST_STEPS:
        raise Refused(400, f"步数须为 1 至 {MOST_STEPS}。")
    if not 2 <= most <= MOST_NODES:
        raise Refused(400, f"节点数须为 2 至 {MOST_NODES}。")


def _traced(db: Connection, visit: Visit, start: Start, steps: int, most: int) -> tuple[Trace, dict[str, str]]:
    """The trace, cut to what the viewer may read, and the titles of its documents."""
    if not start:
        return Trace(), {}
    titles: dict[str, str] = {}

    def sees(ids: Collection[str]) -> Collection[str]:
        found = readable(db, visit, list(ids))
        titles.update(found)
        return found.keys()

    return trace(db, start, steps=steps, most=most, sees=sees), titles


def readable(db: Connection, visit: Visit, ids: Sequence[str]) -> dict[str, str]:
    """Ids and titles of those of the documents that this viewer may read."""
    found: dict[str, str] = {}
    for first in range(0, len(ids), 400):
        query = select(documents.c.id, documents.c.title).where(
            documents.c.id.in_(ids[first : first + 400]), documents.c.latest, visit.me.documents()
        )
        found |= {row.id: mask(row.title) or "（无标题）" for row in db.execute(query)}
    return found


def _row(edge: Edge, nodes: dict[str, Node], titles: dict[str, str]) -> Row:
    one, other = nodes[edge.one], nodes[edge.other]
    lot = next((node for node in (other, one) if node.sort is Sort.LOT), None)
    told = dict.fromkeys(ground.document for ground in edge.grounds if ground.document)
    hidden = sum(ground.hidden for ground in edge.grounds)
    without = [ground for ground in edge.grounds if not ground.document]
    return Row(edge, one, other, lot, tuple((one, titles.get(one, one)) for one in told), hidden, _said_by(without))


def _said_by(grounds: Sequence[Ground]) -> tuple[str, ...]:
    return sources([ground for ground in grounds if not ground.hidden])


def _near_first(row: Row) -> tuple[int, bool, str]:
    return max(row.one.steps, row.other.steps), not (row.lot is not None and row.lot.grave), row.one.name


def _picture(found: Trace, rows: Sequence[Row], places: Places, word: Any, start: Start) -> str:
    """Three columns: who makes, what, who sells; the nearest of each."""
    selling = {row.edge.one for row in rows if not makes(row.edge)} - {row.edge.one for row in rows if makes(row.edge)}
    selling |= {row.edge.other for row in rows if row.edge.kind == "shop"}
    columns: dict[str, list[Box]] = {head: [] for head in HEADS}
    for node in sorted(found.nodes, key=lambda one: (one.steps, not one.grave)):
        head = HEADS[1] if node.sort is Sort.LOT else HEADS[2] if node.id in selling else HEADS[0]
        if len(columns[head]) < DRAWN:
            columns[head].append(_box(node, places, word, start))
    links = [Link(row.edge.one, row.edge.other, EDGES[row.edge.kind]) for row in rows]
    firms = sum(node.sort is Sort.FIRM for node in found.nodes)
    label = f"追查图：企业 {firms} 家，产品批次 {len(found.nodes) - firms} 个，关系 {len(rows)} 条；同样内容见下表"
    return flow(list(columns.items()), links, label=label)


def _box(node: Node, places: Places, word: Any, start: Start) -> Box:
    if node.sort is Sort.LOT:
        return Box(node.id, lot_name(node, word), outcome_words(node), css="grave" if node.grave else "")
    note = places.words(node).removeprefix(places.regions.name_of(places.regions.home)) or "住所不明"
    css = "self" if node.id == start.firm else "" if node.listed else "dim"
    return Box(node.id, node.name, note, address_of(node.id), css)


def address_of(firm: str) -> str:
    """The page of a firm's own trace."""
    return f"/enterprises/{firm.replace('%', '%25').replace('?', '%3F').replace('#', '%23')}/trace"


def _places(found: Trace, places: Places) -> list[PlaceRow]:
    by_code: dict[str, list[Node]] = {}
    for node in found.nodes:
        code = places.of(node).code
        if code:
            by_code.setdefault(code, []).append(node)
    return [
        PlaceRow(code, tuple(node.name for node in nodes), any(places.of(node).guessed for node in nodes))
        for code, nodes in sorted(by_code.items())
    ]


def _unplaced(found: Trace, places: Places) -> list[str]:
    return [node.name for node in found.nodes if node.sort is Sort.FIRM and not places.of(node).code]
