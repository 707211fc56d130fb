"""What a signal mentions, as keys of one keyword field: `提及:{类型:企业 and 角色:生产}` asks for one mention.

A key is a shape of four letters (type, role, place, asserted or denied), `:` and the id: `Emba:ENT0001`. The shape
alone is a key too, for questions that ask for no id. Both engines hold the same keys; no nested documents are needed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from core.records import Analysis, Mention, MentionType

TYPES: Mapping[str, str] = {
    MentionType.PRODUCT: "P", MentionType.ENTERPRISE: "E", MentionType.BRAND: "B", MentionType.REGION: "R",
    MentionType.TOWN: "T", MentionType.ISSUE: "I", MentionType.CASUALTY: "C", MentionType.MODEL: "M",
    MentionType.STANDARD: "S",
}  # fmt: skip
NO_ROLE = "none"
ROLES: Mapping[str, str] = {
    NO_ROLE: "_", "maker": "m", "commissioned": "c", "brand_owner": "o", "seller": "s", "sampled": "d", "lab": "l",
    "platform": "p", "victim": "v", "bystander": "b",
}  # fmt: skip
"""Parts a firm plays (nlp/primary.py, `roles_of`); a role nobody planned counts as none."""
PLACES: Mapping[str, str] = {"title": "t", "body": "b"}
DENIED: Mapping[str, str] = {"false": "a", "true": "d"}
FIRMS = frozenset({MentionType.ENTERPRISE.value, MentionType.BRAND.value})
UNSETTLED = "?"
"""The id of a mention that fits several things (namesakes)."""
LONGEST_ID = 200

WORDS: Mapping[str, Mapping[str, str]] = {
    "type": {
        "产品": "product", "企业": "enterprise", "品牌": "brand", "地区": "region", "乡镇": "town", "风险": "issue",
        "问题": "issue", "隐患": "issue", "伤亡": "casualty", "型号": "model", "标准": "standard",
    },
    "role": {
        "生产": "maker", "生产者": "maker", "制造": "maker", "代工": "commissioned", "受托生产": "commissioned",
        "品牌方": "brand_owner", "委托方": "brand_owner", "销售": "seller", "销售者": "seller", "受检": "sampled",
        "被抽样": "sampled", "检验机构": "lab", "平台": "platform", "受害": "victim", "旁及": "bystander",
        "无": NO_ROLE,
    },
    "place": {"标题": "title", "正文": "body"},
    "negated": {"是": "true", "否": "false"},
}  # fmt: skip
"""Chinese words for the values of the inner fields."""

INNER: Mapping[str, tuple[str, ...]] = {
    "type": ("类型", "类别"), "id": ("编号", "名称", "name"), "role": ("角色",), "place": ("位置",),
    "negated": ("已否定", "denied"),
}  # fmt: skip
"""The inner fields and their other names, the Chinese label first."""

INNER_BY_NAME: Mapping[str, str] = {name: field for field, more in INNER.items() for name in (field, *more)}


@dataclass(frozen=True)
class Shape:
    """All of a mention but what it names; each value as in WORDS."""

    type: str
    role: str
    place: str
    negated: str

    @property
    def code(self) -> str:
        """The four letters of the key."""
        return TYPES[self.type] + ROLES[self.role] + PLACES[self.place] + DENIED[self.negated]


def _shapes() -> Iterator[Shape]:
    for kind in TYPES:
        for role in ROLES if kind in FIRMS else (NO_ROLE,):
            for place in PLACES:
                for negated in DENIED:
                    yield Shape(str(kind), role, place, negated)


SHAPES: tuple[Shape, ...] = tuple(_shapes())
"""Every shape there can be: 108."""


def mention_keys(analysis: Analysis) -> tuple[str, ...]:
    """The keys of all mentions of a reading, each once, in order."""
    places = (("title", analysis.title_mentions), ("body", analysis.mentions))
    return keys_of((place, mention) for place, mentions in places for mention in mentions)


def keys_of(mentions: Iterable[tuple[str, Mention]]) -> tuple[str, ...]:
    """The keys of (place, mention) pairs."""
    found: dict[str, None] = {}
    for place, mention in mentions:
        kind = mention.type.value
        role = mention.role if kind in FIRMS and mention.role in ROLES else NO_ROLE
        shape = Shape(kind, role or NO_ROLE, place, "true" if mention.negated else "false").code
        found[shape] = None
        found[key_of(shape, mention.id_or_norm)] = None
    return tuple(found)


def key_of(shape: str, known: str | None) -> str:
    """One key."""
    return f"{shape}:{plain_id(known or '') or UNSETTLED}"


def plain_id(text: str) -> str:
    """An id as keys hold it: white space is one blank, so that every form of it fits in a line."""
    return " ".join(text.split())[:LONGEST_ID]
