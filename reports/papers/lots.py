"""The failed batches that documents list, as letters and hand-overs table them."""

from dataclasses import dataclass

from sqlalchemy import select

from core.clock import beijing
from core.facts import SpotCheck
from facts.spot_checks import UNQUALIFIED, spot_checks
from reports.papers.gather import Desk, Matter
from reports.papers.record import Grid
from store.schema import documents

MOST = 40
HEAD = (
    "产品", "型号", "批号/日期", "标称生产者", "信用代码", "抽样地点", "时间", "不合格项目", "标准值", "实测值",
    "报告编号",
)  # fmt: skip
WIDTHS = (22, 20, 20, 34, 26, 30, 18, 26, 16, 16, 20)


@dataclass(frozen=True)
class Lot:
    """A failed batch. document: that lists it."""

    document: str
    day: str
    row: SpotCheck


def failed_lots(desk: Desk, matter: Matter, *, place: str = "") -> list[Lot]:
    """What official lists of the matter say failed. place: only makers of that region, by the registry or by name."""
    d = documents.c
    ids = [one.id for one in matter.official]
    query = select(d.id, d.tables, d.title, d.text, d.event_time).where(d.id.in_(ids), d.latest, desk.cut.documents)
    found = []
    for row in desk.db.execute(query.order_by(d.event_time, d.id)):
        tables = tuple(tuple(tuple(cells) for cells in rows) for rows in row.tables or ())
        for one in spot_checks(tables, title=row.title, text=row.text):
            if one.result == UNQUALIFIED and (not place or lies_in(desk, matter, one.nominal_producer, place)):
                found.append(Lot(row.id, f"{beijing(row.event_time):%Y-%m-%d}", one))
    return found


def lies_in(desk: Desk, matter: Matter, name: str, place: str) -> bool:
    """Whether a maker lies in a region: by its entry, else by the place its name begins with."""
    regions = desk.lexicon.regions
    entry = next((one for one in matter.firms.values() if one.name == name), None)
    if entry is not None and entry.region_code:
        return regions.is_within(place, entry.region_code)
    region = regions.get(place)
    return region is not None and name.startswith((region.name, region.short_name))


def lots_table(matter: Matter, lots: list[Lot]) -> Grid:
    """The columns that a bureau needs to look for the batch."""
    codes = {one.name: one.uscc for one in matter.firms.values()}
    rows, rests = [], []
    for lot in lots[:MOST]:
        one = lot.row
        rows.append((
            one.product or one.sample, one.model, one.batch, one.nominal_producer, codes.get(one.nominal_producer, ""),
            one.seller, lot.day, "、".join(one.failed_items), one.standard, one.value, one.notice_no,
        ))  # fmt: skip
        rests.append((lot.document,))
    left = len(lots) - len(rows)
    note = "注：时间为公告日；“—”为来源未载明。" + (f"另有{left}批未列。" if left > 0 else "")
    return Grid(HEAD, tuple(rows), WIDTHS, tuple(rests), note=note, wide=True)
