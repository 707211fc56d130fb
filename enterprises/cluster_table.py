"""The table of clusters: territories x products of a span, each cell with what was to be expected of its firms."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from config.clusters import ClusterRules
from config.regions import Regions
from enterprises.clusters import Share, shares
from store.clusters import FirmCount, count_rows, firm_counts

COLUMNS = 10
"""Products of a table, those with most signals; one product may be asked for by itself."""
BASES = ("licensed", "firms")


@dataclass(frozen=True)
class ClustersAsked:
    """region: a prefecture, whose counties are the rows; empty: prefectures of the home province.

    days: the span that ends now.  base: licensed makers, or all listed firms.
    """

    product: str = ""
    days: int = 90
    spot: str = ""
    region: str = ""
    base: str = "licensed"


@dataclass(frozen=True)
class ClusterCell:
    """territory, product: of the row and column.  territories: codes that documents counted here may have."""

    territory: str
    product: str
    territories: tuple[str, ...]
    share: Share
    stands_out: bool


@dataclass(frozen=True)
class ClusterTable:
    """rows: territory and its cells, in the order of products.  based: what each product was held against.

    elsewhere: signals of the home province that have no row: their place is not known closely enough.
    """

    since: datetime
    until: datetime
    products: tuple[str, ...]
    based: dict[str, str]
    rows: tuple[tuple[str, tuple[ClusterCell, ...]], ...]
    elsewhere: int

    @property
    def outstanding(self) -> list[ClusterCell]:
        """The cells that stand out, the surest first."""
        cells = [cell for _, row in self.rows for cell in row if cell.stands_out]
        return sorted(cells, key=lambda cell: (-cell.share.low, cell.territory, cell.product))


def cluster_table(
    db: Connection, regions: Regions, asked: ClustersAsked, *, rules: ClusterRules, now: datetime,
    sees: Callable[[str], bool] = lambda code: True,
) -> ClusterTable:  # fmt: skip
    """Count and compare. sees: territories whose rows are shown; the expectation always rests on the whole province."""
    since = now - timedelta(days=asked.days)
    counts = count_rows(db, since, now, spot=asked.spot, product=asked.product)
    places = _Places(regions, counties=bool(asked.region))
    grouped: Counter[tuple[str, str]] = Counter()
    codes: dict[str, set[str]] = {}
    elsewhere: Counter[str] = Counter()
    for (product, code), count in counts.items():
        place = places.of(code)
        if place:
            grouped[place, product] += count
            codes.setdefault(place, set()).add(code)
        elif regions.province_of(code) == regions.home:
            elsewhere[product] += count
    totals: Counter[str] = Counter()
    for (_, product), count in grouped.items():
        totals[product] += count
    products = (asked.product,) if asked.product else tuple(product for product, _ in totals.most_common(COLUMNS))
    firms = _Firms(firm_counts(db, products), places)
    columns = {product: _column(grouped, firms, places.all, product, asked.base, rules) for product in products}
    shown = [code for code in places.all if sees(code) and (not asked.region or asked.region in regions.chain(code))]
    rows = tuple(
        (code, tuple(_cell(code, product, columns[product][1][code], codes, rules) for product in products))
        for code in shown
    )
    based = {product: base for product, (base, _) in columns.items()}
    return ClusterTable(since, now, products, based, rows, sum(elsewhere[product] for product in products))


class _Places:
    """The rows of a table, and which of them a code belongs to."""

    def __init__(self, regions: Regions, *, counties: bool) -> None:
        self.regions, self.counties = regions, counties
        self._known: dict[str, str] = {}
        home = [one for one in regions if regions.province_of(one.code) == regions.home and one.code != regions.home]
        known = {self.of(one.code) for one in home}
        self.all = tuple(sorted(code for code in known if code))

    def of(self, code: str) -> str:
        """The row of a code; "" for one that lies in none."""
        if code not in self._known:
            self._known[code] = self._look(code)
        return self._known[code]

    def _look(self, code: str) -> str:
        if self.regions.province_of(code) != self.regions.home or code == self.regions.home:
            return ""
        prefecture = self.regions.prefecture_of(code) or ""
        return (self.regions.county_of(code) or prefecture) if self.counties else prefecture


class _Firms:
    def __init__(self, counts: list[FirmCount], places: _Places) -> None:
        self.by: dict[str, Counter[tuple[str, str]]] = {base: Counter() for base in BASES}
        self.totals: Counter[tuple[str, str]] = Counter()
        for one in counts:
            place = places.of(one.territory)
            if place:
                for base in BASES:
                    self.by[base][place, one.product] += getattr(one, base)
                    self.totals[base, one.product] += getattr(one, base)

    def base_for(self, product: str, asked: str) -> str:
        """The base that a product has: nobody licensed, then all firms; no firms either, then none."""
        return next((base for base in dict.fromkeys((asked, "firms")) if self.totals[base, product]), "none")


def _column(
    grouped: Counter[tuple[str, str]], firms: _Firms, places: tuple[str, ...], product: str, asked: str,
    rules: ClusterRules,
) -> tuple[str, dict[str, Share]]:  # fmt: skip
    base = firms.base_for(product, asked)
    there = [firms.by[base][place, product] if base != "none" else 0 for place in places]
    found = shares(
        [grouped[place, product] for place in places], there, extra=rules.extra_firms, interval=rules.interval
    )
    return base, dict(zip(places, found, strict=True))


def _cell(code: str, product: str, share: Share, codes: dict[str, set[str]], rules: ClusterRules) -> ClusterCell:
    stands_out = share.stands_out and share.expected >= rules.least_expected
    return ClusterCell(code, product, tuple(sorted(codes.get(code, ()))), share, stands_out)
