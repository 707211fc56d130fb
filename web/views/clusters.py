"""聚集: signals of territories and products against the firms there; each number leads to its documents."""

from bisect import bisect_right
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from core.spreadsheet import csv_text
from enterprises.cluster_table import BASES, ClusterCell, ClustersAsked, ClusterTable, cluster_table
from nlp.privacy import mask
from store.clusters import rows_of
from web.heat import RATIO_STEPS
from web.visit import Here, Refused, Visit

router = APIRouter(include_in_schema=False)
SPANS = {30: "近 30 日", 90: "近 90 日", 180: "近 180 日", 365: "近一年"}
BASE_WORDS = {"licensed": "持证企业", "firms": "名录企业", "none": "没有企业数，各地同等"}
MOST_LISTED = 100
HEADER = ("属地", "产品", "信号", "企业数", "企业口径", "期望", "倍数", "下限", "上限", "突出")


@dataclass(frozen=True)
class Listed:
    """A document that a cell counts."""

    id: str
    at: datetime
    title: str
    source: str
    level: int


@router.get("/clusters")
def show_clusters(
    visit: Here, product: str = "", days: int = 90, spot: str = "", region: str = "", base: str = "licensed",
    at: str = "", of: str = "",
) -> Response:  # fmt: skip
    """at, of: the cell whose documents are listed."""
    asked = _asked(visit, product, days, spot, region, base)
    with visit.services.store.read() as db:
        found = _table(db, visit, asked)
        cell = next((one for code, row in found.rows for one in row if (code, one.product) == (at, of)), None)
        listed = _listed(db, visit, asked, found, cell) if cell else []
    lexicon = visit.services.lexicon
    return visit.page(
        "clusters.html", asked=asked, found=found, cell=cell, listed=listed, most=MOST_LISTED, spans=SPANS,
        spots=visit.services.clusters.weak_spots, bases=BASES, BASE_WORDS=BASE_WORDS, step=step,
        interval=round(100 * visit.services.clusters.interval),
        csv=_csv(asked),
        all_products=sorted((one.id, one.name) for one in lexicon.products.values()), regions=_prefectures(visit),
    )  # fmt: skip


@router.get("/clusters.csv")
def download(
    visit: Here, product: str = "", days: int = 90, spot: str = "", region: str = "", base: str = "licensed"
) -> Response:
    """Every cell as a row."""
    asked = _asked(visit, product, days, spot, region, base)
    with visit.services.store.read() as db:
        found = _table(db, visit, asked)
    lexicon = visit.services.lexicon
    rows = [
        (
            lexicon.regions.full_name_of(cell.territory), lexicon.product_name(cell.product), cell.share.observed,
            cell.share.firms, BASE_WORDS[found.based[cell.product]], round(cell.share.expected, 2),
            round(cell.share.ratio, 2), round(cell.share.low, 2), round(cell.share.high, 2),
            "是" if cell.stands_out else "",
        )
        for _, row in found.rows
        for cell in row
    ]  # fmt: skip
    headers = {"Content-Disposition": 'attachment; filename="clusters.csv"'}
    return Response(csv_text(HEADER, rows), media_type="text/csv; charset=utf-8", headers=headers)


def _csv(asked: ClustersAsked) -> str:
    return urlencode({name: value for name, value in asdict(asked).items() if value})


def step(cell: ClusterCell) -> int:
    """Tint of a cell, 0 to 5: by the shrunk ratio, and only where even the low end is above what was expected."""
    if not cell.share.observed:
        return 0
    return 1 + bisect_right(RATIO_STEPS, cell.share.ratio) if cell.stands_out else 1


def _asked(visit: Visit, product: str, days: int, spot: str, region: str, base: str) -> ClustersAsked:
    lexicon, rules = visit.services.lexicon, visit.services.clusters
    known: list[tuple[str, str, Any]] = [
        ("product", product, lexicon.products),
        ("spot", spot, rules.weak_spots),
        ("region", region, dict(_prefectures(visit))),
        ("base", base, BASES),
    ]
    for name, value, accepted in known:
        if value and value not in accepted:
            raise Refused(400, f"地址中的 {name}={value[:40]} 不存在。可用：{'、'.join(list(accepted)[:12])}。")
    if days not in SPANS:
        raise Refused(400, f"天数须为 {'、'.join(map(str, SPANS))} 之一。")
    mine = visit.me.user.territory
    regions = lexicon.regions
    if not region and not mine.endswith("0000"):  # a prefecture or county sees counties
        region = regions.prefecture_of(mine) or ""
    return ClustersAsked(product, days, spot, region, base or "licensed")


def _table(db: Connection, visit: Visit, asked: ClustersAsked) -> ClusterTable:
    services = visit.services
    return cluster_table(
        db, services.lexicon.regions, asked, rules=services.clusters, now=visit.now, sees=visit.me.sees_code
    )


def _listed(
    db: Connection, visit: Visit, asked: ClustersAsked, found: ClusterTable, cell: ClusterCell
) -> list[Listed]:  # fmt: skip
    rows = rows_of(
        db, cell.product, cell.territories, found.since, found.until, visit.me.documents(), spot=asked.spot,
        limit=MOST_LISTED,
    )  # fmt: skip
    return [Listed(id, at, mask(title) or "（无标题）", source, level) for id, at, title, source, level in rows]


def _prefectures(visit: Visit) -> list[tuple[str, str]]:
    regions = visit.services.lexicon.regions
    home = [one for one in regions if regions.province_of(one.code) == regions.home]
    return sorted((one.code, one.name) for one in home if regions.prefecture_of(one.code) == one.code)
