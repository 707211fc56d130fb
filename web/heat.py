"""Products over prefectures: the signals of the last seven days, each number counted by the search it leads to."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from starlette.datastructures import QueryParams

from core.errors import SearchUnavailable
from search.backend import Pair, SearchRequest, SearchResult
from web.access import Viewer
from web.search_state import read_state, request_for
from web.services import Services

WEEK_ADDRESS = "from=7d&is_risk=true"
WEEK = timedelta(days=7)
USUAL_WEEKS = 4
RATIO_STEPS = (1.0, 1.5, 2.0, 3.0)
PAIR = Pair("products", "territory", 120, 400)
"""More than there are products, and than a viewer has places of any note."""
NO_FACETS: Mapping[str, int] = {}


@dataclass(frozen=True)
class Cell:
    """A product in a prefecture. step: 0 to 5, the ratio to the usual.  href: to the signals, if there are any."""

    count: int
    step: int
    href: str


@dataclass(frozen=True)
class HeatRow:
    """A product, prefecture by prefecture. total: with what lies outside of them or has no place.  href: to all."""

    product: str
    cells: tuple[Cell, ...]
    total: int
    href: str


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
        found = _asked(services, request, facets={"products": PAIR.rows})
        week, totals = _counts(found), {one.value: one.count for one in found.facets["products"]}
        before = _counts(_asked(services, replace(request, from_=start - USUAL_WEEKS * WEEK, to=start)))
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
        rows.append(HeatRow(product, tuple(cells), totals.get(product, 0), f"/search?{WEEK_ADDRESS}&product={product}"))
    return rows


def _asked(services: Services, request: SearchRequest, facets: Mapping[str, int] = NO_FACETS) -> SearchResult:
    assert services.search is not None  # heat asked
    bare = replace(request, size=0, facets=facets, histogram=False, split=None, pairs=(PAIR,))
    return services.search.search(bare)


def _counts(found: SearchResult) -> dict[tuple[object, object], int]:
    return {(one.row, one.column): one.count for one in found.pairs[PAIR]}
