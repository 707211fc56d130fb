"""A firm that no list has, put together from where it was named."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from core.records import RegistryEntry
from enterprises.match import Candidate
from enterprises.signals import SignalRow
from store.registry import find_entries

SHOWN, SUGGESTED = 6, 6
Find = Callable[[str], Sequence[Candidate]]
"""Firms of the registry that a name may mean, best first: enterprises.match."""


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


def mentions_of(db: Connection, name: str, signals: Sequence[SignalRow], find: Find) -> Mentions:
    """A firm in no list, of the signals that name it."""
    times = [signal.at for signal in signals]
    places = Counter(signal.place for signal in signals if signal.place).most_common(SHOWN)
    products = Counter(signal.product for signal in signals if signal.product).most_common(SHOWN)
    return Mentions(
        min(times, default=None), max(times, default=None), places, products, len({s.source for s in signals}),
        _maybe(db, find(name)[:SUGGESTED], {place for place, _ in places}),
    )  # fmt: skip


def _maybe(db: Connection, found: Sequence[Candidate], places: set[str]) -> list[tuple[RegistryEntry, str]]:
    entries = find_entries(db, [one.id for one in found])
    told = [(entries[one.id], one.why) for one in found if one.id in entries]
    near = [(entry, why, entry.region_code in places) for entry, why in told]
    near.sort(key=lambda one: not one[2])
    return [(entry, f"{why}；属地相符" if same else why) for entry, why, same in near]
