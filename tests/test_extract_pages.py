"""Pages without telling class names: where title, strip and text stand tells what they are."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from benchmarks.extraction import f1
from config.source_parts import Detail
from core.clock import beijing
from crawlers.extract import Extracted, extract_page

NOW = datetime(2024, 6, 10, 4, tzinfo=UTC)
PAGES = Path(__file__).parent / "extraction"
"""Written for this project in the shapes of many sites, firms and outlets invented; read before the rules were made."""
SENTENCE = "执法人员在检查中发现，该店销售的电热水袋没有标明生产厂名，插头处存在触电隐患，已责令停止销售。"
MENU = "<div class=m><a href=/1>首页</a> <a href=/2>新闻中心</a> <a href=/3>政务公开</a> <a href=/4>办事服务</a></div>"
FOOT = (
    "<div class=b>主办单位：安澜县人民政府办公室　ICP备05000001号<br>"
    "地址：迎宾大道一号，邮编：330000，电话：0790-0000000。</div>"
)


def read(
    body: str, title: str = "安澜县市场监督管理局", url: str = "http://a.example/x.html", head: str = ""
) -> Extracted:
    return extract_page(
        f"<html><head><title>{title}</title>{head}</head><body>{MENU}{body}{FOOT}</body></html>", url, now=NOW
    )


def day(found: Extracted) -> str:
    return f"{beijing(found.published):%Y-%m-%d %H:%M}" if found.published else ""


def test_pages_of_many_shapes_keep_their_measured_quality() -> None:
    """Floors below what `python -m benchmarks.extraction --pages tests/extraction` printed on 2026-11-26."""
    rows = [json.loads(line) for line in (PAGES / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
    wrong: Counter[str] = Counter()
    bodies = []
    for row in rows:
        moment = datetime.fromisoformat(row["read_at"])
        found = extract_page((PAGES / "pages" / row["file"]).read_bytes(), row["url"], now=moment)
        published = f"{beijing(found.published):%Y-%m-%d %H:%M:%S}" if found.published else ""
        wrong["title"] += "".join(found.title.split()) != "".join(row["title"].split())
        wrong["date"] += not published.startswith(row["pub_time"])
        wrong["source"] += bool(row["source"]) and found.source_name != row["source"]
        wrong["author"] += bool(row["author"]) and found.author != row["author"]
        wrong["bare"] += row["body"] == "" and found.text != ""
        bodies += [f1(row["body"], found.text)] if row["body"] else []
    assert wrong["title"] <= 1
    assert wrong["date"] <= 1
    assert wrong["source"] <= 2
    assert wrong["author"] <= 1
    assert wrong["bare"] == 0
    assert sum(bodies) / len(bodies) >= 0.98


@pytest.mark.parametrize("selectors", [None, Detail(body="div.show_txt")])
@pytest.mark.parametrize(
    ("matter", "kind", "images", "files"),
    [
        ("<p><img src=a.jpg></p><p><img src='b.jpg' width=700></p>", "image", ("a.jpg", "b.jpg"), ()),
        ("<p>附件：</p><p><a href=list.xlsx>不合格产品名单.xlsx</a></p>", "attachment", (), ("list.xlsx",)),
    ],
)
def test_pictures_and_files_alone_are_no_text(
    selectors: Detail | None, matter: str, kind: str, images: tuple[str, ...], files: tuple[str, ...]
) -> None:
    head = f"{MENU}<h1>跃步玩具有限公司召回部分滑板车</h1><div class=t2>发布时间：2024-02-20</div>"
    page = f"{head}<div class=show_txt>{matter}</div>{FOOT}"
    found = extract_page(f"<html><body>{page}</body></html>", "http://a.example/n/x.html", selectors, now=NOW)
    assert (found.text, found.body_kind) == ("", kind)
    assert found.images == tuple(f"http://a.example/n/{name}" for name in images)
    assert found.attachments == tuple(f"http://a.example/n/{name}" for name in files)
    assert (found.title, day(found)) == ("跃步玩具有限公司召回部分滑板车", "2024-02-20 00:00")


@pytest.mark.parametrize(
    ("title", "headline"),
    [
        ("新闻内容", "<table><tr><td class=s3><b>我局查获一批不合格电热水袋</b></td></tr></table>"),
        ("安澜县市场监督管理局", "<center><font size=5>我局查获一批不合格电热水袋</font></center>"),
        ("电热水袋没有厂名？真相来了", "<h1>我局查获一批不合格电热水袋</h1>"),
        ("通知公告-我局查获一批不合格电热水袋-某某网", "<div>我局查获一批不合格电热水袋</div>"),
        ("安澜日报数字报 2023年03月15日", "<p class=yt>涉事门店已停业</p><h3>我局查获一批不合格电热水袋</h3>"),
        (
            "信息公开_安澜县市场监督管理局",
            "<p>安澜县市场监督管理局</p><div class=xtit>我局查获一批不合格电热水袋</div>",
        ),
        ("我局查获一批不合格电热水袋-留言板", "<h1>我局查获一批不合格电热水袋<em class=t>投诉/求助</em></h1>"),
        ("_", "<table><tr><td>信件标题</td><td>我局查获一批不合格电热水袋</td></tr></table>"),
    ],
)
def test_the_headline_is_the_line_that_stands_like_one(title: str, headline: str) -> None:
    found = read(f"{headline}<div>时间：2023-05-18 来源：城关所</div><p>{SENTENCE}</p><p>{SENTENCE}</p>", title)
    assert found.title == "我局查获一批不合格电热水袋"


def test_a_short_heading_above_the_headline_is_the_columns() -> None:
    heads = "<div>安澜日报 2024年03月15日</div><h3>维权在线</h3><h3>充电宝鼓包，先别急着扔</h3><p>本报通讯员 孙小圣</p>"
    assert read(f"{heads}<p>{SENTENCE}</p>", "安澜日报数字报-消费提示").title == "充电宝鼓包，先别急着扔"


def test_a_dash_within_a_headline_does_not_cut_it() -> None:
    found = read(f"<h1>电动车—锂电池安全调查报告</h1><p>{SENTENCE}</p>", "电动车—锂电池安全调查报告-安澜网")
    assert found.title == "电动车—锂电池安全调查报告"


@pytest.mark.parametrize(
    ("strip", "expected"),
    [
        ("<div>更新时间：2023-12-25 10:10 发布时间：2023-12-20 09:00</div>", "2023-12-20 09:00"),
        ("<div>2023/3/15 8:30:12 安澜晚报</div>", "2023-03-15 08:30"),
        ("<div>05-18 14:22</div>", "2024-05-18 14:22"),
        ("<div>安澜网 2023年5月18日 星期四 15:05</div>", "2023-05-18 15:05"),
        ("<p>强制性国家标准今起实施</p><div>2023-05-30 09:21 安澜网</div>", "2023-05-30 09:21"),
        ("<div>发表于 <span title='2023-5-30 09:21:04'>前天&nbsp;09:21</span></div>", "2023-05-30 09:21"),
        ("<dl><dt>Published</dt><dd>12 February 2024</dd></dl>", "2024-02-12 00:00"),
        ("<div><span>07</span><span>2023-09</span></div>", "2023-09-07 00:00"),
        ("", ""),
    ],
)
def test_the_date_is_read_beside_the_title(strip: str, expected: str) -> None:
    clock = "<div id=time>今天是：2024年1月3日 星期三</div>"
    story = f"<p>2022年11月3日，{SENTENCE}</p><p>处理时间：2022-12-01，{SENTENCE}</p>"
    assert day(read(f"{clock}<h2>电热水袋停止销售的情况</h2>{strip}{story}")) == expected


@pytest.mark.parametrize(
    ("page", "url", "expected"),
    [
        ("<div>发布日期：2022-08-02</div><h1>停止销售的通知</h1><p>{}</p>", "", "2022-08-02 00:00"),
        ("<h1>停止销售的通知</h1><p>{}</p><div>发布日期：2019-03-06</div>", "", "2019-03-06 00:00"),
        ("<h1>停止销售的通知</h1><p>{}</p><script>var ct = '1685414400';</script>", "", "2023-05-30 10:40"),
        ("<h1>停止销售的通知</h1><p>{}</p>", "http://a.example/2023-02/14/c_1.htm", "2023-02-14 00:00"),
        ("<h1>停止销售的通知</h1><p>{}</p><p align=right>2021年5月17日</p>", "", "2021-05-17 00:00"),
        (
            "<div>安澜日报 2022年11月08日 第5版</div><div>二版</div><h1>停止销售的通知</h1><p>{}</p>",
            "",
            "2022-11-08 00:00",
        ),
    ],
)
def test_without_a_strip_the_date_is_read_elsewhere(page: str, url: str, expected: str) -> None:
    assert day(read(page.format(SENTENCE), "停止销售的通知", url)) == expected


@pytest.mark.parametrize(
    ("strip", "source", "author"),
    [
        (
            "<span>2023-05-18</span><span>来源：城关所</span><span>作者：陈立新</span><span>字号：大</span>",
            "城关所",
            "陈立新",
        ),
        ("<td>日期：[2009-3-12] 来 源：[城关所] 作 者：[陈立新] 阅读：[4]次</td>", "城关所", "陈立新"),
        ("<small>时间:</small>2012-05-08<small>来源:</small>安澜商报 <small>作者:</small>admin", "安澜商报", None),
        ("2021-09-27 17:38:20　安澜新闻网　记者 郑好　字号 T|T", "安澜新闻网", "郑好"),
        ("作者：　来源：安澜日报　责任编辑：王五　2023-05-18", "安澜日报", None),
        ("2023-05-18 09:00 编辑：林可 浏览次数：20", None, "林可"),
    ],
)
def test_source_and_author_stand_in_the_strip(strip: str, source: str | None, author: str | None) -> None:
    found = read(f"<h1>我局查获一批不合格电热水袋</h1><div>{strip}</div><p>{SENTENCE}</p><p>{SENTENCE}</p>")
    assert (found.source_name, found.author) == (source, author)
    assert found.text == f"{SENTENCE}\n{SENTENCE}"


def test_the_author_of_linked_data_is_read() -> None:
    linked = {"@graph": [{"@type": "NewsArticle", "headline": "停止销售", "author": [{"name": "许念"}]}]}
    head = f'<script type="application/ld+json">{json.dumps(linked)}</script>'
    assert read(f"<h1>停止销售</h1><p>{SENTENCE}</p>", "停止销售", head=head).author == "许念"


def test_replies_are_no_part_of_the_post() -> None:
    posts = "".join(
        f"<div id=post_{at}><a href=/u>网友{at}</a><em>发表于 2022-6-{9 + at} 22:41</em><div>{text}</div></div>"
        for at, text in enumerate([SENTENCE, "楼主赶紧去投诉，保留好发票和照片，这种事情不能私了。" * 3])
    )
    found = read(f"<h1>电热水袋没有厂名怎么投诉</h1>{posts}", "电热水袋没有厂名怎么投诉 - 车友 - 某某论坛")
    assert (found.text, day(found)) == (SENTENCE, "2022-06-09 22:41")


def test_comments_without_a_name_do_not_win_over_a_short_text() -> None:
    comments = "".join(
        f"<div><div>用户{at}</div><div>看完心惊，楼道里停了好几辆，希望多来检查。</div><div>{at + 1}小时前</div></div>"
        for at in range(9)
    )
    found = read(f"<h1>电热水袋停售</h1><div><p>{SENTENCE}</p></div><div>{comments}</div>", "电热水袋停售_某某网")
    assert found.text == SENTENCE


def test_a_longer_column_above_the_title_does_not_win() -> None:
    column = "".join(
        f"<div><h4><a href=/{at}>另一条新闻{at}</a></h4><p>{SENTENCE}另一家店。</p></div>" for at in range(9)
    )
    found = read(f"<div>{column}</div><div><h1>电热水袋停售</h1><p>{SENTENCE}</p></div>", "电热水袋停售_某某网")
    assert (found.title, found.text) == ("电热水袋停售", SENTENCE)


@pytest.mark.parametrize(
    "script",
    [
        '<script id="__NEXT_DATA__" type="application/json">{"props":{"detail":%JSON%}}</script>',
        '<script>window.__INITIAL_STATE__={"a":undefined,"article":%JSON%};(function(){})()</script>',
        '<script id="RENDER_DATA" type="application/json">%QUOTED%</script>',
        "<script>window.__DATA__ = JSON.parse(%STRING%);</script>",
    ],
)
def test_an_article_in_the_pages_data_is_read(script: str) -> None:
    facts = {"title": "电热水袋停售", "pubTime": "2024-03-02 18:36", "source": "安澜新闻", "author": "记者 田野"}
    data = json.dumps({**facts, "content": f"<p>{SENTENCE}</p><p>{SENTENCE}</p>"}, ensure_ascii=False)
    filled = (
        script.replace("%QUOTED%", quote(f'{{"detail":{data}}}'))
        .replace("%STRING%", json.dumps(data))
        .replace("%JSON%", data)
    )
    found = read(f"<div id=app></div>{filled}", "详情")
    assert (found.title, day(found)) == ("电热水袋停售", "2024-03-02 18:36")
    assert (found.source_name, found.author) == ("安澜新闻", "田野")
    assert found.text == f"{SENTENCE}\n{SENTENCE}"


@pytest.mark.parametrize(
    "script",
    [
        'window.__NUXT__=(function(a,b){return {layout:"default",data:[{list:[],detail:{id:88,"title":"电热水袋停售",'
        'sourceName:a,pubTime:"2024-03-02 18:36",hot:!0,content:"%MARKUP%",next:void 0}}]}}("安澜新闻",null))',
        "var page = {\"id\": 3}; var detail = {title: '电热水袋停售', pubTime: '2024-03-02 18:36', body: '%MARKUP%',}",
    ],
)
def test_an_article_in_a_literal_that_is_no_json_is_read(script: str) -> None:
    markup = f"<p>{SENTENCE}</p><p>他说：{SENTENCE}</p>".replace("/", "\\/")
    found = read(f"<div id=app></div><script>{script.replace('%MARKUP%', markup)}</script>", "详情")
    assert (found.title, day(found)) == ("电热水袋停售", "2024-03-02 18:36")
    assert found.text == f"{SENTENCE}\n他说：{SENTENCE}"


def test_a_page_that_is_only_a_table_of_facts_has_that_table() -> None:
    facts = "<tr><td>产品名称</td><td>电热水袋</td></tr><tr><td>涉及数量</td><td>4600</td></tr>"
    menu = "<table><tr><td><a href=/1>上一条新闻</a></td><td><a href=/2>下一条新闻</a></td></tr>" * 2 + "</table>"
    found = read(f"<h1>召回部分电热水袋</h1><div>发布时间：2023-05-18</div><table>{facts}</table>{menu}")
    assert (found.text, found.body_kind) == ("", "table")
    assert found.tables == ((("产品名称", "电热水袋"), ("涉及数量", "4600")),)


@pytest.mark.parametrize("end", ["", "<p>以上结果仅对样品负责。</p>"])
def test_a_table_of_facts_within_the_pages_layout_is_a_table(end: str) -> None:
    facts = (
        "<table><tr><td rowspan=2>样品名称</td><td colspan=2>企业</td></tr><tr><td>生产企业</td><td>销售单位</td></tr>"
        "<tr><td>毛绒玩具</td><td>甲厂</td><td>乙店</td></tr></table>"
    )
    page = f"<tr><td><b>监督抽查情况的通报</b></td></tr><tr><td>发布时间：2023-05-18</td></tr><tr><td><p>{SENTENCE}</p>"
    found = read(f"<table>{page}{facts}{end}</td></tr></table>", "监督抽查情况的通报")
    assert found.tables == (
        (("样品名称", "企业", "企业"), ("样品名称", "生产企业", "销售单位"), ("毛绒玩具", "甲厂", "乙店")),
    )
    assert found.text.startswith(SENTENCE)
    assert "甲厂" not in found.text


@pytest.mark.parametrize(
    "script",
    [
        "<script>a = " + "[" * 100_000,
        "<script>" + "x = {" * 50_000,
        "<script>x = '" + "\\" * 200_000,
        "<script>%" + "%7B" * 99_999,
        "<script>" + "{a:'" * 50_000,
        "<script>return {" + ",    b" * 50_000,
    ],
)
def test_hostile_scripts_are_survived(script: str) -> None:
    assert read(f"<div id=app></div>{script}</script>").text == ""
