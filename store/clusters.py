"""Signals and firms by territory and product, small enough to be counted for a page. Rebuildable."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, insert, select

from store.schema import cluster_firms, cluster_rows, documents


@dataclass(frozen=True)
class ClusterRow:
    """A signal that counts. territory: as its reading gives it.  spots: weak spots it tells of."""

    document: str
    at: datetime
    product: str
    territory: str
    spots: tuple[str, ...] = ()


@dataclass(frozen=True)
class FirmCount:
    """Firms of a product in a territory of the registry. licensed: those with a valid paper or a licence number."""

    territory: str
    product: str
    firms: int
    licensed: int


def keep_row(db: Connection, document: str, row: ClusterRow | None) -> None:
    """Write what a document counts as, in place of what it counted as; None: it does not count."""
    db.execute(_FORGET, {"its": document})
    if row is not None:
        db.execute(_KEEP, {**_plain(row)})


_FORGET = delete(cluster_rows).where(cluster_rows.c.document == bindparam("its"))
_KEEP = insert(cluster_rows)


def _plain(row: ClusterRow) -> dict[str, object]:
    told = f",{','.join(row.spots)}," if row.spots else ""
    return {"document": row.document, "at": row.at, "product": row.product, "territory": row.territory, "spots": told}


def count_rows(
    db: Connection, since: datetime, until: datetime, *, spot: str = "", product: str = ""
) -> dict[tuple[str, str], int]:
    """(product, territory) to signals with since <= at < until. From an index alone."""
    query = select(cluster_rows.c.product, cluster_rows.c.territory, func.count()).where(
        cluster_rows.c.at >= since, cluster_rows.c.at < until
    )
    if spot:
        query = query.where(cluster_rows.c.spots.like(f"%,{spot},%"))
    if product:
        query = query.where(cluster_rows.c.product == product)
    rows = db.execute(query.group_by(cluster_rows.c.product, cluster_rows.c.territory))
    return {(row[0], row[1]): row[2] for row in rows}


def rows_of(
    db: Connection, product: str, territories: Sequence[str], since: datetime, until: datetime,
    seen: ColumnElement[bool], *, spot: str = "", limit: int = 100,
) -> list[tuple[str, datetime, str, str, int]]:  # fmt: skip
    """(document, at, title, source, level) of the signals that a cell counts and that fulfil `seen`, newest first."""
    one = documents.c
    query = (
        select(one.id, cluster_rows.c.at, one.title, one.source, one.level)
        .join(cluster_rows, and_(cluster_rows.c.document == one.id, one.latest))
        .where(
            cluster_rows.c.product == product,
            cluster_rows.c.territory.in_(list(territories)),
            cluster_rows.c.at >= since,
            cluster_rows.c.at < until,
            seen,
        )
    )
    if spot:
        query = query.where(cluster_rows.c.spots.like(f"%,{spot},%"))
    found = db.execute(query.order_by(cluster_rows.c.at.desc(), one.id).limit(limit))
    return [(row[0], row[1], row[2], row[3], row[4] or 0) for row in found]


def keep_firms(db: Connection, counts: Iterable[FirmCount]) -> None:
    """Replace all counts of firms."""
    db.execute(delete(cluster_firms))
    rows = [{name: getattr(one, name) for name in FirmCount.__dataclass_fields__} for one in counts]
    for start in range(0, len(rows), 1000):
        db.execute(insert(cluster_firms), rows[start : start + 1000])


def firm_counts(db: Connection, products: Sequence[str]) -> list[FirmCount]:
    """The counts of these products: at most one a territory and product."""
    return [FirmCount(*row) for row in db.execute(select(cluster_firms).where(cluster_firms.c.product.in_(products)))]
