"""Feeds: read, or refused with a reason; never an exception."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.clock import beijing
from crawlers.feed import MAX_ENTRIES, feed_file, read_feed
from tests.nasty_feeds import HOSTILE, READ, URL, Case, feed, item

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
JUNE = datetime(2026, 6, 10, 4, 0, tzinfo=UTC)
SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
RSS = """<?xml version="1.0" encoding="{encoding}"?><rss version="2.0"><channel><title>赣江日报</title>
<item><title>电池〔2026〕起火</title><link>/a/1.html</link><pubDate>{date}</pubDate>
<description>&lt;p&gt;两人受伤。&lt;/p&gt;</description></item></channel></rss>"""


def test_an_entry_has_title_link_date_and_plain_summary() -> None:
    data = RSS.format(encoding="utf-8", date="2026年11月20日").encode()
    (entry,) = read_feed(data, url="https://news.example/rss.xml", now=NOW).entries
    assert (entry.title, entry.link, entry.summary) == (
        "电池〔2026〕起火",
        "https://news.example/a/1.html",
        "两人受伤。",
    )
    assert entry.published == datetime(2026, 11, 19, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "hour"),
    [("2026-11-20 08:00:00", 0), ("Fri, 20 Nov 2026 08:00:00 CST", 0), ("Fri, 20 Nov 2026 08:00:00 GMT", 8)],
)
def test_times_without_a_zone_and_cst_are_beijing_time(date: str, hour: int) -> None:
    (entry,) = read_feed(RSS.format(encoding="utf-8", date=date).encode(), now=NOW).entries
    assert entry.published == datetime(2026, 11, 20, hour, 0, tzinfo=UTC)


@pytest.mark.parametrize(("declared", "real"), [("gb2312", "gb18030"), ("utf-8", "gb18030"), ("gbk", "utf-8")])
def test_the_bytes_decide_where_the_declaration_is_wrong(declared: str, real: str) -> None:
    data = RSS.format(encoding=declared, date="").encode(real)
    assert (
        read_feed(data, headers={"Content-Type": f"text/xml; charset={declared}"}, now=NOW).entries[0].title
        == "电池〔2026〕起火"
    )


def test_a_json_feed_is_read() -> None:
    value = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "T",
        "items": [
            {
                "id": "1",
                "url": "https://e.cn/1",
                "title": "召回",
                "content_html": "<p>甲</p>",
                "date_published": "2026-11-20T00:00:00Z",
            }
        ],
    }
    result = read_feed(json.dumps(value).encode(), now=NOW)
    assert (result.ok, result.entries[0].content, result.problems) == (True, "甲", ())


def test_a_list_or_an_object_where_a_json_feed_has_text_is_not_shown_as_code() -> None:
    items = [
        {"title": ["a"], "url": {"a": 1}, "summary": "甲", "content_html": ["<p>"]},
        {"title": 12, "url": "https://e.cn/2"},
    ]
    value = {"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": items}
    first, second = read_feed(json.dumps(value).encode(), now=NOW).entries
    assert (first.title, first.link, first.content, first.summary) == ("", "", "", "甲")
    assert (second.title, second.link) == ("12", "https://e.cn/2")


def test_a_malformed_feed_keeps_its_entries_and_names_the_problem() -> None:
    result = read_feed(RSS.format(encoding="utf-8", date="").replace("</channel></rss>", "").encode(), now=NOW)
    assert result.ok
    assert len(result.entries) == 1
    assert "malformed" in result.problems[0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   ",
        b"\x00\xff\xfe",
        b"{",
        b"[]",
        b'{"items": 3}',
        b"<html><body>hi</body></html>",
        b"plain",
        b"\x1f\x8bbroken",
        gzip.compress(b"x", mtime=0),
    ],
)
def test_what_is_no_feed_is_refused_with_a_reason(data: bytes) -> None:
    result = read_feed(data, now=NOW)
    assert not result.ok
    assert result.problems


def test_a_bomb_of_entities_stays_small() -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 20}">' for n in range(1, 9))
    body = "<rss version='2.0'><channel><item><title>&a8;</title></item></channel></rss>"
    data = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a0 "boom">{entities}]>{body}'
    result = read_feed(data.encode(), now=NOW)
    assert sum(len(entry.title) for entry in result.entries) < 10_000


def test_the_line_of_a_file_has_the_fields_of_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "rss.xml"
    path.write_text(RSS.format(encoding="utf-8", date="2026-11-20"), encoding="utf-8")
    line = feed_file(path)
    assert list(line) == ["file", "ok", "title", "entries", "problems"]
    assert list(line["entries"][0]) == ["title", "link", "published", "summary"]
    assert line["entries"][0]["published"] == "2026-11-20T00:00:00+08:00"


@pytest.mark.parametrize("case", READ, ids=lambda case: case.name)
def test_a_nasty_feed_is_read_right_or_its_problem_named(case: Case) -> None:
    result = read_feed(case.data, headers=case.headers, url=URL, now=JUNE)
    first = result.entries[0]
    assert result.ok
    assert case.title is None or first.title == case.title
    assert case.link is None or first.link == case.link
    assert case.date is None or (f"{beijing(first.published):%Y-%m-%d %H:%M}" if first.published else "") == case.date
    assert case.contains in first.summary
    assert tuple(entry.title for entry in result.entries[: len(case.titles)]) == case.titles
    if case.problem == "":
        assert result.problems == ()
    elif case.problem is not None:
        assert case.problem in " | ".join(result.problems)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_feed_is_bounded_and_gives_nothing_away(name: str) -> None:
    result = read_feed(HOSTILE[name], url=URL, now=JUNE)
    assert len(result.entries) <= MAX_ENTRIES
    assert sum(len(entry.title) + len(entry.summary) for entry in result.entries) < 10_000_000
    assert "root:" not in "".join(entry.title + entry.summary for entry in result.entries)
    assert result.problems or name == "XXE"


def test_of_too_many_entries_the_first_are_read_and_the_rest_named() -> None:
    result = read_feed(feed("".join(item(f"第{n}条") for n in range(MAX_ENTRIES + 10))), now=JUNE)
    assert [entry.title for entry in result.entries] == [f"第{n}条" for n in range(MAX_ENTRIES)]
    assert result.problems == (f"more than {MAX_ENTRIES} entries: the rest is not read",)


def test_bytes_that_name_a_file_are_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "<item>"
    path.write_bytes(feed())
    assert read_feed(str(path).encode(), now=JUNE).entries[:1] in ((), read_feed(b"<item>", now=JUNE).entries)


@pytest.mark.skipif(not (SHARED / "feeds").exists(), reason="the collected feeds are not on this machine")
def test_collected_feeds_have_as_many_entries_as_the_reference() -> None:
    rows = [json.loads(line) for line in (SHARED / "feeds" / "index.jsonl").read_text(encoding="utf-8").splitlines()]
    feeds = [row for row in rows if row["role"] == "feed"]
    fewer = [
        row["file"]
        for row in feeds
        if len(read_feed((SHARED / "feeds" / row["file"]).read_bytes(), now=NOW).entries) < row["ref"]["entries"]
    ]
    assert fewer == []


@pytest.mark.skipif(not (SHARED / "feeds").exists(), reason="the collected feeds are not on this machine")
def test_no_collected_feed_loses_a_character_or_is_refused_without_a_reason() -> None:
    paths = [path for folder in ("feeds", "feeds_zh") for path in (SHARED / folder).rglob("*")]
    results = {path: read_feed(path.read_bytes(), now=NOW) for path in paths if path.suffix in (".xml", ".gz")}
    assert [path for path, result in results.items() if not result.ok and not result.problems] == []
    broken = [path for path, result in results.items() if any("\ufffd" in entry.summary for entry in result.entries)]
    assert broken == []
