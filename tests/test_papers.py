"""Official papers: each sentence of fact rests on something, no forbidden word, fields block signing, then frozen."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from docx import Document
from docx.oxml.ns import qn
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from sqlalchemy import Connection, select

from cli import main
from core.clock import BEIJING, as_utc
from core.errors import UsageError
from core.firms import FactKind, FirmFact
from ledger import steps
from ledger.book import Deed, open_book
from reports.agenda import Agenda
from reports.papers import book
from reports.papers.by_clock import draft_due
from reports.papers.files import PACK, files_for
from reports.papers.flash import flash
from reports.papers.gather import Desk, Records
from reports.papers.kinds import KINDS, Asked
from reports.papers.layout import set_paper
from reports.papers.phrases import outside, share, source_says, tight
from reports.papers.record import BLANK, Cell, Content, Leaf, fact, from_plain, to_plain
from reports.papers.shown import shown_paper
from reports.papers.sources import sources_said
from reports.papers.subjects import matter_of
from reports.papers.words import forbidden
from reports.papers.workbook import write_workbook
from reports.table import freeze, frozen_hash
from reports.weeks import read_week
from store import users
from store.firm_facts import save_facts
from store.ledger import list_entries
from store.papers import PaperRow, drop_paper, find_paper
from store.schema import audit, source_days, source_pulses, source_states
from store.source_states import StateChange, add_change
from store.supervisions import Supervision, insert_supervision
from store.weekly import CellRow, SheetAct, add_act, add_cell
from tests.desk_pages import ALERT, fill_more
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, Browse, value_of, visits
from web.papers import desk_for
from web.services import Services

DRAFTS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("weekly", "week:2026-W47", {}), ("flash", f"alert:{ALERT}", {}), ("opinion", f"alert:{ALERT}", {}),
    ("risk", "alert:YJ-2026-0004", {}), ("risk", "event:SJ-2026-0003", {}), ("letter", "alert:YJ-2026-0004", {}),
    ("letter", "trace:model=XL-9000", {"to": "360113"}), ("transfer", "alert:YJ-2026-0004", {}),
    ("stage", "year:2026", {}), ("annual", "year:2026", {}), ("talk", f"alert:{ALERT}", {}),
    ("talk", "event:SJ-2026-0003", {}), ("supervise", "supervised:DB-2026-0001", {}), ("tip", f"alert:{ALERT}", {}),
    ("tip", "event:SJ-2026-0003", {}), ("sampling", "year:2026", {}),
)  # fmt: skip
"""Kind, subject and options of a paper of every kind."""
AUTHORS = Path(__file__).resolve().parent.parent / "reports" / "papers"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("papers"), clock=lambda: NOW)
    fill_more(made)
    with made.store.write() as db:
        for name, role, territory in (
            ("chief", "supervisor", "360000"), ("second", "supervisor", "360000"), ("one", "officer", "360000"),
            ("county", "officer", "360702"), ("reader", "viewer", "360000"),
        ):  # fmt: skip
            who: dict[str, Any] = {"role": role, "territory": territory, "display_name": f"{name}员"}
            users.create_user(db, name, **who, password=PASSWORD, now=NOW)
        recall = FirmFact("ENT0043", FactKind.RECALL, day=date(2026, 11, 2), product="充电器", model="XL-9000")
        save_facts(db, [replace(recall, number="赣召2026-9", source="名录.csv")], now=NOW)
        failed = replace(list_entries(db)[0], origin="spotcheck", title="蓄电池标志不合格", alert=None)
        book_of = open_book(made.ledger, lambda day: True, made.lexicon)
        kept = steps.add(book_of, db, failed, Deed("one", NOW, once="failed-1", territory="360000"))
        entries = tuple(one.id for one in list_entries(db) if one.id != kept.id)
        terms, day = "隐患全部销号", date(2026, 12, 31)
        one = Supervision("", "territory", "360702", "360000", "章贡区", "", date(2026, 11, 20), day, terms, entries,
                          "chief", NOW)  # fmt: skip
        insert_supervision(db, one, once="supervised-1")
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def browse(services: Services) -> Iterator[Browse]:
    yield from visits(services)


@pytest.fixture(scope="module")
def contents(services: Services) -> dict[str, Content]:
    """A paper of every kind over the sample story."""
    found = {}
    with services.store.read() as db:
        for kind, subject, options in DRAFTS:
            desk = desk_for(services, db, "360000", now=NOW)
            found[f"{kind} {subject}"] = book.draft(desk, kind, Asked(subject, options))
    return found


def draft(client: TestClient, kind: str, subject: str, **options: str) -> str:
    """Draft a paper on the desk; its id."""
    page = client.get(f"/papers/new?of={subject}").text
    form = {"csrf": value_of(page, "csrf"), "once": value_of(page, "once"), "kind": kind, "of": subject, **options}
    answer = client.post("/papers/new", data=form)
    assert answer.status_code == 303, re.findall(r'role="alert">([^<]*)', answer.text)
    return str(answer.headers["location"]).split("/")[2].split("?")[0]


def post(client: TestClient, paper: str, deed: str, **fields: str) -> Any:
    """Send a form of a paper's page."""
    page = client.get(f"/papers/{paper}").text
    form = {"csrf": value_of(page, "csrf"), "once": sha256(f"{paper}{deed}{fields}".encode()).hexdigest()[:20]}
    if deed == "sign" and 'name="seen"' in page:
        form["seen"] = value_of(page, "seen")
    return client.post(f"/papers/{paper}/{deed}", data={**form, **fields})


def fields_of(services: Services, paper: str) -> dict[str, str]:
    """Something for every field of a paper: the draft where there is one."""
    with services.store.read() as db:
        kept = book.open_paper(db, paper)
    assert kept is not None
    told = {f"f_{one.key}": one.drafted or "已核" for one in kept.content.fields}
    return told | {f"ok_{one.key}": "1" for one in kept.content.fields}


def test_every_kind_is_drafted_here(contents: dict[str, Content]) -> None:
    assert {kind for kind, _, _ in DRAFTS} == set(KINDS)
    for name, content in contents.items():
        assert content.form == KINDS[content.kind].form, name


def test_every_sentence_of_fact_rests_on_something_that_is_listed(contents: dict[str, Content]) -> None:
    for name, content in contents.items():
        for said in content.said():
            if said.tells:
                assert said.rests, f"{name}: {said.text}"
        for key in content.cited():
            assert key in content.evidence, f"{name}: {key} is cited and not listed"
        for one in content.evidence.values():
            assert content.form == "A" or "举报人" not in one.title
            assert one.state in ("系统记录", "待核", "原页面已撤下")


def test_a_sentence_of_form_states_no_number(contents: dict[str, Content]) -> None:
    """What rests on nothing asks or orders; figures and names of firms are facts."""
    for name, content in contents.items():
        for said in content.said():
            if not said.tells:
                plain = BLANK.sub("", said.text)
                assert not re.search(r"\d+(?:\.\d+)?[个条批起家%件]", plain), f"{name}: {said.text}"


def test_no_paper_uses_a_forbidden_word(contents: dict[str, Content]) -> None:
    for name, content in contents.items():
        outward = content.form in book.OUTWARD
        for line in shown_paper(content, {}):
            texts = ["".join(piece.text for piece in line.pieces), *line.head, *(c for row in line.rows for c in row)]
            for text in texts:
                assert not forbidden(text, outward=outward), f"{name}: {text}"
        assert not forbidden(content.title + "".join(content.subtitle) + content.copies, outward=outward)


def test_no_template_holds_a_forbidden_word() -> None:
    """Every text in the code that writes papers, but the list of those words itself."""
    for path in sorted(AUTHORS.glob("*.py")):
        if path.name != "words.py":
            for text in re.findall(r'"([^"\n]*[\u4e00-\u9fff][^"\n]*)"', path.read_text(encoding="utf-8")):
                assert not forbidden(text), f"{path.name}: {text}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("该企业为违法企业", ["违法企业"]),
        ("属重大事故", ["重大事故"]),
        ("内部风险级别：橙（非生产安全事故等级，非突发事件预警级别）", []),
        ("某报报道“黑作坊被查”", []),
        ("全网刷屏", ["全网", "刷屏"]),
        ("网传爆炸致3人死亡", ["致3人死亡"]),
        ("系统初步识别，待核实", []),
        ("AI认为风险较高", ["AI认为"]),
    ],
)
def test_words_that_judge_are_found_and_quotations_keep_theirs(text: str, found: list[str]) -> None:
    assert [word for word, _ in forbidden(text)] == found


def test_informers_are_not_named_in_what_leaves_the_bureau() -> None:
    assert forbidden("“举报人称”", outward=True)
    assert not forbidden("“举报人称”")


@pytest.mark.parametrize(
    ("kind", "before", "behind"),
    [
        ("notice", "据甲通报，", ""), ("news", "据《甲》报道，", ""), ("complaint", "投诉人反映，", "，待核实"),
        ("social", "网传，", "，待核实"), ("forum", "网传，", "，待核实"),
    ],
)  # fmt: skip
def test_the_source_decides_the_verb(kind: str, before: str, behind: str) -> None:
    assert source_says(kind, "甲") == (before, behind)


def test_numbers_and_quotations_follow_the_rules() -> None:
    assert tight("采集 37 条，占 45.2% 的") == "采集37条，占45.2%的"
    assert share(9, 20) == "占45.0%"
    assert share(9, 19) == ""
    assert outside("称“好”\ue000x\ue001") == "“称‘好’x”"


def test_a_paper_survives_the_store(contents: dict[str, Content]) -> None:
    for content in contents.values():
        assert from_plain(to_plain(content)) == content


def test_a_docx_has_the_page_of_official_papers(contents: dict[str, Content]) -> None:
    content = next(iter(contents.values()))
    made = Document(BytesIO(set_paper(content, {})))
    first = made.sections[0]
    margins = (first.top_margin, first.right_margin, first.bottom_margin, first.left_margin)
    assert [round(one.mm) for one in margins if one is not None] == [37, 26, 35, 28]
    assert first.page_width is not None
    assert round(first.page_width.mm) == 210
    grid = first._sectPr.find(qn("w:docGrid"))
    assert grid is not None
    assert grid.get(qn("w:linePitch")) == "579"
    fonts = made.styles["Normal"].element.rPr.rFonts
    assert fonts.get(qn("w:eastAsia")) == "仿宋_GB2312"
    assert made.settings.odd_and_even_pages_header_footer
    assert first.header.paragraphs[0].text == "代拟稿，未经审签不得外发"
    assert made.paragraphs[0].text.replace("\n", "") == content.title
    [last] = [table for table in made.tables if table.rows[0].cells[-1].text == "核实状态"]
    assert [cell.text for cell in last.rows[0].cells][5:7] == ["存档号", "SHA-256"]
    assert len(last.rows) == len(content.cited()) + 1


def test_an_immediate_report_is_set_for_one_page(contents: dict[str, Content]) -> None:
    made = Document(BytesIO(set_paper(contents[f"flash alert:{ALERT}"], {})))
    texts = [one.text for one in made.paragraphs]
    assert any(text.startswith("一、信息来源和接报时间。10月9日") for text in texts)
    size = made.styles["Normal"].font.size
    assert size is not None
    assert 12 <= size.pt < 16
    title = made.styles["Title"].element.pPr.find(qn("w:ind"))
    assert title.get(qn("w:firstLine")) == "0"
    copied, printed = made.tables[0].rows
    assert copied.cells[0].paragraphs[0].paragraph_format.keep_with_next
    assert "印发" in printed.cells[0].text


def test_a_paper_is_filled_signed_by_a_second_person_and_frozen(services: Services, browse: Browse) -> None:
    one, chief = browse("one"), browse("chief")
    paper = draft(one, "weekly", "week:2026-W47")
    page = one.get(f"/papers/{paper}").text
    assert "【待填：存在问题】" in page
    assert "【待确认】" in page
    assert "还不能签发" in chief.get(f"/papers/{paper}").text
    assert post(chief, paper, "sign", seen="x").status_code == 409
    assert "公文不用" in post(one, paper, "fill", f_problems="个别黑作坊").text
    as_it_is = {key: text for key, text in fields_of(services, paper).items() if key.startswith("f_")}
    post(one, paper, "fill", **as_it_is)
    assert "【待确认】" in one.get(f"/papers/{paper}").text  # nobody said that they looked at the drafts
    assert post(one, paper, "fill", **fields_of(services, paper)).status_code == 303
    draft_bytes = one.get(f"/papers/{paper}/paper.docx").content
    assert post(browse("reader"), paper, "sign").status_code == 403
    page = chief.get(f"/papers/{paper}").text
    stale = post(chief, paper, "sign", seen="2026-01-01 00:00|0")
    assert stale.status_code == 409
    assert post(chief, paper, "sign").status_code == 303
    first = chief.get(f"/papers/{paper}/paper.docx").content
    assert first == one.get(f"/papers/{paper}/paper.docx").content
    assert first != draft_bytes
    texts = [line.text for line in Document(BytesIO(first)).paragraphs]
    assert not any("【待" in text for text in texts)
    assert sha256(first).hexdigest()[:16] in chief.get(f"/papers/{paper}").text
    assert "已签发，不能再改" in post(one, paper, "fill", f_problems="改").text
    with services.store.read() as db:
        deeds = set(db.execute(select(audit.c.action).where(audit.c.object == paper)).scalars())
    assert deeds == {"paper_draft", "paper_fill", "paper_sign", "export_paper"}


def test_whoever_wrote_into_a_paper_does_not_sign_it(services: Services, browse: Browse) -> None:
    chief, second = browse("chief"), browse("second")
    paper = draft(chief, "weekly", "week:2026-W46")
    post(chief, paper, "fill", **fields_of(services, paper))
    assert "须是两个人" in chief.get(f"/papers/{paper}").text
    assert post(chief, paper, "sign", seen="x").status_code == 409
    assert post(second, paper, "sign").status_code == 303


def test_what_somebody_else_wrote_meanwhile_is_not_taken_back(services: Services, browse: Browse) -> None:
    one, second = browse("one"), browse("second")
    paper = draft(one, "weekly", "week:2026-W43")
    old = one.get(f"/papers/{paper}").text
    shown = {f"was_{key}": value_of(old, f"was_{key}") for key in ("problems", "plans")}
    assert post(second, paper, "fill", f_problems="甲写的", f_plans="", **shown).status_code == 303
    assert post(one, paper, "fill", f_problems="", f_plans="乙写的", **shown).status_code == 303
    with services.store.read() as db:
        kept = book.open_paper(db, paper)
    assert kept is not None
    assert (kept.values["problems"], kept.values["plans"]) == ("甲写的", "乙写的")
    answer = post(one, paper, "fill", f_problems="乙也写", **shown)
    assert answer.status_code == 400
    assert "已由他人填写" in answer.text
    assert "乙也写" in answer.text


def test_a_draft_that_changed_is_confirmed_again_and_not_signed_unseen(services: Services, browse: Browse) -> None:
    one = browse("one")
    paper = draft(one, "weekly", "week:2026-W42")
    post(one, paper, "fill", **fields_of(services, paper))
    with services.store.write() as db:
        kept = book.open_paper(db, paper)
        assert kept is not None
        fields = tuple(replace(one, draft=(fact("本期敏感舆情99起。", "d"),)) if one.key == "opinion" else one
                       for one in kept.content.fields)  # fmt: skip
        before = book.seen(kept)
        book.renew(db, kept, replace(kept.content, fields=fields), now=NOW, once="renewed-1")
    with services.store.read() as db:
        kept = book.open_paper(db, paper)
    assert kept is not None
    assert [one.key for one in kept.lacking] == ["opinion"]
    assert book.seen(kept) != before
    assert kept.values["problems"] == "已核"


def test_a_report_drafted_twice_in_a_minute_is_another_to_the_signer(services: Services, browse: Browse) -> None:
    paper = draft(browse("one"), "weekly", "week:2026-W41")
    with services.store.write() as db:
        kept = book.open_paper(db, paper)
        assert kept is not None
        book.renew(db, kept, replace(kept.content, subtitle=("第99期",)), now=NOW, once="renewed-2")
        again = book.open_paper(db, paper)
    assert again is not None
    assert again.content.made == kept.content.made
    assert book.seen(again) != book.seen(kept)


def test_a_paper_of_another_bureau_is_not_there(browse: Browse) -> None:
    paper = draft(browse("one"), "weekly", "week:2026-W45")
    county = browse("county")
    assert county.get(f"/papers/{paper}").status_code == 404
    assert county.get(f"/papers/{paper}/paper.docx").status_code == 404
    assert paper not in county.get("/papers").text
    own = draft(county, "weekly", "week:2026-W45")
    page = browse("one").get(f"/papers/{own}")
    assert page.status_code == 200
    assert "章贡区市场监督管理局" in page.text
    assert post(browse("one"), own, "fill", f_problems="x").status_code == 403


def test_a_draft_sent_twice_is_one_paper(browse: Browse) -> None:
    one = browse("one")
    page = one.get("/papers/new?of=week:2026-W44").text
    form = {"csrf": value_of(page, "csrf"), "once": value_of(page, "once"), "kind": "weekly", "of": "week:2026-W44"}
    first, again = (one.post("/papers/new", data=form).headers["location"] for _ in range(2))
    assert first == again


def test_what_cannot_be_drafted_says_why(browse: Browse) -> None:
    one = browse("one")
    page = one.get("/papers/new?of=week:2026-W47").text
    form = {"csrf": value_of(page, "csrf"), "kind": "weekly"}
    for number, (subject, said) in enumerate((("week:2030-W01", "已开始的各周"), (f"alert:{ALERT}", "不能从“预警”"))):
        answer = one.post("/papers/new", data={**form, "once": f"wrong-{number}-{number}", "of": subject})
        assert answer.status_code == 400
        assert said in answer.text


def text_of(content: Content) -> str:
    """All that a paper says."""
    lines = shown_paper(content, {})
    cells = [cell for line in lines for row in line.rows for cell in row]
    return "\n".join(["".join(piece.text for piece in line.pieces) for line in lines] + cells)


def test_too_little_evidence_gives_one_page_without_a_judgement(contents: dict[str, Content]) -> None:
    thin, whole = contents["risk event:SJ-2026-0003"], contents["risk alert:YJ-2026-0004"]
    assert thin.title.endswith("信息不足说明")
    assert "现有材料不足以支持研判结论，仅列已掌握情况。" in text_of(thin)
    assert "未检索到官方通报" in text_of(thin)
    assert "研判" not in "".join(section.heading for section in thin.sections)
    assert whole.title.endswith("风险专报")
    assert "第十七条" in text_of(whole)


def test_a_special_report_tells_firms_spread_and_sources(contents: dict[str, Content]) -> None:
    said = text_of(contents[f"opinion alert:{ALERT}"])
    assert re.search(r"采集到相关信息\d+条（.*）；独立来源\d+个，转载\d+条", said)
    assert "标称江西云骓智能科技有限公司" in said
    assert "样本来自公开渠道，不代表总体" in said
    summary = next(one for one in contents[f"opinion alert:{ALERT}"].fields if one.key == "summary")
    assert len(summary.drafted) <= 200


def test_a_second_report_tells_only_what_changed(services: Services, browse: Browse) -> None:
    one, subject = browse("one"), f"alert:{ALERT}"
    first, twin = draft(one, "flash", subject), draft(one, "flash", "alert:YJ-2026-0001")
    for paper in (first, twin):
        assert "（首报）" in one.get(f"/papers/{paper}").text
        post(one, paper, "fill", **fields_of(services, paper))
    assert post(browse("chief"), first, "sign").status_code == 303
    assert "另有一报已签发" in post(browse("chief"), twin, "sign").text
    assert "已有首报" in post(one, twin, "renew").text
    again = draft(one, "flash", "alert:YJ-2026-0001")
    page = one.get(f"/papers/{again}").text
    assert "（续报一）" in page
    assert "采集到的信息没有变化" in page
    with services.store.read() as db:
        kept = book.open_paper(db, first)
    assert kept is not None
    assert kept.content.copies == "执法稽查局"
    page = one.get(f"/papers/new?of={subject}").text
    form = {"csrf": value_of(page, "csrf"), "once": "flash-first-again", "kind": "flash", "of": subject}
    assert "已有首报" in one.post("/papers/new", data={**form, "round": "first"}).text
    last = draft(one, "flash", subject, round="last")
    assert "（终报）" in one.get(f"/papers/{last}").text


def test_a_county_drafts_from_its_own_documents_only(services: Services, contents: dict[str, Content]) -> None:
    with services.store.read() as db:
        desk = desk_for(services, db, "360702", now=NOW)
        mine = book.draft(desk, "opinion", Asked(f"alert:{ALERT}"))
        with pytest.raises(UsageError, match="不在本局属地"):
            book.draft(desk, "opinion", Asked("alert:YJ-2026-0005"))
    whole = contents[f"opinion alert:{ALERT}"]
    documents = {key for key in whole.cited() if key.startswith("d")}
    told = {key for key in mine.cited() if key.startswith("d")}
    assert told < documents
    assert "不在本局可读范围" in text_of(mine)


def test_the_workbook_locks_what_the_system_counts_and_keeps_texts_as_texts(services: Services) -> None:
    with services.store.read() as db:
        desk = desk_for(services, db, "360000", now=NOW)
        content = book.draft(desk, "weekly", Asked("week:2026-W47"))
    sheets = load_workbook(BytesIO(write_workbook(content, signed=False)))
    assert sheets.sheetnames == ["表一", "表二", "表三", "口径", "依据清单"]
    page = sheets["表三"]
    assert page.page_setup.orientation == "landscape"
    assert page.protection.sheet
    assert page["B6"].protection.locked
    hand = next(cell for row in sheets["表一"].iter_rows(min_row=6) for cell in row if not cell.protection.locked)
    assert hand.value == "—"
    leaf = Leaf("坏", "=1+1", ("+a", "b"), ((Cell("=cmd()"), Cell("-2")),))
    bad = load_workbook(BytesIO(write_workbook(replace(content, leaves=(leaf,)), signed=True)))["坏"]
    assert bad["A1"].data_type == "s"
    assert (bad["A4"].value, bad["A4"].data_type) == ("=cmd()", "s")


def test_letters_show_no_numbers_and_keep_the_list_as_an_annex(contents: dict[str, Content]) -> None:
    for name in ("letter alert:YJ-2026-0004", "letter trace:model=XL-9000"):
        content = contents[name]
        assert not re.search(r"\[\d", text_of(content))
        made = Document(BytesIO(set_paper(content, {})))
        assert made.paragraphs[0].text == "××〔2026〕　号"
        assert any(table.rows[0].cells[-1].text == "核实状态" for table in made.tables)
        assert "请于收到本函【待填：函复工作日数】个工作日内函复" in text_of(content)
        assert "此函。" in text_of(content)
    batch = next(one for one in contents["letter alert:YJ-2026-0004"].annexes if one.title == "不合格批次清单")
    assert "HRB400" in str(batch)


def test_a_letter_goes_to_another_bureau_only(services: Services) -> None:
    with services.store.read() as db:
        home, county = (desk_for(services, db, code, now=NOW) for code in ("360000", "360313"))
        with pytest.raises(UsageError, match="不是其他属地"):
            book.draft(home, "letter", Asked("alert:YJ-2026-0004", {"to": "360000"}))
        with pytest.raises(UsageError, match="由省局发出"):
            book.draft(county, "letter", Asked("alert:YJ-2026-0004", {"to": "110000"}))
        with pytest.raises(UsageError, match="有：360113"):
            book.draft(home, "letter", Asked("trace:model=XL-9000", {"to": "360702"}))


def test_a_firm_is_talked_to_on_official_ground_or_asked_to_explain(contents: dict[str, Content]) -> None:
    firm, asked = text_of(contents[f"talk alert:{ALERT}"]), text_of(contents["talk event:SJ-2026-0003"])
    assert "约谈不代替依法应当作出的处理" in firm
    assert "据" in firm
    assert "通报" in firm
    assert "决定约谈" not in asked
    assert "前书面说明" in asked


def test_public_text_tells_no_figures_of_online_reports(contents: dict[str, Content]) -> None:
    online = text_of(contents["tip event:SJ-2026-0003"])
    assert "有关情况正在核实" in online
    assert not re.search(r"\d+条", online)
    made = Document(BytesIO(set_paper(contents[f"tip alert:{ALERT}"], {})))
    texts = [one.text for one in made.paragraphs]
    assert "依据清单（内部留存，不随文发布）" in texts
    assert not any(text.startswith("附件") for text in texts)


def test_a_hand_over_is_one_pack_with_its_receipt(contents: dict[str, Content]) -> None:
    content = contents["transfer alert:YJ-2026-0004"]
    assert "本单仅移交线索，不代表调查结论" in text_of(content)
    with ZipFile(BytesIO(files_for(content, {}, signed=False)[PACK])) as pack:
        names = pack.namelist()
        sums = pack.read("SHA256SUMS").decode()
        for name in names:
            if name != "SHA256SUMS":
                assert f"{sha256(pack.read(name)).hexdigest()}  {name}" in sums
        receipt = Document(BytesIO(pack.read("03_材料接收回执.docx")))
    assert "接收人：" in [one.text for one in receipt.paragraphs]
    assert len(names) == 4
    assert [row[1] for row in content.annexes[0].blocks[0].rows][:2] == ["移送书", "调查报告"]  # type: ignore[union-attr]


def test_a_pack_has_no_folders_and_a_hand_typed_title_is_masked(services: Services) -> None:
    with services.store.write() as db:
        desk = desk_for(services, db, "360000", now=NOW)
        content = book.draft(desk, "transfer", Asked("alert:YJ-2026-0004"))
        content = replace(content, title="关于热轧带肋/光圆钢筋有关情况的线索移交单")
        kept = Records()
        kept.add(desk, "台账 x", "来电13812345678反映")
    names = ZipFile(BytesIO(files_for(content, {}, signed=False)[PACK])).namelist()
    assert not any("/" in name for name in names)
    assert "13812345678" not in kept.known["台账 x"].title


def test_a_report_tells_what_came_since_even_if_it_was_written_before(services: Services) -> None:
    with services.store.read() as db:
        desk = desk_for(services, db, "360000", now=NOW)
        matter = matter_of(desk, f"alert:{ALERT}")
        first = replace(flash(desk, matter, {}, ()), made="2026-11-19 09:00")
        late = replace(matter.told[0], fetched=NOW, title="迟到的一篇")
        row = PaperRow("GW-2026-0001", "flash", "360000", "", "", NOW, "a", None, NOW, "b", content=to_plain(first))
        later = replace(matter, told=(late, *matter.told[1:]))
        text = text_of(flash(desk, later, {}, (row,)))
    newest = matter.own[-1].title.partition("“")[0]
    assert "迟到的一篇" in text
    assert newest in text
    assert "采集到的信息没有变化" not in text
    assert "条未列" in text


def test_sums_of_many_weeks_name_what_is_missing(contents: dict[str, Content]) -> None:
    said = text_of(contents["annual year:2026"])
    assert "数据由第1期至第45期周报累计" in said
    assert "其中45期周报未签发" in said
    assert "缺45期" in said
    assert "“回头看”情况" in said
    assert "“回头看”情况" not in text_of(contents["stage year:2026"])


def test_a_supervision_notice_lists_its_hazards(contents: dict[str, Content]) -> None:
    said = text_of(contents["supervise supervised:DB-2026-0001"])
    assert "截至11月23日，你地未销号隐患1个，逾期0个，现予挂牌督办。" in said
    assert "YH-2026-0001" in said


def test_a_correction_is_a_new_paper_that_names_the_signed_one(services: Services, browse: Browse) -> None:
    one, chief = browse("one"), browse("chief")
    paper = draft(one, "tip", f"alert:{ALERT}")
    again = {"csrf": "", "kind": "tip", "of": f"alert:{ALERT}", "corrects": paper, "once": "corrects-a-draft"}
    again["csrf"] = value_of(one.get("/papers/new?of=week:2026-W47").text, "csrf")
    assert "已签发的同类文稿" in one.post("/papers/new", data=again).text
    post(one, paper, "fill", **fields_of(services, paper))
    assert post(chief, paper, "sign").status_code == 303
    assert f"corrects={paper}" in one.get(f"/papers/{paper}").text
    made = draft(one, "tip", f"alert:{ALERT}", corrects=paper)
    page = one.get(f"/papers/{made}").text
    assert f"本件更正{paper}。" in page
    assert "【待填：更正内容和原因" in page
    assert f'更正 <a href="/papers/{paper}">' in page


def test_a_paper_of_an_alert_of_elsewhere_is_refused(browse: Browse) -> None:
    county = browse("county")
    page = county.get("/papers/new?of=alert:YJ-2026-0005").text
    form = {"csrf": value_of(page, "csrf"), "once": "elsewhere-1", "kind": "flash", "of": "alert:YJ-2026-0005"}
    answer = county.post("/papers/new", data=form)
    assert answer.status_code == 400
    assert "不在本局属地" in answer.text
    assert browse("reader").post("/papers/new", data={**form, "csrf": "x"}).status_code == 403


def test_the_command_writes_the_files_and_tells_what_each_sentence_rests_on(
    services: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(services.settings.data_dir)
    with pytest.raises(SystemExit) as done:
        main(["paper", "risk", "alert:YJ-2026-0004", "--data", data, "--out", str(tmp_path), "--json"])
    assert done.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert Path(told["files"][0]).read_bytes()[:2] == b"PK"
    assert all(one["rests"] for one in told["sentences"])
    keys = {one["key"] for one in told["evidence"]}
    assert {key for one in told["sentences"] for key in one["rests"]} <= keys
    with pytest.raises(SystemExit) as refused:
        main(["paper", "flush", "alert:YJ-2026-0004", "--data", data, "--out", str(tmp_path)])
    assert refused.value.code == 2


def test_the_follow_up_of_failed_checks_has_no_dates_before_delivery(contents: dict[str, Content]) -> None:
    content = contents["sampling year:2026"]
    assert "抽查不合格1批，其中检验结果未送达1批" in text_of(content)
    assert "未送达" in str(content.leaves[0].rows)
    assert "送达日起15日" in str(content.leaves[1].rows)


def test_letters_of_a_trace_write_days_as_papers_do(contents: dict[str, Content]) -> None:
    said = " ".join(one.text for one in contents["letter trace:model=XL-9000"].said())
    assert "2026年11月2日" in said
    assert "2026-11-02" not in said


def test_a_report_is_taken_back_on_a_finding(services: Services, browse: Browse) -> None:
    one, subject = browse("one"), "alert:YJ-2026-0003"
    first = draft(one, "flash", subject)
    form = {"csrf": value_of(one.get("/papers/new").text, "csrf"), "once": "drop-a-draft", "kind": "flash"}
    assert "还没有已签发的首报" in one.post("/papers/new", data={**form, "of": subject, "round": "drop"}).text
    post(one, first, "fill", **fields_of(services, first))
    assert post(browse("chief"), first, "sign").status_code == 303
    made = draft(one, "flash", subject, round="drop")
    page = one.get(f"/papers/{made}").text
    assert "（更正）" in page
    assert re.search(r"经核查，首报所述情况与\S+无关，予以更正。\[1\]", page)
    assert "【待填：核查单位、文书和结论】" in page
    with services.store.read() as db:
        kept = book.open_paper(db, made)
    assert kept is not None
    assert set(kept.content.cited()) == set(kept.content.evidence)


def test_a_title_is_not_cut_within_a_model_and_tables_stay_apart(contents: dict[str, Content]) -> None:
    made = Document(BytesIO(set_paper(contents["letter trace:model=XL-9000"], {})))
    title = next(one for one in made.paragraphs if one.style is not None and one.style.name == "Title")
    assert "XL-9000" in title.text
    body = list(Document(BytesIO(set_paper(contents["weekly week:2026-W47"], {}))).element.body)
    tags = [one.tag.rpartition("}")[2] for one in body]
    assert not any(pair == ("tbl", "tbl") for pair in pairwise(tags))


def test_the_week_is_compared_with_a_signed_one_only(services: Services) -> None:
    county = "360313"
    with services.store.write() as db:
        desk = desk_for(services, db, county, now=NOW)
        week = read_week("2026-W46")
        column = services.weekly.find("insp_ent")
        assert column is not None
        for number, (one, value) in enumerate((("2026-W46", "20"), ("2026-W47", "60"))):
            cell = CellRow("insp_ent", desk.weekly.rows[0][0], 1, NOW, "one", value, None, "")
            add_cell(db, one, county, cell, once=f"cmp-{number}")
        before = book.draft(desk, "weekly", Asked("week:2026-W47"))
        opened = desk.weekly.open(db, week, desk.office, now=NOW)
        frozen = freeze(opened.sheet)
        act = SheetAct("2026-W46", county, 1, NOW, "chief", "sign", "", frozen, frozen_hash(frozen))
        add_act(db, act, once="cmp-sign")
        after = book.draft(desk, "weekly", Asked("week:2026-W47"))
    assert "上期未签发，不作比较" in text_of(before)
    assert "60／80" in text_of(before)
    assert "60（+40）／80" in text_of(after)
    assert "+40" in str(after.leaves[0].rows)


def test_the_week_says_how_the_sources_ran_and_well_only_if_so(tmp_path: Path) -> None:
    made = make_services(tmp_path, clock=lambda: NOW)
    week = read_week("2026-W46")
    first, *others = sorted(one.key for one in made.sources if one.enabled)

    def said() -> str:
        with made.store.read() as db:
            desk = desk_for(made, db, "360000", now=NOW)
            return "".join(one.text for one in sources_said(desk, week, "k"))

    with made.store.write() as db:
        db.execute(source_states.delete())
    assert said() == "本期各信源没有运行记录，是否正常待核（系统管理员核查）。"
    with made.store.write() as db:
        for key in (first, *others):
            add_change(db, StateChange(key, None, "well", week.begins - timedelta(days=9), ""))
        add_change(db, StateChange(first, "well", "silent", week.ends, ""))  # of the week after
    assert said() == ""
    with made.store.write() as db:
        start = week.begins + timedelta(hours=30)
        for state, hours in (("failed", 0), ("blocked", 4), ("well", 7), ("silent", 100), ("well", 120)):
            add_change(db, StateChange(first, "", state, start + timedelta(hours=hours), ""))
        for one in (source_days, source_pulses):
            db.execute(one.delete().where(one.c.source == others[0]))
        db.execute(source_days.delete().where(source_days.c.day == week.first.toordinal() + 2))
    told = said()
    name = next(tight(one.title) for one in made.sources if one.key == first)
    assert f"其间{name}信源中断7小时，情况可能不全。" in told
    assert f"{name}静默20小时" in told
    assert f"{week.first.month}月{week.first.day + 2}日没有采集记录" in told
    assert "1个信源没有运行记录" in told
    made.store.close()


def test_the_weekly_paper_tells_of_its_sources(contents: dict[str, Content]) -> None:
    text = text_of(contents["weekly week:2026-W47"])
    assert "信源中断" in text
    assert "各信源运行正常" not in text
    assert "信源运行记录 2026-W47" in contents["weekly week:2026-W47"].evidence


def test_a_row_of_a_workbook_is_as_high_as_its_longest_text(contents: dict[str, Content]) -> None:
    content = contents["transfer alert:YJ-2026-0004"]
    page = load_workbook(BytesIO(write_workbook(content, signed=False)))["时间线"]
    heights = [page.row_dimensions[row].height or 0 for row in range(4, page.max_row + 1)]
    texts = [max(len(str(cell.value or "")) for cell in page[row]) for row in range(4, page.max_row + 1)]
    assert heights[texts.index(max(texts))] > heights[texts.index(min(texts))]
    assert "　　取数于：" in str(page["A2"].value)


def test_the_clock_drafts_the_weekly_report_once_and_the_desk_shows_it(services: Services, browse: Browse) -> None:
    wednesday = as_utc(datetime(2026, 11, 25, 8, 30, tzinfo=BEIJING))
    agenda = Agenda(services.reporting, services.lexicon.regions, lambda day: True)

    def desk_at(db: Connection, code: str) -> Desk:
        return desk_for(services, db, code, now=wednesday)

    def drafted(hour: str = "08:30") -> list[str]:
        found = draft_due(services.store, agenda, desk_at, now=wednesday, hour=hour)
        assert not found.failed
        return list(found.papers)

    assert drafted("09:00") == []
    made = drafted()
    assert len(made) >= 12, "each prefecture, and the province where nobody had drafted it"
    assert drafted() == []
    with services.store.read() as db:
        row = next(row for one in made if (row := find_paper(db, one)) and row.territory == "360100")
        lines = agenda.told(db, wednesday, {"360100"})
    assert (row.subject, row.made_by) == ("week:2026-W47", "system")
    assert any(f"代拟稿 {row.id}" in one.text for one in lines)
    client = browse("one")
    assert "代拟稿" in client.get(f"/papers/{row.id}").text
    assert "系统" in client.get("/papers?state=draft").text
    with services.store.write() as db:
        assert drop_paper(db, row.id, at=wednesday, by="one") == f"{row.id}-X1"
    assert drafted() == [], "what a person threw away does not come back"


def test_a_draft_is_thrown_away_its_number_is_free_and_what_was_written_is_kept(
    services: Services, browse: Browse
) -> None:
    one = browse("one")
    paper = draft(one, "tip", f"alert:{ALERT}")
    key = next(iter(fields_of(services, paper)))
    post(one, paper, "fill", **{key: "由张三核过"})
    assert post(browse("county"), paper, "drop", seen="x").status_code in (403, 404)
    assert post(one, paper, "drop", seen="old").status_code == 409
    answer = post(one, paper, "drop", seen=value_of(one.get(f"/papers/{paper}").text, "seen"))
    gone = str(answer.headers["location"]).split("/")[2].split("?")[0]
    page = one.get(f"/papers/{gone}").text
    assert "由张三核过" in page
    assert "已作废" in page
    assert f"/papers/{gone}/fill" not in page
    assert one.get(f"/papers/{paper}").status_code == 404
    assert gone in one.get("/papers?state=dropped").text
    assert gone not in one.get("/papers").text
    assert draft(one, "tip", f"alert:{ALERT}") == paper, "its number is the next one's"
    assert post(one, gone, "fill", **{key: "再改"}).status_code == 400
    with services.store.read() as db:
        noted = db.execute(select(audit.c.action).where(audit.c.object == paper)).scalars().all()
    assert "paper_drop" in noted


def test_a_field_in_own_words_stays_when_records_are_read_again_and_says_so(services: Services, browse: Browse) -> None:
    one = browse("one")
    paper = draft(one, "flash", "event:SJ-2026-0003")
    with services.store.read() as db:
        kept = book.open_paper(db, paper)
    assert kept is not None
    mine, ticked = [field for field in kept.content.fields if field.draft][:2]
    post(
        one,
        paper,
        "fill",
        **{f"f_{mine.key}": "本局到场所见如下", f"f_{ticked.key}": ticked.drafted, f"ok_{ticked.key}": "1"},
    )
    post(one, paper, "renew")
    page = one.get(f"/papers/{paper}").text
    assert page.count("本人改写，不随取数变") == 1
    assert "本局到场所见如下" in page
    assert "现在的草稿：" in page
