"""Products over prefectures: the signals of the last seven days, each number counted by the search it leads to."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from starlette.datastructures import QueryParams

from core.errors import SearchUnavailable
from search.backend import Pair, SearchRequest
from web.access import Viewer
from web.search_state import read_state, request_for
from web.services import Services

WEEK_ADDRESS = "from=7d&is_risk=true"
WEEK = timedelta(days=7)
USUAL_WEEKS = 4
RATIO_STEPS = (1.0, 1.5, 2.0, 3.0)
PAIR = Pair("products", "territory", 120, 400)
"""More than there are products, and than a viewer has places of any note."""


@dataclass(frozen=True)
class Cell:
    """A product in a prefecture. step: 0 to 5, the ratio to the usual.  href: to the signals, if there are any."""

    count: int
    step: int
    href: str


@dataclass(frozen=True)
class HeatRow:
    """A product, prefecture by prefecture."""

    product: str
    cells: tuple[Cell, ...]
    total: int


def heat(
    services: Services, viewer: Viewer, now: datetime, *, products: Sequence[str], prefectures: Sequence[str]
) -> list[HeatRow] | None:
    """The rows, tinted by the ratio to the four weeks before; None where the index cannot be asked."""
    if services.search is None:
        return None
    asked = read_state(QueryParams(WEEK_ADDRESS), now)
    request, _ = request_for(services, viewer, asked, now)
    start = asked.window.start or now - WEEK
    try:
        week = _counts(services, request)
        before = _counts(services, replace(request, from_=start - USUAL_WEEKS * WEEK, to=start))
    except SearchUnavailable:
        return None
    rows = []
    for product in products:
        cells = []
        for code in prefectures:
            count, usual = week.get((product, code), 0), before.get((product, code), 0) / USUAL_WEEKS
            # One signal a week is the least that "usual" means: once after nothing is not endlessly much.
            step = 1 + bisect_right(RATIO_STEPS, count / max(usual, 1.0)) if count else 0
            href = f"/search?{WEEK_ADDRESS}&product={product}&territory={code}" if count else ""
            cells.append(Cell(count, step, href))
        rows.append(HeatRow(product, tuple(cells), sum(cell.count for cell in cells)))
    return rows


def _counts(services: Services, request: SearchRequest) -> dict[tuple[object, object], int]:
    assert services.search is not None  # heat asked
    bare = replace(request, size=0, facets={}, histogram=False, split=None, pairs=(PAIR,))
    return {(one.row, one.column): one.count for one in services.search.search(bare).pairs[PAIR]}
