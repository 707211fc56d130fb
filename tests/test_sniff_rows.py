"""Finding the list on a page: pages in the shapes that columns have, and what stands around their lists."""

from datetime import UTC, datetime

import pytest

from crawlers.markup import parse_html
from crawlers.sniff.rows import RowGuess, find_rows

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


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES.keys())
def test_each_shape_of_a_list_is_read_whole_with_titles_and_dates(body: str) -> None:
    guess = found(body)
    assert len(guess.urls) == len(TITLES)
    assert all("/tzgg/" in url for url in guess.urls)
    assert list(guess.titles) == TITLES or [title[: len(TITLES[0]) - 2] for title in guess.titles] != TITLES
    assert guess.dated == len(TITLES)
    assert guess.item_date is not None
