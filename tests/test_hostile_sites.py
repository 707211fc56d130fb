"""Servers and pages that mean harm: addresses inside, bombs, endless answers, markup that acts."""

import gzip
import re
import socketserver
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import brotli  # type: ignore[import-untyped]
import pytest
from backports import zstd
from openpyxl import Workbook
from selectolax.lexbor import LexborHTMLParser

from config.sources import SourceConfig
from core.records import Alert, AlertState
from crawlers.attached.read import read_file
from crawlers.guard import AddressGuard
from pipelines.clean import cleaned
from pipelines.intake import _kept
from store.alert_log import save_alert
from store.database import Store
from tests.crawl_server import NOW, Bench, Reply, Site
from tests.digests import digest_of
from web.views.documents import clean_page

LIST = """<html><body><ul class="news"><li><a href="/a/1.html">青山湖区抽查电动自行车电池</a></li>
<li><a href="/a/2.html">缩水线缆流入市场</a></li></ul></body></html>"""
PAGE = "<html><body><h1>{}</h1><div class='text'><p>抽查三批次产品，两批次不合格，已责令下架。</p></div></body></html>"
MEGABYTE = 1024**2


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    site = Site()
    site.routes |= {"/list": Reply(LIST), "/a/1.html": Reply(PAGE.format("甲")), "/a/2.html": Reply(PAGE.format("乙"))}
    yield Bench(site, tmp_path)
    site.close()


def listing(bench: Bench, **values: Any) -> SourceConfig:
    keys = {"list_url": f"{bench.site.base}/list", "item": "ul.news li", "detail": {"body": "div.text"}}
    return bench.source("html_list", **{**keys, **values})


# --- addresses inside ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0.0.0.0", "localhost", "[::1]", "[::]",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[fe80::1]", "[fec0::1]", "[fc00::1]", "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "198.18.0.1",
        "224.0.0.1", "255.255.255.255",
    ],
)  # fmt: skip
def test_no_spelling_of_an_address_inside_is_asked(bench: Bench, host: str) -> None:
    port = bench.site.base.rpartition(":")[2]
    run = bench.crawl(listing(bench, list_url=f"http://{host}:{port}/list", allow_private=[], timeout="1s"))
    assert (run.status, bench.site.asked) == ("failed", [])
    assert "private address" in run.problems[0] or "cannot be resolved" in run.problems[0]


def test_the_fourth_redirect_of_a_chain_is_looked_at_as_the_first(bench: Bench) -> None:
    bench.site.routes |= {f"/r/{n}": Reply(status=302, headers={"Location": f"/r/{n + 1}"}) for n in range(3)}
    bench.site.routes["/r/3"] = Reply(status=302, headers={"Location": "http://[::ffff:10.0.0.1]/x"})
    bench.site.routes["/a/1.html"] = Reply(status=302, headers={"Location": "/r/0"})
    run = bench.crawl(listing(bench))
    assert (run.new, run.failed, bench.site.hits()["/r/3"]) == (1, 1, 1)
    assert "private address" in " ".join(run.problems)


def test_a_redirect_loop_ends(bench: Bench) -> None:
    bench.site.routes["/a/1.html"] = Reply(status=302, headers={"Location": "/a/1.html?x"})
    run = bench.crawl(listing(bench))
    assert (run.new, run.failed) == (1, 1)
    assert sum(count for path, count in bench.site.hits().items() if path.startswith("/a/1.html")) <= 7


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://[::1]/", "data:text/html,x"])
def test_no_other_scheme_is_followed(bench: Bench, target: str) -> None:
    bench.site.routes["/a/1.html"] = Reply(status=302, headers={"Location": target})
    run = bench.crawl(listing(bench))
    assert run.new <= 1
    assert "root:" not in str(bench.intake.documents)


def test_a_name_that_turns_inside_between_check_and_connection_is_not_reached(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fooled(self: AddressGuard, host: str, allowed: tuple[str, ...]) -> None:
        """The name server said something else a moment ago."""

    monkeypatch.setattr(AddressGuard, "check", fooled)
    port = bench.site.base.rpartition(":")[2]
    run = bench.crawl(listing(bench, list_url=f"http://localhost:{port}/list", allow_private=[]))
    assert (run.status, bench.site.asked) == ("failed", [])


def test_a_source_that_may_reaches_a_name_inside(bench: Bench) -> None:
    port = bench.site.base.rpartition(":")[2]
    allowed = ["localhost", "127.0.0.1"]
    run = bench.crawl(listing(bench, list_url=f"http://localhost:{port}/list", allow_private=allowed, same_host=False))
    assert (run.status, run.new) == ("ok", 2)


# --- bombs -----------------------------------------------------------------------------------------------------------

ZEROS = b"<html>" + b"0" * (64 * MEGABYTE)
PACKED: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: gzip.compress(ZEROS),
    "deflate": lambda: zlib.compress(ZEROS),
    "br": lambda: brotli.compress(ZEROS, quality=1),
    "zstd": lambda: zstd.compress(ZEROS),
    "gzip, gzip": lambda: gzip.compress(gzip.compress(ZEROS)),
}


@pytest.mark.parametrize("coding", PACKED)
def test_an_answer_that_unpacks_beyond_max_size_is_dropped(bench: Bench, coding: str) -> None:
    body = PACKED[coding]()
    assert len(body) < MEGABYTE
    bench.site.routes["/a/1.html"] = Reply(body, headers={"Content-Encoding": coding})
    run = bench.crawl(listing(bench, max_size="1MB"))
    assert (run.new, run.failed) == (1, 1)


def test_a_bomb_in_place_of_robots_txt_forbids(bench: Bench) -> None:
    bench.site.routes["/robots.txt"] = Reply(PACKED["gzip"](), headers={"Content-Encoding": "gzip"})
    run = bench.crawl(listing(bench, max_size="1MB"))
    assert (run.new, bench.site.hits()) == (0, {})


LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
DOCTYPE = f'<!DOCTYPE r [<!ENTITY a0 "{"ha" * 50}">{LAUGHS}<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("text", ["&a9;", "&x;"])
def test_entities_in_a_feed_and_a_report_stay_unread(bench: Bench, text: str) -> None:
    item = f"<item><title>召回{text}</title><link>{bench.site.base}/a/1.html</link></item>"
    feed = f"<?xml version='1.0'?>{DOCTYPE}<rss version='2.0'><channel><title>t</title>{item}</channel></rss>"
    report = f"<?xml version='1.0'?>{DOCTYPE}<r><row><t>召回{text}</t></row></r>"
    bench.site.routes |= {
        "/rss": Reply(feed, headers={"Content-Type": "application/rss+xml"}),
        "/xml": Reply(report, headers={"Content-Type": "application/xml"}),
    }
    bench.crawl(bench.source("feed", list_url=f"{bench.site.base}/rss", follow=False))
    bench.crawl(
        bench.source("xml_report", "report", list_url=f"{bench.site.base}/xml", items="row", map={"title": "t"})
    )
    told = str(bench.intake.revisions)
    assert len(told) < 20_000
    assert "root:" not in told
    assert "haha" not in told


def test_entities_in_a_table_file_stay_unread() -> None:
    out, book = BytesIO(), Workbook()
    book.active.append(["产品", "企业"])  # type: ignore[union-attr]  # a new book has a sheet
    book.active.append(["线缆", "甲"])  # type: ignore[union-attr]
    book.save(out)
    packed = BytesIO()
    with ZipFile(out) as old, ZipFile(packed, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("sheet1.xml"):
                data = data.replace(b"<worksheet", f"{DOCTYPE.replace('r [', 'worksheet [')}<worksheet".encode(), 1)
                data = data.replace("线缆".encode(), b"&a9;").replace(b"<v>2</v>", b"<v>&a9;</v>")
            new.writestr(name, data)
    content = read_file("x.xlsx", packed.getvalue())
    assert "甲甲" not in str(content)
    assert len(str(content)) < 10_000


# --- answers without an end ----------------------------------------------------------------------------------------


@contextmanager
def raw_server(answer: Callable[[Any, threading.Event], None]) -> Iterator[str]:
    """A server that writes what it likes; robots.txt allows."""
    over = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            line = self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            try:
                if b"/robots.txt" in line:
                    self.wfile.write(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                else:
                    answer(self.wfile, over)
            except OSError:
                over.set()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            over.set()
            server.shutdown()


def flood_of_headers(out: Any, over: threading.Event) -> None:
    out.write(b"HTTP/1.1 200 OK\r\n")
    while not over.is_set():
        out.write(b"X-Flood: 0123456789\r\n" * 1000)


def one_long_header(out: Any, over: threading.Event) -> None:
    out.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not over.is_set():
        out.write(b"0" * 10_000)


def endless_chunks(out: Any, over: threading.Event) -> None:
    out.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not over.is_set():
        out.write(b"400\r\n" + b"0" * 1024 + b"\r\n")


def body_until_closed(out: Any, over: threading.Event) -> None:
    out.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n")
    while not over.is_set():
        out.write(b"0" * 10_000)


def drops_of_a_header(out: Any, over: threading.Event) -> None:
    out.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not over.wait(0.05):
        out.write(b"0")
        out.flush()


def drops_of_a_body(out: Any, over: threading.Event) -> None:
    out.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100000\r\n\r\n")
    while not over.wait(0.05):
        out.write(b"0")
        out.flush()


@pytest.mark.parametrize("answer", [flood_of_headers, one_long_header, endless_chunks, body_until_closed])
def test_an_answer_without_an_end_is_cut_off_by_size_long_before_its_time(
    bench: Bench, answer: Callable[[Any, threading.Event], None]
) -> None:
    with raw_server(answer) as base:
        run = bench.crawl(listing(bench, list_url=f"{base}/list", max_size="1MB", timeout="10m"))
    assert (run.status, run.new) == ("failed", 0)


@pytest.mark.parametrize("answer", [drops_of_a_header, drops_of_a_body])
def test_an_answer_in_drops_is_cut_off_by_time(bench: Bench, answer: Callable[[Any, threading.Event], None]) -> None:
    with raw_server(answer) as base:
        run = bench.crawl(listing(bench, list_url=f"{base}/list", timeout="1s"))
    assert (run.status, run.new) == ("failed", 0)


def test_a_run_ends_with_its_time_however_many_slow_pages_are_left(bench: Bench) -> None:
    rows = "".join(f'<li><a href="/slow/{n}.html">第{n}号公告说明</a></li>' for n in range(40))
    bench.site.routes["/list"] = Reply(f'<html><ul class="news">{rows}</ul></html>')
    bench.site.routes |= {f"/slow/{n}.html": Reply(b"<html>", endless=True) for n in range(40)}
    run = bench.crawl(listing(bench, timeout="1s", max_time="2s"))
    assert run.status == "failed"
    assert any("cut short: timeout" in problem for problem in run.problems)


# --- markup that acts ----------------------------------------------------------------------------------------------

ACTS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '<a href="javascript:alert(1)">点此</a>',
    "<svg/onload=alert(1)>",
    '<meta http-equiv="refresh" content="0;url=http://evil.example/">', '<iframe src="http://evil.example/"></iframe>',
    '<form action="http://evil.example/"><input name=x></form>', "<style>body{display:none}</style>",
    '<base href="http://evil.example/">',
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<p style="background:url(javascript:alert(1))">', "<object data=javascript:alert(1)></object>",
    "<!--><script>alert(1)</script>-->",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", "<template><script>alert(1)</script></template>",
)  # fmt: skip
DANGER = re.compile(
    r"<(?:script|img|svg|iframe|form|input|style|base|meta|object|math|template|a)\b|\son\w+=|javascript:|refresh", re.I
)
ODD = "\0\u202e电反\u202c\u2066甲\u2069\u200b\x08乙"
DEEP = "<div>" * 10_000 + "深处的字" + "</div>" * 10_000


def read(bench: Bench, markup: str) -> dict[str, Any]:
    """What the store would show of a page with this markup in title and body."""
    body = f"<div class='text'><p>市监局抽查三批次产品，两批次不合格。{markup}</p></div>"
    heading = "通告" if "<style>" in markup else f"通告{markup}"  # an open <style> would swallow the page
    bench.site.routes["/a/1.html"] = Reply(
        f"<html><head><title>通告</title></head><body><h1>{heading}</h1>{body}</body></html>"
    )
    run = bench.crawl(listing(bench))
    assert run.new == 2
    raw = next(raw for raw in bench.intake.revisions if raw.url.endswith("/a/1.html"))
    return cleaned(_kept(raw))


@pytest.mark.parametrize("markup", ACTS)
def test_what_acts_is_no_text_and_the_archived_copy_is_shown_without_it(bench: Bench, markup: str) -> None:
    told = read(bench, markup)
    assert not DANGER.search(told["title"])
    assert "两批次不合格" in told["text"] or "<style>" in markup  # which swallows what follows, as in any browser
    assert not DANGER.search(told["text"])
    shown = clean_page(f"<html><body><p>两批次不合格{markup}</p></body></html>").split("<hr>", 1)[1]
    assert not DANGER.search(shown)


def test_a_title_full_of_markup_is_text_in_the_digest(store: Store) -> None:
    """In <title> markup is text, and it stays what it is: text."""
    title = "".join(ACTS)
    alert = Alert(
        id="a1", number="YJ-2026-0001", subject="x", level=3, state=AlertState.NEW, first_at=NOW, updated_at=NOW,
        created_at=NOW, title=title, rule="fire", reason=title, products=(), enterprises=(), issues=(),
        territory="360000", territories=("360000",), documents=(), findings=(),
    )  # fmt: skip
    with store.write() as db:
        save_alert(db, alert, details={})
        told = digest_of(db, NOW.date())
    tree = LexborHTMLParser(told.html)
    assert not tree.css("script, img, svg, iframe, form, input, base, object, math, template, meta[http-equiv=refresh]")
    assert not [one for one in tree.css("a") if not (one.attributes.get("href") or "").startswith("http://x.example")]
    assert "<script>alert(1)</script>" in told.text


def test_marks_that_turn_the_writing_and_bytes_that_are_none_do_not_come_through(bench: Bench) -> None:
    told = read(bench, ODD)
    for text in (told["title"], told["text"]):
        assert not re.search(r"[\0-\x08\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]", text)
    assert "电反甲乙" in told["text"]


def test_ten_thousand_nested_boxes_are_read(bench: Bench) -> None:
    bench.site.routes["/a/1.html"] = Reply(f"<html><body><h1>甲</h1><div class='text'>{DEEP}</div></body></html>")
    run = bench.crawl(listing(bench))
    assert run.status == "ok"
    assert "深处的字" in clean_page(DEEP)
