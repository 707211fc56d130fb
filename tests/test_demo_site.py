"""The sample site over real HTTP: every source in its own shape, nothing of the annotation on the wire."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from openpyxl import load_workbook

from config.settings import PROJECT
from config.sources import SourceConfig, load_sources
from demo.drop_folder import DropFolder
from demo.render.jpaas_unit import GATEWAY, unit_ids
from demo.site import Server, Site
from demo.sources import SOURCES
from demo.story import Leg, Page, Story, StoryClock, load_pages, open_story, pack_id_of, read_pack, token_of
from tests.demo_reading import Read, Reader

DAY_ZERO = date(2026, 11, 23)
LABEL = re.compile(r"(?:(?<=\. )|^)[A-Z][\w/ ]{3,40}: ", re.MULTILINE)
SECRETS = re.compile(rb"a[12]-\d{4}|ENT\d{4}|is_risk|incident\"|truth|repost_of|revision_of|withdrawn|popsci|\"kind\"")


def calendar_story() -> Story:
    """The pack on a clock whose story time is the wall clock's: any moment of the sixty days can be looked at."""
    start = datetime(2026, 9, 1, tzinfo=UTC)
    anchor = StoryClock(DAY_ZERO, (Leg(start, timedelta(), 1.0),))
    clock = StoryClock(DAY_ZERO, (Leg(start, start - anchor.calendar(timedelta()), 1.0),))
    shelves: dict[str, tuple[Page, ...]] = {}
    for page in load_pages():
        shelves[page.source] = (*shelves.get(page.source, ()), page)
    return Story(shelves, clock)


@dataclass
class Running:
    """A served story whose time the test sets."""

    server: Server
    story: Story
    data: Path
    now: datetime

    def at(self, day: int, time: str) -> "Running":
        hours, minutes = map(int, time.split(":"))
        self.now = self.story.clock.calendar(timedelta(days=day, hours=hours, minutes=minutes))
        return self

    def page(self, pack_id: str, path: str) -> httpx.Response:
        return httpx.get(f"{self.server.base}{path.format(token_of(pack_id))}")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    story = calendar_story()
    state = Running(None, story, tmp_path, story.clock.calendar(timedelta(hours=23)))  # type: ignore[arg-type]
    with Server(Site(story, lambda: state.now)) as server:
        state.server = server
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield state
        server.shutdown()


def sources_of(running: Running) -> tuple[SourceConfig, ...]:
    return load_sources(PROJECT / "config", "demo", base=running.server.base)


def squeezed(text: str) -> str:
    """Letters and digits only: what a text says, however a site lays it out."""
    return re.sub(r"\d+楼[^：:]{0,8}[：:]|\W+|_", "", text)


def test_there_is_a_source_file_for_each_source_of_the_pack(running: Running) -> None:
    assert {source.key for source in sources_of(running)} == set(SOURCES) == {row["source"] for row in read_pack()}
    assert all(source.kind == SOURCES[source.key].kind for source in sources_of(running))
    web = [source for source in sources_of(running) if source.family != "file_import"]
    assert all(source.delay == 0 and not source.autothrottle for source in web)


def test_every_document_of_the_pack_can_be_read_and_nothing_served_tells_its_annotation(running: Running) -> None:
    DropFolder(running.story, running.data).write_due(running.now)
    reader = Reader(running.server.base, running.data)
    current = {page.token: page for page in load_pages() if page.gone_at is None}
    read: dict[str, Read] = {}
    for source in sources_of(running):
        for found in reader.read(source):
            pack_id = pack_id_of(found.url)
            assert pack_id is not None, found.url
            read[token_of(pack_id)] = found
    missing = [(page.source, pack_id_of(token)) for token, page in current.items() if token not in read]
    assert missing == []
    assert read.keys() == current.keys()
    for token, found in read.items():
        said = current[token].versions[-1]
        assert found.title == said.title
        if SOURCES[current[token].source].kind != "recall_foreign":
            assert squeezed(said.text) in squeezed(found.text), found.url
        else:
            words = set(re.findall(r"\w+", LABEL.sub("", said.text)))
            assert words <= set(re.findall(r"\w+", found.text)), found.url
    for body in reader.seen:
        assert SECRETS.search(body) is None, body[:200]


def test_what_was_replaced_or_withdrawn_could_be_read_in_its_time(running: Running) -> None:
    replaced = [row for row in read_pack() if row["withdrawn_day"] is not None]
    replaced += [row for row in read_pack() if any(other["revision_of"] == row["id"] for other in read_pack())]
    assert len(replaced) == 10
    for row in replaced:
        running.at(row["day"], row["time"])
        items = running.story.items(row["source"], running.now)
        assert row["title"] in [item.title for item in items], row["id"]


def test_a_revision_changes_the_page_at_its_own_address(running: Running) -> None:
    path = "/emergency/sgkb/202611/{}.html"
    before = running.at(-14, "09:57").page("a2-0224", path)
    after = running.at(-14, "09:58").page("a2-0224", path)
    assert "搜救结束" not in before.text
    assert "搜救结束" in after.text
    assert before.headers["ETag"] != after.headers["ETag"]
    assert before.headers["Last-Modified"] == "Sun, 08 Nov 2026 23:40:00 GMT"
    assert after.headers["Last-Modified"] == "Mon, 09 Nov 2026 01:58:00 GMT"


def test_a_withdrawn_page_is_a_404_and_leaves_its_list(running: Running) -> None:
    path = "/duanpian/video/{}"
    listed = f"{running.server.base}/duanpian/api/aweme/list?offset=0&count=30"
    running.at(-8, "23:59")
    assert running.page("a1-0270", path).status_code == 200
    assert "闪驹" in httpx.get(listed).text
    running.at(-7, "00:00")
    assert running.page("a1-0270", path).status_code == 404
    assert "闪驹" not in httpx.get(listed).text


def test_a_page_is_not_there_before_its_time(running: Running) -> None:
    path = "/hcwb/bdxw/2026-10/26/content_{}.htm"
    assert running.at(-28, "09:19").page("a2-0127", path).status_code == 404
    assert running.at(-28, "09:20").page("a2-0127", path).status_code == 200
    assert running.at(-27, "00:00").page("a2-0127", path).status_code == 404


@pytest.mark.parametrize("url", ["/ycscjg/gsgg/", "/gxs/wire/atom.xml", "/xrm/api/news/list", "/robots.txt"])
def test_an_unchanged_answer_is_a_304(running: Running, url: str) -> None:
    first = httpx.get(f"{running.server.base}{url}")
    again = httpx.get(f"{running.server.base}{url}", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    if "Last-Modified" in first.headers:
        dated = {"If-Modified-Since": first.headers["Last-Modified"]}
        assert httpx.get(f"{running.server.base}{url}", headers=dated).status_code == 304


def test_head_has_the_headers_of_get_and_no_body(running: Running) -> None:
    url = f"{running.server.base}/ganjiang/news/rss.xml"
    assert httpx.head(url).headers["Content-Length"] == str(len(httpx.get(url).content))
    assert httpx.head(url).content == b""


def test_gb18030_pages_claim_to_be_gb2312_in_header_meta_or_both(running: Running) -> None:
    county = httpx.get(f"{running.server.base}/ycscjg/gsgg/")
    paper = httpx.get(f"{running.server.base}/hcwb/bdxw/")
    assert county.headers["Content-Type"] == "text/html; charset=gb2312"
    assert paper.headers["Content-Type"] == "text/html"
    assert b'<meta charset="gb2312">' in paper.content
    assert "洪城晚报网" in paper.content.decode("gb18030")


def test_trs_counts_its_second_page_as_one_and_ends_with_a_404(running: Running) -> None:
    base = f"{running.server.base}/ycscjg/gsgg"
    first, second = httpx.get(f"{base}/index.html"), httpx.get(f"{base}/index_1.html")
    assert b"var countPage = 2;" in first.content
    assert b'href="./20261' in first.content
    assert first.content != second.content
    assert httpx.get(f"{base}/index_2.html").status_code == 404


def test_the_jpaas_gateway_reads_the_page_number_only_inside_param_json(running: Running) -> None:
    query = {"parseType": "bulidstatic", "pageType": "column", "tagId": "内容区域", **unit_ids(SOURCES["nc_amr"])}
    sized = {**query, "paramJson": '{"pageNo":1,"pageSize":5}'}
    address = f"{running.server.base}{GATEWAY}"
    first = httpx.get(address, params=sized).json()["data"]["html"]
    outside = httpx.get(address, params={**sized, "pageNo": "2"}).json()["data"]["html"]
    inside = httpx.get(address, params={**query, "paramJson": '{"pageNo":2,"pageSize":5}'}).json()["data"]["html"]
    assert first == outside != inside
    assert 'count="13"' in first
    assert httpx.get(address, params={**query, "pageId": "x"}).status_code == 404


def test_jiangxi_answers_a_post_and_not_a_get(running: Running) -> None:
    address = f"{running.server.base}/jxamr/queryList"
    form = {"current": "1", "perPage": "20", "channelCode": "cpzljdcc"}
    reply = httpx.post(address, data=form).json()["data"]
    assert reply["total"] == 18
    assert httpx.get(address, params=form).status_code == 404
    assert httpx.post(address, data={**form, "channelCode": "none"}).status_code == 404


def test_a_list_of_failures_is_also_a_real_spreadsheet(running: Running) -> None:
    path = "/jxamr/jxsscjdglj/uploadfile/cpzljdcc/{}.xlsx"
    first, again = running.page("a2-0269", path), running.page("a2-0269", path)
    assert first.content == again.content
    sheet = load_workbook(BytesIO(first.content)).active
    assert sheet is not None
    rows = [[cell for cell in row if cell is not None] for row in sheet.iter_rows(values_only=True)]
    table = next(row["tables"][0] for row in read_pack() if row["id"] == "a2-0269")
    assert rows[1:] == table


def test_a_recall_is_also_a_pdf(running: Running) -> None:
    reply = running.page("a2-0314", "/recall/xfpzh/xfpgnzh/files/{}.pdf")
    assert reply.headers["Content-Type"] == "application/pdf"
    assert reply.content.startswith(b"%PDF-")
    assert reply.content.endswith(b"%%EOF\n")


def test_strange_requests_do_no_harm(running: Running) -> None:
    base = running.server.base
    for url in ("/", "/none/", "/ycscjg/../pack/truth.json", "/ycscjg/gsgg/index_0.html", "/pack/part1.jsonl", "/%00"):
        assert httpx.get(f"{base}{url}").status_code == 404, url
    assert httpx.get(f"{base}/xrm/api/news/list?pageNum=-5&pageSize=x").status_code == 200
    assert httpx.get(f"{base}/shop/comment/productPageComments.action?callback=<script>").text.startswith("{")
    assert httpx.post(f"{base}/jxamr/queryList", content=b"x" * 70_000).status_code == 413


def test_export_files_come_whole_once_and_in_gb18030(running: Running) -> None:
    folder = DropFolder(running.story, running.data)
    running.at(-30, "12:00")
    early = folder.write_due(running.now)
    assert early
    assert folder.write_due(running.now) == []
    running.at(0, "23:00")
    late = DropFolder(running.story, running.data).write_due(running.now)
    assert not set(early) & set(late)
    assert [path.name for path in running.data.rglob("*.part")] == []
    rows = Reader(running.server.base, running.data)._files
    export = next(source for source in sources_of(running) if source.key == "export_12315")
    assert len(list(rows(export))) == 34  # type: ignore[arg-type]
    assert "投诉人姓名,联系电话,证件号码" in early[0].read_bytes().decode("gb18030")


def test_the_export_source_reads_no_column_about_people(running: Running) -> None:
    export = next(source for source in sources_of(running) if source.key == "export_12315")
    text = export.model_dump_json()
    assert not [name for name in ("投诉人姓名", "联系电话", "证件号码") if f'"{name}"' in text]


def test_a_fresh_demo_shows_the_past_at_once_and_the_last_three_days_in_order(tmp_path: Path) -> None:
    now = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
    story = open_story(tmp_path, now=now)
    shown = [len(story.items(name, now)) for name in SOURCES]
    later = now + timedelta(minutes=10)
    final = [len(story.items(name, later)) for name in SOURCES]
    assert (sum(shown), sum(final)) == (641, 665)
    published = [item.published for name in SOURCES for item in story.items(name, later)]
    assert max(published) <= later


def start_site(data: Path) -> tuple[subprocess.Popen[str], str]:
    """The site as a process of its own, and the address it prints."""
    command = [sys.executable, "-m", "demo.site", "--data", str(data)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, process.stdout.readline().strip()


def test_the_process_stops_on_sigterm_and_comes_back_at_the_same_address_and_story(tmp_path: Path) -> None:
    process, first = start_site(tmp_path)
    assert httpx.get(f"{first}/robots.txt").status_code == 200
    process.terminate()
    assert process.wait(5) == 0
    state = (tmp_path / "demo_story.json").read_text(encoding="utf-8")
    process, again = start_site(tmp_path)
    process.kill()
    process.wait(5)
    assert again == first
    assert (tmp_path / "demo_story.json").read_text(encoding="utf-8") == state


def test_a_wrong_speed_is_one_sentence_and_exit_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "demo.site", "--data", str(tmp_path), "--speed", "-1"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert done.stderr == "--speed -1.0: must be above 0 (story seconds a real second)\n"
