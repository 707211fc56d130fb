"""Along what signals are counted: products, places, issues, tiers of sources …, and the groups each falls into."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from search.where import AllOf, Exists, Not, OneOf, Scalar, Where
from web.names import firm_names
from web.narrowing import Condition
from web.search_state import ANY, PARAMETERS, value_word
from web.visit import Visit

TIERS = {1: "一级 抽查召回", 2: "二级 官方发布", 3: "三级 媒体", 4: "四级 弱信号"}
LEVELS = (4, 3, 2, 1, 0)


@dataclass(frozen=True)
class Axis:
    """name: as in the address.  parameter: of the search page whose field is counted."""

    name: str
    label: str
    parameter: str

    @property
    def field(self) -> str:
        """The field of the index."""
        return PARAMETERS[self.parameter].name

    @property
    def many(self) -> bool:
        """Whether one signal may fall into several groups."""
        return PARAMETERS[self.parameter].many and self.name != "region"


AXES: Mapping[str, Axis] = {
    axis.name: axis
    for axis in (
        Axis("product", "产品", "product"),
        Axis("region", "地区", "territory"),
        Axis("issue", "风险问题", "issue"),
        Axis("tier", "信源层级", "tier"),
        Axis("kind", "来源类别", "kind"),
        Axis("source", "来源", "source"),
        Axis("level", "级别", "level"),
        Axis("firm", "企业", "firm"),
    )
}


@dataclass(frozen=True)
class Group:
    """One group of an axis. conditions: what the search page is asked for its documents.

    value: of the axis's field.  where: what is asked where no value stands for the group.
    """

    label: str
    conditions: tuple[Condition, ...]
    value: Scalar | None = None
    where: Where | None = None

    @property
    def key(self) -> str:
        """What tells it from the other groups of its axis."""
        return self.label if self.value is None else str(self.value)

    def asked(self, axis: Axis) -> Where:
        """What the index is asked for its signals."""
        return self.where or OneOf(axis.field, () if self.value is None else (self.value,))


def fixed_groups(visit: Visit, axis: Axis) -> tuple[Group, ...] | None:
    """The groups of an axis where they are given: places, tiers, levels; None where the hits say which there are."""
    if axis.name == "region":
        return _places(visit)
    if axis.name == "tier":
        return tuple(value_group(axis, tier, word) for tier, word in TIERS.items())
    if axis.name == "level":
        return tuple(value_group(axis, level, visit.names.level(level) if level else "未达预警") for level in LEVELS)
    return None


def found_groups(db: Connection, visit: Visit, axis: Axis, values: Sequence[Scalar]) -> tuple[Group, ...]:
    """A group for each value, with its name."""
    firms = firm_names(db, map(str, values)) if axis.name == "firm" else {}
    return tuple(value_group(axis, value, value_word(visit.names, axis.parameter, value, firms)) for value in values)


def value_group(axis: Axis, value: Scalar, label: str) -> Group:
    """Signals that hold one value."""
    return Group(label, (Condition(axis.parameter, (str(value),)),), value)


def _places(visit: Visit) -> tuple[Group, ...]:
    """The prefectures of the province, or what lies below the viewer's own place; and what is in none of them."""
    regions = visit.services.lexicon.regions
    everywhere = visit.me.everywhere
    top = regions.home if everywhere else visit.me.user.territory
    below = regions.children.get(top, ())
    axis = AXES["region"]
    if not below:
        return (value_group(axis, top, regions.name_of(top)),)
    places = [value_group(axis, code, _short(visit, code)) for code in below]
    inside = OneOf(axis.field, (top,))
    rest = Group(
        f"{_short(visit, top)}未分{'市' if top.endswith('0000') else '县'}",
        (Condition("territory", (top,)), Condition("territory", tuple(below), negative=True)),
        where=AllOf((inside, Not(OneOf(axis.field, tuple(below))))),
    )
    if not everywhere:
        return (*places, rest)
    beyond = Group(
        "省外",
        (Condition("territory", (ANY,)), Condition("territory", (top,), negative=True)),
        where=AllOf((Exists(axis.field), Not(inside))),
    )
    unknown = Group("属地待定", (Condition("territory", (ANY,), negative=True),), where=Not(Exists(axis.field)))
    return (*places, rest, beyond, unknown)


def _short(visit: Visit, code: str) -> str:
    region = visit.services.lexicon.regions.get(code)
    return region.short_name if region else code
