"""Where firms sit and what they make: as registered; of a firm in no list, what most signals about it say."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select

from core.records import RegistryEntry
from store.registry import find_entries
from store.schema import documents

NIL = "NIL:"
ABROAD = "000000"
AT_ONCE = 400  # firms in one question: SQLite takes a limited number of values


def seats_of(db: Connection, firms: Sequence[str]) -> dict[str, str]:
    """The region code of each of the firms; one of which nobody knows it is left out."""
    listed = {entry.id: entry.region_code or "" for entry in _listed(db, firms).values()}
    told = {firm: _most_told(db, firm, _PLACE) for firm in firms if firm.startswith(NIL)}
    return {firm: place for firm, place in (listed | told).items() if place}


def products_of(db: Connection, firms: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The product ids of each of the firms."""
    listed = {entry.id: entry.products for entry in _listed(db, firms).values()}
    told = {firm: _most_told(db, firm, _PRODUCT) for firm in firms if firm.startswith(NIL)}
    return listed | {firm: (product,) for firm, product in told.items() if product}


def _listed(db: Connection, firms: Sequence[str]) -> dict[str, RegistryEntry]:
    found: dict[str, RegistryEntry] = {}
    for start in range(0, len(firms), AT_ONCE):
        found |= find_entries(db, firms[start : start + AT_ONCE])
    return found


def _most_told(db: Connection, firm: str, query: Select[Any]) -> str:
    return str(db.execute(query, {"firm": firm}).scalar() or "")


def _query(column: ColumnElement[Any]) -> Select[Any]:
    """What most risk signals about a firm say in a column, the newest where as many say something else."""
    about = (documents.c.enterprise == bindparam("firm"), documents.c.latest, documents.c.is_risk)
    query = select(column).where(*about, column.is_not(None), column != ABROAD).group_by(column)
    return query.order_by(func.count().desc(), func.max(documents.c.event_time).desc()).limit(1)


_PLACE, _PRODUCT = _query(documents.c.jurisdiction), _query(documents.c.product)
