"""Two revisions side by side: what counts as a change, how it is shown, who may see it."""

import io
import json
import random
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, select

from cli import main
from core.records import Document
from crawlers.archive import Archive
from pipelines.page_noise import essential, same_page
from pipelines.revision_diff import Line, compare
from store import audit, documents, users
from store.schema import documents as table
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, signed_in
from web.app import create_app
from web.services import Services

ADDED = "市监部门已介入调查，召回数量由1,200台更正为15,000台。"


def said(lines: tuple[Line, ...]) -> list[str]:
    marks = {"same": "{}", "gone": "[{}]", "new": "<{}>"}
    return ["".join(marks[piece.kind].format(piece.text) for piece in line) for line in lines]


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("抽查三批次，两批次不合格。", "抽查五批次，一批次不合格。", ["抽查[三]<五>批次，[两]<一>批次不合格。"]),
        ("召回1,200台，批次2026-A1。", "召回15,000台，批次2026-A1。", ["召回[1,200]<15,000>台，批次2026-A1。"]),
        ("第一段。\n第二段。", "第一段。\n补充一段。\n第二段。", ["第一段。", "<补充一段。>", "第二段。"]),
        ("第一段。\n厂方表示将整改。\n第三段。", "第一段。\n第三段。", ["第一段。", "[厂方表示将整改。]", "第三段。"]),
        ("已有 三人受伤。", "已有三人受伤。\n", ["已有三人受伤。"]),
        ("原文全部撤下。", "", ["[原文全部撤下。]"]),
        ("", "全新的正文。", ["<全新的正文。>"]),
        ("该厂产品不合格。", "经查与此无关，特此致歉。", ["[该厂产品不合格。]<经查与此无关，特此致歉。>"]),
    ],
)  # fmt: skip
def test_what_changed_is_told_by_words(old: str, new: str, shown: list[str]) -> None:
    assert said(compare(old, new)) == shown


def test_both_versions_can_be_read_back_from_any_comparison() -> None:
    dice = random.Random(7)
    words = [
        "市监局",
        "抽查",
        "三批次",
        "产品",
        "，",
        "。",
        "\n",
        "不合格",
        "1,200",
        "2026-A1",
        "召回",
        "！",
        " ",
        "<b>",
    ]

    def read_back(lines: tuple[Line, ...], without: str) -> str:
        return "".join("".join(piece.text for line in lines for piece in line if piece.kind != without).split())

    for _ in range(300):
        old = [dice.choice(words) for _ in range(dice.randrange(40))]
        new = [dice.choice(words) if dice.random() < 0.2 else word for word in old]
        lines = compare("".join(old), "".join(new))
        assert read_back(lines, "new") == "".join("".join(old).split())
        assert read_back(lines, "gone") == "".join("".join(new).split())


def test_two_texts_of_the_greatest_length_are_compared_all_the_same() -> None:
    assert compare("甲乙丙。" * 50_000, "甲乙丁。" * 50_000)
    assert compare("甲" * 200_000, "乙" * 200_000)


@pytest.mark.parametrize(
    "line",
    [
        "浏览次数：123", "阅读量： 1.2万", "点击数:5,678次", "【浏览：123】", "阅读 1234", "已有1234人浏览",
        "1,234 views", "您是第 20261 位访客", "今天是2026年11月23日 星期一", "打印时间：2026-11-23",
        "当前时间：2026-11-23 12:00:01",
        "3小时前", "更新于5分钟前", "2 hours ago", "上一篇：关于开展抽查的通知", "下一条: 没有了",
    ],
)  # fmt: skip
def test_what_a_page_shows_anew_at_each_visit_is_no_text(line: str) -> None:
    assert essential(f"正文一段。\n{line}\n又一段。") == "正文一段。\n又一段。"


@pytest.mark.parametrize(
    "line",
    [
        "召回数量：1200台", "点击5次后自动关机", "该视频浏览量达10万次后被删除。", "2026年11月23日，市监局抽查。",
        "相关企业已被立案调查。", "3小时前，现场仍在冒烟。", "共有1234人投诉", "发布时间：2026-11-23 09:30",
    ],
)  # fmt: skip
def test_what_an_article_says_stays(line: str) -> None:
    assert essential(line) == line


def test_lists_of_other_pages_are_no_text_and_what_follows_them_is() -> None:
    page = "正文一段。\n相关新闻\n某地召回电动自行车\n又一条新闻 2026-11-02\n责任编辑已核实全文。"
    assert essential(page) == "正文一段。\n责任编辑已核实全文。"


def raw(text: str, **more: Any) -> dict[str, Any]:
    return {"title": "通告", "text": text, "fields": {}, "tables": [], **more}


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        (raw("正文。\n浏览次数：1"), raw("正文 。\n\n浏览次数：99"), True),
        (raw("正文。", fields={"views": "1", "企业": "甲"}), raw("正文。", fields={"views": "2", "企业": "甲"}), True),
        (raw("正文。", fields={"企业": "甲"}), raw("正文。", fields={"企业": "乙"}), False),
        (raw("正文。", tables=[[["批次", "1"]]]), raw("正文。", tables=[[["批次", "2"]]]), False),
        (raw("三人受伤。"), raw("四人受伤。"), False),
        (raw("正文。"), raw("正文。", title="更正通告"), False),
    ],
)
def test_only_what_an_article_says_makes_a_revision(old: dict[str, Any], new: dict[str, Any], same: bool) -> None:
    assert same_page(old, new) == same


# --- on the desk and by hand ---------------------------------------------------------------------------------------


def revise(db: Connection, document: Document) -> None:
    """A second revision of a document of the sample pack: a sentence more, another title; the first one was withdrawn
    in between."""
    which = (table.c.id == document.id) & (table.c.revision == document.revision)
    row = dict(db.execute(select(table).where(which)).mappings().one())
    db.execute(table.update().where(which).values(latest=False, withdrawn_at=NOW - timedelta(hours=8)))
    text = f"{document.text}\n{ADDED}\n浏览次数：99"
    analysis = {**row["analysis"], "masked_text": text, "masked_title": f"更正：{document.title}"}
    new = {"revision": 2, "latest": True, "title": f"更正：{document.title}", "text": text, "analysis": analysis}
    db.execute(table.insert().values({**row, **new, "seq": None, "fetched_at": NOW, "withdrawn_at": None}))


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("desk"), clock=lambda: NOW)
    with made.store.write() as db:
        for name, role in (("chief", "supervisor"), ("officer", "officer"), ("reader", "viewer")):
            users.create_user(db, name, role=role, territory="000000", display_name=name, password=PASSWORD, now=NOW)  # type: ignore[arg-type]
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def revised(services: Services) -> str:
    with services.store.write() as db:
        found = db.execute(select(table.c.id).where(table.c.latest, table.c.level >= 3).order_by(table.c.seq)).scalars()
        document = documents.find_document(db, found.first() or "")
        assert document is not None
        archive = Archive(services.settings.data_dir / "archive", NOW)
        ref = archive.write_response(document.url, 200, [("Content-Type", "text/html")], b"<html>13912345678", NOW)
        archive.close()
        revise(db, replace(document, archive=ref))
    return document.id


Browse = Callable[[str], TestClient]


@pytest.fixture
def browse(services: Services) -> Iterator[Browse]:
    opened: list[TestClient] = []

    def sign_in(name: str) -> TestClient:
        client = signed_in(create_app(services), name)
        opened.append(client)
        return client

    yield sign_in
    for client in opened:
        client.close()


def test_the_document_page_shows_what_was_put_in_and_what_came_back(browse: Browse, revised: str) -> None:
    client = browse("reader")
    page = client.get(f"/documents/{revised}").text
    assert "?rev=2&amp;against=1" in page
    assert "撤下，后又恢复" in page
    compared = client.get(f"/documents/{revised}?rev=2&against=1").text
    assert f'<ins><span class="vh">新增：</span>{ADDED}' in compared
    assert '<ins><span class="vh">新增：</span>更正：' in compared
    assert "浏览次数：99" not in compared.split("</header>", 1)[1].split('aria-labelledby="an"')[0].replace(
        "浏览次数、", ""
    )
    assert "第 1 版" in compared
    assert client.get(f"/documents/{revised}?rev=1&against=2").text.count("<ins>") == compared.count("<ins>")
    assert client.get(f"/documents/{revised}?rev=2&against=9").status_code == 404


def test_a_bundle_is_for_officers_its_originals_for_supervisors_and_both_are_noted(
    browse: Browse, revised: str, services: Services
) -> None:
    path = f"/documents/{revised}/evidence.zip"
    assert "evidence.zip" not in browse("reader").get(f"/documents/{revised}").text
    assert browse("reader").get(path).status_code == 403
    assert browse("officer").get(f"{path}?raw=1").status_code == 403
    answer = browse("officer").get(path)
    assert answer.headers["content-type"] == "application/zip"
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert f"fengsui-evidence-{revised}/documents/{revised}/rev2/text.txt" in names
    assert browse("chief").get(f"{path}?raw=1").status_code == 200
    assert browse("chief").get("/documents/d0000/evidence.zip").status_code == 404
    with services.store.read() as db:
        noted = [(line.actor, line.details["raw"]) for line in audit.newest(db) if line.action == "export_evidence"]
    assert noted == [("chief", True), ("officer", False)]


def test_an_alert_s_bundle_holds_its_documents_and_its_history(browse: Browse) -> None:
    number = "YJ-2026-0001"
    page = browse("officer").get(f"/alerts/{number}").text
    found = re.search(r'href="(/alerts/[^"]+/evidence\.zip)"', page)
    assert found is not None
    packed = zipfile.ZipFile(io.BytesIO(browse("officer").get(found[1]).content))
    [told] = [json.loads(packed.read(name)) for name in packed.namelist() if name.endswith("/alert.json")]
    assert told["number"] == number
    assert told["history"]
    folders = {name.split("/")[2] for name in packed.namelist() if "/documents/" in name}
    assert folders == set(told["documents"])


def test_by_hand_it_is_told_in_brackets_and_as_json(services: Services, revised: str, capsys: Any) -> None:
    def fengsui(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["diff", *words, "--data", str(Path(services.settings.data_dir))])
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out + told.err

    code, told = fengsui(revised)
    assert (code, f"{{+{ADDED}+}}" in told, "第 1 版" in told) == (0, True, True)
    code, told = fengsui(revised, "--from", "1", "--to", "2", "--json")
    parts = {part["name"]: part for part in json.loads(told)["parts"]}
    assert (code, parts["标题"]["changed"], parts["正文"]["changed"]) == (0, True, True)
    assert {"kind": "new", "text": ADDED} in [piece for line in parts["正文"]["lines"] for piece in line]
    code, told = fengsui(revised, "--to", "9")
    assert (code, "accepted: 1 to 2" in told) == (2, True)
    assert fengsui("d0000")[0] == 1
