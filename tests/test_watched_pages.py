"""Known pages are looked at again: what changed, what vanished, what came back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.records import Document
from crawlers.gone import gone_sign, led_away
from crawlers.run import RunSummary
from pipelines.intake import StoreIntake
from store.database import Store
from store.documents import revisions_of
from store.schema import documents
from tests.crawl_server import NOW, Asked, Bench, Reply, Site

HOUR = timedelta(hours=1)
LIST = """<html><body><ul class="news">
<li><a href="/a/1.html">青山湖区抽查电动自行车电池</a><span>2026-11-23</span></li>
</ul><p>每页二十条</p></body></html>"""
PAGE = """<html><head><title>{title}</title></head><body><h1>{title}</h1><div class="info">发布时间：2026-11-23 11:30
来源：赣江日报</div><div class="text"><p>{text}</p></div>{more}</body></html>"""
TEXT = "市监局抽查三批次产品，两批次不合格，已责令下架，并对生产企业立案调查，后续处理结果将另行公布。"


def page(text: str = TEXT, more: str = "") -> Reply:
    return Reply(PAGE.format(title="青山湖区抽查电动自行车电池", text=text, more=more))


@dataclass
class Desk:
    """A site, the real store behind its crawler, and a clock that is moved by hand."""

    bench: Bench
    store: Store
    now: datetime = NOW

    def crawl(self, *, after: timedelta = timedelta(0), **values: Any) -> RunSummary:
        self.now += after
        keys = {"list_url": f"{self.bench.site.base}/list", "item": "ul.news li", "item_date": "span"}
        source = self.bench.source("html_list", **{**keys, "detail": {"body": "div.text"}, **values})
        return self.bench.crawl(source)

    @property
    def looks(self) -> int:
        return self.bench.site.hits()["/a/1.html"]

    def revisions(self) -> list[Document]:
        """Newest first."""
        with self.store.read() as db:
            [document] = db.execute(documents.select().where(documents.c.latest)).all()
            return revisions_of(db, document.id)


@pytest.fixture
def desk(tmp_path: Path, store: Store) -> Iterator[Desk]:
    site = Site()
    site.routes |= {"/list": Reply(LIST), "/a/1.html": page(), "/": Reply("<html><body>首页</body></html>")}
    bench = Bench(site, tmp_path)
    desk = Desk(bench, store)
    bench.clock = lambda: desk.now
    bench.intake = StoreIntake(store, bench.clock)  # type: ignore[assignment]  # the real one
    yield desk
    site.close()


def test_a_page_is_looked_at_less_and_less_often_and_then_no_more(desk: Desk) -> None:
    desk.crawl()
    seen = []
    for hour in range(1, 24 * 5):
        before = desk.looks
        desk.crawl(after=HOUR)
        seen += [hour] * (desk.looks - before)
    assert seen == [1, 3, 8, 24]  # news is watched for three days after its publication
    assert len(desk.revisions()) == 1


def test_the_schedule_is_the_source_s_own_and_a_late_look_stands_for_all_that_were_due(desk: Desk) -> None:
    own: dict[str, Any] = {"recheck_at": ["2h", "4h", "2d"], "recheck_within": "9d"}
    desk.crawl(**own)
    looks = []
    for hours in (1, 5, 1, 42, 100):
        before = desk.looks
        desk.crawl(after=HOUR * hours, **own)
        looks.append(desk.looks - before)
    assert looks == [0, 1, 0, 1, 0]


def test_a_page_that_changed_is_a_revision_and_young_again(desk: Desk) -> None:
    desk.crawl()
    desk.crawl(after=HOUR * 9)
    desk.bench.site.routes["/a/1.html"] = page("更正：一批次不合格，此前所称两批次有误。")
    assert desk.crawl(after=HOUR * 16).changed == 1
    before = desk.looks
    assert desk.crawl(after=HOUR).unchanged == 1
    assert desk.looks == before + 1
    assert [each.revision for each in desk.revisions()] == [2, 1]


def test_a_look_is_conditional(desk: Desk) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.headers.get("If-None-Match") == '"v1"':
            return Reply(status=304)
        return Reply(page().body, headers={"ETag": '"v1"'})

    desk.bench.site.routes["/a/1.html"] = answer
    desk.crawl()
    run = desk.crawl(after=HOUR)
    assert (desk.looks, run.unchanged, run.changed) == (2, 1, 0)


def test_kinds_that_are_not_watched_and_a_limit_of_none_ask_for_nothing(desk: Desk) -> None:
    for values in ({"kind": "complaint"}, {"recheck_limit": 0}):
        desk.crawl(**values)
        before = desk.looks
        desk.crawl(after=HOUR * 2, **values)
        assert desk.looks == before


def test_it_takes_two_looks_at_some_distance_to_find_a_page_gone(desk: Desk) -> None:
    desk.crawl()
    desk.bench.site.routes["/a/1.html"] = Reply(status=404)
    first = desk.crawl(after=HOUR)
    assert (first.gone, first.status) == (0, "ok")
    assert "missing at the next look" in first.problems[0]
    assert desk.crawl(after=HOUR / 6).gone == 0
    assert desk.looks == 2
    assert desk.crawl(after=HOUR / 2).gone == 1
    [document] = desk.revisions()
    assert document.withdrawn_at == desk.now
    assert document.archive is not None


def test_a_server_in_trouble_for_a_moment_withdraws_nothing(desk: Desk) -> None:
    desk.crawl()
    desk.bench.site.routes["/a/1.html"] = Reply(status=404)
    desk.crawl(after=HOUR)
    desk.bench.site.routes["/a/1.html"] = page()
    desk.crawl(after=HOUR)
    desk.bench.site.routes["/a/1.html"] = Reply(status=404)
    assert desk.crawl(after=HOUR).gone == 0
    assert desk.revisions()[0].withdrawn_at is None


NOT_THERE = "<html><head><title>提示</title></head><body><div>抱歉，您访问的页面不存在或已被删除。</div></body></html>"


@pytest.mark.parametrize(
    "gone",
    [
        Reply(NOT_THERE),
        Reply(status=302, headers={"Location": "/"}),
        Reply(status=302, headers={"Location": "/404.html"}),
        Reply(status=301, headers={"Location": "/index.html"}),
    ],
)
def test_a_page_is_gone_too_where_its_server_says_200_or_leads_to_the_front_page(desk: Desk, gone: Reply) -> None:
    desk.bench.site.routes |= {"/404.html": Reply(NOT_THERE), "/index.html": Reply("<html><body>首页</body></html>")}
    desk.crawl()
    desk.bench.site.routes["/a/1.html"] = gone
    assert [desk.crawl(after=HOUR).gone, desk.crawl(after=HOUR).gone] == [0, 1]
    assert desk.revisions()[0].withdrawn_at == desk.now


def test_410_is_said_on_purpose_and_counts_at_once(desk: Desk) -> None:
    desk.crawl()
    desk.bench.site.routes["/a/1.html"] = Reply(status=410)
    assert desk.crawl(after=HOUR).gone == 1


@pytest.mark.parametrize("changed", [False, True])
def test_a_page_that_comes_back_is_told_as_a_revision(desk: Desk, changed: bool) -> None:
    desk.crawl()
    desk.bench.site.routes["/a/1.html"] = Reply(status=410)
    desk.crawl(after=HOUR)
    desk.bench.site.routes["/a/1.html"] = page("恢复发布：一批次不合格。") if changed else page()
    desk.crawl(after=HOUR * 3)
    newest, first = desk.revisions()
    assert (newest.revision, newest.withdrawn_at) == (2, None)
    assert first.withdrawn_at is not None
    assert len(desk.revisions()) == 2


def test_a_page_that_moved_keeps_its_document(desk: Desk) -> None:
    desk.crawl()
    desk.bench.site.routes["/a/1.html"] = Reply(status=301, headers={"Location": "/b/9.html"})
    desk.bench.site.routes["/b/9.html"] = page("更正：一批次不合格，此前所称两批次有误。")
    assert desk.crawl(after=HOUR).changed == 1
    assert [each.url for each in desk.revisions()] == [f"{desk.bench.site.base}/a/1.html"] * 2
    before = desk.looks
    desk.crawl(after=HOUR / 2)
    assert desk.looks == before


def test_what_only_the_list_says_is_still_there_after_a_look(desk: Desk) -> None:
    desk.bench.site.routes["/list"] = Reply(LIST.replace("<span>", '<i class="area">青山湖区</i><span>'))
    bare = "<html><body><h1>青山湖区抽查电动自行车电池</h1><div class='text'><p>{}</p></div></body></html>"
    desk.bench.site.routes["/a/1.html"] = Reply(bare.format(TEXT))
    fields: dict[str, Any] = {"item_fields": {"area": "i.area"}}
    desk.crawl(**fields)
    desk.bench.site.routes["/a/1.html"] = Reply(bare.format(TEXT) + "<!-- 2 -->")
    assert desk.crawl(after=HOUR * 13, **fields).changed == 0
    desk.bench.site.routes["/a/1.html"] = Reply(bare.format("更正：一批次不合格，此前所称两批次有误。"))
    assert desk.crawl(after=HOUR * 13, **fields).changed == 1
    newest, first = desk.revisions()
    assert newest.published == first.published


def test_a_watched_page_that_no_look_has_ever_found_was_not_taken_down(desk: Desk) -> None:
    link = f"{desk.bench.site.base}/wrong/1.html"
    item = f"<item><title>热水器召回</title><link>{link}</link></item>"
    feed = f"<rss version='2.0'><channel><title>t</title>{item}</channel></rss>"
    desk.bench.site.routes["/rss"] = Reply(feed, headers={"Content-Type": "application/rss+xml"})
    source = desk.bench.source("feed", list_url=f"{desk.bench.site.base}/rss")
    desk.bench.crawl(source)
    for hours in (1, 2, 5):
        desk.now += HOUR * hours
        run = desk.bench.crawl(source)
        assert run.gone == 0
        assert "the link may be wrong" in run.problems[0]
    assert desk.bench.site.hits()["/wrong/1.html"] == 3


def test_a_known_page_that_cannot_be_read_costs_the_run_nothing_and_waits_for_its_next_look(desk: Desk) -> None:
    desk.crawl()
    desk.bench.site.routes["/a/1.html"] = Reply(status=500)
    run = desk.crawl(after=HOUR)
    assert (run.status, run.failed) == ("ok", 0)
    assert "500" in run.problems[0]
    before = desk.looks
    desk.crawl(after=HOUR)
    assert desk.looks == before


@pytest.mark.parametrize(
    ("title", "text", "gone"),
    [
        ("404 Not Found", "", True),
        ("404", "", True),
        ("页面不存在", "您可以返回首页", True),
        ("提示信息", "该文章已被作者删除", True),
        ("", "找不到您要访问的页面", True),
        ("Page not found | Agency", "Sorry.", True),
        ("网友反映投诉页面不存在，平台回应", "记者" * 200, False),
        ("召回公告", "因刹车失灵，召回404辆汽车。", False),
        ("不合格产品信息已删除？市监局回应", "市监局表示，" * 40, False),
        ("关于修改《办法》的公告", "本办法自发布之日起施行。", False),
        ("某品牌热水器存在漏电隐患", "信息存在误差的以公告为准", False),
    ],
)
def test_what_a_missing_page_says(title: str, text: str, gone: bool) -> None:
    assert bool(gone_sign(title, text)) == gone


@pytest.mark.parametrize(
    ("asked", "answered", "gone"),
    [
        ("http://a.cn/x/1.html", "https://a.cn/x/1.html", False),
        ("http://a.cn/x/1.html", "http://www.a.cn/x/1.html", False),
        ("http://a.cn/x/1.html", "http://a.cn/y/2.html", False),
        ("http://a.cn/x/1", "http://a.cn/x/1/", False),
        ("http://a.cn/show?id=5", "http://a.cn/?id=5", False),
        ("http://a.cn/?id=5", "http://a.cn/", True),
        ("http://a.cn/x/1.html", "http://a.cn/", True),
        ("http://a.cn/x/1.html", "http://a.cn/index.shtml", True),
        ("http://a.cn/x/1.html", "http://a.cn/x/", True),
        ("http://a.cn/x/1.html", "http://a.cn/error/404.html", True),
        ("http://a.cn/", "http://a.cn/index.html", False),
    ],
)
def test_where_a_redirect_means_that_a_page_is_gone(asked: str, answered: str, gone: bool) -> None:
    assert bool(led_away(asked, answered)) == gone
