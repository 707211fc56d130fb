"""The desk shows what a document states as facts: the recall, the spot-check rows, the files and their tables."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from core.records import ArchiveRef, AttachedFile, Kind, RawDocument
from pipelines.clean import cleaned
from pipelines.intake import save_raw
from store import documents
from store.schema import documents as table
from tests.desk_server import NOW, make_services
from web.app import create_app, entry_path
from web.services import Services

HASH = "ab" * 32
RECALL = RawDocument(
    source="samrdprc_consumer_notice", kind=Kind.RECALL, url="https://r.example.org/1", fetched_at=NOW, published=NOW,
    title="郑州赤隼电器有限公司召回部分赤隼牌电热水壶", text="涉及数量为 1,248 台。<script>alert(1)</script>",
    fields={"agency": "市场监管总局", "barcode": "6901234567892\n18842135844"},
    tables=((("产品名称", "型号/规格"), ("电热水壶", "KT-17")),),
    body_kind="text",
)  # fmt: skip
CHECK = RawDocument(
    source="gz_amr", kind=Kind.SPOTCHECK, url="https://r.example.org/2", fetched_at=NOW, published=NOW,
    title="电热水壶监督抽查不合格名单", text="", body_kind="attachment",
    tables=((("产品名称", "标称生产企业", "不合格项目"), ("电热水壶", "江西赤隼电器有限公司", "接地措施")),),
    files=(
        AttachedFile("https://r.example.org/a.xls", "附件1：名单.xls", "xls", 5632, HASH,
                     ArchiveRef("202611/x.warc.gz", 1, 2, HASH), tables=1),
        AttachedFile("https://r.example.org/b.doc", "说明.doc", "doc", 10, HASH, problem="旧版 Word 不解析，仅存档"),
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("facts"), clock=lambda: NOW)
    with made.store.write() as db:
        for raw in (RECALL, CHECK):
            save_raw(db, raw, now=NOW)
            kept = db.execute(table.select().where(table.c.canonical_url == raw.url)).mappings().one()["raw"]
            db.execute(table.update().where(table.c.canonical_url == raw.url).values(**cleaned(kept)))
    yield made
    made.store.close()


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    browser = TestClient(create_app(services))
    with services.store.write() as db:
        entry = entry_path(db, services=services)
    browser.get(entry)
    yield browser
    browser.close()


def address(services: Services, raw: RawDocument) -> str:
    with services.store.read() as db:
        found = documents.find_by_address(db, raw.source, "", raw.url)
    assert found is not None
    return found.id


def facts(page: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>([^<]+)</dt><dd>(.*?)</dd>", page))


def test_a_recall_shows_its_record(client: TestClient, services: Services) -> None:
    page = client.get(f"/documents/{address(services, RECALL)}").text
    shown = facts(page)
    assert (shown["产品"], shown["品牌"], shown["型号"], shown["数量"]) == ("电热水壶", "赤隼", "KT-17", "1,248")
    assert shown["企业"] == "郑州赤隼电器有限公司（召回）"
    assert shown["条码"] == "6901234567892、18842135844"  # no telephone, though as long as one
    assert "<script>alert" not in page


def test_the_record_is_in_the_json_of_the_document(client: TestClient, services: Services) -> None:
    answer = client.get(f"/api/documents/{address(services, RECALL)}").json()
    assert answer["recall"]["quantity"] == 1248
    assert answer["recall"]["firms"] == [{"name": "郑州赤隼电器有限公司", "role": "recaller", "code": ""}]
    assert answer["recall"]["recall_date"] == "2026-11-23"
    assert (answer["spot_checks"], answer["files"]) == ([], [])


def test_a_spot_check_shows_its_rows_and_which_file_they_came_from(client: TestClient, services: Services) -> None:
    found = address(services, CHECK)
    page = client.get(f"/documents/{found}").text
    assert "抽查记录 1 行" in page
    assert "<td>江西赤隼电器有限公司</td><td>电热水壶</td>" in page
    assert "附件：附件1：名单.xls" in page
    assert "旧版 Word 不解析，仅存档" in page
    assert "正文在附件里、有附件未读" in page
    assert f"sha256 {HASH}" in page
    answer = client.get(f"/api/documents/{found}").json()
    assert answer["recall"] is None
    assert answer["spot_checks"][0]["nominal_producer"] == "江西赤隼电器有限公司"
    assert [(file["name"], file["tables"], file["problem"]) for file in answer["files"]] == [
        ("附件1：名单.xls", 1, ""),
        ("说明.doc", 0, "旧版 Word 不解析，仅存档"),
    ]


def test_files_and_flags_are_kept_with_the_revision(services: Services) -> None:
    with services.store.read() as db:
        document = documents.find_by_address(db, CHECK.source, "", CHECK.url)
        assert document is not None
        assert documents.files_of(db, document) == CHECK.files
    assert document.flags == ("body_attachment", "file_unread")


def test_a_half_character_in_a_file_s_name_is_no_obstacle(services: Services) -> None:
    bad = replace(
        CHECK, url="https://r.example.org/3", files=(AttachedFile("https://r.example.org/c", "坏\ud800名.xls"),)
    )
    with services.store.write() as db:
        assert save_raw(db, bad, now=NOW) == "new"
    json.dumps([file.name for file in bad.files])
