"""What a query means: names, numbers, dates and words looked up; what the reader is told."""

from datetime import datetime

import pytest

from core.clock import parse_published
from search.query import QueryError, read_query
from search.query.dates import read_span
from search.records import millis
from search.where import (
    AllOf,
    AnyOf,
    Between,
    Everything,
    Exists,
    Nothing,
    OneOf,
    Phrase,
    Where,
    Wild,
    WildText,
    Words,
)
from tests.search_documents import NAMES, NOW


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Everything()),
        ("*", Everything()),
        ("起火", Words("起火")),
        ('"起火"', Phrase("起火")),
        ("电动* 起火", AllOf((WildText(("电动", "")), Words("起火")))),
        ("标题:起火", Words("起火", ("title",))),
        ("标题:*", AnyOf((Exists("title"),))),
        ("产品:电动自行车", OneOf("products", ("ebike",))),
        ("产品：电瓶车", OneOf("products", ("ebike",))),
        ("product:ebike", OneOf("products", ("ebike",))),
        ("地区:南昌", OneOf("regions", ("360100", "360121"))),
        ("企业:无名电池厂", OneOf("enterprises", ("无名电池厂", "NIL:无名电池厂"))),
        ("类型:投诉", OneOf("kind", ("complaint",))),
        ("级别:橙", OneOf("level", (3,))),
        ("级别:Ⅱ级", OneOf("level", (3,))),
        ("LEVEL:3", OneOf("level", (3,))),
        ("级别>=黄", Between("level", low=2)),
        ("级别<3", Between("level", high=3)),
        ("分数<=0.5", Between("score", high=0.5, with_high=True)),
        ("风险信号:是", OneOf("is_risk", (True,))),
        ("来源:*amr*", Wild("source", ("", "amr", ""))),
        ("repost_of:*", Exists("repost_of")),
        ("*_at:now", AnyOf((Between("stored_at", millis(NOW), millis(NOW) + 1000),))),
    ],
)
def test_a_query_means(text: str, expected: Where) -> None:
    query = read_query(text, names=NAMES, now=NOW)
    assert query.where == expected
    assert query.warnings == ()


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("levl:3", "没有“levl”这个字段，此条件不会命中；是不是 level"),
        ("颜色:红", "没有“颜色”这个字段，此条件不会命中"),
        ("x*:1", "没有“x*”这个字段，此条件不会命中"),
        ("a:{ b:1 }", "没有“a”这个字段，此条件不会命中"),
    ],
)
def test_an_unknown_field_finds_nothing_and_is_told(text: str, warning: str) -> None:
    query = read_query(text, names=NAMES, now=NOW)
    assert query.where == Nothing()
    assert query.warnings == (warning,)


def test_words_before_a_field_are_searched_too() -> None:
    query = read_query("电动自行车 级别>=3", names=NAMES, now=NOW)
    assert query.where == AllOf((Words("电动自行车"), Between("level", low=3)))
    assert query.warnings == ("“电动自行车 级别”读作 电动自行车 and 级别",)


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("级别:很高", 4, "应为整数"),
        ("起火 and 级别>=x", 12, "例如 级别:3"),
        ("分数:高", 4, "应为数"),
        ("风险信号:maybe", 6, "“是”或“否”"),
        ("时间:去年冬天", 4, "应为日期"),
        ("时间>=2026-13-01", 5, "now-7d/d"),
        ("时间>=now-99999y", 5, "应为日期"),
        ("来源>3", 4, "不能用 > 比较"),
        ("级别:3*", 4, "应为整数"),
        ("级别:99999999999999999999", 4, "应为整数"),
    ],
)
def test_a_value_its_field_cannot_hold_is_told_with_a_form_that_works(text: str, column: int, words: str) -> None:
    with pytest.raises(QueryError, match=rf"第 {column} 列") as told:
        read_query(text, names=NAMES, now=NOW)
    assert words in told.value.message


def at(text: str) -> datetime:
    return parse_published(text)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026", "2026-01-01", "2027-01-01"),
        ("2026-11", "2026-11-01", "2026-12-01"),
        ("2026-11-05", "2026-11-05", "2026-11-06"),
        ("2026-11-05T08:30", "2026-11-05T08:30", "2026-11-05T08:31"),
        ("2026-11-05 08:30:15", "2026-11-05T08:30:15", "2026-11-05T08:30:16"),
        ("2026-11-05T00:30:00Z", "2026-11-05T08:30:00", "2026-11-05T08:30:01"),
        ("now", "2026-11-24T12:00:00", "2026-11-24T12:00:01"),
        ("now/d", "2026-11-24", "2026-11-25"),
        ("now-7d/d", "2026-11-17", "2026-11-18"),
        ("now-1M/M", "2026-10-01", "2026-11-01"),
        ("now/w", "2026-11-23", "2026-11-30"),
        ("now-90m", "2026-11-24T10:30:00", "2026-11-24T10:30:01"),
        ("now+1d-2h/h", "2026-11-25T10:00", "2026-11-25T11:00"),
        ("2026-03-31||-1M", "2026-02-28", "2026-02-28T00:00:01"),
        ("今天", "2026-11-24", "2026-11-25"),
        ("上周", "2026-11-16", "2026-11-23"),
        ("去年", "2025-01-01", "2026-01-01"),
    ],
)
def test_a_date_stands_for_the_span_it_names_in_beijing(text: str, start: str, end: str) -> None:
    span = read_span(text, NOW)
    assert (span.start, span.end) == (at(start), at(end))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("时间:2026-11-05", Between("event_time", millis(at("2026-11-05")), millis(at("2026-11-06")))),
        ("时间>2026-11-05", Between("event_time", low=millis(at("2026-11-06")))),
        ("时间>=2026-11-05", Between("event_time", low=millis(at("2026-11-05")))),
        ("时间<2026-11-05", Between("event_time", high=millis(at("2026-11-05")))),
        ("时间<=2026-11-05", Between("event_time", high=millis(at("2026-11-06")))),
    ],
)
def test_comparing_with_a_day_includes_or_excludes_all_of_it(text: str, expected: Where) -> None:
    assert read_query(text, names=NAMES, now=NOW).where == expected


SYNONYMS = {"电瓶车": ("电动自行车", "电动车"), "充电宝": ("移动电源",)}


def bound(text: str) -> object:
    return read_query(text, names=NAMES, now=NOW, synonyms=SYNONYMS).where


def test_a_bare_word_is_found_by_its_synonyms_too() -> None:
    either = AnyOf((Words("电瓶车"), Phrase("电动自行车"), Phrase("电动车")))
    assert bound("电瓶车") == either
    assert bound("电瓶车 起火") == AllOf((either, Words("起火")))
    assert bound("电瓶车起火") == AllOf((either, Words("起火")))


def test_quotes_and_words_without_synonyms_are_taken_as_they_stand() -> None:
    assert bound('"电瓶车"') == Phrase("电瓶车")
    assert bound("灶具 爆炸") == Words("灶具 爆炸")


def test_synonyms_hold_in_one_field_too() -> None:
    assert bound("标题:充电宝") == AnyOf((Words("充电宝", ("title",)), Phrase("移动电源", ("title",))))
