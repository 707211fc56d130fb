"""The fields of a signal in the index: one table drives both backends, the names in queries and the docs."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from core.records import LEVEL_COLOURS, LEVEL_IDS, LEVEL_NAMES, LEVEL_ROMAN, Kind
from search.visible import visible

TEXT_FORMAT = "3"
"""Raised when search/text.py cuts text in another way: an index of the old way asks for `fengsui reindex`."""


class FieldType(StrEnum):
    """What a field holds, and so which values and comparisons it takes."""

    KEYWORD = "keyword"
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    MENTIONS = "mentions"
    """Keys of search/mentions.py: searched only, never shown or counted."""


@dataclass(frozen=True)
class Field:
    """One field. aliases: other names in a query, the Chinese label first.  many: holds a list.

    example: a value as one writes it in a query.  words: Chinese words for values, the best one of a value first.
    """

    name: str
    type: FieldType
    aliases: tuple[str, ...]
    example: str
    many: bool = False
    words: Mapping[str, str | int | bool] | None = None

    @property
    def label(self) -> str:
        """The Chinese name people see."""
        return self.aliases[0]

    @cached_property
    def _values(self) -> Mapping[str, str | int | bool]:
        return {visible(word): value for word, value in (self.words or {}).items()}

    def value_of(self, word: str) -> str | int | bool | None:
        """The value that a word of this field stands for; None when it is no word of it."""
        return self._values.get(visible(word))


KIND_WORDS: dict[str, str | int | bool] = {
    "新闻": Kind.NEWS.value,
    "公告": Kind.NOTICE.value,
    "通知": Kind.NOTICE.value,
    "抽查": Kind.SPOTCHECK.value,
    "监督抽查": Kind.SPOTCHECK.value,
    "召回": Kind.RECALL.value,
    "境外召回": Kind.RECALL_FOREIGN.value,
    "投诉": Kind.COMPLAINT.value,
    "社交": Kind.SOCIAL.value,
    "论坛": Kind.FORUM.value,
    "热搜": Kind.HOTLIST.value,
    "热榜": Kind.HOTLIST.value,
    "评价": Kind.REVIEW.value,
}
STANCE_WORDS: dict[str, str | int | bool] = {"无": "none", "否认": "denial", "辟谣": "refutation", "致歉": "apology"}
TIER_WORDS: dict[str, str | int | bool] = {"一级": 1, "二级": 2, "三级": 3, "四级": 4}
BOOLEAN_WORDS: dict[str, str | int | bool] = {"是": True, "否": False, "true": True, "false": False}


def _level_words() -> dict[str, str | int | bool]:
    words: dict[str, str | int | bool] = {}
    for level, (name, colour, roman) in enumerate(zip(LEVEL_NAMES, LEVEL_COLOURS, LEVEL_ROMAN, strict=True)):
        words.update({colour: level, name: level})
        if level:
            words.update({f"{colour}色": level, roman: level})
    return words | dict(LEVEL_IDS)


FIELDS: tuple[Field, ...] = (
    Field("title", FieldType.TEXT, ("标题",), "起火"),
    Field("body", FieldType.TEXT, ("正文", "text", "内容"), "起火"),
    Field("id", FieldType.KEYWORD, ("编号",), "d0123456789abcdef"),
    Field("source", FieldType.KEYWORD, ("来源",), "jx_amr_notice"),
    Field("tier", FieldType.INTEGER, ("信源层级", "层级", "信源"), "1", words=TIER_WORDS),
    Field("kind", FieldType.KEYWORD, ("类型", "来源类别"), "投诉", words=KIND_WORDS),
    Field("url", FieldType.KEYWORD, ("网址", "链接"), '"https://example.org/*"'),
    Field("event_time", FieldType.DATE, ("时间", "发布时间", "time", "published", "@timestamp"), "now-7d/d"),
    Field("stored_at", FieldType.DATE, ("入库时间", "stored"), "now-1h"),
    Field("level", FieldType.INTEGER, ("级别", "等级"), "3", words=_level_words()),
    Field("score", FieldType.NUMBER, ("分数", "风险分"), "0.8"),
    Field("is_risk", FieldType.BOOLEAN, ("风险信号", "是否风险"), "是", words=BOOLEAN_WORDS),
    Field("products", FieldType.KEYWORD, ("产品", "product"), "电动自行车", many=True),
    Field("enterprises", FieldType.KEYWORD, ("企业", "enterprise", "firm"), "ENT0001", many=True),
    Field("issues", FieldType.KEYWORD, ("风险", "issue", "问题", "隐患", "风险问题"), "起火", many=True),
    Field("regions", FieldType.KEYWORD, ("地区", "region"), "赣州市", many=True),
    Field("territory", FieldType.KEYWORD, ("属地", "jurisdiction", "jurisdiction_code"), "赣州市", many=True),
    Field("repost_of", FieldType.KEYWORD, ("转载自", "repost"), "d0123456789abcdef"),
    Field("withdrawn", FieldType.BOOLEAN, ("已撤", "撤稿", "已撤下"), "是", words=BOOLEAN_WORDS),
    Field("revision", FieldType.INTEGER, ("版次",), "2"),
    Field("stance", FieldType.KEYWORD, ("立场",), "否认", words=STANCE_WORDS),
    Field("flags", FieldType.KEYWORD, ("标记", "flag"), "date_guessed", many=True),
    Field("mentions", FieldType.MENTIONS, ("提及", "mention"), "{类型:企业 and 角色:生产}", many=True),
)

TEXT_FIELDS = tuple(field.name for field in FIELDS if field.type is FieldType.TEXT)
"""Where bare words are searched."""

BY_NAME: Mapping[str, Field] = {name: field for field in FIELDS for name in (field.name, *field.aliases)}

FACETS: Mapping[str, int] = {
    "level": 5, "kind": 10, "source": 10, "products": 10, "issues": 10, "enterprises": 10, "territory": 10,
}  # fmt: skip
"""What a result page lists beside the hits: field and how many values."""


def field_named(name: str) -> Field | None:
    """The field a query calls `name`: its name or an alias; ASCII case and marks nobody sees do not count."""
    return BY_NAME.get(name) or BY_NAME.get(visible(name).lower())


def format_mark() -> str:
    """Changes when an index written before cannot serve queries of today."""
    table = [f"{field.name}:{field.type}:{field.many}" for field in FIELDS]
    return hashlib.sha256("\n".join([TEXT_FORMAT, *table]).encode()).hexdigest()[:12]
