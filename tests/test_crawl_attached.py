"""A page's attachments end in its document: read, marked, archived; one that fails costs nothing else."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.sources import SourceConfig
from core.records import RawDocument
from crawlers.archive import read_record
from tests.attached_files import FILES, cell, docx, paragraph, table, xlsx, zipped
from tests.crawl_server import Bench, Reply, Site

LIST = """<html><body><ul class="news"><li><a href="{}">关于电热水壶产品质量监督抽查情况的通报</a>
<span>2026-11-22</span></li></ul></body></html>"""
PAGE = """<html><head><title>关于电热水壶产品质量监督抽查情况的通报</title></head><body>
<h1>关于电热水壶产品质量监督抽查情况的通报</h1><div class="info">发布时间：2026-11-22 09:30</div>
<div class="text">{}</div></body></html>"""
OCTETS = {"Content-Type": "application/octet-stream"}
TEXT = "<p>近期，某市市场监督管理局组织开展了电热水壶产品质量监督抽查，详见附件。</p>"
LETTER = docx(paragraph("经查，某某电器厂生产的电热水壶存在起火风险，责令停止销售。"))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    site = Site()
    site.routes["/list"] = Reply(LIST.format("/a/1.html"))
    yield Bench(site, tmp_path)
    site.close()


def source(bench: Bench, **detail: str) -> SourceConfig:
    keys: dict[str, Any] = {
        "kind": "spotcheck",
        "list_url": f"{bench.site.base}/list",
        "item": "ul.news li",
        "item_date": "span",
        "detail": {"body": "div.text", **detail},
    }
    return bench.source("html_list", **keys)


def crawled(bench: Bench, path: str = "/a/1.html", **detail: str) -> RawDocument:
    bench.crawl(source(bench, **detail))
    return bench.intake.documents["sample", f"{bench.site.base}{path}"]


def test_text_and_tables_of_attachments_join_the_document_and_say_where_they_came_from(bench: Bench) -> None:
    rows = table("".join(map(cell, ("产品", "生产企业"))), "".join(map(cell, ("电热水壶", "某某电器厂"))))
    files = {
        "/f/1.docx": LETTER,
        "/f/2.xls": (FILES / "names.xls").read_bytes(),
        "/f/3.pdf": (FILES / "notice.pdf").read_bytes(),
        "/f/4.zip": zipped({"list.docx": docx(rows)}),
    }
    for path, data in files.items():
        bench.site.routes[path] = Reply(data, headers=OCTETS)
    links = "".join(f'<p><a href="{path}">附件{path[3]}：文件</a></p>' for path in files)
    bench.site.routes["/a/1.html"] = Reply(PAGE.format(TEXT + links))
    document = crawled(bench)
    lines = document.text.splitlines()
    assert lines[1:3] == ["【附件：附件1：文件.docx】", "经查，某某电器厂生产的电热水壶存在起火风险，责令停止销售。"]
    assert "【附件：附件3：文件.pdf】" in lines
    assert [table[0][1] for table in document.tables] == ["标称生产企业", "标称生产企业", "生产企业"]
    assert [(file.name, file.kind, file.tables) for file in document.files] == [
        ("附件1：文件.docx", "docx", 0),
        ("附件2：文件.xls", "xls", 1),
        ("附件3：文件.pdf", "pdf", 1),
        ("附件4：文件.zip", "zip", 0),
        ("附件4：文件.zip/list.docx", "docx", 1),
    ]
    for file, data in zip(document.files, files.values(), strict=False):
        assert file.archive is not None
        assert file.sha256 == hashlib.sha256(data).hexdigest() == file.archive.sha256
        assert read_record(bench.folder / "archive", file.archive)[1] == data
    assert document.body_kind == "text"


def test_an_attachment_that_says_what_the_page_says_is_not_said_twice(bench: Bench) -> None:
    text = "经查，某某电器厂生产的电热水壶存在起火风险，责令停止销售并召回已经售出的产品。"
    bench.site.routes["/f/1.docx"] = Reply(docx(paragraph(text)), headers=OCTETS)
    bench.site.routes["/a/1.html"] = Reply(PAGE.format(f'<p>{text}</p><p><a href="/f/1.docx">全文</a></p>'))
    document = crawled(bench)
    assert document.text == text
    assert [(file.kind, file.chars) for file in document.files] == [("docx", 0)]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Reply(status=404), "404"),
        (Reply(b"%PDF-1.4 broken", headers=OCTETS), "PDF"),
        (Reply((FILES / "locked.pdf").read_bytes(), headers=OCTETS), "有密码"),
        (Reply("<html><p>您访问的页面不存在</p></html>"), "网页"),
        (Reply(b"", endless=True), "未能取得"),
    ],
)
def test_an_attachment_that_fails_is_told_and_the_document_stays(bench: Bench, answer: Reply, problem: str) -> None:
    bench.site.routes["/f/1.pdf"] = answer
    bench.site.routes["/a/1.html"] = Reply(PAGE.format(TEXT + '<p><a href="/f/1.pdf">附件</a></p>'))
    run = bench.crawl(source(bench).model_copy(update={"timeout": source(bench).timeout / 5}))
    (document,) = bench.intake.documents.values()
    assert document.text == "近期，某市市场监督管理局组织开展了电热水壶产品质量监督抽查，详见附件。"
    assert problem in document.files[0].problem
    assert run.status == "ok"
    assert any("attachment" in told for told in run.problems)


def test_a_body_of_images_keeps_them_and_its_title(bench: Bench) -> None:
    bench.site.routes["/i/1.png"] = Reply(b"\x89PNG\r\n\x1a\nxxxx", headers={"Content-Type": "image/png"})
    body = '<p><img src="/i/1.png"></p><p><img src="/i/icon.png" width="16"></p>'
    bench.site.routes["/a/1.html"] = Reply(PAGE.format(body))
    document = crawled(bench)
    assert (document.title, document.body_kind) == ("关于电热水壶产品质量监督抽查情况的通报", "image")
    assert [(file.kind, file.problem) for file in document.files] == [("image", "图片，仅存档")]
    assert document.files[0].archive is not None


@pytest.mark.parametrize("body", ['<p>附件：<a href="/f/1.docx">附件</a></p>', '<iframe src="/f/1.docx"></iframe>'])
def test_a_page_that_is_only_a_file_has_the_file_s_text(bench: Bench, body: str) -> None:
    bench.site.routes["/f/1.docx"] = Reply(LETTER, headers=OCTETS)
    bench.site.routes["/a/1.html"] = Reply(PAGE.format(body))
    document = crawled(bench)
    assert document.body_kind == "attachment"
    assert "经查，某某电器厂生产的电热水壶存在起火风险" in document.text


def test_a_row_that_leads_to_a_file_is_a_document(bench: Bench) -> None:
    bench.site.routes["/list"] = Reply(LIST.format("/f/1.docx"))
    bench.site.routes["/f/1.docx"] = Reply(LETTER, headers=OCTETS)
    document = crawled(bench, "/f/1.docx")
    assert document.title == "关于电热水壶产品质量监督抽查情况的通报"
    assert "存在起火风险" in document.text
    assert document.published is not None


def test_other_links_under_a_broad_selector_are_no_attachments(bench: Bench) -> None:
    bench.site.routes["/b.html"] = Reply("<html><body><p>别的页面</p></body></html>")
    bench.site.routes["/f/1.xlsx"] = Reply(xlsx([["产品", "企业"], ["壶", "甲厂"]]), headers=OCTETS)
    links = '<p><a href="/b.html">相关</a> <a href="/f/1.xlsx">名单</a></p>'
    bench.site.routes["/a/1.html"] = Reply(PAGE.format(TEXT + links))
    document = crawled(bench, attachments="div.text a")
    assert [file.name for file in document.files] == ["名单.xlsx"]
