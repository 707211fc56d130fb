"""The ledger's pages: entered from an alert, worked on by whom it belongs to, closed by another."""

import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from config.laws import load_laws
from config.ledger import LedgerRules
from core.errors import ConfigError
from core.ids import short_id
from ledger import proofs
from store import audit, users
from store.ledger import HazardState, find_entry, list_entries, proofs_of, rows_of
from store.schema import ledger_entries
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, Browse, value_of, visits
from web.services import Services

ALERT = short_id("a", "I1")
PDF = b"%PDF-1.7 proof"


@pytest.fixture
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    rules = LedgerRules.model_validate({"close": {"quiet_days": 0, "retest": {"from_level": "red", "issues": []}}})
    made = make_services(tmp_path_factory.mktemp("ledger"), clock=lambda: NOW, ledger=rules)
    with made.store.write() as db:
        for name, role, territory in (
            ("chief", "supervisor", "360000"), ("desk", "officer", "360000"), ("county", "officer", "360702"),
            ("other", "officer", "360981"), ("county_chief", "supervisor", "360702"), ("reader", "viewer", "360000"),
        ):  # fmt: skip
            who: dict[str, Any] = {"role": role, "territory": territory, "display_name": f"{name}员"}
            users.create_user(db, name, **who, password=PASSWORD, now=NOW)
    yield made
    made.store.close()


@pytest.fixture
def browse(services: Services) -> Iterator[Browse]:
    yield from visits(services)


def enter(client: TestClient, **values: str) -> str:
    """Enter a hazard; its number."""
    page = client.get("/ledger/new").text
    form = {
        "csrf": value_of(page, "csrf"), "once": value_of(page, "once"), "title": "电动自行车擅自解除限速", "level": "2",
        "origin": "check", "territory": "360702", "found_on": "2026-11-20", "product": "ebike", **values,
    }  # fmt: skip
    answer = client.post("/ledger/new", data=form)
    assert answer.status_code == 303, re.findall(r'role="alert">([^<]*)', answer.text)
    return answer.headers["location"].split("/")[2].split("?")[0]


def step(client: TestClient, entry: str, action: str, **values: str) -> tuple[int, str]:
    """Take a step; status and what the page says of it."""
    page = client.get(f"/ledger/{entry}").text
    form = {"csrf": value_of(page, "csrf"), "once": short_id("once", entry, action, *values.values()), **values}
    if action == "proof":
        body = values.pop("body", "")
        answer = client.post(
            f"/ledger/{entry}/proof", data={k: v for k, v in form.items() if k != "body"},
            files={"file": ("整改报告.pdf", body.encode() or PDF, "text/html")},
        )  # fmt: skip
    else:
        answer = client.post(f"/ledger/{entry}/{action}", data=form)
    if answer.status_code == 303:
        return 303, ""
    said = re.search(r'role="status">([^<]*)|<p class="lead">([^<]*)|<p>([^<]*)</p>', answer.text)
    return answer.status_code, unescape(next(filter(None, said.groups()), "")) if said else answer.text


def put_right(browse: Browse, entry: str) -> None:
    county = browse("county")
    assert step(browse("desk"), entry, "dispatch", unit="360702", person="王某")[0] == 303
    for action, values in (
        ("receive", {}), ("visit", {"on": "2026-11-23", "note": "现场查实"}),
        ("rectify", {"on": "2026-11-23", "note": "已恢复限速"}),
        ("recheck", {"on": "2026-11-23", "first": "甲", "second": "乙", "passed": "yes"}),
        ("proof", {"kind": "report"}), ("proof", {"kind": "recheck"}), ("apply", {}),
    ):  # fmt: skip
        assert step(county, entry, action, **values) == (303, ""), action


def state_of(services: Services, entry: str) -> HazardState:
    with services.store.read() as db:
        found = find_entry(db, entry)
    assert found is not None
    return found.state


def test_from_the_alert_the_form_is_filled(browse: Browse, services: Services) -> None:
    desk = browse("desk")
    assert f"/ledger/new?alert={ALERT}" in desk.get(f"/alerts/{ALERT}").text
    page = desk.get(f"/ledger/new?alert={ALERT}").text
    assert "云骓牌电动自行车电池起火" in page
    form = {name: value_of(page, name) for name in ("csrf", "once", "alert", "firm", "found_on")}
    chosen = dict(re.findall(r'<select id="f-(\w+)".*?<option value="([^"]+)" selected', page))
    form |= chosen | {"title": "云骓牌电池起火"}
    made = desk.post("/ledger/new", data=form)
    again = desk.post("/ledger/new", data=form)  # a second click
    assert made.headers["location"] == again.headers["location"] == "/ledger/YH-2026-0001?did=1"
    with services.store.read() as db:
        entry = find_entry(db, "YH-2026-0001")
    assert entry is not None
    assert (entry.alert, entry.level) == (ALERT, 3)
    assert "YH-2026-0001" in desk.get(f"/alerts/{ALERT}").text
    assert desk.get("/jump?q=yh-2026-0001").headers["location"] == "/ledger/YH-2026-0001"


def test_each_step_by_whom_it_belongs_to_until_it_is_closed(browse: Browse, services: Services) -> None:
    entry = enter(browse("desk"))
    put_right(browse, entry)
    assert step(browse("county"), entry, "close")[0] == 403
    assert step(browse("chief"), entry, "close") == (303, "")
    assert state_of(services, entry) is HazardState.CLOSED
    page = browse("chief").get(f"/ledger/{entry}").text
    assert "已销号" in page
    assert "chief员" in page


def test_every_step_stands_once_in_the_record_of_acts(browse: Browse, services: Services) -> None:
    chief = browse("chief")
    entry = enter(chief)
    page = chief.get(f"/ledger/{entry}").text
    form = {"csrf": value_of(page, "csrf"), "once": "once-and-again", "unit": "360702"}
    for _ in range(2):
        assert chief.post(f"/ledger/{entry}/dispatch", data=form).status_code == 303
    assert step(chief, entry, "undo", of="2")[0] == 303
    press = {"csrf": value_of(chief.get("/alerts").text, "csrf"), "once": "accepted-once"}
    assert chief.post(f"/alerts/{ALERT}/accept", data=press).status_code == 303
    with services.store.read() as db:
        told = [(line.action, line.object, line.details) for line in audit.search(db, actor="chief", limit=4)]
    assert told == [
        ("alert_act", "YJ-2026-0001", {"action": "accept"}),
        *(("ledger_act", entry, {"action": action}) for action in ("undo", "dispatch", "add")),
    ]
    assert "步骤 派单" in chief.get("/audit?what=ledger_act").text


def test_a_double_click_that_hands_an_entry_on_is_no_refusal(browse: Browse) -> None:
    entry = enter(browse("county"))
    form = {
        "csrf": value_of(browse("county").get(f"/ledger/{entry}").text, "csrf"),
        "once": "handed-on",
        "unit": "360702",
    }
    answers = [browse("county").post(f"/ledger/{entry}/dispatch", data=form).status_code for _ in range(2)]
    assert answers == [303, 303]


def test_a_county_sees_and_acts_on_its_own_alone(browse: Browse) -> None:
    entry = enter(browse("desk"))
    other = browse("other")
    assert other.get(f"/ledger/{entry}").status_code == 404
    assert entry not in other.get("/ledger?view=all").text
    csrf = value_of(other.get("/ledger/new").text, "csrf")
    assert other.post(f"/ledger/{entry}/note", data={"csrf": csrf, "once": "x" * 12, "note": "越权"}).status_code == 404
    form = {
        "csrf": csrf,
        "once": "y" * 12,
        "title": "别处的隐患",
        "level": "1",
        "origin": "check",
        "territory": "360702",
    }
    wrong = other.post("/ledger/new", data=form | {"found_on": "2026-11-20"})
    assert wrong.status_code == 400
    assert "且在您的属地之内" in wrong.text
    assert browse("reader").get("/ledger/new").status_code == 403


def test_what_was_handed_to_another_office_can_only_be_looked_at(browse: Browse) -> None:
    entry = enter(browse("desk"))
    assert step(browse("desk"), entry, "dispatch", unit="360700")[0] == 303
    status, said = step(browse("county"), entry, "receive")
    assert status == 403
    assert "赣州市局承办" in said
    assert 'id="do-receive"' not in browse("county").get(f"/ledger/{entry}").text


def test_a_refused_step_says_why_and_keeps_what_was_typed(browse: Browse) -> None:
    entry = enter(browse("desk"))
    step(browse("desk"), entry, "dispatch", unit="360702")
    step(browse("county"), entry, "receive")
    page = browse("county").get(f"/ledger/{entry}").text
    form = {"csrf": value_of(page, "csrf"), "once": "z" * 12, "on": "2026-12-24", "note": "现场查实，有三台"}
    answer = browse("county").post(f"/ledger/{entry}/visit", data=form)
    assert answer.status_code == 409
    assert "本次操作未生效：核查日期 2026-12-24 在今天之后" in answer.text
    assert "现场查实，有三台" in answer.text


def test_who_comes_second_hears_who_was_first(browse: Browse, services: Services) -> None:
    entry = enter(browse("desk"))
    put_right(browse, entry)
    assert step(browse("chief"), entry, "return", reason="lacking", note="缺照片")[0] == 303
    status, said = step(browse("chief"), entry, "close")
    assert status == 409
    assert "由 chief 已于 11-23 14:32 退回补正" in said


def test_a_supervisor_of_the_same_county_cannot_close_a_grave_one(browse: Browse) -> None:
    entry = enter(browse("desk"), level="3")
    put_right(browse, entry)
    step(browse("county"), entry, "proof", kind="goods")
    status, said = step(browse("county_chief"), entry, "close")
    assert (status, "由承办单位的上级审核" in said) == (409, True)
    assert step(browse("chief"), entry, "close")[0] == 303


def test_a_file_is_handed_out_as_a_download_and_only_to_those_who_see_the_entry(
    browse: Browse, services: Services
) -> None:
    entry = enter(browse("desk"))
    assert step(browse("county"), entry, "proof", kind="report", note="盖章扫描件")[0] == 303
    answer = browse("county").get(f"/ledger/{entry}/proofs/2")
    assert answer.content == PDF
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert browse("other").get(f"/ledger/{entry}/proofs/2").status_code == 404
    with services.store.read() as db:
        kept = proofs_of(db, entry)[0]
    proofs.path_of(services.settings.data_dir, kept.sha256).write_bytes(b"%PDF other")
    assert browse("county").get(f"/ledger/{entry}/proofs/2").status_code == 410


def test_a_web_page_is_no_proof_and_a_large_body_is_refused(browse: Browse, services: Services) -> None:
    entry = enter(browse("desk"))
    status, said = step(browse("county"), entry, "proof", kind="report", body="<html><script>alert(1)</script>")
    assert (status, "文件类型不收" in said) == (409, True)
    client = browse("county")
    csrf = value_of(client.get(f"/ledger/{entry}").text, "csrf")
    large = client.post(
        f"/ledger/{entry}/proof", data={"csrf": csrf, "once": "l" * 12, "kind": "report"},
        files={"file": ("a.pdf", b"%PDF-" + b"x" * (22 << 20))},
    )  # fmt: skip
    assert large.status_code == 413
    with services.store.read() as db:
        assert proofs_of(db, entry) == []


def test_a_form_of_another_site_changes_nothing(browse: Browse, services: Services) -> None:
    entry = enter(browse("desk"))
    answer = browse("county").post(f"/ledger/{entry}/note", data={"csrf": "wrong", "once": "n" * 12, "note": "外站"})
    assert answer.status_code == 403
    files = {"file": ("a.pdf", PDF)}
    answer = browse("county").post(f"/ledger/{entry}/proof", data={"csrf": "wrong", "kind": "report"}, files=files)
    assert answer.status_code == 403
    with services.store.read() as db:
        assert len(rows_of(db, entry)) == 1


def test_every_count_is_the_rows_its_link_shows(browse: Browse, services: Services) -> None:
    desk = browse("desk")
    enter(desk, found_on="2026-11-01", due_on="2026-11-20")
    enter(desk, due_on="2026-11-23", territory="360981", product="cable")
    done = enter(desk, level="1")
    put_right(browse, done)
    enter(desk, level="3")
    assert step(browse("chief"), done, "close")[0] == 303
    page = desk.get("/ledger").text
    links = re.findall(r'<a href="([^"]*)"[^>]*>[^<]*<span>(\d+)</span></a>', page)
    assert len(links) > 12
    for href, count in links:
        shown = desk.get(f"/ledger{unescape(href)}" if href.startswith("?") else unescape(href)).text
        assert len(re.findall(r'<tr><td class="nw"><a class="id"', shown)) == int(count), href
    assert "逾期 3 日" in page
    assert page.index("YH-2026-0001") < page.index("YH-2026-0002") < page.index("YH-2026-0004")  # overdue first


def test_the_sentence_counts_the_week(browse: Browse) -> None:
    desk = browse("desk")
    done = enter(desk)
    enter(desk, found_on="2026-11-01", due_on="2026-11-20")
    put_right(browse, done)
    step(browse("chief"), done, "close")
    said = re.sub(r"<[^>]+>", "", desk.get("/ledger").text)
    assert (
        "本周期（11-18 至 11-24）新增 2 项，销号 1 项，累计未销号 1 项，较上周期末增加 1 项。逾期 1 项，在赣州市。"
        in said
    )


def test_an_empty_ledger_says_how_to_begin(browse: Browse) -> None:
    assert "台账里还没有隐患" in browse("desk").get("/ledger").text
    assert browse("desk").get("/ledger?view=nonsense").status_code == 400
    assert browse("desk").get("/ledger?page=0").status_code == 400


def test_outside_text_is_escaped(browse: Browse) -> None:
    entry = enter(browse("desk"), title="<script>alert(1)</script>隐患", firm="<b>某</b>厂")
    for address in ("/ledger", f"/ledger/{entry}"):
        page = browse("desk").get(address).text
        assert "<script>alert(1)" not in page
        assert "<b>某</b>" not in page


def test_the_proof_folder_holds_one_file_for_the_same_bytes(browse: Browse, services: Services) -> None:
    first, second = enter(browse("desk")), enter(browse("desk"))
    for entry in (first, second):
        assert step(browse("county"), entry, "proof", kind="report")[0] == 303
    kept = [path for path in (services.settings.data_dir / proofs.FOLDER).rglob("*") if path.is_file()]
    assert len(kept) == 1
    with services.store.read() as db:
        assert len(list_entries(db)) == 2


def listed(client: TestClient, **values: str) -> tuple[int, str]:
    page = client.get("/ledger/supervised").text
    form = {
        "csrf": value_of(page, "csrf"), "once": short_id("once", *values.values()), "subject": "territory:360700",
        "title": "电动自行车隐患集中", "document": "赣市监督〔2026〕3号", "began_on": "2026-11-23",
        "due_on": "2026-12-31", "terms": "全部销号", **values,
    }  # fmt: skip
    answer = client.post("/ledger/supervised", data=form)
    return answer.status_code, answer.text


def test_supervision_is_proposed_by_the_system_and_decided_by_a_person(browse: Browse, services: Services) -> None:
    chief, desk = browse("chief"), browse("desk")
    numbers = [enter(desk, found_on="2026-11-01", due_on="2026-11-20", title=f"第{n}处隐患") for n in "一二三"]
    elsewhere = enter(desk, territory="360981")
    assert "建议督办：赣州市，未销号 3 项，逾期 " in chief.get("/ledger/supervised").text
    assert listed(desk)[0] == 403
    assert listed(chief, document="")[0] == 400
    assert listed(chief)[0] == 303
    assert listed(chief)[0] == 303  # the same form again
    page = chief.get("/ledger/supervised").text
    assert "建议督办" not in page
    assert "DB-2026-0001" in page
    assert "DB-2026-0002" not in page
    status, told = listed(chief, document="赣市监督〔2026〕4号")
    assert (status, "已在挂牌督办中" in told) == (400, True)
    shown = chief.get("/ledger?view=listed").text
    assert all(number in shown for number in numbers)
    assert elsewhere not in shown
    assert "赣市监督〔2026〕3号" in chief.get(f"/ledger/{numbers[0]}").text
    assert "DB-2026-0001" not in browse("other").get("/ledger/supervised").text
    form = {"csrf": value_of(page, "csrf"), "on": "2026-11-23", "why": "全部复查合格"}
    assert chief.post("/ledger/supervised/DB-2026-0001/end", data=form).status_code == 303
    assert chief.post("/ledger/supervised/DB-2026-0001/end", data=form).status_code == 409
    with services.store.read() as db:
        assert [row.action for row in rows_of(db, numbers[0])] == ["add", "supervised", "unsupervised"]


def test_talks_and_transfers_are_listed_with_their_numbers(browse: Browse) -> None:
    desk, entry = browse("desk"), enter(browse("desk"))
    talk = {"on": "2026-11-20", "whom": "某厂法定代表人", "document": "赣市监约〔2026〕5号", "note": "承诺停产整改"}
    assert step(desk, entry, "talk", **talk)[0] == 303
    assert step(desk, entry, "transfer", to="police", on="2026-11-21", document="赣市监移〔2026〕2号")[0] == 303
    page = browse("chief").get("/ledger/supervised").text
    for told in ("某厂法定代表人", "赣市监约〔2026〕5号", "公安机关", "赣市监移〔2026〕2号"):
        assert told in page
    assert "赣市监约" not in browse("other").get("/ledger/supervised").text


def test_a_page_beyond_the_last_shows_the_last_and_a_county_counts_its_own(browse: Browse) -> None:
    desk = browse("desk")
    numbers = [enter(desk, title=f"第 {n} 处隐患须整改") for n in range(3)]
    elsewhere = enter(desk, territory="360981")
    page = desk.get("/ledger?page=9&sort=-due").text
    assert all(number in page for number in (*numbers, elsewhere))
    assert "1–4 / 4" in page
    county = browse("county").get("/ledger").text
    assert "未销号<span>3</span>" in county
    assert elsewhere not in county


def take_back(client: TestClient, entry: str) -> tuple[int, str]:
    """Press the button; status and the page."""
    page = client.get(f"/ledger/{entry}").text
    form = {"csrf": value_of(page, "csrf"), "once": short_id("undo", page[-2000:]), "of": value_of(page, "of")}
    answer = client.post(f"/ledger/{entry}/undo", data=form)
    return answer.status_code, client.get(f"/ledger/{entry}").text


def test_the_last_step_is_undone_by_who_took_it_while_nothing_followed(browse: Browse, services: Services) -> None:
    desk, county, entry = browse("desk"), browse("county"), enter(browse("desk"))
    done = desk.post(f"/ledger/{entry}/dispatch", data=form_of(desk, entry, unit="360702"))
    shown = desk.get(done.headers["location"]).text
    assert f"已派单 {entry}" in shown
    assert 'data-key="z"' in shown
    status, page = take_back(desk, entry)
    assert (status, "已撤销" in page, "撤销第 2 步" in page) == (303, True, True)
    with services.store.read() as db:
        found = find_entry(db, entry)
        assert found is not None
        assert (found.unit, found.step_due_on) == ("", None)
    assert step(desk, entry, "dispatch", unit="360702", person="重新指定")[0] == 303
    page = desk.get(f"/ledger/{entry}").text
    late = {"csrf": value_of(page, "csrf"), "once": "late-form-1", "of": value_of(page, "of")}
    assert step(county, entry, "receive")[0] == 303
    assert 'name="of"' not in desk.get(f"/ledger/{entry}").text
    answer = desk.post(f"/ledger/{entry}/undo", data=late)
    assert answer.status_code == 409
    assert re.search(r"不能撤销：由 county 已于 \d\d-\d\d \d\d:\d\d 签收", answer.text)


def test_what_left_the_house_is_not_undone_and_a_file_taken_back_does_not_count(browse: Browse) -> None:
    desk, entry = browse("desk"), enter(browse("desk"))
    assert step(desk, entry, "dispatch", unit="360000")[0] == 303
    page = desk.get(f"/ledger/{entry}").text
    form = {"csrf": value_of(page, "csrf"), "once": "upload-once-1", "kind": "report", "note": ""}
    file = {"file": ("整改报告.pdf", PDF, "application/pdf")}
    assert desk.post(f"/ledger/{entry}/proof", data=form, files=file).status_code == 303
    assert "不计" not in desk.get(f"/ledger/{entry}").text
    assert "不计" in take_back(desk, entry)[1]
    assert step(desk, entry, "transfer", to="police", on="2026-11-21", document="赣市监移〔2026〕2号")[0] == 303
    page = desk.get(f"/ledger/{entry}").text
    assert 'name="of"' not in page
    form = {"csrf": value_of(page, "csrf"), "once": "undo-transfer", "of": "5"}
    answer = desk.post(f"/ledger/{entry}/undo", data=form)
    assert (answer.status_code, "已对外发出，不能撤销" in answer.text) == (409, True)


def form_of(client: TestClient, entry: str, **values: str) -> dict[str, str]:
    page = client.get(f"/ledger/{entry}").text
    return {"csrf": value_of(page, "csrf"), "once": short_id("form", entry, *values.values()), **values}


def test_the_shift_counts_its_ledger_steps_and_each_count_is_a_door(browse: Browse) -> None:
    desk, entry = browse("desk"), enter(browse("desk"), due_on="2026-11-20")
    assert step(desk, entry, "dispatch", unit="360702")[0] == 303
    take_back(desk, entry)
    page = desk.get("/handover").text
    doors = dict(re.findall(r'href="(/ledger/steps[^"]*)">(\w+) <b>1</b>', page))
    assert list(doors.values()) == ["列入"]
    shown = desk.get(unescape(next(iter(doors)))).text
    assert entry in shown
    assert "共 <b>1</b> 步" in shown
    assert entry not in browse("other").get(unescape(next(iter(doors)))).text
    wall = desk.get("/wall").text
    assert re.search(r"台账未销号</dt><dd>1<", wall)
    assert re.search(r'台账逾期</dt><dd class="clock" data-state="over">1<', wall)
    assert "台账" not in browse("other").get("/wall").text
    assert desk.get("/ledger/steps?since=nonsense").status_code == 400
    assert desk.get("/ledger/steps").status_code == 200


def test_lookback_says_who_looks_when_and_what_came_of_it(browse: Browse, services: Services) -> None:
    desk, entry = browse("desk"), enter(browse("desk"))
    closed = {"state": "closed", "closed_at": NOW, "unit": "360702"}
    with services.store.write() as db:
        db.execute(update(ledger_entries).values(**closed, look_on=date(2026, 11, 22)))
    page = desk.get("/ledger/lookback").text
    assert "过期未看 1" in page
    assert "章贡区局" in page
    assert step(desk, entry, "look_back", on="2026-11-23", recurred="no", note="现场已停售")[0] == 303
    page = desk.get("/ledger/lookback").text
    assert "没有待回头看的隐患" in page
    assert "未再现" in page
    assert "现场已停售" in page
    assert "现场已停售" not in browse("other").get("/ledger/lookback").text


def test_articles_are_proposed_and_a_person_confirms_or_strikes_them(browse: Browse, services: Services) -> None:
    desk, entry = browse("desk"), enter(browse("desk"), issue="adulterate")
    page = desk.get(f"/ledger/{entry}").text
    assert "《产品质量法》第五十条" in page
    assert "系统提示，待人确认" in page
    with services.store.read() as db:
        assert [row.action for row in rows_of(db, entry)] == ["add"]  # proposed, nothing decided
    assert step(desk, entry, "law", law="pql50", applies="no")[0] == 303
    assert step(desk, entry, "law", law="《某省产品质量条例》第九条", applies="yes", note="地方规定")[0] == 303
    page = desk.get(f"/ledger/{entry}").text
    assert re.search(r"已划去，desk员 <time[^>]*>[^<]*</time>", page)
    assert "《某省产品质量条例》第九条" in page
    assert step(desk, entry, "law", law="x", applies="yes")[0] == 409
    assert step(desk, entry, "law", law="pql50", applies="maybe")[0] == 409
    for name, status in (("reader", 403), ("other", 404)):
        client = browse(name)
        form = {"csrf": value_of(client.get("/account").text, "csrf"), "once": "law-by-other", "law": "pql50"}
        assert client.post(f"/ledger/{entry}/law", data=form | {"applies": "yes"}).status_code == status


def test_a_mistake_in_the_laws_is_named(tmp_path: Path) -> None:
    line = "{id: a1, law: 产品质量法, article: 第五十条, about: 掺杂, issues: [nonsense], basis: memory}"
    (tmp_path / "laws.yml").write_text(f"articles:\n- {line}\n- {line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"laws.yml: articles.0.issues: nonsense is no issue") as told:
        load_laws(tmp_path, issues={"fire"})
    assert "id a1 is there twice" in str(told.value)
