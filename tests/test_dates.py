"""Dates as sites write them. Now is 20 April 2022, 10:00 Beijing."""

from datetime import UTC, datetime

import pytest

from core.clock import beijing
from crawlers.dates import date_in_url, read_date

NOW = datetime(2022, 4, 20, 2, 0, tzinfo=UTC)


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
