"""How a firm is tied to others, seen from it: what stands behind its goods, and where they go."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import quote

from sqlalchemy import Connection, select

from charts.relations import Node, relations
from core.firms import FirmTie, TieKind
from core.records import RegistryEntry
from enterprises.signals import NIL
from store.schema import enterprises

ASIDE = 12  # nodes on a side
MOST_BRANCHES = 100
REGISTRY = "名录"
BEHIND: Mapping[tuple[TieKind, bool], str] = {
    (TieKind.GROUP, True): "所属集团",
    (TieKind.BRANCH, True): "上级企业",
    (TieKind.BRAND_OWNER, True): "品牌代工者",
    (TieKind.BRAND_OWNER, False): "品牌所有人",
    (TieKind.OEM, False): "受托生产",
    (TieKind.SUPPLIER, False): "供应商",
    (TieKind.SELLER, True): "所售生产者",
}
"""Words for those behind a firm, by whether it stands first in the relation."""
BEYOND: Mapping[tuple[TieKind, bool], str] = {
    (TieKind.GROUP, False): "成员企业",
    (TieKind.BRANCH, False): "分支机构",
    (TieKind.OEM, True): "委托方",
    (TieKind.SUPPLIER, True): "供货给",
    (TieKind.SELLER, False): "销售者",
    (TieKind.SHOP, True): "所在平台",
    (TieKind.SHOP, False): "网店",
}
"""Words for those that come after it."""
TIE_WORDS: Mapping[tuple[TieKind, bool], str] = {**BEHIND, **BEYOND}


@dataclass(frozen=True)
class Relation:
    """Another firm as this one sees it. behind: it stands behind this firm's goods; else they go there.

    over: it had ended on the day.  soon: it began after it.
    """

    firm: str
    name: str
    region: str
    word: str
    behind: bool
    product: str = ""
    since: date | None = None
    until: date | None = None
    document: str = ""
    source: str = ""
    over: bool = False
    soon: bool = False

    @property
    def listed(self) -> bool:
        """Whether the registry has it."""
        return not self.firm.startswith(NIL)


def relations_of(
    db: Connection, firm: str, entry: RegistryEntry | None, ties: Iterable[FirmTie], day: date
) -> list[Relation]:
    """All relations of a firm, those behind it first; parent and branches of the registry among them."""
    found = [_seen_from(firm, tie, day) for tie in ties]
    if entry is not None:
        if entry.parent_id and not _has(found, entry.parent_id, BEHIND[TieKind.BRANCH, True]):
            found.append(Relation(entry.parent_id, "", "", BEHIND[TieKind.BRANCH, True], behind=True, source=REGISTRY))
        below = select(enterprises.c.id).where(enterprises.c.parent_id == firm).order_by(enterprises.c.id)
        for branch in db.execute(below.limit(MOST_BRANCHES)).scalars():
            if not _has(found, branch, BEYOND[TieKind.BRANCH, False]):
                found.append(Relation(branch, "", "", BEYOND[TieKind.BRANCH, False], behind=False, source=REGISTRY))
    order = [*BEHIND.values(), *BEYOND.values()]
    found.sort(key=lambda one: (not one.behind, one.over, order.index(one.word), one.firm))
    return _named(db, found)


def _has(found: Iterable[Relation], firm: str, word: str) -> bool:
    return any(one.firm == firm and one.word == word for one in found)


def _seen_from(firm: str, tie: FirmTie, day: date) -> Relation:
    first = tie.one == firm
    side = (tie.kind, first)
    return Relation(
        tie.other if first else tie.one, "", "", BEHIND.get(side) or BEYOND[side], behind=side in BEHIND,
        product=tie.product, since=tie.since, until=tie.until, document=tie.document, source=tie.source,
        over=tie.until is not None and tie.until < day, soon=tie.since is not None and tie.since > day,
    )  # fmt: skip


def _named(db: Connection, found: Sequence[Relation]) -> list[Relation]:
    ids = sorted({one.firm for one in found if one.listed})
    known: dict[str, tuple[str, str]] = {}
    for start in range(0, len(ids), 400):
        columns = (enterprises.c.id, enterprises.c.name, enterprises.c.region_code)
        query = select(*columns).where(enterprises.c.id.in_(ids[start : start + 400]))
        known |= {row[0]: (row[1], row[2]) for row in db.execute(query)}
    told = [(one, known.get(one.firm, (one.firm.removeprefix(NIL), ""))) for one in found]
    return [replace(one, name=name, region=region) for one, (name, region) in told]


def drawn(name: str, found: Sequence[Relation], places: Mapping[str, str]) -> str:
    """The relations in force on the day as a graph; empty where there are none. places: names by region code."""
    now = [one for one in found if not one.soon]
    sides = [_together([one for one in now if one.behind is behind], places) for behind in (True, False)]
    if not any(sides):
        return ""
    shown = [nodes[:ASIDE] for nodes in sides]
    more = (len(sides[0]) - len(shown[0]), len(sides[1]) - len(shown[1]))
    label = f"关系图：{name}，上游和上级 {len(sides[0])} 家，下游和下级 {len(sides[1])} 家；下表逐条列出"
    return relations(Node(name), shown[0], shown[1], more=more, label=label)


def _together(found: Iterable[Relation], places: Mapping[str, str]) -> list[Node]:
    """A node a firm, with all its relations on one line."""
    by_firm: dict[str, list[Relation]] = {}
    for one in found:
        by_firm.setdefault(one.firm, []).append(one)
    return [
        Node(
            some[0].name, places.get(some[0].region, "") if some[0].listed else "未列入名录",
            f"/enterprises/{quote(firm, safe=':')}", "、".join(dict.fromkeys(one.word for one in some)),
            over=all(one.over for one in some),
        )
        for firm, some in by_firm.items()
    ]  # fmt: skip
