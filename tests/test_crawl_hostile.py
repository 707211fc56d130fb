"""Pages made to hold up a crawler: each is read or refused with its reason, and the next source goes on."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from crawlers.extract import extract_page
from crawlers.feed import read_feed
from crawlers.markup import html_to_text, parse_html
from crawlers.run import RunSummary
from crawlers.weight import TooHeavy
from pipelines.clean import clean_text
from tests.crawl_server import Bench, ReactorThread, Reply, Site

LONG = 200_000
ARTICLE = "<h1>缩水线缆流入市场</h1><p>市监局抽查三批次产品，两批次不合格，已责令下架。</p>"
BOMBS = {
    "nested": "<div>" * (LONG // 5),
    "nested and closed": "<div>" * 30_000 + "x" + "</div>" * 30_000,
    "its ends hidden in comments": "<div><!--</div>-->" * 12_000,
    "nested in a drawing": "<svg>" + "<td>" * (LONG // 4),
    "formatting opened again by each block": "<p>" + "".join(f"<b a{n}>" for n in range(2000)) + "</p><p>x" * 20_000,
    "its kinds hidden in quotes": "<p>" + "".join(f'<b a=">{n}">' for n in range(2000)) + "</p><p>x" * 20_000,
    "formatting put before its table": "<table>" + "<b>x" * (LONG // 4),
}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    site = Site()
    site.routes["/good"] = Reply("<ul><li><a href='/a.html'>缩水线缆流入市场</a></li></ul>")
    site.routes["/a.html"] = Reply(ARTICLE)
    yield Bench(site, tmp_path)
    site.close()


def both(bench: Bench, hostile: Any) -> tuple[RunSummary, RunSummary]:
    """A hostile source and a good one, side by side."""
    good = bench.source("html_list", key="good", list_url=f"{bench.site.base}/good", item="li")

    async def work() -> list[RunSummary]:
        return await bench.engine(hostile, good).crawl_all()

    first, second = ReactorThread.get().run(work(), timeout=120)
    return first, second


@pytest.mark.parametrize("filler", ["a", " ", "1", "(", "<", '"', "年", "'a=", "webId=", "webId ", "<record><![CDATA["])
@pytest.mark.parametrize("family", ["jpaas_unit", "hanweb_jpage"])
def test_a_column_page_of_one_repeated_sign_is_read_and_the_next_source_goes_on(
    bench: Bench, family: str, filler: str
) -> None:
    bench.site.routes["/col"] = Reply(filler * (LONG // len(filler)))
    run, good = both(bench, bench.source(family, list_url=f"{bench.site.base}/col", item="li"))
    assert run.status == "changed"
    assert (good.status, good.new) == ("ok", 1)


@pytest.mark.parametrize("name", BOMBS)
def test_a_page_too_deep_or_too_dear_to_parse_is_refused_and_said_so(bench: Bench, name: str) -> None:
    bench.site.routes["/list"] = Reply("<li><a href='/bomb.html'>a</a></li><li><a href='/a.html'>b</a></li>")
    bench.site.routes["/bomb.html"] = Reply(f"<html><body>{ARTICLE}{BOMBS[name]}")
    run, good = both(bench, bench.source("html_list", list_url=f"{bench.site.base}/list", item="li"))
    assert (run.new, run.failed) == (1, 1)
    assert "cannot be parsed safely" in run.problems[0]
    assert (good.status, good.new) == ("ok", 1)


def test_a_list_too_deep_to_parse_is_a_changed_source(bench: Bench) -> None:
    bench.site.routes["/list"] = Reply("<ul><li>" * 30_000)
    run, good = both(bench, bench.source("html_list", list_url=f"{bench.site.base}/list", item="li"))
    assert run.status == "changed"
    assert "cannot be parsed safely" in run.problems[0]
    assert good.status == "ok"


def test_an_entry_of_a_feed_that_is_too_deep_keeps_its_words() -> None:
    body = "&lt;div&gt;" * 30_000 + "两批次不合格"
    feed = (
        f"<rss version='2.0'><channel><item><title>抽查</title><description>{body}</description></item></channel></rss>"
    )
    (entry,) = read_feed(feed.encode()).entries
    assert (entry.title, entry.summary) == ("抽查", "两批次不合格")


def test_large_pages_of_an_honest_kind_are_read_whole() -> None:
    rows = "".join(
        f"<tr><td><span>企业{n}</span></td><td><font color='red'>不合格</font></td></tr>" for n in range(9000)
    )
    found = extract_page(
        f"<html><h1>抽查结果公布</h1><p>市监局抽查产品，两批次不合格。</p><table>{rows}</table></html>"
    )
    assert found.refused == ""
    assert found.title == "抽查结果公布"
    assert parse_html("<p>" + "<a href='/x'>某某市监局</a> " * 50_000).css_first("p") is not None


def test_unclosed_formatting_of_few_kinds_is_no_bomb() -> None:
    text = html_to_text("".join(f"<p><font size=2><b>第{n}批，不合格</p>" for n in range(3000)))
    assert text.splitlines()[-1] == "第2999批，不合格"


@pytest.mark.parametrize("before", ["<div ", '<!-- <a b=" --><div c=">" '])
def test_a_tag_with_attributes_by_the_ten_thousand_is_refused(before: str) -> None:
    with pytest.raises(TooHeavy):
        parse_html(before + " ".join(f"a{n}" for n in range(100_000)) + ">")


@pytest.mark.parametrize("filler", ["<a", "<a ", "<a x", '<a b="', "<a b='", "<a/", "<a x= ", "<a <b "])
def test_starts_of_tags_without_end_are_looked_through_once(filler: str) -> None:
    assert len(html_to_text(filler * (2_000_000 // len(filler)))) < 3_000_000


@pytest.mark.parametrize("filler", ["\n", " \n", "\n\u3000", "\t\n", "甲\n\n"])
def test_blank_lines_without_end_are_tidied(filler: str) -> None:
    assert set(clean_text(f"甲\n{filler * (LONG // len(filler))}乙").split("\n")) == {"甲", "乙"}


def test_comments_without_end_before_a_page_do_not_stop_the_feed_reader() -> None:
    result = read_feed(b"<!---->" * 30_000 + b"<p>x")
    assert (result.ok, result.problems[0]) == (False, "this is no feed")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_blank_lines_without_end_before_a_feed_do_not_stop_its_reader(encoding: str) -> None:
    feed = "<rss version='2.0'><channel><title>甲</title><item><title>抽查</title></item></channel></rss>"
    result = read_feed((f"<?xml version='1.0' encoding='{encoding}'?>" + "\n" * LONG + feed).encode(encoding))
    assert [entry.title for entry in result.entries] == ["抽查"]


def test_a_title_without_end_is_cut(bench: Bench) -> None:
    flood = "&amp;a;" * (LONG // 7)
    item = f"<item><title>{flood}</title><link>/x</link><author>{flood}</author><description>甲</description></item>"
    bench.site.routes["/rss"] = Reply(f"<rss version='2.0'><channel>{item}</channel></rss>")
    assert bench.crawl(bench.source("feed", list_url=f"{bench.site.base}/rss")).new == 1
    (document,) = bench.intake.documents.values()
    assert (len(document.title), document.title[-1]) == (300, "…")
    assert len(document.author or "") <= 200


@contextmanager
def raw_server(head: bytes, again: bytes) -> Iterator[str]:
    """A server that allows all by robots.txt and then says `head`, and `again` until it is hung up on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def talk(line: socket.socket) -> None:
            with line, suppress(OSError):
                if b"/robots.txt" in line.recv(65536):
                    line.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                    line.recv(65536)
                line.sendall(head)
                while again and not over.is_set():
                    line.sendall(again)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=talk, args=(server.accept()[0],), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/list"
        over.set()
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("again", "said"),
    [
        (b"X-Flood: " + b"a" * 8000 + b"\r\n", "bytes of headers"),
        (b" continued\r\n" * 1000, "bytes of headers"),
        (b"\r\n" + b"a" * 65536, "max_size"),
    ],
)
def test_an_answer_without_end_is_hung_up_on(bench: Bench, again: bytes, said: str) -> None:
    with raw_server(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX: a\r\n", again) as address:
        source = bench.source("html_list", list_url=address, item="li", timeout="60s", max_size="1MB")
        run, good = both(bench, source)
    assert (run.status, good.status) == ("failed", "ok")
    assert said in run.problems[0]
