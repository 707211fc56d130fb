"""Records of APIs, feeds and reports: told apart by their ids, none lost beyond a limit, odd ones left out."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

import cli
from commands import hot as hot_command
from commands.stores import open_store
from config.settings import PROJECT, Settings
from config.sources import SourceConfig, parse_source
from core.clock import fixed_clock
from core.records import HotLine, RawDocument
from crawlers.families.hotlist import heat_number, normal_title
from crawlers.run import RunSummary
from crawlers.runner import CrawlEngine
from pipelines.intake import StoreIntake
from store.database import Store
from store.hot_lines import lines_seen, see_line
from store.schema import documents
from tests.crawl_server import NOW, Asked, Bench, ReactorThread, Reply, Site

JSON = {"Content-Type": "application/json"}
XML = {"Content-Type": "application/xml"}


def answer(value: Any) -> Reply:
    return Reply(json.dumps(value, ensure_ascii=False), headers=JSON)


def asked_of(asked: Asked) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    site = Site()
    yield Bench(site, tmp_path)
    site.close()


@dataclass
class StoreBench:
    """A site and a real store behind the crawl."""

    site: Site
    folder: Path
    bench: Bench = field(init=False)

    def __post_init__(self) -> None:
        self.bench = Bench(self.site, self.folder)
        self.store = Store(f"sqlite:///{self.folder / 'fengsui.db'}", synchronous="NORMAL")
        self.store.migrate()
        self.intake = StoreIntake(self.store, fixed_clock(NOW))

    def crawl(self, source: SourceConfig) -> RunSummary:
        engine = CrawlEngine(
            sources={source.key: source},
            intake=self.intake,
            archive_dir=self.folder / "archive",
            contact="mailto:desk@example.org",
            clock=fixed_clock(NOW),
        )
        return ReactorThread.get().run(engine.crawl(source.key))

    def rows(self) -> list[Any]:
        with self.store.read() as db:
            return list(db.execute(documents.select().order_by(documents.c.seq)).mappings())


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[StoreBench]:
    site = Site()
    bench = StoreBench(site, tmp_path)
    yield bench
    bench.store.close()
    site.close()


# --- one record, one document


def shipped(key: str, base: str, **changes: Any) -> SourceConfig:
    """A file of the live catalogue, its site replaced by the loopback."""
    values = yaml.safe_load((PROJECT / "config" / "sources" / "live" / f"{key}.yml").read_text(encoding="utf-8"))
    local = {"delay": 0, "autothrottle": False, "allow_private": ["127.0.0.1"], "jitter": "0s"}
    path = urlsplit(values["list_url"]).path
    return parse_source(key, {**values, **local, "list_url": f"{base}{path}", **changes})


def message(number: int, **changes: str) -> dict[str, str]:
    told = {
        "zj": f"id{number}",
        "lybt": f"充电宝抽查咨询{number}",
        "lynr": f"请问第{number}批次结果在哪里公布？",
        "lysj": "2026-11-20 10:00:00",
        "fzsjCn": "质量监督司",
        "clyj": "已公布。",
        "pubtime": "2026-11-21",
        "lyr": "张三",
    }
    return {**told, **changes}


def test_messages_without_an_address_stay_ten_documents(stored: StoreBench) -> None:
    told = [message(number) for number in range(10)]
    stored.site.routes["/gjjly/message/getMessageList"] = lambda asked: answer({"data": {"data": told}})
    source = shipped("samr_ly_spotcheck", stored.site.base)
    first = stored.crawl(source)
    assert (first.status, first.new, first.changed) == ("ok", 10, 0)
    told[3] = message(3, clyj="已更正。")
    second = stored.crawl(source)
    assert (second.new, second.changed, second.unchanged) == (0, 1, 9)
    rows = stored.rows()
    assert len({row["id"] for row in rows}) == 10
    assert {row["url"] for row in rows} == {""}
    assert [row["external_id"] for row in rows if row["revision"] == 2] == ["id3"]


@pytest.mark.parametrize("link", ["", "#", "?", "/api", "javascript:void(0)"])
def test_a_link_that_leads_to_the_answer_itself_is_none(stored: StoreBench, link: str) -> None:
    records = [{"id": str(n), "title": f"第{n}号召回", "link": link} for n in range(3)]
    stored.site.routes["/api"] = answer(records)
    fields = {"id": "id", "title": "title", "url": "link"}
    run = stored.crawl(stored.bench.source("json_api", list_url=f"{stored.site.base}/api", map=fields))
    assert (run.new, run.changed) == (3, 0)
    assert {row["canonical_url"] for row in stored.rows()} == {""}


def test_records_that_share_an_address_are_told_apart_by_their_ids(stored: StoreBench) -> None:
    records = [{"id": str(n), "title": f"第{n}号召回", "link": "/recalls"} for n in range(3)]
    stored.site.routes["/api"] = answer(records)
    source = stored.bench.source(
        "json_api", list_url=f"{stored.site.base}/api", map={"id": "id", "title": "title", "url": "link"}
    )
    assert (stored.crawl(source).new, len({row["id"] for row in stored.rows()})) == (3, 3)


def test_records_with_neither_id_nor_address_are_told_apart_by_their_text(stored: StoreBench) -> None:
    told = [{"title": "抽查不合格", "text": f"第{n}批次线缆电阻不合格"} for n in range(3)]
    stored.site.routes["/api"] = lambda asked: answer(told)
    source = stored.bench.source("json_api", list_url=f"{stored.site.base}/api", map={"title": "title", "text": "text"})
    assert stored.crawl(source).new == 3
    told.append({"title": "抽查不合格", "text": "第9批次线缆电阻不合格"})
    again = stored.crawl(source)
    assert (again.new, again.changed, again.unchanged) == (1, 0, 3)


def test_lines_that_are_fed_in_with_neither_id_nor_address_do_not_replace_each_other(stored: StoreBench) -> None:
    for text in ("电池鼓包", "线缆发热", "电池鼓包"):
        stored.intake.save(RawDocument("s", stored_kind(), "", "投诉", text, NOW))
    assert [row["revision"] for row in stored.rows()] == [1, 1]


def stored_kind() -> Any:
    return parse_source(
        "k", {"title": "t", "family": "feed", "kind": "complaint", "every": "1h", "list_url": "http://x/"}
    ).kind


def test_a_document_that_was_known_by_its_address_only_keeps_its_id_when_the_source_names_one(
    stored: StoreBench,
) -> None:
    raw = RawDocument("s", stored_kind(), "https://e.example/1", "投诉", "电池鼓包", NOW)
    stored.intake.save(raw)
    named = RawDocument("s", stored_kind(), "https://e.example/1", "投诉", "电池鼓包，已处理", NOW, external_id="T1")
    assert stored.intake.save(named) == "changed"
    assert len({row["id"] for row in stored.rows()}) == 1


def test_entries_of_a_feed_whose_links_all_lead_to_the_front_page_are_told_apart(stored: StoreBench) -> None:
    items = "".join(
        f"<item><title>第{n}号提示</title><guid isPermaLink='false'>g{n}</guid><link>{stored.site.base}/</link></item>"
        for n in range(3)
    )
    stored.site.routes["/rss"] = Reply(
        f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>", headers=XML
    )
    run = stored.crawl(stored.bench.source("feed", list_url=f"{stored.site.base}/rss"))
    assert (run.new, run.changed) == (3, 0)


def test_an_entry_whose_guid_changes_at_each_build_of_the_feed_stays_one_document(stored: StoreBench) -> None:
    builds = iter("ab")

    def rss(asked: Asked) -> Reply:
        guid = next(builds)
        item = (
            f"<item><title>提示</title><guid isPermaLink='false'>{guid}</guid><link>{stored.site.base}/1</link></item>"
        )
        return Reply(f"<rss version='2.0'><channel><title>t</title>{item}</channel></rss>", headers=XML)

    stored.site.routes["/rss"] = rss
    source = stored.bench.source("feed", list_url=f"{stored.site.base}/rss")
    assert [stored.crawl(source).new, stored.crawl(source).new] == [1, 0]


# --- nothing is lost beyond a limit


def recalls(count: int) -> list[dict[str, str]]:
    """The oldest first, as some sets are."""
    return [
        {"id": str(n), "title": f"第{n}号召回", "date": f"2026-{n // 28 + 1:02d}-{n % 28 + 1:02d}"}
        for n in range(count)
    ]


RECALL = {"id": "id", "title": "title", "published": "date"}


def test_records_beyond_the_limit_are_read_by_the_next_runs_newest_first(bench: Bench) -> None:
    bench.site.routes["/api"] = answer(recalls(25))
    source = bench.source("json_api", list_url=f"{bench.site.base}/api", map=RECALL, max_items=10)
    first = bench.crawl(source)
    assert (first.status, first.new, first.items) == ("ok", 10, 25)
    assert "15 new rows beyond max_items (10) are left" in first.problems[0]
    assert {key[1] for key in bench.intake.documents} == {str(n) for n in range(15, 25)}
    rest = [bench.crawl(source) for _ in range(3)]
    assert [(run.new, run.not_modified) for run in rest] == [(10, 0), (5, 0), (0, 1)]
    assert [len(run.problems) for run in rest] == [1, 0, 0]


def test_known_records_beside_a_full_limit_are_still_compared(bench: Bench) -> None:
    told = recalls(12)
    bench.site.routes["/api"] = lambda asked: answer(told)
    source = bench.source("json_api", list_url=f"{bench.site.base}/api", map={**RECALL, "text": "text"}, max_items=10)
    bench.crawl(source)
    told[11] = {**told[11], "text": "扩大召回范围"}
    told += [{"id": f"n{n}", "title": "新召回", "date": "2026-11-01"} for n in range(11)]
    run = bench.crawl(source)
    assert (run.new, run.changed) == (10, 1)
    assert "3 new rows" in run.problems[0]


def feed_of(rows: list[dict[str, str]], base: str) -> Reply:
    item = "<item><title>{title}</title><link>{base}/r/{id}</link><pubDate>{date}</pubDate></item>"
    items = "".join(item.format(base=base, **row) for row in rows)
    return Reply(f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>", headers=XML)


def report_of(rows: list[dict[str, str]], base: str) -> Reply:
    items = "".join(f"<row><id>{r['id']}</id><title>{r['title']}</title><date>{r['date']}</date></row>" for r in rows)
    return Reply(f"<rows>{items}</rows>", headers=XML)


def hot_of(rows: list[dict[str, str]], base: str) -> Reply:
    return answer({"status": "success", "items": rows})


def form_of(rows: list[dict[str, str]], base: str) -> Reply:
    told = [{"source": {"id": r["id"], "title": r["title"], "pubDate": r["date"]}} for r in rows]
    return answer({"data": {"total": len(told), "results": told}})


@pytest.mark.parametrize(
    ("family", "shape", "keys"),
    [
        ("feed", feed_of, {}),
        ("xml_report", report_of, {"items": "row", "map": RECALL}),
        ("hotlist", hot_of, {"shape": "newsnow", "platform": "weibo"}),
        ("jx_querylist", form_of, {"form": {"current": "{page}"}}),
    ],
)
def test_every_family_of_records_goes_on_with_what_it_left(
    bench: Bench, family: str, shape: Callable[[list[dict[str, str]], str], Reply], keys: dict[str, Any]
) -> None:
    bench.site.routes["/x"] = shape(recalls(25), bench.site.base)
    source = bench.source(family, list_url=f"{bench.site.base}/x", max_items=10, **keys)
    runs = [bench.crawl(source) for _ in range(4)]
    assert [run.new for run in runs] == [10, 10, 5, 0]
    assert ["are left" in " ".join(run.problems) for run in runs] == [True, True, False, False]
    assert runs[3].not_modified == 1


def test_rows_of_a_list_beyond_the_limit_are_followed_by_the_next_run(bench: Bench) -> None:
    rows = "".join(f"<li><a href='/a/{n}'>第{n}号通告文字</a><span>2026-11-{n + 1:02d}</span></li>" for n in range(7))
    bench.site.routes["/list"] = Reply(f"<ul>{rows}</ul>")
    for n in range(7):
        bench.site.routes[f"/a/{n}"] = Reply(f"<html><h1>第{n}号通告文字</h1><div id='t'><p>正文{n}不合格。</p></div>")
    source = bench.source(
        "html_list", list_url=f"{bench.site.base}/list", item="li", item_date="span", max_items=4, detail={"body": "#t"}
    )
    runs = [bench.crawl(source) for _ in range(3)]
    assert [(run.new, run.not_modified) for run in runs] == [(4, 0), (3, 0), (0, 1)]
    assert sorted(bench.site.hits().values()) == [1] * 7 + [3]
    assert "3 new rows beyond max_items (4)" in runs[0].problems[0]


def test_pages_behind_one_that_filled_the_limit_wait_and_are_read(bench: Bench) -> None:
    def paged(asked: Asked) -> Reply:
        start = int(asked_of(asked)["start"])
        return answer(recalls(12)[start : start + 4])

    bench.site.routes["/api"] = paged
    keys: dict[str, Any] = {"params": {"start": "{offset}"}, "pager": {"by": "offset", "size": 4}, "pages": 9}
    source = bench.source("json_api", list_url=f"{bench.site.base}/api", map=RECALL, max_items=6, **keys)
    runs = [bench.crawl(source) for _ in range(3)]
    assert [run.new for run in runs] == [6, 6, 0]
    assert {key[1] for key in bench.intake.documents} == {str(n) for n in range(12)}


# --- paging


def test_an_offset_begins_at_nought(bench: Bench) -> None:
    starts: list[int] = []

    def paged(asked: Asked) -> Reply:
        starts.append(int(asked_of(asked)["start"]))
        return answer(recalls(13)[starts[-1] : starts[-1] + 5])

    bench.site.routes["/api"] = paged
    keys: dict[str, Any] = {"params": {"start": "{offset}"}, "pager": {"by": "offset", "size": 5}, "pages": 9}
    run = bench.crawl(bench.source("json_api", list_url=f"{bench.site.base}/api", map=RECALL, **keys))
    assert (run.new, starts) == (13, [0, 5, 10, 15])


def test_a_server_that_ignores_the_page_number_is_asked_twice(bench: Bench) -> None:
    views = iter(range(99))
    bench.site.routes["/api"] = lambda asked: answer({"now": next(views), "list": recalls(5)})
    keys: dict[str, Any] = {"params": {"p": "{page}"}, "pager": {"by": "page"}, "pages": 30, "items": "list"}
    run = bench.crawl(bench.source("json_api", list_url=f"{bench.site.base}/api", map=RECALL, **keys))
    assert (run.new, sum(bench.site.hits().values())) == (5, 2)
    assert "repeats page 1: the paging is not understood" in run.problems[0]


def test_a_server_that_gives_its_last_page_again_has_ended(bench: Bench) -> None:
    bench.site.routes["/api"] = lambda asked: answer(recalls(9)[3 * min(int(asked_of(asked)["p"]), 3) - 3 :][:3])
    keys: dict[str, Any] = {"params": {"p": "{page}"}, "pager": {"by": "page"}, "pages": 30}
    run = bench.crawl(bench.source("json_api", list_url=f"{bench.site.base}/api", map=RECALL, **keys))
    assert (run.new, run.problems, sum(bench.site.hits().values())) == (9, (), 4)


def test_a_cursor_that_stays_is_not_followed(bench: Bench) -> None:
    numbers = iter(range(99))
    bench.site.routes["/api"] = lambda asked: answer(
        {"next": "x", "list": [{"id": f"{next(numbers)}", "title": "召回"}]}
    )
    keys: dict[str, Any] = {"params": {"c": "{cursor}"}, "pager": {"by": "cursor", "cursor": "next"}, "pages": 30}
    run = bench.crawl(bench.source("json_api", list_url=f"{bench.site.base}/api", items="list", map=RECALL, **keys))
    assert (run.new, sum(bench.site.hits().values())) == (2, 2)


def test_the_last_of_a_list_may_be_the_cursor(bench: Bench) -> None:
    def threads(asked: Asked) -> Reply:
        last = int(asked_of(asked).get("last") or 10)
        return answer(
            {"list": [{"id": str(n), "title": f"第{n}条留言"} for n in range(last - 1, max(last - 4, 0), -1)]}
        )

    bench.site.routes["/api"] = threads
    keys: dict[str, Any] = {
        "params": {"last": "{cursor}"},
        "pager": {"by": "cursor", "cursor": "list.-1.id"},
        "pages": 9,
    }
    run = bench.crawl(bench.source("json_api", list_url=f"{bench.site.base}/api", items="list", map=RECALL, **keys))
    assert run.new == 9


def test_a_watermark_pages_on_and_is_where_the_next_run_begins(bench: Bench) -> None:
    told = [{"id": str(n), "title": f"第{n}条", "at": f"2026-11-{n + 1:02d}T08:00:00"} for n in range(7)]
    marks: list[str] = []

    def since(asked: Asked) -> Reply:
        marks.append(asked_of(asked)["since"])
        return answer([record for record in told if record["at"] >= marks[-1]][:3])

    bench.site.routes["/api"] = since
    keys: dict[str, Any] = {"params": {"since": "{since}"}, "pager": {"by": "since", "field": "at"}, "pages": 9}
    source = bench.source("json_api", list_url=f"{bench.site.base}/api", map={**RECALL, "published": "at"}, **keys)
    assert bench.crawl(source).new == 7
    assert marks[:2] == ["2026-10-24", "2026-11-03T08:00:00"]
    told.append({"id": "7", "title": "第7条", "at": "2026-11-08T08:00:00"})
    marks.clear()
    run = bench.crawl(source)
    assert (run.status, run.new, marks[0]) == ("ok", 1, "2026-11-07T08:00:00")


def test_a_watermark_does_not_move_past_what_was_left(bench: Bench) -> None:
    told = [{"id": str(n), "title": f"第{n}条", "tid": 100 + n} for n in range(6)]
    bench.site.routes["/api"] = lambda asked: answer([r for r in told if str(r["tid"]) >= asked_of(asked)["since"]])
    keys: dict[str, Any] = {
        "params": {"since": "{since}"},
        "pager": {"by": "since", "field": "tid"},
        "since_format": "0",
    }
    source = bench.source("json_api", list_url=f"{bench.site.base}/api", map=RECALL, max_items=4, **keys)
    assert [bench.crawl(source).new, bench.crawl(source).new] == [4, 2]


def test_a_filter_that_leaves_nothing_of_a_page_does_not_end_the_paging(bench: Bench) -> None:
    pages = {"1": [{"id": "1", "title": "食品召回"}], "2": [{"id": "2", "title": "插座召回"}]}
    bench.site.routes["/api"] = lambda asked: answer(pages.get(asked_of(asked)["p"], []))
    keys: dict[str, Any] = {"params": {"p": "{page}"}, "pager": {"by": "page"}, "pages": 5, "filter": {"title": "插座"}}
    assert bench.crawl(bench.source("json_api", list_url=f"{bench.site.base}/api", map=RECALL, **keys)).new == 1


# --- odd answers


@pytest.mark.parametrize(
    ("body", "items"),
    [
        (json.dumps({"data": json.dumps({"list": recalls(2)})}), "data.list"),
        (json.dumps({"data": json.dumps(recalls(2))}), "data"),
        (json.dumps({"data": json.dumps(recalls(2))}), "data[]"),
        (json.dumps({"data": [json.dumps(record) for record in recalls(2)]}), "data"),
        (json.dumps(json.dumps({"data": recalls(2)})), "data"),
        ("\n".join(json.dumps(record, ensure_ascii=False) for record in recalls(2)) + "\n", ""),
        (f"cb({json.dumps({'data': recalls(2)})});", "data"),
    ],
)
def test_records_are_found_however_they_are_packed(bench: Bench, body: str, items: str) -> None:
    bench.site.routes["/api"] = Reply(body, headers=JSON)
    run = bench.crawl(bench.source("json_api", list_url=f"{bench.site.base}/api", items=items, map=RECALL))
    assert (run.status, run.new, run.problems) == ("ok", 2, ())


def test_a_torn_line_among_json_lines_is_left_out_and_counted(bench: Bench) -> None:
    lines = [json.dumps(record) for record in recalls(4)]
    bench.site.routes["/api"] = Reply("\n".join([*lines, lines[0][:20]]), headers=JSON)
    run = bench.crawl(bench.source("json_api", list_url=f"{bench.site.base}/api", map=RECALL))
    assert (run.status, run.new) == ("ok", 4)
    assert run.problems == ("1 × a record without title and text was left out",)


def test_one_odd_record_does_not_cost_the_others(bench: Bench) -> None:
    good = {
        "source": {"id": "9", "title": "第9批抽查", "pubDate": "2026-11-20", "content": "不合格", "articleFiles": "[3]"}
    }
    odd: list[Any] = ["junk", 7, {"source": "x"}, {"source": {"title": "无编号"}}]
    bench.site.routes["/queryList"] = answer({"data": {"total": 5, "results": [*odd, good]}})
    run = bench.crawl(bench.source("jx_querylist", list_url=f"{bench.site.base}/queryList", form={"current": "{page}"}))
    assert (run.status, run.new) == ("ok", 1)
    assert run.problems == ("4 × a record without an id was left out",)


SHAPES = [
    [],
    {},
    None,
    3,
    "x",
    [None, "x"],
    {"data": 3},
    {"items": {"title": 3}},
    {"status": ["success"], "items": "x"},
    {"data": {"results": [1, "x"]}},
    {"data": {"cards": [{"content": [None, "x", {"content": [None]}]}]}},
]


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
@pytest.mark.parametrize(
    ("family", "keys"),
    [
        ("hotlist", {"shape": "newsnow", "platform": "weibo"}),
        ("hotlist", {"shape": "dailyhot", "platform": "weibo"}),
        ("hotlist", {"shape": "baidu", "platform": "baidu"}),
        ("hotlist", {"shape": "toutiao", "platform": "toutiao"}),
        ("jx_querylist", {"form": {"current": "{page}"}}),
        ("json_api", {"items": "data.results[]", "map": RECALL}),
    ],
)
def test_an_answer_of_another_shape_is_a_changed_source_and_no_crash(
    bench: Bench, family: str, keys: dict[str, Any], shape: Any
) -> None:
    text = json.dumps(shape)
    bench.site.routes["/x"] = Reply(f"<!--s-data:{text}-->" if keys.get("shape") == "baidu" else text, headers=JSON)
    run = bench.crawl(bench.source(family, list_url=f"{bench.site.base}/x", **keys))
    assert (run.status, run.new) == ("changed", 0)
    assert not any("Error" in problem for problem in run.problems)


# --- dates


def test_a_date_that_cannot_be_used_is_kept_as_it_stands_and_told(bench: Bench) -> None:
    dates = ["2026-11-01", "1979-04-02", "11/05/2026", "", "soon"]
    bench.site.routes["/api"] = answer([{"id": str(n), "title": "召回", "date": date} for n, date in enumerate(dates)])
    run = bench.crawl(bench.source("json_api", list_url=f"{bench.site.base}/api", map=RECALL))
    kept = [bench.intake.documents["sample", str(n)].fields.get("date_as_given") for n in range(5)]
    assert kept == [None, "1979-04-02", "11/05/2026", None, "soon"]
    assert run.problems == (
        "3 × a date that cannot be read or is not plausible (kept in date_as_given), first '1979-04-02'",
    )
    assert run.undated == 4


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("11/05/2026", "2026-11-05"),
        ("1/2/2026 08:30", "2026-01-02"),
        ("2026-11-05", "2026-11-05"),
        ("13/05/2026", None),
    ],
)
def test_a_source_may_write_the_month_first(bench: Bench, text: str, day: str | None) -> None:
    bench.site.routes["/api"] = answer([{"id": "1", "title": "召回", "date": text}])
    bench.crawl(bench.source("json_api", list_url=f"{bench.site.base}/api", map=RECALL, month_first=True))
    published = bench.intake.documents["sample", "1"].published
    assert (published.astimezone().date().isoformat() if published else None) in (day, _before(day))


def _before(day: str | None) -> str | None:
    """The machine's own zone may be west of Beijing."""
    return None if day is None else datetime.fromordinal(datetime.fromisoformat(day).toordinal() - 1).date().isoformat()


# --- hot lists


def test_a_line_keeps_its_first_and_last_sighting_its_best_rank_and_heat(stored: StoreBench) -> None:
    def lines(*told: tuple[str, str]) -> Reply:
        items = [{"id": t, "title": t, "url": "https://e.example/", "extra": {"info": heat}} for t, heat in told]
        return answer({"status": "cache", "items": items})

    source = stored.bench.source(
        "hotlist", list_url=f"{stored.site.base}/s", shape="newsnow", platform="weibo", kind="hotlist"
    )
    for minute, told in enumerate(
        [
            (("降温", "9万"), ("充电宝自燃", "12万")),
            (("充电宝自燃！", "261.9万"), ("降温", "8万")),
            (("充电宝自燃", "30万"),),
        ]
    ):
        moment = datetime(2026, 11, 23, 4, minute, tzinfo=UTC)
        stored.intake = StoreIntake(stored.store, fixed_clock(moment))
        stored.site.routes["/s"] = lines(*told)
        engine = CrawlEngine({source.key: source}, stored.intake, stored.folder / "a", "x", clock=fixed_clock(moment))
        ReactorThread.get().run(engine.crawl(source.key))
    assert len(stored.rows()) == 2, "a line is one document, whatever became of it"
    with stored.store.read() as db:
        seen = {line.title: line for line in lines_seen(db, since=datetime(2026, 11, 23, tzinfo=UTC))}
    fire = seen["充电宝自燃"]
    assert (fire.rank, fire.peak_rank, fire.sightings, fire.heat_text, fire.peak_heat) == (1, 1, 3, "30万", 2_619_000)
    assert (fire.first_seen.minute, fire.last_seen.minute) == (0, 2)
    assert (seen["降温"].peak_rank, seen["降温"].last_seen.minute) == (1, 1)


@pytest.mark.parametrize(
    ("text", "number"),
    [("261.9万", 2_619_000), ("1.2亿", 120_000_000), ("35w", 350_000), ("12,345", 12345), ("热", None), ("", None)],
)
def test_heat_is_a_number_where_it_holds_one(text: str, number: int | None) -> None:
    assert heat_number(text) == number


def test_two_spellings_of_a_headline_are_one() -> None:
    assert normal_title("#充电宝 自燃#") == normal_title("充电宝自燃！") == "充电宝自燃"
    assert normal_title("？！") == "？！"


def test_baidu_lines_are_read_one_level_deeper_and_the_pinned_one_has_no_rank(bench: Bench) -> None:
    pinned = {"word": "置顶", "isTop": True, "url": "https://e.example/0"}
    lines = [{"word": f"第{n}条", "hotScore": "7900123", "url": f"https://e.example/{n}"} for n in (1, 2)]
    for content in ([pinned, *lines], [{"content": [pinned, *lines]}]):
        bench.intake.documents.clear()
        text = json.dumps({"data": {"cards": [{"content": content}]}}, ensure_ascii=False)
        bench.site.routes["/board"] = Reply(f"<html><!--s-data:{text}--></html>")
        source = bench.source(
            "hotlist", list_url=f"{bench.site.base}/board?{len(content)}", shape="baidu", platform="baidu"
        )
        assert bench.crawl(source).new == 2
        assert bench.intake.documents["sample", "baidu:第1条"].fields["rank"] == "1"


def test_dailyhot_tells_by_its_code_whether_it_is_well(bench: Bench) -> None:
    line = {
        "id": 1,
        "title": "插座起火",
        "desc": "某小区",
        "hot": 2_619_000,
        "timestamp": 1795320000000,
        "url": "https://e.example/1",
    }
    good = {"code": 200, "title": "微博", "type": "热搜榜", "total": 1, "fromCache": False, "data": [line]}
    bench.site.routes["/weibo"] = answer(good)
    source = bench.source("hotlist", list_url=f"{bench.site.base}/weibo?limit=30", shape="dailyhot", platform="weibo")
    assert bench.crawl(source).new == 1
    document = bench.intake.documents["sample", "weibo:插座起火"]
    assert (document.fields["heat"], document.text) == ("2619000", "某小区")
    assert bench.intake.lines == [
        HotLine("weibo", "插座起火", "插座起火", "https://e.example/1", 1, 2_619_000, "2619000", NOW)
    ]
    bench.site.routes["/weibo"] = answer({"code": 500, "message": "x"})
    assert bench.crawl(source).status == "changed"


def test_the_command_tells_which_headline_stood_highest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hot_command, "system_clock", fixed_clock(NOW))
    store = open_store(Settings(data=tmp_path, profile="live"))
    fire = HotLine("weibo", "充电宝自燃", "充电宝自燃\x1b[31m", "https://e.example/1", 3, 2_619_000, "261.9万", NOW)
    with store.write() as db:
        see_line(db, fire)
        see_line(db, replace(fire, name="降温", title="降温", rank=1, heat=None, heat_text=""))
        see_line(db, replace(fire, platform="baidu", seen_at=NOW - timedelta(days=3)))
    with pytest.raises(SystemExit):
        cli.main(["hot", "--data", str(tmp_path), "--profile", "live"])
    first, second = capsys.readouterr().out.splitlines()
    assert first == "weibo 最高第 1 位，末见第 1 位，11-23 12:00 至 11-23 12:00 见 1 次：降温"
    assert "最高第 3 位，末见第 3 位，热度 261.9万" in second
    assert "\x1b" not in second
    with pytest.raises(SystemExit):
        cli.main(
            ["hot", "--since", "7d", "--platform", "baidu", "--json", "--data", str(tmp_path), "--profile", "live"]
        )
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["peak_heat"], line["first_seen"]) == (2_619_000, "2026-11-20T12:00:00+08:00")
