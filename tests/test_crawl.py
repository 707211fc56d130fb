"""Crawling a site that behaves like real ones: badly."""

import asyncio
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from config.sources import SourceConfig
from core.records import Kind
from crawlers.archive import read_record
from crawlers.run import RunSummary
from tests.crawl_server import NOW, Asked, Bench, ReactorThread, Reply, Site
from tests.elasticsearch import free_port

LIST = """<html><body><ul class="news">
<li><a href="/a/1.html">青山湖区抽查电动自行车电池</a><span>2026-11-23</span></li>
<li><a href="/a/2.html">缩水线缆流入市场</a><span>2026-11-22</span></li>
</ul></body></html>"""
PAGE = """<html><head><title>{title}</title></head><body><h1>{title}</h1><div class="info">发布时间：2026-11-22 09:30
来源：赣江日报</div><div class="text"><p>{text}</p></div></body></html>"""


def page(title: str, text: str = "市监局抽查三批次产品，两批次不合格，已责令下架。") -> Reply:
    return Reply(PAGE.format(title=title, text=text))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    site = Site()
    site.routes["/list"] = Reply(LIST)
    site.routes["/a/1.html"] = page("青山湖区抽查电动自行车电池")
    site.routes["/a/2.html"] = page("缩水线缆流入市场")
    yield Bench(site, tmp_path)
    site.close()


def listing(bench: Bench, **values: Any) -> SourceConfig:
    keys = {
        "list_url": f"{bench.site.base}/list",
        "item": "ul.news li",
        "item_date": "span",
        "detail": {"body": "div.text"},
    }
    return bench.source("html_list", **{**keys, **values})


def test_a_list_leads_to_a_document_for_each_row(bench: Bench) -> None:
    run = bench.crawl(listing(bench))
    assert (run.status, run.new, run.items, run.problems) == ("ok", 2, 2, ())
    first = bench.intake.documents["sample", f"{bench.site.base}/a/1.html"]
    assert first.title == "青山湖区抽查电动自行车电池"
    assert first.text == "市监局抽查三批次产品，两批次不合格，已责令下架。"
    assert (first.origin, first.date_source) == ("赣江日报", "page")
    assert first.published is not None
    assert first.published.isoformat() == "2026-11-22T01:30:00+00:00"


def test_every_document_knows_its_archived_page(bench: Bench, tmp_path: Path) -> None:
    bench.crawl(listing(bench))
    for document in bench.intake.documents.values():
        assert document.archive is not None
        headers, body = read_record(tmp_path / "archive", document.archive)
        assert headers["WARC-Target-URI"] == document.url
        assert document.title in body.decode()


def test_a_second_run_asks_conditionally_and_fetches_no_page_again(bench: Bench) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.headers.get("If-None-Match") == '"v1"':
            return Reply(status=304)
        return Reply(LIST, headers={"ETag": '"v1"'})

    bench.site.routes["/list"] = answer
    bench.crawl(listing(bench))
    run = bench.crawl(listing(bench))
    assert (run.status, run.new, run.not_modified) == ("ok", 0, 1)
    assert bench.site.hits() == {"/list": 2, "/a/1.html": 1, "/a/2.html": 1}


def test_an_edited_source_file_reads_an_unchanged_list_anew(bench: Bench) -> None:
    bench.crawl(listing(bench))
    run = bench.crawl(listing(bench, max_items=400))
    assert (run.not_modified, run.items) == (0, 2)


def test_a_list_is_not_remembered_while_one_of_its_pages_fails(bench: Bench) -> None:
    bench.site.routes["/a/2.html"] = Reply(status=500)
    first = bench.crawl(listing(bench))
    assert (first.new, first.failed) == (1, 1)
    bench.site.routes["/a/2.html"] = page("缩水线缆流入市场")
    second = bench.crawl(listing(bench))
    assert (second.not_modified, second.new) == (0, 1)


@pytest.mark.parametrize(
    ("robots", "status", "fetched"),
    [
        (Reply(status=404), "ok", True),
        (Reply(status=500), "failed", False),
        (Reply(status=412), "blocked", False),
        (Reply(b"User-agent: *\nDisallow: /list\n"), "blocked", False),
        (Reply(b"User-agent: Fengsui\nDisallow:\n\nUser-agent: *\nDisallow: /\n"), "ok", True),
    ],
)
def test_robots_txt_fails_closed(bench: Bench, robots: Reply, status: str, fetched: bool) -> None:
    bench.site.routes["/robots.txt"] = robots
    run = bench.crawl(listing(bench))
    assert run.status == status
    assert bool(bench.site.hits()) == fetched
    assert fetched or "robots.txt" in run.problems[0]


def test_a_host_that_gives_no_answer_is_asked_again_by_the_next_run_and_one_that_says_no_is_left_alone(
    bench: Bench,
) -> None:
    down = bench.crawl(listing(bench, list_url=f"http://127.0.0.1:{free_port()}/list"))
    assert (down.status, down.not_before) == ("failed", None)
    assert "unreachable" in down.problems[0]
    bench.site.routes["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /\n")
    refused = bench.crawl(listing(bench))
    assert refused.not_before is not None
    assert (refused.not_before - NOW).total_seconds() == 3600


def test_a_withdrawn_page_is_told_and_a_dead_link_is_only_a_problem(bench: Bench) -> None:
    bench.crawl(listing(bench))
    bench.intake.to_recheck = [f"{bench.site.base}/a/1.html"]
    del bench.site.routes["/a/1.html"]
    run = bench.crawl(listing(bench, recheck_at="every_run"))
    assert (run.gone, [gone.url for gone in bench.intake.withdrawn]) == (1, [f"{bench.site.base}/a/1.html"])
    bench.intake.to_recheck = []
    bench.site.routes["/list"] = Reply(LIST.replace("2.html", "9.html"))
    run = bench.crawl(listing(bench))
    assert run.gone == 0
    assert "dead link" in run.problems[0]


def test_a_revised_page_is_saved_again(bench: Bench) -> None:
    bench.crawl(listing(bench))
    bench.intake.to_recheck = [f"{bench.site.base}/a/1.html", f"{bench.site.base}/a/2.html"]
    bench.site.routes["/a/1.html"] = page("青山湖区抽查电动自行车电池", "更正：一批次不合格。")
    run = bench.crawl(listing(bench, recheck_within="3d"))
    assert (run.changed, run.unchanged) == (1, 1)
    assert bench.intake.revisions[-1].text == "更正：一批次不合格。"


def test_a_watched_entry_of_a_feed_is_only_looked_at(bench: Bench) -> None:
    item = f"<item><title>热水器召回</title><link>{bench.site.base}/a/1.html</link></item>"
    feed = f"<rss version='2.0'><channel><title>t</title>{item}</channel></rss>"
    bench.site.routes["/rss"] = Reply(feed, headers={"Content-Type": "application/rss+xml"})
    source = bench.source("feed", list_url=f"{bench.site.base}/rss", recheck_at="every_run")
    bench.crawl(source)
    bench.intake.to_recheck = [f"{bench.site.base}/a/1.html"]
    assert bench.crawl(source).changed == 0
    del bench.site.routes["/a/1.html"]
    assert bench.crawl(source).gone == 1


@pytest.mark.parametrize(
    "blocked",
    [
        Reply("no", status=412),
        Reply("no", status=521),
        Reply("<html><body>您的访问过于频繁，请完成安全验证</body></html>"),
        Reply("<html><head><script>eval(atob('x'))</script></head><body></body></html>"),
    ],
)
def test_a_challenge_page_blocks_the_source_and_is_never_a_document(bench: Bench, blocked: Reply) -> None:
    bench.site.routes["/list"] = blocked
    run = bench.crawl(listing(bench))
    assert (run.status, run.new) == ("blocked", 0)
    assert run.not_before is not None
    assert run.not_before > NOW
    assert bench.site.hits() == {"/list": 1}


def test_a_blocked_source_is_left_alone_by_the_next_process_too(bench: Bench) -> None:
    bench.site.routes["/list"] = Reply("no", status=412)
    source = listing(bench)
    runs = [ReactorThread.get().run(bench.engine(source).crawl(source.key)) for _ in range(2)]
    assert [run.status for run in runs] == ["blocked", "blocked"]
    assert runs[0].not_before == runs[1].not_before
    assert bench.site.hits() == {"/list": 1}


def test_overload_is_retried_as_the_server_asks(bench: Bench) -> None:
    answers = iter([Reply(status=429, headers={"Retry-After": "0"}), Reply(status=503), Reply(LIST)])
    bench.site.routes["/list"] = lambda asked: next(answers)
    run = bench.crawl(listing(bench))
    assert (run.status, run.new, bench.site.hits()["/list"]) == ("ok", 2, 3)


def test_a_long_retry_after_holds_the_source_back_instead_of_waiting(bench: Bench) -> None:
    bench.site.routes["/list"] = Reply(status=429, headers={"Retry-After": "7200"})
    run = bench.crawl(listing(bench))
    assert run.status == "blocked"
    assert run.not_before is not None
    assert (run.not_before - NOW).total_seconds() == 3600
    assert bench.site.hits()["/list"] == 1


def test_retries_end(bench: Bench) -> None:
    bench.site.routes["/list"] = Reply(status=503)
    run = bench.crawl(listing(bench))
    assert (run.status, bench.site.hits()["/list"]) == ("failed", 3)
    assert "503" in run.problems[0]


@pytest.mark.parametrize("body", ["<html><body><p>改版公告</p>" + "说明文字，" * 700 + "</body></html>", ""])
def test_a_list_without_rows_is_a_changed_source_not_a_quiet_one(bench: Bench, body: str) -> None:
    bench.site.routes["/list"] = Reply(body)
    run = bench.crawl(listing(bench))
    assert (run.status, run.new) == ("changed", 0)


def test_pages_that_lost_their_layout_are_counted_and_named(bench: Bench) -> None:
    bench.site.routes["/a/1.html"] = Reply("<html><body></body></html>")
    run = bench.crawl(listing(bench))
    assert (run.new, run.failed) == (1, 1)
    assert "/a/1.html" in run.problems[0]


@pytest.mark.parametrize(
    ("expect", "status"),
    [({"min_items": 3}, "changed"), ({"newest_within": "6h"}, "silent"), ({"newest_within": "2d"}, "ok")],
)
def test_a_run_is_held_against_what_its_file_expects(bench: Bench, expect: dict[str, Any], status: str) -> None:
    assert bench.crawl(listing(bench, expect=expect)).status == status


def test_a_repeated_page_ends_the_paging(bench: Bench) -> None:
    run = bench.crawl(listing(bench, pages=5, page_url=f"{bench.site.base}/list?p={{page}}"))
    assert (run.new, bench.site.hits()["/list?p=2"], bench.site.hits()["/list?p=3"]) == (2, 1, 0)
    assert "repeats" in run.problems[0]


def test_trs_columns_call_their_second_page_index_1(bench: Bench) -> None:
    row = '<li><a href="./202611/t20261120_{n}.html">第{n}号公告说明</a></li>'
    rows = f'<html><ul class="news">{row}</ul>var countPage = 2;</html>'
    bench.site.routes["/col/"] = Reply(rows.format(n=1))
    bench.site.routes["/col/index_1.html"] = Reply(rows.format(n=2))
    for n in (1, 2):
        bench.site.routes[f"/col/202611/t20261120_{n}.html"] = page(f"第{n}号公告说明")
    run = bench.crawl(bench.source("trs_static", list_url=f"{bench.site.base}/col/", item="ul.news li", pages=9))
    assert (run.status, run.new) == ("ok", 2)
    assert "/col/index_2.html" not in bench.site.hits()


@pytest.mark.parametrize("declared", ["utf-8", "iso-8859-1", "gb2312"])
def test_the_bytes_decide_when_the_header_lies_about_the_charset(bench: Bench, declared: str) -> None:
    html = PAGE.format(title="镕盛公司〔2026〕3号通告", text="抽查发现缩水线缆，不合格。").replace(
        "<head>", '<head><meta charset="gbk">'
    )
    bench.site.routes["/a/1.html"] = Reply(
        html.encode("gb18030"), headers={"Content-Type": f"text/html; charset={declared}"}
    )
    bench.crawl(listing(bench))
    assert "镕盛公司〔2026〕3号通告" in bench.intake.titles


def test_a_piece_in_another_charset_is_read_and_lost_characters_are_told(bench: Bench) -> None:
    html = PAGE.format(title="镕盛公司通告", text="抽查发现缩水线缆，不合格。||转载：市监局").encode()
    front, back = html.split(b"||")
    bench.site.routes["/a/1.html"] = Reply(front + "，责令下架。".encode("gb18030") + back)
    bench.site.routes["/a/2.html"] = Reply(html.replace("不合格".encode(), b"\xe4\xb8"))
    run = bench.crawl(listing(bench))
    first = bench.intake.documents["sample", f"{bench.site.base}/a/1.html"]
    assert "不合格。，责令下架。转载：市监局" in first.text
    assert run.problems == ("pages with broken characters, read as utf-8",)


@pytest.mark.parametrize("said", ["2099-11-22 09:30", "1970-01-01 08:00"])
def test_a_page_with_a_date_that_cannot_be_says_so_and_goes_by_its_row(bench: Bench, said: str) -> None:
    bench.site.routes["/a/1.html"] = Reply(
        PAGE.format(title="抽查通告", text="不合格。").replace("2026-11-22 09:30", said)
    )
    run = bench.crawl(listing(bench))
    assert run.problems == (f"a date before 1990 or in the future is not taken: {said}",)
    assert bench.intake.documents["sample", f"{bench.site.base}/a/1.html"].date_source == "list"


def test_a_selector_of_the_page_that_finds_nothing_is_told_once(bench: Bench) -> None:
    run = bench.crawl(listing(bench, detail={"body": "div.txt"}))
    assert (run.new, run.problems) == (2, ("selector for body found nothing: div.txt",))


def test_a_part_that_no_row_has_any_more_is_told_and_one_that_some_lack_is_not(bench: Bench) -> None:
    bench.site.routes["/list"] = Reply(
        "<ul class='news'><li><a href='/a/1.html'>甲</a><i>2026-11-22</i></li><li><a href='/a/2.html'>乙</a></li></ul>"
    )
    run = bench.crawl(listing(bench, item_date="i", item_title="b.name", item_fields={"文号": "em"}))
    lost = [problem for problem in run.problems if problem.startswith("selector for")]
    assert lost == ["selector for item_title found nothing: b.name", "selector for 文号 found nothing: em"]


def test_a_huge_body_and_an_endless_one_are_cut_off(bench: Bench) -> None:
    bench.site.routes["/a/1.html"] = Reply(b"x" * 200_000)
    bench.site.routes["/a/2.html"] = Reply(b"<html>", endless=True)
    run = bench.crawl(listing(bench, max_size="100KB", timeout="1s"))
    assert (run.new, run.failed, run.status) == (0, 2, "failed")


def test_private_addresses_are_refused_unless_named(bench: Bench) -> None:
    run = bench.crawl(listing(bench, allow_private=[]))
    assert (run.status, bench.site.hits()) == ("failed", {})
    assert "private address" in run.problems[0]


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://10.0.0.1/x", "ftp://127.0.0.1/x"]
)
def test_a_redirect_to_a_private_address_is_refused(bench: Bench, target: str) -> None:
    bench.site.routes["/a/1.html"] = Reply(status=302, headers={"Location": target})
    run = bench.crawl(listing(bench))
    assert (run.new, run.failed) == (1, 1)


def test_people_stay_out_of_complaints(bench: Bench) -> None:
    records = '{"data":[{"id":1,"title":"热水器漏气","text":"<p>厂家不管</p>","user":{"nick":"张三"},"at":1763863200}]}'
    bench.site.routes["/api"] = Reply(records, headers={"Content-Type": "application/json"})
    fields = {"id": "id", "title": "title", "text": "text", "author": "user.nick", "published": "at"}
    source = bench.source("json_api", list_url=f"{bench.site.base}/api", items="data", map=fields, kind="complaint")
    bench.crawl(source)
    (document,) = bench.intake.documents.values()
    assert (document.kind, document.author, document.text) == (Kind.COMPLAINT, None, "厂家不管")


def test_json_pages_by_number_until_an_empty_one(bench: Bench) -> None:
    def answer(asked: Asked) -> Reply:
        number = int(asked.path.rsplit("=", 1)[1])
        rows = [f'{{"id":{number * 10 + n},"title":"第{number}页第{n}条投诉"}}' for n in (1, 2)] if number < 3 else []
        return Reply(f'cb({{"list":[{",".join(rows)}]}});', headers={"Content-Type": "application/javascript"})

    bench.site.routes["/api"] = answer
    source = bench.source(
        "json_api",
        list_url=f"{bench.site.base}/api",
        params={"p": "{page}"},
        items="list",
        pager={"by": "page"},
        pages=9,
        map={"id": "id", "title": "title"},
    )
    run = bench.crawl(source)
    assert (run.status, run.new, sum(bench.site.hits().values())) == ("ok", 4, 3)


def test_an_answer_that_says_it_failed_is_no_success(bench: Bench) -> None:
    bench.site.routes["/api"] = Reply('{"code":500,"data":[]}', headers={"Content-Type": "application/json"})
    source = bench.source(
        "json_api", list_url=f"{bench.site.base}/api", items="data", ok={"code": 200}, map={"title": "title"}
    )
    run = bench.crawl(source)
    assert run.status == "changed"
    assert "'500'" in run.problems[0]


def test_an_attached_table_is_read_and_stands_in_the_document(bench: Bench) -> None:
    book = Workbook()
    sheet = book.create_sheet("附件", 0)
    sheet.append(["附件1 不合格产品名单"])
    sheet.append(["产品", "企业", "不合格项目"])
    sheet.append(["线缆", "江西光明线缆有限公司", "导体电阻"])
    out = BytesIO()
    book.save(out)
    bench.site.routes["/f/名单.xlsx"] = bench.site.routes["/f/%E5%90%8D%E5%8D%95.xlsx"] = Reply(
        out.getvalue(), headers={"Content-Type": "application/octet-stream"}
    )
    bench.site.routes["/a/1.html"] = page("抽查通报公告", '见附件。</p><p>附件：<a href="/f/名单.xlsx">名单.xlsx</a>')
    bench.crawl(listing(bench))
    document = bench.intake.documents["sample", f"{bench.site.base}/a/1.html"]
    assert document.text == "见附件。\n【附件：名单.xlsx】\n附件1 不合格产品名单"
    assert document.tables == ((("产品", "企业", "不合格项目"), ("线缆", "江西光明线缆有限公司", "导体电阻")),)


def test_the_user_agent_names_us_and_a_contact(bench: Bench) -> None:
    bench.crawl(listing(bench))
    assert {asked.headers["User-Agent"] for asked in bench.site.asked} == {"Fengsui/0.1 (+mailto:desk@example.org)"}


def test_a_bug_in_saving_fails_the_run_and_says_what_it_was(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(raw: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(bench.intake, "save", broken)
    run = bench.crawl(listing(bench))
    assert run.status == "failed"
    assert "disk full" in run.problems[0]
    assert bench.intake.remembered == {}


def test_being_told_to_stop_ends_a_crawl_in_its_middle(bench: Bench) -> None:
    bench.site.routes["/a/2.html"] = Reply(b"<html>", endless=True)
    source = listing(bench, timeout="60s")
    done: list[RunSummary] = []

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        threading.Thread(target=lambda: (bench.site.reached.wait(30), loop.call_soon_threadsafe(stop.set))).start()

        async def requests() -> Any:
            yield source.key
            await asyncio.Event().wait()

        await bench.engine(source).serve(requests(), done.append, stop=stop)

    ReactorThread.get().run(serve(), timeout=15)
    assert "青山湖区抽查电动自行车电池" in bench.intake.titles
    assert not any(key.endswith("/list") for _, key in bench.intake.remembered)
