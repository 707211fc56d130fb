"""A firm that no list has, put together from where it was named."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from core.records import RegistryEntry
from enterprises.match import FORMS
from enterprises.signals import SignalRow
from store.registry import entry_of
from store.schema import enterprises

SHOWN, SUGGESTED, LEAST = 6, 6, 3
MANY = 50_000  # above so many firms names are not looked through one by one


@dataclass(frozen=True)
class Mentions:
    """What the signals that name a firm say of it: counts by place and product, the most first.

    maybe: firms of the registry that may be meant, with the reason.
    """

    first: datetime | None
    last: datetime | None
    places: Sequence[tuple[str, int]]
    products: Sequence[tuple[str, int]]
    sources: int
    maybe: Sequence[tuple[RegistryEntry, str]]


def mentions_of(db: Connection, name: str, signals: Sequence[SignalRow], regions: Mapping[str, str]) -> Mentions:
    """regions: names of regions by code, with which names of firms begin."""
    times = [signal.at for signal in signals]
    places = Counter(signal.place for signal in signals if signal.place).most_common(SHOWN)
    products = Counter(signal.product for signal in signals if signal.product).most_common(SHOWN)
    return Mentions(
        min(times, default=None), max(times, default=None), places, products, len({s.source for s in signals}),
        _maybe(db, name, {place for place, _ in places}, regions),
    )  # fmt: skip


def _maybe(db: Connection, name: str, places: set[str], regions: Mapping[str, str]) -> list[tuple[RegistryEntry, str]]:
    core = core_of(name, regions)
    if len(core) < LEAST or is_large(db):
        return []
    query = select(enterprises.c.entry).where(enterprises.c.name.contains(core, autoescape=True))
    found = [entry_of(row) for row in db.execute(query.order_by(enterprises.c.name).limit(SUGGESTED)).scalars()]
    near = [(entry, entry.region_code in places) for entry in found]
    near.sort(key=lambda one: not one[1])
    return [(entry, f"名称都含“{core}”{'，属地相符' if same else ''}") for entry, same in near]


def core_of(name: str, regions: Mapping[str, str]) -> str:
    """光明线缆 for 江西省南昌市光明线缆有限公司: the name without where it sits and what form it has."""
    heads = [head for region in regions.values() for head in (region, region[:-1]) if len(head) > 1]
    core = name
    cut: int | None = 0
    while cut is not None:
        core = core[cut:]
        fits = (len(head) for head in heads if core.startswith(head) and len(core) - len(head) >= LEAST)
        cut = max(fits, default=None)
    for form in FORMS:
        core = core.removesuffix(form)
    return core


def is_large(db: Connection) -> bool:
    """Whether the registry has more firms than are looked through one by one."""
    return db.execute(select(enterprises.c.id).order_by(enterprises.c.id).limit(1).offset(MANY)).first() is not None
