"""Texts that mean harm, all the way: read, stored and indexed by the real pipeline, then looked at on every page, feed,
file and mail they come to. Nothing acts, nothing is a formula, no header is theirs, and none is lost."""

import csv
import email
import email.policy
import io
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import feedparser
import pytest
from docx import Document as open_docx
from fastapi.testclient import TestClient
from lxml import etree
from openpyxl import load_workbook
from selectolax.lexbor import LexborHTMLParser, LexborNode
from sqlalchemy import select

from alerts.mail_message import MailWriter
from config.matchers import parse_matcher
from core.ids import short_id
from core.records import Alert, AlertState, Notification
from core.spreadsheet import safe
from ledger import proofs
from search.query import QueryError, read_query
from store import alert_log, users
from store.schema import documents
from tests.command_line import run_here
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, signed_in, value_of
from tests.hostile.texts import FORMULAS, HEADERS, PATHS, PATTERNS, QUERIES, TEXTS
from tests.search_documents import NAMES
from web.app import create_app
from web.services import Services

PLACES = ("南昌市青山湖区", "赣州市章贡区", "九江市浔阳区", "上饶市信州区", "宜春市袁州区")
MARK = re.compile(r"事例(\d{3})号")
BEGINS = re.compile(r"[\s\x00-\x1f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*[=+\-@＝＋－＠]")
TOGETHER = 5
"""Texts of a document: reading one costs a tenth of a second."""
SAFE_SCHEMES = ("/", "?", "#", "http://", "https://")


@dataclass(frozen=True)
class Filled:
    """A desk over what came through. client: of one who sees all.  rows: id and title of each document kept."""

    services: Services
    client: TestClient
    rows: tuple[tuple[str, str], ...]


def _line(number: int, texts: Sequence[str]) -> dict[str, str]:
    """A document with the texts in every place that a source may fill; the first begins its title."""
    place, first, rest = PLACES[number % len(PLACES)], texts[0], "，".join(texts[1:])
    story = f"事例{number:03d}号：居民{rest}家中第{number}辆电动自行车充电时起火，烧毁{number + 3}平方米。"
    return {
        "source": "complaint_board",
        "source_type": "complaint",
        "published": "2026-11-22T10:00:00",
        "author": first,
        "url": f"https://complaint-board.example/{number}?q={first}",
        "title": f"{first}事例{number:03d}号{rest[:120]}电动自行车充电起火",
        "text": f"{place}{first}{story}{rest}",
    }


def _lines() -> list[dict[str, str]]:
    """All texts, a few a document, each group of them with each of its kind in front once."""
    made: list[dict[str, str]] = []
    for group in TEXTS.values():
        for place in range(0, len(group), TOGETHER):
            made.append(_line(len(made), group[place : place + TOGETHER]))
    return made


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    folder = tmp_path_factory.mktemp("hostile")
    lines = [json.dumps(line) for line in _lines()]
    (folder / "in.jsonl").write_text("\n".join(lines) + "\n")
    ended = run_here("ingest", str(folder / "in.jsonl"), "--data", str(folder / "data"), "--profile", "demo")
    assert ended.returncode == 0, ended.stderr
    services = make_services(folder / "data", clock=lambda: NOW)
    with services.store.write() as db:
        rows = tuple((row[0], row[1]) for row in db.execute(select(documents.c.id, documents.c.title)).all())
        users.create_user(
            db, "chief", role="admin", territory="000000", display_name="<b>首长", password=PASSWORD, now=NOW
        )
        _alerts(db, rows)
    client = signed_in(create_app(services), "chief")
    yield Filled(services, client, rows)
    client.close()
    services.store.close()
    shutil.rmtree(folder, ignore_errors=True)


def _alerts(db: Any, rows: tuple[tuple[str, str], ...]) -> None:
    """An alert of every tenth, its titles and reasons theirs."""
    for number, (document, title) in enumerate(rows[::2], start=1):
        alert_log.save_alert(
            db,
            Alert(
                id=short_id("a", f"H{number}"), number=f"YJ-2026-9{number:03d}", subject=title, level=3,
                state=AlertState.NEW, first_at=NOW - timedelta(hours=1), updated_at=NOW, created_at=NOW, title=title,
                rule="product_fire", reason=title, products=("ebike",), enterprises=(f"NIL:{title[:40]}",),
                issues=("fire",), territory="360100", territories=("360100",), documents=(document,), findings=(),
            ),
            details={},
        )  # fmt: skip


def acting(html: str) -> list[str]:
    """What of a page would do something of its own, or take somebody somewhere by another scheme."""
    found = []
    for node in LexborHTMLParser(html).css("*"):
        if _acts(node):
            found.append((node.html or "")[:160])
    return found


def _acts(node: LexborNode) -> bool:
    attributes = {name: value or "" for name, value in node.attributes.items()}
    if node.tag in ("iframe", "object", "embed", "base", "math", "template", "xss", "marquee", "noscript", "video"):
        return True
    if node.tag == "script" and not attributes.get("src", "").startswith("/static/"):
        return True
    if node.tag == "meta" and attributes.get("http-equiv", "").lower() == "refresh":
        return True
    if any(name.startswith("on") or name in ("style", "srcdoc", "background") for name in attributes):
        return True
    leads = [attributes[name].strip() for name in ("href", "src", "action", "formaction", "data") if name in attributes]
    return any(lead and not lead.startswith(SAFE_SCHEMES) and ":" in lead.split("/")[0] for lead in leads)


def numbers(filled: Filled) -> set[str]:
    """Of the texts whose titles came through."""
    return set(MARK.findall(" ".join(title for _, title in filled.rows)))


PAGES = (
    "/", "/alerts?view=all", "/events?view=single", "/analytics?from=all&row=firm&column=kind", "/changes?since=30d",
    "/search?q=起火&from=all&view=table&cols=time,title,firm,url", "/wall", "/handover", "/enterprises",
    "/why?q=事例", "/deliveries", "/audit",
)  # fmt: skip


def _own_pages(filled: Filled) -> list[str]:
    """Those that show the texts one by one."""
    alerts = [short_id("a", f"H{number}") for number in range(1, len(filled.rows[::2]) + 1)]
    return [
        *(f"/search?q=起火&from=all&page={page}" for page in range(1, 1 + -(-len(filled.rows) // 20))),
        *(f"/documents/{document}" for document, _ in filled.rows[::2]),
        *(f"/alerts/{alert}" for alert in alerts),
    ]


def test_every_text_is_kept_and_none_with_what_a_store_or_a_page_cannot_hold(filled: Filled) -> None:
    expected = {f"{number:03d}" for number in range(len(_lines()))}
    assert numbers(filled) == expected
    for _, title in filled.rows:
        title.encode("utf-8")
        assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", title)


def test_on_no_page_does_any_of_them_act_and_each_is_shown(filled: Filled) -> None:
    shown, wrong = "", []
    for address in (*PAGES, *_own_pages(filled)):
        answer = filled.client.get(address)
        found = acting(answer.text)
        if answer.status_code != 200 or found:
            wrong.append((address, answer.status_code, found))
        shown += answer.text
    assert wrong == [], "\n".join(map(str, wrong[:10]))
    assert numbers(filled) == set(MARK.findall(shown))


def test_in_feeds_they_are_text_and_the_feeds_are_well_formed(filled: Filled) -> None:
    csrf = value_of(filled.client.get("/account").text, "csrf")
    made = filled.client.post("/account/feeds", data={"csrf": csrf, "note": "试"}).text
    secret = re.search(r"/feeds/([\w-]+)/alerts", made)
    assert secret
    for form in ("atom", "rss"):
        body = filled.client.get(f"/feeds/{secret[1]}/alerts.{form}").content
        root = etree.fromstring(body)
        assert {one.get("type", "text") for one in root.iter("{*}summary")} <= {"text"}
        entries = feedparser.parse(body, sanitize_html=False).entries
        assert len(entries) >= len(filled.rows[::2]) - 1
        for entry in entries:
            assert form == "atom" or not acting(entry.get("summary", ""))
            assert entry.link.startswith("http://127.0.0.1:8000/")
    json.loads(filled.client.get(f"/feeds/{secret[1]}/alerts.json").content)
    cap = filled.client.get(f"/alerts/{short_id('a', 'H1')}/cap.xml")
    etree.fromstring(cap.content)
    assert "\n" not in cap.headers["content-disposition"]


def test_in_no_file_that_leaves_is_any_of_them_a_formula(filled: Filled) -> None:
    cells: list[str] = []
    for address in ("/search/export?q=起火&from=all&format=csv", "/export/alerts.csv", "/export/events.csv"):
        answer = filled.client.get(address)
        assert answer.status_code == 200, address
        cells += [cell for row in csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))) for cell in row]
    book = load_workbook(io.BytesIO(filled.client.get("/search/export?q=起火&from=all&format=xlsx").content))
    for row in book.worksheets[0].iter_rows():
        assert all(cell.data_type != "f" for cell in row)
        cells += [str(cell.value) for cell in row if cell.value is not None]
    assert len(cells) > 300
    wrong = [
        cell for cell in cells if re.match(r"[\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]*[=@＝＋＠]", cell)
    ]
    assert wrong == []
    assert sum(cell.startswith("'") for cell in cells) > 3, "the texts themselves are there"


@pytest.mark.parametrize("text", FORMULAS, ids=repr)
def test_a_cell_that_begins_like_a_formula_is_text(text: str) -> None:
    written = str(safe(text))
    assert written in (f"'{text}", text)
    assert not BEGINS.match(written)


@pytest.mark.parametrize("text", HEADERS, ids=repr)
def test_no_text_becomes_a_header_of_a_mail_or_a_second_mail(text: str) -> None:
    notice = Notification(
        "n0123456789abcdef", "mail", "desk@example.org", f"[橙] {text}", f"正文 {text}", f"<p>{text}</p>", "a1", 3,
        details={"kind": "alert"},
    )  # fmt: skip
    raw = MailWriter("fengsui@example.org", lambda _: {}).message_of(notice).as_bytes()
    read = email.message_from_bytes(raw, policy=email.policy.default)
    assert read["Bcc"] is None
    assert read["X-Injected"] is None
    assert read.get_all("To") == ["desk@example.org"]
    assert len(read.get_all("Subject") or []) == 1
    assert read.get_content_type().startswith("multipart/")


@pytest.mark.parametrize("name", PATHS, ids=repr)
def test_a_name_of_a_file_leads_nowhere_and_breaks_no_header(filled: Filled, name: str, tmp_path: Path) -> None:
    body, rules = b"%PDF-1.4 " + name.encode("utf-8", "replace"), filled.services.ledger.proofs
    kept = proofs.keep(tmp_path, "other", name, body, rules)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [proofs.path_of(tmp_path, kept.sha256)]
    assert kept.name.endswith(".pdf")
    assert not re.search(r"[\\/\x00-\x1f\"<>|]", kept.name)
    alert = short_id("a", "H1")
    csrf = value_of(filled.client.get(f"/alerts/{alert}").text, "csrf")
    given = filled.client.post(
        f"/alerts/{alert}/file", data={"csrf": csrf, "once": f"file-{abs(hash(name))}", "note": ""},
        files={"file": (name.encode("utf-8", "replace").decode(), body)},
    )  # fmt: skip
    assert given.status_code in (303, 409)
    if given.status_code == 303 and (number := given.headers["location"].rpartition("=")[2]).isdecimal():
        handed = filled.client.get(f"/alerts/{alert}/files/{number}")
        assert handed.status_code == 200
        assert set(handed.headers) & {"x-injected", "set-cookie"} == set()
        assert handed.headers["content-disposition"].startswith("attachment;")
        assert handed.headers["x-content-type-options"] == "nosniff"


def test_a_bundle_of_evidence_holds_no_name_that_leads_out_of_it(filled: Filled) -> None:
    answer = filled.client.get(f"/alerts/{short_id('a', 'H2')}/evidence.zip")
    assert answer.status_code == 200
    with ZipFile(io.BytesIO(answer.content)) as packed:
        names = packed.namelist()
    assert names
    assert not [name for name in names if name.startswith(("/", "\\")) or ".." in name.split("/") or "\0" in name]


def test_a_dossier_of_a_firm_with_such_a_name_opens(filled: Filled) -> None:
    for name in ("<script>", "=1+1", "a\r\nX-Injected: 1", "../../x", "\u202e喜"):
        answer = filled.client.get(f"/enterprises/NIL:{name}/dossier.docx".replace("\r\n", "%0d%0a"))
        assert answer.status_code in (200, 404)
        assert "x-injected" not in answer.headers
        if answer.status_code == 200:
            open_docx(io.BytesIO(answer.content))


@pytest.mark.parametrize("text", [*QUERIES, *TEXTS["sql"]], ids=lambda text: repr(text)[:40])
def test_a_search_is_answered_or_refused_with_a_sentence(filled: Filled, text: str) -> None:
    answer = filled.client.get("/search", params={"q": text.encode("utf-8", "replace").decode(), "from": "all"})
    assert answer.status_code in (200, 400)
    assert acting(answer.text) == []
    told = "read"
    try:
        read_query(text, names=NAMES, now=NOW)
    except QueryError as refused:
        told = refused.message
    assert told
    with filled.services.store.read() as db:
        assert len(db.execute(select(documents.c.id)).all()) == len(filled.rows)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda text: repr(text)[:40])
def test_a_pattern_that_people_write_is_linear_or_refused(filled: Filled, pattern: str) -> None:
    """RE2 looks at 100,000 letters once; Python's own would still be at the first hundred."""
    told = "正则"
    try:
        parse_matcher(f"firm=~{pattern}").holds(("a" * 100_000 + "!",))
    except ValueError as refused:
        told = str(refused)
    assert any(word in told for word in ("正则", "匹配条件", "过长", "不是可用"))
