"""Finding the list on a page: pages in the shapes that columns have, and what stands around their lists."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.clock import BEIJING
from crawlers.markup import parse_html
from crawlers.sniff.lists import list_keys
from crawlers.sniff.rows import RowGuess, find_rows
from tests.crawl_server import Bench, Reply, Site

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
URL = "https://scjg.example.gov.cn/tzgg/index.html"
TITLES = [
    "关于三批次电动自行车充电器不合格情况的通告",
    "某某公司召回部分燃气热水器",
    "家用压力锅产品质量监督抽查结果公布",
    "关于开展儿童玩具专项整治的通知",
    "电线电缆产品抽查不合格企业名单",
    "消费警示：谨慎选购无证取暖器",
]
NAV = "".join(f'<li><a href="/lm{n}/">栏目导航第{n}项</a></li>' for n in range(40))
FURNITURE = f'<div class="nav"><ul>{NAV}</ul></div>'
FOOTER = '<div class="footer"><ul><li><a href="https://www.example.org/">友情链接甲站</a></li></ul></div>'


def page(body: str, *, around: bool = True) -> str:
    return f"<html><body>{FURNITURE if around else ''}{body}{FOOTER if around else ''}</body></html>"


def found(body: str, url: str = URL) -> RowGuess:
    guesses = find_rows(parse_html(page(body)), url, now=NOW)
    assert guesses, "no list found"
    return guesses[0]


def rows(row: str) -> str:
    """`row` for each title; {n} its number, {t} the title, {d} the day."""
    return "".join(
        row.replace("{n}", str(n)).replace("{t}", title).replace("{d}", f"{28 - n:02}")
        for n, title in enumerate(TITLES, 8)
    )


DATED = '<li><a href="./202611/t202611{d}_{n}.html">{t}</a><span>2026-11-{d}</span></li>'
SHAPES = {
    "li and span": f'<ul class="list">{rows(DATED)}</ul>',
    "date in brackets, bare in the row": "<ul class='list'>"
    + rows('<li><a href="/tzgg/a{n}.html">{t}</a> [2026-11-{d}]</li>')
    + "</ul>",
    "date before, in words": "<div id='news'>"
    + rows("<p><em>2026年11月{d}日</em><a href='/tzgg/a{n}.html'>{t}</a></p>")
    + "</div>",
    "date inside the link": "<ul class='list'>"
    + rows("<li><a href='/tzgg/a{n}.html'>{t}<i>2026-11-{d}</i></a></li>")
    + "</ul>",
    "the link is the row": "<div class='box'>"
    + rows("<a href='/tzgg/a{n}.html'><span class='bt'>{t}</span><span class='sj'>2026-11-{d}</span></a>")
    + "</div>",
    "a table": "<table class='tb'><tr><th>标题</th><th>日期</th></tr>"
    + rows("<tr><td>{n}</td><td><a href='/tzgg/a{n}.html'>{t}</a></td><td>2026/11/{d}</td></tr>")
    + "</table>",
    "a list a row": "<div class='con'>"
    + rows("<ul><li class='bt'><a href='/tzgg/a{n}.html'>{t}</a></li><li class='sj'>2026-11-{d}</li></ul>")
    + "</div>",
    "a category before the title": "<ul class='list'>"
    + rows("<li><a href='/fl/spcj/'>监督抽查类</a><a href='/tzgg/a{n}.html' title='{t}'>{t}</a><b>11-{d}</b></li>")
    + "</ul>",
    "a picture before the title": "<ul class='list'>"
    + rows(
        "<li><a href='/tzgg/a{n}.html'><img src='x'></a><h3><a href='/tzgg/a{n}.html'>{t}</a></h3><i>11-{d}</i></li>"
    )
    + "</ul>",
    "a mark before the date": "<ul class='list'>"
    + rows("<li><span>【公告】</span><a href='/tzgg/a{n}.html'>{t}</a><span>发布时间：2026-11-{d}</span></li>")
    + "</ul>",
    "odd and even rows": "<ul class='list'>" + rows(DATED).replace("<li>", '<li class="odd">', 3) + "</ul>",
}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    site = Site()
    for n in range(8, 8 + len(TITLES)):
        site.routes[f"/tzgg/a{n}.html"] = Reply("<html><body><p>正文一段。</p></body></html>")
        site.routes[f"/tzgg/202611/t202611{28 - n}_{n}.html"] = Reply("<html><body><p>正文一段。</p></body></html>")
    yield Bench(site, tmp_path)
    site.close()


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES.keys())
def test_the_crawler_reads_titles_and_dates_of_each_shape_by_what_was_found(bench: Bench, body: str) -> None:
    bench.site.routes["/tzgg/"] = Reply(page(body))
    url = f"{bench.site.base}/tzgg/"
    guess = find_rows(parse_html(page(body)), url, now=NOW)[0]
    keys = {**list_keys(guess, url, now=NOW)}
    bench.crawl(bench.source(keys.pop("family"), **{name: value for name, value in keys.items() if name != "expect"}))
    read = {raw.title: raw.published for raw in bench.intake.documents.values()}
    assert read == {title: datetime(2026, 11, 28 - n, tzinfo=BEIJING) for n, title in enumerate(TITLES, 8)}


PAGER = '<div class="page"><a href="index_1.html">下一页</a></div>'
MAIN = f'<div class="main"><ul class="list">{rows(DATED)}</ul>{PAGER}</div>'


def side(count: int, *, name: str = "box2", path: str = "/zx/", dated: bool = True) -> str:
    date = "<span>11-0{n}</span>" if dated else ""
    row = f'<li><a href="{path}s{{i}}.html">侧栏的热点新闻标题第{{i}}条内容</a>{date}</li>'
    return f'<div class="{name}"><ul>{"".join(row.format(i=i, n=i % 9 + 1) for i in range(count))}</ul></div>'


def links(name: str, *texts: str) -> str:
    items = "".join(f'<li><a href="/tzgg/{n}/">{text}</a></li>' for n, text in enumerate(texts))
    return f'<ul class="{name}">{items}</ul>'


@pytest.mark.parametrize(
    "body",
    [
        MAIN + side(20),
        side(20) + MAIN,
        side(20, name="sidebar", path="/tzgg/202610/") + MAIN,
        MAIN + side(30, dated=False),
        f'<ul class="list">{rows(DATED)}</ul>' + side(20),
        MAIN + side(5, path="/tzgg/202610/"),
        links("years", *(f"{year}年通知公告汇总" for year in range(2010, 2026))) + MAIN,
        links("months", *(f"归档目录 2026年{month}月1日" for month in range(1, 11))) + MAIN,
    ],
    ids=["sidebar behind", "before", "called so", "undated", "no pager", "short", "years", "archive of days"],
)
def test_what_stands_around_the_list_is_not_taken_for_it(body: str) -> None:
    assert found(body).item == "ul.list > li"


def test_a_pinned_row_without_a_date_stays_and_the_link_to_more_goes() -> None:
    pinned = '<li class="top"><a href="./202611/t20261101_1.html">置顶：重要的公告在此处</a></li>'
    more = '<li class="more"><a href="/tzgg/more/">更多公告请看这里</a></li>'
    guess = found(f'<ul class="list">{pinned}{rows(DATED)}{more}</ul>')
    assert len(guess.urls) == len(TITLES) + 1
    assert guess.accept is not None
    assert re.search(guess.accept, "https://scjg.example.gov.cn/tzgg/202611/t20261101_1.html")
    assert not re.search(guess.accept, "https://scjg.example.gov.cn/tzgg/more/")


@pytest.mark.parametrize(
    "row",
    [
        "<li><div><b>{d}</b><em>2026-11</em></div><a href='/tzgg/a{n}.html'>{t}</a><p>一段摘要</p></li>",
        "<li><a href='/tzgg/a{n}.html'>{t} 2026-11-{d}</a></li>",
    ],
    ids=["day and month apart", "bare in the link"],
)
def test_a_date_that_no_selector_reads_still_tells_a_list_from_a_menu(row: str) -> None:
    guess = found(f'<ul class="list">{rows(row)}</ul>' + side(30, dated=False))
    assert (guess.item, guess.item_date, guess.split_date) == ("ul.list > li", None, True)


def test_rows_that_lead_to_other_hosts_are_followed_there() -> None:
    guess = found(
        "<ul class='list'>" + rows('<li><a href="https://mp.example.com/s/{n}">{t}</a><i>11-{d}</i></li>') + "</ul>"
    )
    assert guess.same_host is False


@pytest.mark.parametrize(
    "body", ["", "<p>欢迎</p>", "<ul><li><a href='javascript:go(1)'>关于三批次产品的通告</a></li></ul>"]
)
def test_a_page_of_menus_has_no_list(body: str) -> None:
    assert find_rows(parse_html(page(body)), URL, now=NOW) == []


def test_ids_and_classes_that_a_machine_made_are_no_selectors() -> None:
    guess = found(f'<div class="wrap"><div id="comp_20261123"><ul class="a1b2c3d4e5">{rows(DATED)}</ul></div></div>')
    assert guess.item == "div.wrap > div > ul > li"


@pytest.mark.parametrize(
    "hostile",
    [
        "<div>" * 5000 + "<a href='/a1.html'>关于三批次产品的通告</a>" * 2000,
        "<div class=a><a href='/a1.html'>关于三批次产品的通告</a><span>2026-11-02</span>" * 4000,
        "<ul>" + ("<li><a href='/a1.html'>关于三批次产品的通告</a>" + "<p>2026-11-02 说明</p>" * 4000 + "</li>") * 10,
    ],
    ids=["deep", "rows in rows", "huge rows"],
)
def test_a_hostile_page_is_only_walked_in_part(hostile: str) -> None:
    assert len(find_rows(parse_html(hostile), URL, now=NOW)) <= 1
