"""Sniffing columns on the loopback: each family in its documented shape, and the traps around them. Firms invented."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import yaml

from config.sources import load_source
from crawlers.sniff.draft import Draft, Wishes, key_of, write_draft
from crawlers.sniff.session import sniff_site
from crawlers.sniff.sniffer import NothingFits
from crawlers.trial_run import Bench as TrialBench
from crawlers.trial_run import Trial, try_source
from tests.crawl_server import NOW, Asked, Bench, ReactorThread, Reply, Site

JSON = {"Content-Type": "application/json"}
XML = {"Content-Type": "text/xml; charset=utf-8"}
NAV = (
    '<div class="nav"><ul>'
    + "".join(f'<li><a href="/lm{n}/">栏目导航第{n}项</a></li>' for n in range(30))
    + "</ul></div>"
)
SIDE = (
    '<div class="tuijian"><h3>热点</h3><ul>'
    + "".join(
        f'<li><a href="/zt/2026/s{n}.html">专题报道第{n}期内容</a><span>11-1{n % 9}</span></li>' for n in range(20)
    )
    + "</ul></div>"
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    site = Site()
    yield Bench(site, tmp_path)
    site.close()


def trial_bench(bench: Bench, *, limit: int = 3) -> TrialBench:
    return TrialBench(
        folder=bench.folder / "scratch",
        data=bench.folder,
        contact="mailto:desk@example.org",
        clock=bench.clock,
        limit=limit,
        backoff=timedelta(milliseconds=1),
    )


def sniff(bench: Bench, path: str, *, allow: tuple[str, ...] = ("127.0.0.1",)) -> tuple[Draft, list[str]]:
    wishes = Wishes("draft", allow_private=allow, delay=0)
    work = sniff_site(f"{bench.site.base}{path}", wishes, trial_bench(bench), lambda sentence: None)
    return ReactorThread.get().run(work)


def tried(bench: Bench, draft: Draft) -> Trial:
    return ReactorThread.get().run(try_source(draft.source, trial_bench(bench)))


def nothing(bench: Bench, path: str, *, allow: tuple[str, ...] = ("127.0.0.1",)) -> str:
    with pytest.raises(NothingFits) as caught:
        sniff(bench, path, allow=allow)
    return str(caught.value)


def article(title: str) -> Reply:
    text = f"{title}。经检验，三批次产品不合格，市场监管部门已责令相关企业停止销售并召回已售出产品，依法处理。"
    return Reply(
        f"<html><head><title>{title}</title></head><body><h1>{title}</h1><div id=zoom><p>{text}</p></div></body>"
    )


def serve_articles(bench: Bench, folder: str, numbers: range) -> None:
    for n in numbers:
        bench.site.routes[f"{folder}{n}.html"] = article(f"第{n}号产品质量监督抽查结果的通告")


def rows(numbers: range, href: str = "./202611/t20261101_{n}.html") -> str:
    return "".join(
        f'<li><a href="{href.format(n=n)}">第{n}号产品质量监督抽查结果的通告</a>'
        f"<span>2026-11-{n % 20 + 1:02}</span></li>"
        for n in numbers
    )


def column(body: str, *, head: str = "", title: str = "通知公告-某市市场监督管理局") -> Reply:
    return Reply(
        f"<html><head><title>{title}</title>{head}</head><body>{NAV}<div class='con'>{body}</div>{SIDE}</body></html>"
    )


def listing(numbers: range, *, more: str = "", **how: str) -> str:
    return f'<ul class="xxgk">{rows(numbers, **how)}</ul><div class="page">{more}</div>'


# lists


def test_a_trs_column_is_found_among_a_longer_menu_and_a_dated_sidebar(bench: Bench) -> None:
    bench.site.routes["/tzgg/"] = column(listing(range(1, 9)))
    bench.site.routes["/tzgg/index_1.html"] = column(listing(range(9, 17)))
    serve_articles(bench, "/tzgg/202611/t20261101_", range(1, 17))
    draft, steps = sniff(bench, "/tzgg/")
    kept = ("family", "item", "item_date", "pages", "kind", "title", "enabled", "evidence", "attribution")
    assert {name: draft.values[name] for name in kept} == {
        "family": "trs_static",
        "item": "ul.xxgk > li",
        "item_date": "span",
        "pages": 2,
        "kind": "notice",
        "title": "某市市场监督管理局 通知公告",
        "enabled": False,
        "evidence": "mem",
        "attribution": "某市市场监督管理局",
    }
    assert any("专题" in step or "tuijian" in step for step in steps), "the list that was not taken is told"
    trial = tried(bench, draft)
    assert (trial.well, trial.summary.items, trial.read, trial.why) == (True, 16, 3, ())


def test_a_page_2_that_repeats_page_1_is_not_believed(bench: Bench) -> None:
    same = column(listing(range(1, 9)))
    bench.site.routes |= {"/tzgg/": same, "/tzgg/index_1.html": same, "/tzgg/index_2.html": same}
    draft, steps = sniff(bench, "/tzgg/")
    assert draft.values["family"] == "html_list"
    assert "pages" not in draft.values
    assert sum("与第 1 页相同" in step for step in steps) == 3


def test_new_links_of_another_folder_are_no_page_2(bench: Bench) -> None:
    bench.site.routes["/tzgg/"] = column(listing(range(1, 9)))
    bench.site.routes["/tzgg/index_1.html"] = column(listing(range(30, 39), href="/qita/a{n}.html"))
    draft, steps = sniff(bench, "/tzgg/")
    assert "pages" not in draft.values
    assert any("不在同一目录" in step for step in steps)


def test_index_2_is_page_2_where_index_1_repeats_page_1(bench: Bench) -> None:
    first = column(listing(range(1, 9)))
    bench.site.routes |= {"/tzgg/": first, "/tzgg/index_1.html": first}
    bench.site.routes["/tzgg/index_2.html"] = column(listing(range(9, 17)))
    draft, _ = sniff(bench, "/tzgg/")
    assert draft.values["page_url"] == f"{bench.site.base}/tzgg/index_{{page}}.html"
    assert tried(bench, draft).summary.items == 16


@pytest.mark.parametrize(
    ("pager", "second", "keys"),
    [
        ('<a href="?page=2">2</a><a href="?page=3">3</a><a href="?page=2">下一页</a>', "/list?page=2", "page_url"),
        ('<a href="/list/p2.html">下一页</a>', "/list/p2.html", "page_url"),
        ('<a class="nxt" href="/list?start=20">下一页 ></a>', "/list?start=20", "next"),
        ("", "/list?page=2", "page_url"),
    ],
)
def test_the_pager_tells_how_a_list_goes_on(bench: Bench, pager: str, second: str, keys: str) -> None:
    bench.site.routes["/list"] = column(listing(range(1, 9), more=pager, href="/art/{n}.html"))
    last = column(listing(range(9, 17), href="/art/{n}.html"))
    bench.site.routes[second] = last
    draft, _ = sniff(bench, "/list")
    assert (draft.values["family"], draft.values["pages"]) == ("html_list", 2)
    assert keys in draft.values
    serve_articles(bench, "/art/", range(1, 17))
    assert tried(bench, draft).summary.items == 16


def test_a_script_that_draws_the_pager_names_its_files(bench: Bench) -> None:
    script = "<script>createPageHTML(9, 0, 'list', 'shtml');</script>"
    bench.site.routes["/xw/list.shtml"] = column(listing(range(1, 9), more=script))
    bench.site.routes["/xw/list_1.shtml"] = column(listing(range(9, 17)))
    draft, _ = sniff(bench, "/xw/list.shtml")
    assert (draft.values["family"], draft.values["index"], draft.values["ending"]) == ("trs_static", "list", "shtml")
    serve_articles(bench, "/xw/202611/t20261101_", range(1, 17))
    assert tried(bench, draft).summary.items == 16


@pytest.mark.parametrize("header", ["text/html", "text/html; charset=utf-8", "text/html; charset=gbk"])
def test_a_gbk_column_is_read_whatever_its_header_says(bench: Bench, header: str) -> None:
    body = column(listing(range(1, 9)), head='<meta charset="gb2312">').body
    assert isinstance(body, str)
    bench.site.routes["/tzgg/"] = Reply(body.encode("gb18030"), headers={"Content-Type": header})
    draft, _ = sniff(bench, "/tzgg/")
    assert draft.values["title"] == "某市市场监督管理局 通知公告"
    file, page = write_draft(draft, ["一步"], bench.folder / "out")
    assert page.read_bytes() == body.encode("gb18030")
    assert load_source(file).title == "某市市场监督管理局 通知公告"


def test_a_page_without_a_list_shows_the_one_in_its_frame(bench: Bench) -> None:
    bench.site.routes["/gk/"] = Reply(f"<html><body>{NAV}<iframe src='/gk/inner.html'></iframe></body></html>")
    bench.site.routes["/gk/inner.html"] = column(listing(range(1, 9)))
    draft, steps = sniff(bench, "/gk/")
    assert draft.values["list_url"] == f"{bench.site.base}/gk/inner.html"
    assert any("框架" in step for step in steps)


def test_a_frame_that_shows_frames_is_followed_once_and_a_foreign_one_never(bench: Bench) -> None:
    bench.site.routes["/a/"] = Reply("<html><body><iframe src='/b/'></iframe><p>说明</p></body></html>")
    bench.site.routes["/b/"] = Reply("<html><body><iframe src='/a/'></iframe><p>说明</p></body></html>")
    bench.site.routes["/c/"] = Reply(
        "<html><body><iframe src='http://frames.invalid/'></iframe><p>说明</p></body></html>"
    )
    assert "没有合适的族" in nothing(bench, "/a/")
    assert bench.site.hits()["/a/"] == 1
    assert "没有合适的族" in nothing(bench, "/c/")


# feeds


def feed(numbers: range, *, day: str = "2026-11-20", dated: bool = True, base: str = "/art/") -> Reply:
    date = f"<pubDate>{day} 08:00:00</pubDate>" if dated else ""
    items = "".join(f"<item><title>第{n}条新闻标题</title><link>{base}{n}.html</link>{date}</item>" for n in numbers)
    return Reply(f"<rss version='2.0'><channel><title>某网新闻</title>{items}</channel></rss>", headers=XML)


def test_an_address_that_is_a_feed_is_taken_as_it_is(bench: Bench) -> None:
    bench.site.routes["/f"] = feed(range(1, 6), base=f"{bench.site.base}/art/")
    draft, _ = sniff(bench, "/f")
    assert (draft.values["family"], draft.values["title"], draft.values["follow"]) == ("feed", "某网新闻", True)
    assert bench.site.hits() == {"/f": 1}


def test_a_json_feed_is_a_feed_and_no_json_address(bench: Bench) -> None:
    items = [{"id": str(n), "url": f"/a/{n}", "title": f"第{n}条", "date_published": "2026-11-20"} for n in range(4)]
    value = {"version": "https://jsonfeed.org/version/1.1", "title": "某网", "items": items}
    bench.site.routes["/feed.json"] = Reply(json.dumps(value), headers=JSON)
    assert sniff(bench, "/feed.json")[0].values["family"] == "feed"


def test_a_stale_feed_given_by_hand_is_drafted_with_its_fault_told(bench: Bench) -> None:
    bench.site.routes["/f"] = feed(range(1, 6), day="2026-06-01", base=f"{bench.site.base}/art/")
    draft, steps = sniff(bench, "/f")
    assert "超过 30 天" in draft.values["note"]
    assert any("不合要求" in step for step in steps)


@pytest.mark.parametrize(
    "dead",
    [
        Reply(status=404),
        Reply("<html><body>页面不存在，三秒后返回首页。欢迎访问本站。</body></html>"),
        feed(range(1, 6), day="2018-01-01"),
        feed(range(1, 6), dated=False),
        feed(range(0)),
    ],
    ids=["gone", "a page", "stale", "undated", "empty"],
)
def test_a_dead_feed_that_the_page_names_is_passed_over_for_its_list(bench: Bench, dead: Reply) -> None:
    link = '<link rel="alternate" type="application/rss+xml" href="/old.xml">'
    bench.site.routes |= {"/tzgg/": column(listing(range(1, 9)), head=link), "/old.xml": dead}
    draft, steps = sniff(bench, "/tzgg/")
    assert draft.values["family"] == "html_list"
    assert any("/old.xml" in step for step in steps)


def test_of_two_feeds_the_one_of_this_column_is_taken_and_comments_never(bench: Bench) -> None:
    head = "".join(
        f'<link rel="alternate" type="application/rss+xml" title="{title}" href="{href}">'
        for title, href in (("全站", "/all.xml"), ("评论", "/comments.xml"), ("本栏", "/col.xml"))
    )
    bench.site.routes["/tzgg/"] = column(listing(range(1, 9), href="/art/{n}.html"), head=head)
    bench.site.routes["/all.xml"] = feed(range(50, 60), base=f"{bench.site.base}/other/")
    bench.site.routes["/comments.xml"] = feed(range(1, 9), base=f"{bench.site.base}/art/")
    bench.site.routes["/col.xml"] = feed(range(1, 9), base=f"{bench.site.base}/art/")
    draft, _ = sniff(bench, "/tzgg/")
    assert draft.values["list_url"] == f"{bench.site.base}/col.xml"
    assert bench.site.hits()["/comments.xml"] == 0


def test_a_feed_at_a_usual_address_is_found_and_its_reach_is_told(bench: Bench) -> None:
    bench.site.routes["/"] = column("<p>首页</p>")
    bench.site.routes["/atom.xml"] = feed(range(1, 9), base=f"{bench.site.base}/art/")
    draft, _ = sniff(bench, "/")
    assert draft.values["list_url"] == f"{bench.site.base}/atom.xml"
    assert "全站" in draft.values["note"]


# known systems


def jpaas_script(tag: str, ids: str) -> str:
    return f'<script parseType="bulidstatic" url="/gate/unit" queryData="{ids}" tagId="{tag}"></script>'


def serve_unit(bench: Bench, tag: str, first: range) -> None:
    def unit(asked: Asked) -> Reply:
        said = parse_qs(asked.path.partition("?")[2])
        page = json.loads(said["paramJson"][0])["pageNo"]
        if said["tagId"] != [tag]:
            return Reply(
                json.dumps({"data": {"html": "<ul><li><a href='/x/'>图片新闻轮播位</a></li></ul>"}}), headers=JSON
            )
        numbers = first if page == 1 else range(first.stop, first.stop + 3)
        return Reply(json.dumps({"data": {"html": f"<ul>{rows(numbers, '/art/{n}.html')}</ul>"}}), headers=JSON)

    bench.site.routes["/gate/unit"] = unit


def test_of_several_jpaas_units_the_dated_one_is_taken_with_its_ids(bench: Bench) -> None:
    ids = "{'webId':'w1','pageId':'p1','tplSetId':'t1'}"
    bench.site.routes["/col/"] = column(jpaas_script("轮播", ids) + jpaas_script("ajax分页", ids))
    serve_unit(bench, "ajax分页", range(1, 9))
    serve_articles(bench, "/art/", range(1, 12))
    draft, _ = sniff(bench, "/col/")
    assert draft.values["family"] == "jpaas_unit"
    assert draft.values["unit"] == {"tagId": "ajax分页", "webId": "w1", "pageId": "p1", "tplSetId": "t1"}
    assert tried(bench, draft).summary.items == 11


def test_a_jpaas_id_that_is_not_on_the_page_is_reported_and_not_guessed(bench: Bench) -> None:
    bench.site.routes["/col/"] = column(jpaas_script("内容", "{'webId':'w1','tplSetId':'t1'}"))
    assert "pageId" in nothing(bench, "/col/")
    assert not any("gate" in path for path in bench.site.hits())


def datastore(numbers: range, proxy: str) -> str:
    records = "".join(
        f"<record><![CDATA[{row}</li>]]></record>" for row in rows(numbers, "/art/{n}.html").split("</li>") if row
    )
    link = f'<nextgroup><![CDATA[<a href="{proxy}"></a>]]></nextgroup>'
    return f"<datastore><totalrecord>16</totalrecord>{link}<recordset>{records}</recordset></datastore>"


def test_a_jpage_column_is_read_from_its_datastore(bench: Bench) -> None:
    proxy = "/module/dataproxy.jsp?page=1&amp;columnid=7&amp;unitid=9"
    bench.site.routes["/col/col7/"] = column(f"<script type='text/xml'>{datastore(range(1, 9), proxy)}</script>")
    bench.site.routes["/module/dataproxy.jsp"] = Reply(datastore(range(9, 17), proxy), headers=XML)
    serve_articles(bench, "/art/", range(1, 17))
    draft, _ = sniff(bench, "/col/col7/")
    assert (draft.values["family"], draft.values["item_date"]) == ("hanweb_jpage", "span")
    assert tried(bench, draft).summary.items == 16


def test_a_jpage_column_whose_rows_only_the_proxy_has_is_read_there(bench: Bench) -> None:
    proxy = "/module/dataproxy.jsp?page=1&columnid=7"
    bench.site.routes["/col/col7/"] = column(f"<script>$.get('{proxy}', fill)</script>")
    bench.site.routes["/module/dataproxy.jsp"] = Reply(datastore(range(1, 9), proxy), headers=XML)
    draft, _ = sniff(bench, "/col/col7/")
    assert draft.values["list_url"] == f"{bench.site.base}{proxy}"


def query_answer(asked: Asked) -> Reply:
    form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
    good = (form.get("unitid"), form.get("channelCode[]") or form.get("channelCode")) == ("368486", "tzgg")
    if asked.method != "POST" or not (good or form.get("channelId") == "77"):
        return Reply(json.dumps({"data": {"total": 0, "results": []}}), headers=JSON)
    page = int(form.get("current") or form["pageNo"])
    records = [
        {"source": {"id": f"{page}{n}", "title": f"第{page}{n}号消费警示", "pubDate": "2026-11-20 09:00:00",
                    "content": "<p>近期线缆抽查不合格三批次，请消费者注意辨别，购买时查看认证标志。</p>",
                    "urls": json.dumps({"pc": f"/c/content_{page}{n}.html"})}}
        for n in range(5)
    ]  # fmt: skip
    return Reply(json.dumps({"data": {"total": 10, "results": records}}), headers=JSON)


@pytest.mark.parametrize(
    ("script", "form"),
    [
        (
            "<script>var unitid='368486';$.post('/queryList',{current:1,perPage:20,unitid:unitid,"
            "'webSiteCode[]':'amr','channelCode[]':'tzgg'})</script>",
            {"unitid": "368486", "webSiteCode[]": "amr", "channelCode[]": "tzgg", "perPage": "20"},
        ),
        (
            "<input type=hidden id=unitid value=\"368486\"><input type=hidden id='webSiteCode' value='amr'>"
            "<script>list('queryList?channelCode=djkx&x=1');list('queryList?channelCode=tzgg')</script>",
            {"unitid": "368486", "webSiteCode": "amr", "channelCode": "tzgg"},
        ),
        (
            "<script>var channelId = 77; var codeName = 'tzgg'; fetch('/queryList')</script>",
            {"channelId": "77", "codeName": "tzgg", "pageNo": "{page}"},
        ),
    ],
    ids=["script", "hidden fields, two channels", "newer column"],
)
def test_a_query_list_form_is_read_from_the_page(bench: Bench, script: str, form: dict[str, str]) -> None:
    bench.site.routes |= {"/tzgg/": column(script), "/queryList": query_answer, "/tzgg/queryList": query_answer}
    draft, _ = sniff(bench, "/tzgg/")
    assert draft.values["family"] == "jx_querylist"
    assert form.items() <= draft.values["form"].items()
    trial = tried(bench, draft)
    assert (trial.well, trial.read) == (True, 10)


def test_an_id_of_a_query_list_that_the_page_hides_is_reported_and_nothing_is_asked(bench: Bench) -> None:
    page = column("<script>var webSiteCode='amr';$.post('/queryList',{unitid:getUnit()})</script>")
    bench.site.routes |= {"/tzgg/": page, "/queryList": query_answer}
    seen = nothing(bench, "/tzgg/")
    assert "unitid" in seen
    assert "channelCode" in seen
    assert "webSiteCode=amr" in seen
    assert bench.site.hits()["/queryList"] == 0


# data


def records(numbers: range) -> list[dict[str, object]]:
    return [
        {"docId": f"D{n}", "docTitle": f"第{n}号通报", "link": f"/d/{n}.html",
         "meta": {"publishTime": 1_795_000_000_000 - n * 10**7, "author": "李四"},
         "body": "<p>抽查不合格产品三批次，均已下架，企业已召回。</p>"}
        for n in numbers
    ]  # fmt: skip


def test_a_json_address_is_mapped_and_paged(bench: Bench) -> None:
    def answer(asked: Asked) -> Reply:
        page = int(parse_qs(asked.path.partition("?")[2])["pageNo"][0])
        value = {"code": 0, "data": {"banner": [{"pic": "1.png"}], "list": records(range(page * 10, page * 10 + 10))}}
        return Reply(json.dumps(value), headers=JSON)

    bench.site.routes["/api"] = answer
    draft, _ = sniff(bench, "/api?pageNo=1&size=10")
    assert draft.values["items"] == "data.list"
    assert draft.values["map"] == {
        "id": "docId", "title": "docTitle", "url": "link", "text": "body", "published": "meta.publishTime",
    }  # fmt: skip
    assert draft.values["pager"] == {"by": "page", "start": 1}
    assert "{page}" in draft.values["list_url"]
    trial = tried(bench, draft)
    assert (trial.read, trial.rows[0].document.author) == (20, None)


def test_an_offset_that_the_server_ignores_is_no_pager(bench: Bench) -> None:
    bench.site.routes["/api"] = Reply(json.dumps(records(range(10))), headers=JSON)
    draft, steps = sniff(bench, "/api?start=0&limit=10")
    assert "pager" not in draft.values
    assert any("没有新记录" in step for step in steps)


@pytest.mark.parametrize("wrap", ["cb({})", "{}"], ids=["jsonp", "json in a string"])
def test_wrapped_json_is_json(bench: Bench, wrap: str) -> None:
    value = json.dumps({"rows": records(range(5))})
    text = wrap.replace("{}", value) if wrap != "{}" else json.dumps(value)
    bench.site.routes["/api"] = Reply(text, headers={"Content-Type": "application/javascript"})
    draft, _ = sniff(bench, "/api")
    assert draft.values["family"] == "json_api"
    assert tried(bench, draft).read == 5


def test_records_in_a_string_within_json_are_found(bench: Bench) -> None:
    packed = {"ok": True, "data": json.dumps({"total": 5, "rows": records(range(5))})}
    bench.site.routes["/api"] = Reply(json.dumps(packed), headers=JSON)
    draft, _ = sniff(bench, "/api")
    assert draft.values["items"] == "data.rows"
    assert tried(bench, draft).read == 5


def test_json_without_records_is_told_by_its_names(bench: Bench) -> None:
    bench.site.routes["/api"] = Reply('{"code":0,"msg":"ok","data":{"n":1}}', headers=JSON)
    seen = nothing(bench, "/api")
    assert "code" in seen
    assert "msg" in seen


NEWSNOW = {"status": "success", "id": "weibo", "updatedTime": 1, "items": [
    {"id": str(n), "title": f"热搜话题第{n}条", "url": f"https://h.example.org/{n}"} for n in range(20)]}  # fmt: skip
DAILY = {
    "code": 200,
    "name": "zhihu",
    "title": "知乎",
    "type": "热榜",
    "total": 9,
    "fromCache": False,
    "data": [{"id": n, "title": f"热榜第{n}条问题", "hot": 9, "url": f"https://h.example.org/{n}"} for n in range(9)],
}


@pytest.mark.parametrize(("value", "shape", "platform"), [(NEWSNOW, "newsnow", "weibo"), (DAILY, "dailyhot", "zhihu")])
def test_hot_lists_are_known_by_their_shape(bench: Bench, value: object, shape: str, platform: str) -> None:
    bench.site.routes["/api/s"] = Reply(json.dumps(value), headers=JSON)
    draft, _ = sniff(bench, "/api/s?id=weibo")
    kept = {name: draft.values[name] for name in ("family", "shape", "platform", "kind")}
    assert kept == {"family": "hotlist", "shape": shape, "platform": platform, "kind": "hotlist"}
    trial = tried(bench, draft)
    assert (trial.well, trial.read, trial.limited) == (True, 3, True)


def test_an_xml_index_leads_to_its_reports(bench: Bench) -> None:
    inner = "<reference>R{n}</reference><publicationDate>{n}/11/2026</publicationDate><URL> {u} </URL>"
    entries = [inner.format(n=n, u=f"{bench.site.base}/r/{n}") for n in (20, 13)]
    index = "".join(f"<weeklyReport>{entry}</weeklyReport>" for entry in entries)
    bench.site.routes["/index"] = Reply(f"<list>{index}</list>", headers=XML)
    alert = (
        "<notifications><caseNumber>SR/{n}/26</caseNumber><product>Charger for tools, model {n}</product>"
        "<description>The charger overheats and may burn the user.</description></notifications>"
    )
    for n in (20, 13):
        bench.site.routes[f"/r/{n}"] = Reply(
            f"<report>{alert.format(n=n)}{alert.format(n=n + 1)}</report>", headers=XML
        )
    draft, _ = sniff(bench, "/index")
    assert draft.values["index"] == {"item": "weeklyReport", "url": "URL", "date": "publicationDate"}
    assert (draft.values["items"], draft.values["day_first"]) == ("notifications", True)
    assert tried(bench, draft).read == 4


# what is not done


def test_a_page_made_by_scripts_is_told_as_one(bench: Bench) -> None:
    bench.site.routes["/app/"] = Reply(
        "<html><body><div id=app>加载中</div>" + "<script src='a.js'></script>" * 4 + "</body></html>"
    )
    seen = nothing(bench, "/app/")
    assert "脚本" in seen
    assert "JSON" in seen


def test_a_file_is_no_column_and_nothing_is_probed_for_it(bench: Bench) -> None:
    bench.site.routes["/a.pdf"] = Reply(b"%PDF-1.4 ...", headers={"Content-Type": "application/pdf"})
    assert "文件" in nothing(bench, "/a.pdf")
    assert bench.site.hits() == {"/a.pdf": 1}


def test_a_redirect_is_followed_and_the_draft_names_where_it_led(bench: Bench) -> None:
    bench.site.routes["/old/"] = Reply(status=302, headers={"Location": "/tzgg/"})
    bench.site.routes["/out/"] = Reply(status=302, headers={"Location": "http://10.0.0.1/"})
    bench.site.routes["/tzgg/"] = column(listing(range(1, 9)))
    assert sniff(bench, "/old/")[0].values["list_url"] == f"{bench.site.base}/tzgg/"
    assert "10.0.0.1" in nothing(bench, "/out/")


def test_a_site_that_refuses_us_is_not_asked_again(bench: Bench) -> None:
    bench.site.routes["/tzgg/"] = Reply("no", status=412)
    assert "412" in nothing(bench, "/tzgg/")
    assert bench.site.hits() == {"/tzgg/": 1}


def test_after_a_refused_probe_nothing_more_is_asked_and_the_list_is_kept(bench: Bench) -> None:
    bench.site.routes |= {"/tzgg/": column(listing(range(1, 9))), "/rss.xml": Reply("no", status=412)}
    draft, _ = sniff(bench, "/tzgg/")
    assert draft.values["family"] == "html_list"
    assert bench.site.hits() == {"/tzgg/": 1, "/rss.xml": 1}


def test_robots_txt_is_heeded_by_every_probe(bench: Bench) -> None:
    bench.site.routes["/robots.txt"] = Reply("User-agent: *\nDisallow: /feed\nDisallow: /tzgg/index_1.html\n")
    bench.site.routes["/tzgg/"] = column(listing(range(1, 9)))
    sniff(bench, "/tzgg/")
    assert {"/feed", "/tzgg/index_1.html"}.isdisjoint(bench.site.hits())
    assert bench.site.hits()["/tzgg/index_2.html"] == 1
    bench.site.routes["/robots.txt"] = Reply("User-agent: *\nDisallow: /\n")
    assert "robots.txt" in nothing(bench, "/tzgg/")


def test_a_private_address_is_asked_only_when_it_is_named(bench: Bench) -> None:
    bench.site.routes["/tzgg/"] = column(listing(range(1, 9)))
    assert "private" in nothing(bench, "/tzgg/", allow=())
    assert bench.site.asked == []


def test_a_feed_that_lives_on_a_private_host_is_not_asked(bench: Bench) -> None:
    link = '<link rel="alternate" type="application/rss+xml" href="http://169.254.169.254/rss.xml">'
    bench.site.routes["/tzgg/"] = column(listing(range(1, 9)), head=link)
    draft, steps = sniff(bench, "/tzgg/")
    assert draft.values["family"] == "html_list"
    assert any("169.254.169.254" in step and "private" in step for step in steps)


# drafts


def test_a_draft_never_overwrites_and_says_how_it_was_decided(bench: Bench) -> None:
    bench.site.routes["/tzgg/"] = column(listing(range(1, 9)))
    draft, steps = sniff(bench, "/tzgg/")
    out = bench.folder / "out"
    file, page = write_draft(draft, steps, out)
    text = file.read_text(encoding="utf-8")
    assert yaml.safe_load(text) == draft.values
    assert "ul.xxgk" in text.partition("title:")[0]
    before = (file.read_bytes(), page.read_bytes())
    with pytest.raises(Exception, match="nothing is overwritten"):
        write_draft(draft, steps, out)
    assert (file.read_bytes(), page.read_bytes()) == before


def test_a_hostile_title_stays_a_title(bench: Bench) -> None:
    title = 'x: "}\n# enabled: true &amp; \x1b[31m' + "长" * 300
    bench.site.routes["/tzgg/"] = column(listing(range(1, 9)), title=title)
    draft, _ = sniff(bench, "/tzgg/")
    source = load_source(write_draft(draft, ["step\nenabled: true"], bench.folder / "out")[0])
    assert source.enabled is False
    assert len(source.title) <= 60
    assert "\x1b" not in source.title


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://amr.jiangxi.gov.cn/jxsscjdglj/tzgg/index.html", "amr_jiangxi_jxsscjdglj_tzgg"),
        ("http://127.0.0.1:8000/a", "site_127_0_0_1_a"),
        ("https://例子.中国/栏目/", "new_source"),
        ("https://www.example.com/", "example"),
    ],
)
def test_a_key_is_made_of_host_and_path(url: str, key: str) -> None:
    assert key_of(url) == key


def test_no_clock_but_the_given_one_is_used(bench: Bench) -> None:
    assert trial_bench(bench).clock() == NOW
