"""What a query means: names, numbers, dates and words looked up; what the reader is told."""

import re
from datetime import datetime
from pathlib import Path

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
        ("*来源*:*amr*", AnyOf((Wild("source", ("", "amr", "")),))),
        ("来源:a**b", Wild("source", ("a", "b"))),
        ("信源层级:一级", OneOf("tier", (1,))),
        ("tier<=2", Between("tier", high=2, with_high=True)),
        ("立场:致歉", OneOf("stance", ("apology",))),
        ("级别：３", OneOf("level", (3,))),
        ("企业:某某*", AnyOf((Wild("enterprises", ("某某", "")), Wild("enterprises", ("NIL:某某", ""))))),
        ("level:(1 or 2 or 1)", OneOf("level", (1, 2))),
        ("企业:某某（江西）公司", OneOf("enterprises", ("某某（江西）公司", "NIL:某某（江西）公司"))),
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


def test_many_unknown_fields_are_told_in_a_few_sentences() -> None:
    query = read_query(" or ".join(f"x{number}:1" for number in range(30)), names=NAMES, now=NOW)
    assert len(query.warnings) == 11
    assert query.warnings[-1] == "另有 20 处同类提示"


def test_a_field_that_cannot_hold_the_value_is_passed_over_in_a_wildcard() -> None:
    where = read_query("*e*:起火", names=NAMES, now=NOW).where
    assert Words("起火", ("title",)) in where.parts  # type: ignore[union-attr]


DOCS = (Path(__file__).resolve().parent.parent / "docs" / "search.md").read_text(encoding="utf-8")


def test_every_example_of_the_docs_can_be_read() -> None:
    writing, _, rest = DOCS.partition("## Dates")
    dates = rest.partition("| form |")[2].partition("`时间:近7天` is")[0]
    table = writing.partition("## Writing a query")[2].partition("`and` binds")[0]
    queries = re.findall(r"`([^`]+)`", table) + [f"时间:{form}" for form in re.findall(r"`([^`]+)`", dates)]
    assert len(queries) > 50
    for text in queries:
        assert read_query(text.replace("\\|", "|"), names=NAMES, now=NOW).warnings == (), text


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
        ("时间:近零天", 4, "应为日期"),
        ("时间:13月1日", 4, "应为日期"),
        ("时间:5日", 4, "应为日期"),
        ("时间:近99999年", 4, "应为日期"),
        ("时间:2026年第五季度", 4, "应为日期"),
        ("*_at:去年冬天", 6, "应为日期"),
        ("分数:nan", 4, "应为数"),
        ("分数:inf", 4, "应为数"),
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
        ("2026/11/5", "2026-11-05", "2026-11-06"),
        ("20261105", "2026-11-05", "2026-11-06"),
        ("近7天", "2026-11-17T12:00", "2026-11-24T12:00:01"),
        ("近 7 日", "2026-11-17T12:00", "2026-11-24T12:00:01"),
        ("最近24小时", "2026-11-23T12:00", "2026-11-24T12:00:01"),
        ("过去两周", "2026-11-10T12:00", "2026-11-24T12:00:01"),
        ("近十二个月", "2025-11-24T12:00", "2026-11-24T12:00:01"),
        ("近半年", "2026-05-24T12:00", "2026-11-24T12:00:01"),
        ("3天内", "2026-11-21T12:00", "2026-11-24T12:00:01"),
        ("3天前", "2026-11-21", "2026-11-22"),
        ("三天以前", "2026-11-21", "2026-11-22"),
        ("2周前", "2026-11-09", "2026-11-16"),
        ("一个月前", "2026-10-01", "2026-11-01"),
        ("90分钟前", "2026-11-24T10:30", "2026-11-24T10:31"),
        ("一个季度前", "2026-07-01", "2026-10-01"),
        ("本季度", "2026-10-01", "2027-01-01"),
        ("上季度", "2026-07-01", "2026-10-01"),
        ("2026年第一季度", "2026-01-01", "2026-04-01"),
        ("去年4季度", "2025-10-01", "2026-01-01"),
        ("now/q", "2026-10-01", "2027-01-01"),
        ("周一", "2026-11-23", "2026-11-24"),
        ("上周日", "2026-11-22", "2026-11-23"),
        ("11月5日", "2026-11-05", "2026-11-06"),
        ("2026年11月", "2026-11-01", "2026-12-01"),
        ("２０２６年", "2026-01-01", "2027-01-01"),
        ("前年", "2024-01-01", "2025-01-01"),
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
