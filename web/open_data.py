"""Alerts, events and recalls as open data: their shapes, their rows, and how they are written, a page at a time.

The data dictionary (docs/data_dictionary.md), the files of the desk, the API and `fengsui export` all come from SHAPES.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection

from core.clock import iso_beijing
from core.records import LEVEL_COLOURS, Alert, Signal
from core.spreadsheet import safe
from facts.recalls import RECALLS, recall_of
from nlp.privacy import mask
from store.database import Store
from store.documents import recalls_behind
from store.events import Event
from store.pages import alerts_changed, events_behind
from web.access import Viewer

What = Literal["alerts", "events", "recalls"]
Format = Literal["jsonl", "csv"]
Type = Literal["text", "number", "flag", "time", "day", "list"]
TYPES: Mapping[Type, str] = {
    "text": "文本",
    "number": "整数",
    "flag": "true / false",
    "time": "时间，ISO 8601，+08:00",
    "day": "日期，2026-11-23",
    "list": "列表；CSV 中以分号分隔",
}
MEDIA: Mapping[Format, str] = {"jsonl": "application/x-ndjson; charset=utf-8", "csv": "text/csv; charset=utf-8"}
PAGE = 500
PIECE = 65_536
LONGEST = 4000
"""Characters of a text; what is longer stands in its document."""


@dataclass(frozen=True)
class Field:
    """A field. said: what stands in it, in words."""

    name: str
    title: str
    type: Type
    said: str


@dataclass(frozen=True)
class Shape:
    """A set. title, said: in words.  key: what a row is known by."""

    id: What
    title: str
    said: str
    key: str
    fields: tuple[Field, ...]


SHAPES: Mapping[What, Shape] = {
    "alerts": Shape(
        "alerts", "预警", "内部预警，新建的在前；合并入他条的不列。级别为内部风险级别，不是事故等级。"
        "since：此后有变动的。", "id",
        (
            Field("id", "编号（系统）", "text", "永不改变"),
            Field("number", "预警号", "text", "YJ-2026-0001"),
            Field("level", "级别", "number", "1 蓝 2 黄 3 橙 4 红"),
            Field("colour", "颜色", "text", "蓝、黄、橙、红"),
            Field("state", "状态", "text", "new 待受理、accepted 已受理、dispatched 已派单、in_hand 处置中、"
                                          "to_close 待核销、closed 已办结、dismissed 不构成风险"),
            Field("title", "标题", "text", "已掩码"),
            Field("reason", "理由", "text", "规则的判断，含数；已掩码"),
            Field("rule", "规则", "text", "规则编号"),
            Field("products", "产品", "list", "产品类别编号"),
            Field("firms", "企业", "list", "名录编号，或 NIL:名称（未列入名录）"),
            Field("issues", "问题", "list", "问题类型编号"),
            Field("territory", "属地", "text", "行政区划代码"),
            Field("territories", "通知属地", "list", "行政区划代码"),
            Field("first_at", "首见", "time", "最早一篇文书的时间"),
            Field("updated_at", "更新", "time", "最近一次变动"),
            Field("due_at", "时限", "time", "现一步的时限；空：无"),
            Field("origins", "独立来源", "number", "转载不计"),
            Field("documents", "文书", "list", "所依据文书的编号"),
            Field("unconfirmed", "未证实", "flag", "只有自媒体、投诉等"),
            Field("late_seconds", "补判", "number", "迟到的秒数；0：不是补判"),
        ),
    ),
    "events": Shape(
        "events", "事件", "说同一件事的文书归为一起，编号新的在前。since：此后有新文书的。", "id",
        (
            Field("id", "编号（系统）", "text", "永不改变；合并后旧编号仍指向所并入的事件"),
            Field("number", "事件号", "text", "SJ-2026-0001"),
            Field("title", "标题", "text", "已掩码"),
            Field("level", "最高级别", "number", "0 至 4"),
            Field("first_at", "首见", "time", "最早一篇"),
            Field("last_at", "最近", "time", "最近一篇"),
            Field("documents", "篇数", "number", "含转载"),
            Field("origins", "独立来源", "number", "转载不计"),
            Field("firms", "企业", "list", "名录编号或 NIL:名称"),
            Field("families", "产品族", "list", "相近的产品类别归为一族；族的编号"),
            Field("issues", "问题", "list", "问题类型编号"),
            Field("territories", "属地", "list", "行政区划代码"),
        ),
    ),
    "recalls": Shape(
        "recalls", "召回", "境内外召回公告，按收到先后。since：此后发布的。", "document",
        (
            Field("document", "文书", "text", "文书编号"),
            Field("source", "信源", "text", "信源编号"),
            Field("kind", "种类", "text", "recall 境内、recall_foreign 境外"),
            Field("published_at", "发布", "time", "公告时间"),
            Field("title", "标题", "text", "已掩码"),
            Field("url", "网址", "text", "原文地址"),
            Field("recall_no", "召回编号", "text", "照原文"),
            Field("agency", "机构", "text", "发布机构"),
            Field("jurisdiction", "国家", "text", "ISO 3166；EU：欧盟 Safety Gate"),
            Field("recall_date", "召回日期", "day", "空：未写明"),
            Field("product_name", "产品", "text", "照原文"),
            Field("product", "产品类别", "text", "系统识别的类别编号"),
            Field("brand", "品牌", "text", "照原文"),
            Field("models", "型号", "list", "照原文"),
            Field("batches", "批次", "list", "照原文"),
            Field("quantity", "数量", "number", "空：未写明"),
            Field("hazard_types", "危害", "list", "危害编号"),
            Field("hazard", "危害描述", "text", "照原文，已掩码"),
            Field("measure", "措施", "text", "照原文，已掩码"),
            Field("firms", "企业", "list", "公告所列名称"),
            Field("origin_country", "产地", "text", "照原文"),
            Field("territory", "属地", "text", "系统判定的行政区划代码；空：未定"),
        ),
    ),
}  # fmt: skip
Row = dict[str, Any]
One = TypeVar("One")
Place = TypeVar("Place")


def rows_of(store: Store, what: What, viewer: Viewer | None, since: datetime | None) -> Iterator[Row]:
    """The rows of a set, a page a transaction. viewer: whose cut; None sees all (the command line)."""
    readers: Mapping[What, Callable[[], Iterator[Row]]] = {
        "alerts": lambda: _alerts(store, viewer, since),
        "events": lambda: _events(store, viewer, since),
        "recalls": lambda: _recalls(store, viewer, since),
    }
    return readers[what]()


def written(what: What, rows: Iterator[Row], form: Format) -> Iterator[str]:
    """The rows as text in pieces of about 64 kB; CSV begins with its header, and no cell is taken for a formula."""
    held, size = io.StringIO(), 0
    fields = SHAPES[what].fields
    writer = csv.writer(held)
    if form == "csv":
        held.write("\ufeff")
        writer.writerow([field.name for field in fields])
    for row in rows:
        if form == "csv":
            writer.writerow([safe(_cell(row[field.name])) for field in fields])
        else:
            held.write(json.dumps({field.name: _plain(row[field.name]) for field in fields}, ensure_ascii=False) + "\n")
        size = held.tell()
        if size >= PIECE:
            yield held.getvalue()
            held.seek(0)
            held.truncate()
    yield held.getvalue()


def dictionary() -> str:
    """The data dictionary as Markdown."""
    lines = [
        "# 数据字典 (data dictionary)", "",
        "由 `fengsui export --dictionary` 生成，不手改。Generated from `web/open_data.py`; a test compares them.", "",
        "导出：`fengsui export alerts|events|recalls --format jsonl|csv [--since 2026-11-01]`，页面 `/export`，接口 "
        "`/api/export/{alerts,events,recalls}`。CSV 为 UTF-8（带 BOM），表头为字段名；文本一律已掩码；"
        "空为未写明或不适用，不是 0。", "",
    ]  # fmt: skip
    for shape in SHAPES.values():
        lines += [f"## {shape.id} {shape.title}", "", f"{shape.said}一行由 `{shape.key}` 认定。", ""]
        lines += ["| 字段 | 名称 | 类型 | 说明 |", "|---|---|---|---|"]
        lines += [f"| `{one.name}` | {one.title} | {TYPES[one.type]} | {one.said} |" for one in shape.fields]
        lines.append("")
    return "\n".join(lines)


# --- rows -----------------------------------------------------------------------------------------------------------


def _pages(
    store: Store, read: Callable[[Connection, Place | None], list[One]], place_of: Callable[[One], Place]
) -> Iterator[list[One]]:
    """What `read` gives behind a place, a page a transaction. place_of: the place of one of them."""
    behind: Place | None = None
    while True:
        with store.read() as db:
            some = read(db, behind)
        yield some
        if len(some) < PAGE:
            return
        behind = place_of(some[-1])


def _alerts(store: Store, viewer: Viewer | None, since: datetime | None) -> Iterator[Row]:
    def read(db: Connection, behind: tuple[datetime, str] | None) -> list[Alert]:
        return alerts_changed(db, behind, since=since, limit=PAGE)

    for some in _pages(store, read, lambda one: (one.created_at, one.id)):
        yield from map(alert_row, some if viewer is None else viewer.alerts(some))


def alert_row(one: Alert) -> Row:
    """An alert, flat."""
    return {
        "id": one.id, "number": one.number, "level": one.level, "colour": LEVEL_COLOURS[one.level],
        "state": one.state.value, "title": _said(one.title), "reason": _said(one.reason), "rule": one.rule,
        "products": one.products, "firms": _firms(one.enterprises), "issues": one.issues, "territory": one.territory,
        "territories": one.territories, "first_at": one.first_at, "updated_at": one.updated_at, "due_at": one.due_at,
        "origins": one.origins, "documents": one.documents, "unconfirmed": one.unconfirmed, "late_seconds": one.late,
    }  # fmt: skip


def _events(store: Store, viewer: Viewer | None, since: datetime | None) -> Iterator[Row]:
    def read(db: Connection, behind: tuple[int, int] | None) -> list[tuple[tuple[int, int], Event]]:
        return events_behind(db, behind, since=since, least=1, limit=PAGE)

    for some in _pages(store, read, lambda one: one[0]):
        yield from (_event(one) for _, one in some if viewer is None or viewer.sees_event(one))


def _event(one: Event) -> Row:
    facts = one.facts
    return {
        "id": one.id, "number": one.number, "title": _said(one.title), "level": one.level, "first_at": one.first_at,
        "last_at": one.last_at, "documents": one.documents, "origins": one.origins,
        "firms": _firms(facts.get("firms", ())),
        "families": facts.get("families", ()), "issues": facts.get("issues", ()),
        "territories": facts.get("territories", ()),
    }  # fmt: skip


def _recalls(store: Store, viewer: Viewer | None, since: datetime | None) -> Iterator[Row]:
    def read(db: Connection, behind: int | None) -> list[tuple[int, Signal]]:
        return recalls_behind(db, behind or 0, kinds=[kind.value for kind in RECALLS], since=since, limit=PAGE)

    for some in _pages(store, read, lambda one: one[0]):
        for _, signal in some:
            row = _recall(signal) if viewer is None or viewer.sees_code(signal.analysis.jurisdiction_code) else None
            if row is not None:
                yield row


def _recall(signal: Signal) -> Row | None:
    document, recall = signal.document, recall_of(signal.document)
    if recall is None:
        return None
    return {
        "document": document.id, "source": document.source, "kind": document.kind.value,
        "published_at": document.event_time, "title": _said(document.title), "url": document.url,
        "recall_no": _said(recall.recall_no), "agency": _said(recall.agency), "jurisdiction": recall.jurisdiction,
        "recall_date": recall.recall_date, "product_name": _said(recall.product_name),
        "product": signal.analysis.primary_product or "", "brand": _said(recall.brand),
        "models": tuple(map(_said, recall.models)),
        "batches": tuple(map(_said, recall.batches)), "quantity": recall.quantity, "hazard_types": recall.hazard_type,
        "hazard": _said(recall.hazard_text), "measure": _said(recall.measure),
        "firms": tuple(_said(firm.name) for firm in recall.firms), "origin_country": recall.origin_country,
        "territory": signal.analysis.jurisdiction_code or "",
    }  # fmt: skip


def _firms(keys: Iterable[str]) -> tuple[str, ...]:
    """A firm that no list has is known by what was written of it."""
    return tuple(_said(key) if key.startswith("NIL:") else key for key in keys)


def _said(text: str) -> str:
    """Masked before it is cut: half a number is one that nothing knows."""
    return mask(text)[:LONGEST]


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, datetime):
        return iso_beijing(value)
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple | list | frozenset) else value


def _cell(value: Any) -> Any:
    """As a cell: lists with semicolons, nothing for null."""
    plain = _plain(value)
    if plain is None:
        return ""
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return ";".join(map(str, plain)) if isinstance(plain, list) else plain
