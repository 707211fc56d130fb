"""Firms beside a firm: at the same address, of the same person, and those easily taken for it. Each list is bounded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, func, select

from core.addresses import plain_address
from core.records import RegistryEntry
from enterprises.match import Candidate
from enterprises.mentions import Find
from store.registry import entry_of, find_entries
from store.schema import enterprises

MOST, COUNTED = 12, 200
VERY_LIKE = 0.8  # of a match; below it names have little in common but their kind


@dataclass(frozen=True)
class Beside:
    """Firms that share something. count: how many there are, COUNTED at the most."""

    firms: Sequence[RegistryEntry]
    count: int


@dataclass(frozen=True)
class Alike:
    """A firm that may be taken for another. shared: what is the same.  apart: what tells the two apart."""

    entry: RegistryEntry
    shared: str
    apart: str


NOBODY = Beside((), 0)


def same_address(db: Connection, entry: RegistryEntry) -> Beside:
    """Firms at the same address, in the same prefecture: addresses are compared without it."""
    here = enterprises.c.region_code.startswith(entry.region_code[:4], autoescape=True)
    return _beside(db, entry, (enterprises.c.address == plain_address(entry.address), here), entry.address)


def same_person(db: Connection, entry: RegistryEntry) -> Beside:
    """Firms with a legal representative of the same name, which need not be the same person."""
    return _beside(db, entry, (enterprises.c.person == entry.person,), entry.person)


def _beside(db: Connection, entry: RegistryEntry, same: Sequence[ColumnElement[bool]], value: str) -> Beside:
    if not value:
        return NOBODY
    others = (*same, enterprises.c.id != entry.id)
    ids = select(enterprises.c.id).where(*others).limit(COUNTED)
    count = db.execute(select(func.count()).select_from(ids.subquery())).scalar_one()
    query = select(enterprises.c.entry).where(*others).limit(MOST)
    found = [entry_of(row) for row in db.execute(query).scalars()] if count else []
    return Beside(sorted(found, key=lambda one: (one.region_code[:4] != entry.region_code[:4], one.id)), count)


def look_alikes(db: Connection, entry: RegistryEntry, find: Find) -> list[Alike]:
    """Firms that share a short name or a brand, or whose names are very like, with what tells them apart."""
    names = dict.fromkeys((entry.name, *entry.short_names[:1], *entry.brands[:1]))
    found: dict[str, Candidate] = {}
    for name in names:
        for one in find(name):
            if one.id != entry.id and (one.id not in found or one.score > found[one.id].score):
                found[one.id] = one
    entries = find_entries(db, list(found))
    alikes = [(_alike(entry, entries[key]), one.score) for key, one in found.items() if key in entries]
    kept = [(alike, score) for alike, score in alikes if alike.shared or score >= VERY_LIKE]
    kept.sort(key=lambda pair: (not pair[0].shared, -pair[1], pair[0].entry.id))
    return [alike if alike.shared else replace(alike, shared="名称相近") for alike, _ in kept[:MOST]]


def _alike(entry: RegistryEntry, other: RegistryEntry) -> Alike:
    words = (("简称", entry.short_names, other.short_names), ("品牌", entry.brands, other.brands))
    told = [f"{word}“{'、'.join(same)}”" for word, mine, theirs in words if (same := [n for n in mine if n in theirs])]
    return Alike(other, "，".join(told), apart_words(entry, other))


def apart_words(entry: RegistryEntry, other: RegistryEntry) -> str:
    """What is not the same of two firms: place, product, code, relation."""
    told = []
    if other.region_code != entry.region_code and other.region_name:
        told.append(f"在{other.region_name}")
    if other.uscc and entry.uscc and other.uscc != entry.uscc:
        told.append(f"信用代码 {other.uscc}")
    if other.parent_id == entry.id:
        told.append("是本企业的下级")
    elif entry.parent_id and other.id == entry.parent_id:
        told.append("是本企业的上级")
    elif entry.parent_id and other.parent_id == entry.parent_id:
        told.append("与本企业同属一个上级")
    if other.status != entry.status:
        told.append(f"登记状态{other.status}")
    return "，".join(told) or "登记信息分不开，须核对信用代码"
