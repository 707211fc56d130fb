"""Bundles of evidence: they hold what was fetched, verify with standard tools, and keep personal data back."""

import hashlib
import json
import os
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from warcio.cli import main as warcio

from cli import main
from crawlers.archive import Archive
from pipelines.evidence.bundle import bundle_of
from pipelines.intake import StoreIntake
from store import audit
from store.database import Store, check_profile
from store.documents import add_revision, find_document, raw_of
from store.schema import documents
from tests.crawl_server import NOW, Bench, Reply, Site
from tests.test_watched_pages import LIST, page

PHONE = "13912345678"


@dataclass
class Desk:
    """A data folder that a crawler has filled."""

    bench: Bench
    data: Path
    store: Store

    def crawl(self, text: str, **values: Any) -> str:
        """The id of the document behind the list's one row."""
        self.bench.site.routes["/a/1.html"] = page(text, "<script>alert(1)</script>")
        keys = {"list_url": f"{self.bench.site.base}/list", "item": "ul.news li", "detail": {"body": "div.text"}}
        self.bench.crawl(self.bench.source("html_list", **{**keys, "recheck_at": "every_run", **values}))
        with self.store.read() as db:
            return str(db.execute(select(documents.c.id).where(documents.c.latest)).scalar_one())

    def bundle(self, asked: str, *options: str) -> Path:
        """The unpacked folder."""
        out = self.data / f"out{len(list(self.data.glob('out*')))}"
        fengsui("evidence", asked, "--out", str(out), "--data", str(self.data), *options)
        [folder] = out.iterdir()
        return folder


def fengsui(*words: str) -> int:
    """A command's exit code."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    site = Site()
    site.routes["/list"] = Reply(LIST)
    store = Store(f"sqlite:///{tmp_path / 'fengsui.db'}")
    store.migrate()
    with store.write() as db:
        check_profile(db, "demo")
    bench = Bench(site, tmp_path)
    bench.intake = StoreIntake(store, bench.clock)  # type: ignore[assignment]  # the real one
    yield Desk(bench, tmp_path, store)
    store.close()
    site.close()


def verified(folder: Path) -> list[str]:
    """The paths that sha256sum says OK to; it fails on any other word."""
    told = subprocess.run(
        ["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=True
    )
    return sorted(line.rpartition(": ")[0] for line in told.stdout.splitlines())


def test_a_bundle_holds_every_revision_as_fetched_and_verifies(desk: Desk) -> None:
    first = desk.crawl("市监局抽查三批次电动自行车，两批次不合格，已责令下架。")
    desk.crawl("更正：抽查三批次电动自行车，一批次不合格，已责令下架。")
    fengsui("reanalyze", "--data", str(desk.data))
    folder = desk.bundle(first)
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert verified(folder) == [name for name in files if name != "SHA256SUMS"]
    rev = folder / "documents" / first / "rev1"
    page_file, told = (rev / "page.html").read_bytes(), json.loads((rev / "revision.json").read_text())
    assert "两批次不合格" in page_file.decode()
    assert b"<script>alert(1)</script>" in page_file
    assert told["page"]["sha256"] == hashlib.sha256(page_file).hexdigest()
    assert told["page"]["request_address"] == f"{desk.bench.site.base}/a/1.html"
    assert told["fetched_at"] == {"beijing": "2026-11-23T12:00:00+08:00", "utc": "2026-11-23T04:00:00+00:00"}
    heads = (rev / "headers.txt").read_text()
    assert "GET /a/1.html HTTP/1.1" in heads
    assert "HTTP/1.1 200 OK" in heads
    analysis = json.loads((rev / "analysis.json").read_text())
    text = (rev / "text.txt").read_text().split("\n\n", 1)[1]
    assert analysis["reasons"]
    assert all(text[m["start"] : m["end"]] == m["text"] for m in analysis["mentions"])
    assert set(analysis["versions"]) == {"analyzer", "lexicons_at_export"}
    about = json.loads((folder / "documents" / first / "document.json").read_text())
    assert [each["revision"] for each in about["revisions"]] == [1, 2]
    assert "sha256sum -c SHA256SUMS" in (folder / "README.txt").read_text()


def test_the_archived_record_in_it_is_a_warc_file_of_its_own(desk: Desk, capsys: Any) -> None:
    found = desk.crawl("市监局抽查三批次电动自行车，两批次不合格，已责令下架。")
    record = desk.bundle(found) / "documents" / found / "rev1" / "record.warc.gz"
    with pytest.raises(SystemExit) as ended:
        warcio(["check", str(record)])
    assert ended.value.code == 0
    capsys.readouterr()
    warcio(["index", "-f", "warc-type,warc-target-uri", str(record)])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["warc-type"] for line in lines] == ["response", "request"]


def test_the_same_store_gives_the_same_bytes(desk: Desk) -> None:
    found = desk.crawl("市监局抽查三批次电动自行车，两批次不合格，已责令下架。")
    packed = []
    for name in ("一.zip", "二.zip"):
        assert fengsui("evidence", found, "--out", str(desk.data / name), "--data", str(desk.data)) == 0
        packed.append((desk.data / name).read_bytes())
    assert packed[0] == packed[1]
    assert {Path(name).parts[0] for name in zipfile.ZipFile(desk.data / "一.zip").namelist()} == {
        f"fengsui-evidence-{found}"
    }


def test_complaints_come_masked_and_their_originals_only_on_demand_which_is_noted(desk: Desk) -> None:
    found = desk.crawl(f"投诉人：张三，电话{PHONE}，称所购电动自行车充电起火，商家不予处理。", kind="complaint")
    folder = desk.bundle(found)
    assert not any(PHONE.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    rev = folder / "documents" / found / "rev1"
    assert "充电起火" in (rev / "page.masked.txt").read_text()
    told = json.loads((rev / "revision.json").read_text())["page"]
    assert told["withheld"] is True
    original = (desk.bundle(found, "--raw") / "documents" / found / "rev1" / "page.html").read_bytes()
    assert PHONE.encode() in original
    assert hashlib.sha256(original).hexdigest() == told["sha256"]
    with desk.store.read() as db:
        noted = [(line.action, line.object, line.details["raw"]) for line in audit.newest(db)]
    assert noted == [("export_evidence", found, True), ("export_evidence", found, False)]


def test_a_row_of_a_dropped_file_takes_nobody_else_s_along(desk: Desk) -> None:
    rows = ("编号,投诉人,标题,投诉内容", "1,张三丰,充电器起火,充电器起火", "2,李四光,车架断裂,车架断裂伤人")
    folder = desk.data / "inbox" / "sample"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("\n".join(rows), encoding="utf-8")
    os.utime(folder / "a.csv", (NOW.timestamp() - 60, NOW.timestamp() - 60))
    read = {"id": "编号", "title": "标题", "text": "投诉内容"}
    desk.bench.crawl(desk.bench.source("file_import", kind="complaint", map=read))
    with desk.store.read() as db:
        found = db.execute(select(documents.c.id).where(documents.c.external_id == "1")).scalar_one()
    plain = desk.bundle(found)
    held = "".join(path.read_text() for path in plain.rglob("*") if path.is_file())
    assert "text.txt is the row" in held
    assert not [word for word in ("张三丰", "李四光", "车架断裂") if word in held]
    whole = desk.bundle(found, "--raw") / "documents" / found / "rev1"
    assert "李四光" in (whole / "page.csv").read_text()
    settings = {"archive": desk.data / "archive", "lexicons": desk.data, "asked": found, "raw": True}
    county = [one.path for one in bundle_of(desk.store, **settings, whole_files=False).files()]
    assert [path for path in county if "page" in path or "warc" in path] == []


def test_archived_attachments_are_part_of_it(desk: Desk) -> None:
    found = desk.crawl("不合格名单见附件，市监局已责令下架并立案。")
    writer = Archive(desk.data / "archive", NOW + timedelta(seconds=5))
    ref = writer.write_response("https://a.example/名单.xls", 200, [("Content-Type", "x/y")], b"\xd0\xcf\x11\xe0", NOW)
    writer.close()
    file = {"url": "https://a.example/名单.xls", "name": "名单.xls", "kind": "xls", "sha256": ref.sha256}
    lost = {"url": "https://a.example/gone.pdf", "name": "gone.pdf", "archive": None}
    with desk.store.write() as db:
        document = find_document(db, found)
        assert document is not None
        _, raw = raw_of(db, document)
        kept = {**raw, "files": [{**file, "archive": asdict(ref)}, lost]}
        db.execute(documents.update().where(documents.c.id == found).values(raw=kept))
    rev = desk.bundle(found) / "documents" / found / "rev1"
    assert (rev / "attachments" / "01.xls").read_bytes() == b"\xd0\xcf\x11\xe0"
    told = json.loads((rev / "revision.json").read_text())["attachments"]
    assert [(each["name"], each.get("kept")) for each in told] == [("名单.xls", None), ("gone.pdf", "not fetched")]


def test_what_cannot_be_read_from_the_archive_is_said_and_the_rest_is_there(desk: Desk, capsys: Any) -> None:
    found = desk.crawl("市监局抽查三批次电动自行车，两批次不合格，已责令下架。")
    for path in (desk.data / "archive").rglob("*.warc.gz"):
        path.write_bytes(b"")
    out = desk.data / "out0"
    assert fengsui("evidence", found, "--out", str(out), "--data", str(desk.data)) == 1
    assert "存档读不出来" in capsys.readouterr().err
    [folder] = out.iterdir()
    verified(folder)
    assert json.loads((folder / "documents" / found / "rev1" / "revision.json").read_text())["page"]["missing"]


@pytest.mark.parametrize("asked", ["d0000", "YJ-2026-9999", "../../etc"])
def test_what_is_neither_document_nor_alert_is_refused(desk: Desk, asked: str, capsys: Any) -> None:
    assert fengsui("evidence", asked, "--out", str(desk.data / "x.zip"), "--data", str(desk.data)) == 1
    assert "no document and no alert" in capsys.readouterr().err
    assert not (desk.data / "x.zip").exists()


def test_evidence_is_never_written_over(desk: Desk, capsys: Any) -> None:
    found = desk.crawl("市监局抽查三批次电动自行车，两批次不合格，已责令下架。")
    (desk.data / "x.zip").write_bytes(b"older")
    assert fengsui("evidence", found, "--out", str(desk.data / "x.zip"), "--data", str(desk.data)) == 2
    assert (desk.data / "x.zip").read_bytes() == b"older"
    assert "is there already" in capsys.readouterr().err


def test_a_document_that_came_without_a_page_has_no_page(desk: Desk) -> None:
    found = desk.crawl("市监局抽查三批次电动自行车，两批次不合格，已责令下架。")
    with desk.store.write() as db:
        document = find_document(db, found)
        assert document is not None
        external, raw = raw_of(db, document)
        alone = {**asdict(document), "id": "dalone", "archive": None, "url": "", "canonical_url": ""}
        add_revision(db, type(document)(**{**alone, "kind": document.kind}), external_id=external, raw=raw)
    folder = desk.bundle("dalone")
    assert verified(folder)
    assert not list(folder.rglob("page.*"))
