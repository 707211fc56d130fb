"""Dates as sites write them. Now is 20 April 2022, 10:00 Beijing; for dates.jsonl Wednesday, 10 June 2026, 12:00."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.clock import beijing
from crawlers.dates import date_in_url, implausible_date, read_date, read_dated

NOW = datetime(2022, 4, 20, 2, 0, tzinfo=UTC)
WEDNESDAY = datetime(2026, 6, 10, 4, 0, tzinfo=UTC)
COLLECTED = Path(__file__).parent / "dates.jsonl"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("刚刚", "2022-04-20 10:00"),
        ("5分钟前", "2022-04-20 09:55"),
        ("半小时前", "2022-04-20 09:30"),
        ("3小时前", "2022-04-20 07:00"),
        ("1天前", "2022-04-19 10:00"),
        ("今天 08:00", "2022-04-20 08:00"),
        ("昨天 14:20", "2022-04-19 14:20"),
        ("昨日下午3时", "2022-04-19 15:00"),
        ("前天 09:05", "2022-04-18 09:05"),
        ("09:20", "2022-04-20 09:20"),
        ("14:20", "2022-04-19 14:20"),
        ("04-19 08:30", "2022-04-19 08:30"),
        ("4月13日 10:30", "2022-04-13 10:30"),
        ("12月13日 10:30", "2021-12-13 10:30"),
        ("2022-04-19 04:12:24", "2022-04-19 04:12"),
        ("2022/4/13", "2022-04-13 00:00"),
        ("2022.04.13", "2022-04-13 00:00"),
        ("[2022-04-13]", "2022-04-13 00:00"),
        ("2022年4月13日", "2022-04-13 00:00"),
        ("2022年04月13日10:30", "2022-04-13 10:30"),
        ("20220413", "2022-04-13 00:00"),
        ("1650000000", "2022-04-15 13:20"),
        ("1650000000123", "2022-04-15 13:20"),
        ("Tue, 19 Apr 2022 04:12:24 GMT", "2022-04-19 12:12"),
        ("Tue, 19 Apr 2022 04:12:24 CST", "2022-04-19 04:12"),
        ("2022-04-19T04:12:24+09:00", "2022-04-19 03:12"),
        ("2022-04-19T04:12:24", "2022-04-19 04:12"),
        ("２０２２年４月１３日", "2022-04-13 00:00"),
        ("发布时间：2022-04-13 字号", "2022-04-13 00:00"),
        ("时间：2022-04-19 15:05 来源：某报", "2022-04-19 15:05"),
        ("April 13, 2022", "2022-04-13 00:00"),
        ("Wed Apr 13 12:13:14 +0800 2022", "2022-04-13 12:13"),
    ],
)
def test_a_date_is_read_as_its_site_means_it(text: str, expected: str) -> None:
    moment = read_date(text, now=NOW)
    assert moment is not None
    assert f"{beijing(moment):%Y-%m-%d %H:%M}" == expected


@pytest.mark.parametrize(
    "text", ["", None, "昨夜", "2022-13-45", "2022-02-30", "9999-01-01", "1970-01-01", "13/04/22", "2022-05-01"]
)
def test_what_is_no_plausible_date_is_none_and_never_now(text: str | None) -> None:
    assert read_date(text, now=NOW) is None


def test_day_and_month_are_told_apart_only_where_the_source_says_so() -> None:
    assert read_date("05/04/2022", now=NOW) is None
    moment = read_date("05/04/2022", now=NOW, day_first=True)
    assert moment is not None
    assert beijing(moment).date().isoformat() == "2022-04-05"


@pytest.mark.parametrize(
    "url",
    ["http://e.cn/2022-04/13/content_1.htm", "http://e.cn/202204/t20220413_12.html", "http://e.cn/2022/04/13/9.html"],
)
def test_an_address_may_hold_the_day(url: str) -> None:
    moment = date_in_url(url, now=NOW)
    assert moment is not None
    assert beijing(moment).date().isoformat() == "2022-04-13"


@pytest.mark.parametrize(
    ("text", "expected"), [json.loads(line) for line in COLLECTED.read_text(encoding="utf-8").splitlines()]
)
def test_a_collected_date_is_read_or_refused_as_a_person_would(text: str, expected: str | None) -> None:
    dated = read_dated(text, now=WEDNESDAY)
    if expected is None:
        assert dated is None
    else:
        assert dated is not None
        assert f"{beijing(dated.moment):%Y-%m-%d %H:%M:%S}".startswith(expected)


@pytest.mark.parametrize(
    ("text", "has_time"),
    [("2024-03-15", False), ("2024-03-15 00:00:00", True), ("昨晚", False), ("昨晚8点", True), ("3个月前", False)],
)
def test_a_day_alone_is_told_from_midnight(text: str, has_time: bool) -> None:
    dated = read_dated(text, now=WEDNESDAY)
    assert dated is not None
    assert dated.has_time is has_time


@pytest.mark.parametrize(
    ("text", "day"), [("2029-01-01", "2029-01-01"), ("Thu, 01 Jan 1970 08:00:00 +0800", "1970-01-01")]
)
def test_a_date_before_1990_or_in_the_future_can_be_named(text: str, day: str) -> None:
    refused = implausible_date(text, now=WEDNESDAY)
    assert refused is not None
    assert beijing(refused).date().isoformat() == day
    assert read_date(text, now=WEDNESDAY) is None


@pytest.mark.parametrize("text", ["2024-03-15", "暂无", "浏览次数：20220413", None])
def test_only_implausible_dates_are_named_so(text: str | None) -> None:
    assert implausible_date(text, now=WEDNESDAY) is None


@pytest.mark.parametrize(
    "text", ["3 天" * 60, "0001-01-01T00:00:00", "9" * 200, "&#99999999999999999999;", "\ud800年1月1日", "半" * 200]
)
def test_no_text_makes_the_reader_fail(text: str) -> None:
    assert read_date(text, now=WEDNESDAY) is None
