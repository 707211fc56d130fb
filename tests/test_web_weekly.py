"""The weekly table: figures lead to the rows they count, cells are typed with who and when, a signed table stays."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from io import BytesIO
from itertools import count
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from sqlalchemy import delete, update

from config.weekly import load_weekly
from core.errors import ConfigError
from core.ids import short_id
from reports.records import batches_of
from reports.table import editable, needed
from reports.weekly import Office, WeeklyBook, canonical
from reports.weeks import read_week, week_of
from store import audit, users
from store.schema import documents, weekly_acts, weekly_cells
from store.weekly import CellRow, acts_of, add_cell, history_of
from tests.desk_server import CONFIG, NOW, make_services
from tests.desk_visits import PASSWORD, Browse, value_of, visits
from web.services import Services

WEEK, BEFORE = "2026-W47", "2026-W46"
TURN = count()


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("weekly"), clock=lambda: NOW)
    with made.store.write() as db:
        for name, role, territory in (
            ("chief", "supervisor", "360000"), ("one", "officer", "360000"), ("two", "officer", "360000"),
            ("county", "officer", "360702"), ("reader", "viewer", "360000"),
        ):  # fmt: skip
            who: dict[str, Any] = {"role": role, "territory": territory, "display_name": f"{name}员"}
            users.create_user(db, name, **who, password=PASSWORD, now=NOW)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def browse(services: Services) -> Iterator[Browse]:
    yield from visits(services)


@pytest.fixture(autouse=True)
def nothing_written(services: Services) -> None:
    with services.store.write() as db:
        db.execute(delete(weekly_cells))
        db.execute(delete(weekly_acts))


def form_of(client: TestClient, column: str, week: str = WEEK) -> dict[str, str]:
    """The hidden and visible fields of a column's form."""
    page = client.get(f"/reports/weekly/{week}/{column}").text
    body = page.split('<form method="post" action="/reports/weekly')[1].split("</form>")[0]
    found = re.findall(r'<input [^>]*?name="([^"]+)"[^>]*? value="([^"]*)"', body)
    return {name: unescape(value) for name, value in found}


def fill(client: TestClient, column: str, typed: dict[str, str], week: str = WEEK, **more: str) -> tuple[int, str]:
    """Send a column's form with some cells changed; status and what is said."""
    form = {**form_of(client, column, week), **{f"v_{row}": text for row, text in typed.items()}, **more}
    return send(client, f"/reports/weekly/{week}/{column}", form)


def send(client: TestClient, path: str, form: dict[str, str]) -> tuple[int, str]:
    answer = client.post(path, data=form)
    said = re.search(r'role="alert">([^<]*)', answer.text)
    return answer.status_code, said[1] if said else answer.headers.get("location", "")


def deed(client: TestClient, what: str, week: str = BEFORE, **more: str) -> tuple[int, str]:
    page = client.get(f"/reports/weekly/{week}").text
    form = {
        "csrf": value_of(page, "csrf"),
        "once": short_id("once", what, week, *more.values(), page, str(next(TURN))),
        **more,
    }
    return send(client, f"/reports/weekly/{week}/{what}", form)


def test_a_week_is_from_wednesday_to_tuesday_in_beijing() -> None:
    week = read_week(WEEK)
    assert (week.first.isoformat(), week.last.isoformat()) == ("2026-11-18", "2026-11-24")
    tuesday_night = datetime(2026, 11, 24, 15, 59, tzinfo=UTC)
    assert week_of(tuesday_night) == week
    assert week_of(tuesday_night + timedelta(minutes=1)) == week.after


def test_every_figure_leads_to_exactly_the_rows_it_counts(browse: Browse) -> None:
    client = browse("one")
    page = client.get(f"/reports/weekly/{WEEK}?g=all").text
    cells = re.findall(r'<a class="c-(sys|mix)" href="(/reports/weekly/[^"]+)">(\d+)</a>', page)
    counted = [(unescape(href), int(value)) for _, href, value in cells if int(value)]
    assert len(counted) > 20
    for href, value in counted[:: max(1, len(counted) // 15)]:
        rows = re.findall(r'<tr class="counted">.*?<td class="num">(\d+)</td>', client.get(href).text)
        assert sum(map(int, rows)) == value, href


def test_a_typed_cell_keeps_who_and_when_and_what_was_there(browse: Browse, services: Services) -> None:
    assert fill(browse("one"), "insp_dealer", {"cable": "12"})[0] == 303
    assert fill(browse("two"), "insp_dealer", {"cable": "15"})[0] == 303
    with services.store.read() as db:
        written = [(one.actor, one.value) for one in history_of(db, WEEK, "360000")]
        assert "report_fill" in {line.action for line in audit.newest(db)}
    assert written == [("one", "12"), ("two", "15")]
    page = browse("one").get(f"/reports/weekly/{WEEK}/insp_dealer?row=cable").text
    history = page.split("这一格的经过")[1]
    assert history.index("two员：15") < history.index("one员：12")


def test_someone_was_faster_is_refused_and_the_typed_text_stays(browse: Browse, services: Services) -> None:
    slow = form_of(browse("two"), "insp_dealer")
    assert fill(browse("one"), "insp_dealer", {"cable": "12"})[0] == 303
    answer = browse("two").post(f"/reports/weekly/{WEEK}/insp_dealer", data={**slow, "v_cable": "99", "v_ebike": "7"})
    assert answer.status_code == 409
    assert "one员 于 14:32 先改了其中 1 格" in answer.text
    assert 'value="99"' in answer.text
    with services.store.read() as db:
        assert [one.value for one in history_of(db, WEEK, "360000")] == ["12"]


def test_a_double_click_writes_once(browse: Browse, services: Services) -> None:
    form = {**form_of(browse("one"), "insp_dealer"), "v_cable": "12"}
    for _ in range(2):
        assert browse("one").post(f"/reports/weekly/{WEEK}/insp_dealer", data=form).status_code == 303
    with services.store.read() as db:
        assert len(history_of(db, WEEK, "360000")) == 1


def test_changing_a_figure_of_the_system_needs_a_reason_and_stays_marked(browse: Browse) -> None:
    client = browse("one")
    told = form_of(client, "risk_info")["v_ebike_power"]
    said = fill(client, "risk_info", {"ebike_power": "99"})[1]
    assert "须写明原因" in said
    assert fill(client, "risk_info", {"ebike_power": "99"}, reason="另有两份纸质来件")[0] == 303
    page = client.get(f"/reports/weekly/{WEEK}").text
    assert re.search(rf'<a class="c-fix" [^>]*title="系统数 {told}">99</a>', page)
    column = client.get(f"/reports/weekly/{WEEK}/risk_info?row=ebike_power").text
    assert "另有两份纸质来件" in column
    assert fill(client, "risk_info", {"ebike_power": told})[0] == 303  # back to what the system says
    assert 'class="c-fix"' not in client.get(f"/reports/weekly/{WEEK}").text.split("统计表</h2>")[1].split("<tbody>")[1]


def form_total(client: TestClient, column: str, week: str = WEEK) -> str:
    page = client.get(f"/reports/weekly/{week}/{column}").text
    row = page.split('<tr class="sum">')[1].split("</tr>")[0]
    return str(re.findall(r'<span class="c-\w+">([\d.]+)</span>', row)[-1])


def test_a_sum_follows_what_people_changed(browse: Browse) -> None:
    client = browse("one")
    before, told = int(form_total(client, "risk_info")), int(form_of(client, "risk_info")["v_ebike_power"])
    fill(client, "risk_info", {"ebike_power": str(told + 3)}, reason="补三条")
    assert int(form_total(client, "risk_info")) == before + 3


def test_a_hand_column_has_no_sum_until_every_row_is_filled(browse: Browse) -> None:
    client = browse("one")
    fill(client, "insp_dealer", {"cable": "12"})
    assert "未填 1 / 12" in client.get(f"/reports/weekly/{WEEK}/insp_dealer").text
    fill(client, "insp_dealer", {"ebike": "3"}, rest="0")
    assert form_total(client, "insp_dealer") == "15"


@pytest.mark.parametrize("text", ["-3", "1.5", "十二", "1e5", "99999999999", "=1+1", "<b>"])
def test_what_is_no_count_is_refused_with_what_is_accepted(browse: Browse, text: str) -> None:
    status, said = fill(browse("one"), "insp_dealer", {"cable": text})
    assert status == 400
    assert "没有记下" in said


def test_numbers_are_kept_in_one_form() -> None:
    table = load_weekly(CONFIG)
    number, money = table.find("insp_ent"), table.find("fine_amount")
    assert number is not None
    assert money is not None
    assert canonical(" １，２００ ", number) == "1200"
    assert canonical("12.50", money) == "12.5"
    assert canonical("／", number) == "/"
    assert canonical("", number) is None


def test_a_rate_follows_the_cells_it_divides(browse: Browse) -> None:
    client = browse("one")
    fill(client, "sampling_batches", {"cable": "40"}, reason="以业务系统为准")
    fill(client, "nonconf_batches", {"cable": "3"}, reason="以业务系统为准")
    assert form_of(client, "nonconf_rate")["v_cable"] == "7.5"


def complete(client: TestClient, services: Services) -> None:
    """Fill what is empty, confirm what is a draft."""
    book = WeeklyBook(services.weekly, services.lexicon, {})
    office = Office("360000", lambda code: True)
    with services.store.write() as db:
        sheet = book.open(db, read_week(BEFORE), office, now=NOW).sheet
        for column in sheet.columns:
            for row, _ in sheet.rows:
                if sheet.cell(column.id, row).value is None and editable(column, row) and needed(column):
                    made = CellRow(column.id, row, 1, NOW, "one", "0", None, "")
                    add_cell(db, BEFORE, "360000", made, once="filled-by-hand")
    assert deed(client, "confirm")[0] == 303


def test_a_table_is_signed_by_another_and_then_stays_as_it_was(browse: Browse, services: Services) -> None:
    chief = browse("chief")
    assert "未填" in deed(chief, "sign")[1]
    complete(browse("one"), services)
    page = chief.get(f"/reports/weekly/{BEFORE}").text
    seen = value_of(page, "seen")
    assert deed(browse("one"), "sign", seen=seen)[0] == 403
    assert "有变动" in deed(chief, "sign", seen="0")[1]
    assert deed(chief, "sign", seen=seen) == (303, f"/reports/weekly/{BEFORE}?said=sign")
    told = re.sub("<[^>]+>", "", chief.get(f"/reports/weekly/{BEFORE}").text)
    assert "chief员 于 2026-11-23 14:32 签发并封存" in told
    late = {"csrf": value_of(browse("one").get("/account").text, "csrf"), "once": "a-late-form", "v_cable": "5"}
    status, said = send(browse("one"), f"/reports/weekly/{BEFORE}/insp_ent", late)
    assert (status, "已签发" in said) == (400, True)
    told = form_total(chief, "risk_info", BEFORE)
    with services.store.write() as db:  # what changes later changes nothing that is signed
        before = acts_of(db, BEFORE, "360000")[-1]
        db.execute(update(documents).values(is_risk=False))
    assert form_total(chief, "risk_info", BEFORE) == told != "0"
    with services.store.write() as db:
        db.execute(update(documents).values(is_risk=documents.c.level > 0))
    assert deed(chief, "reopen", reason="补报一件") == (303, f"/reports/weekly/{BEFORE}?said=reopen")
    page = chief.get(f"/reports/weekly/{BEFORE}").text
    assert "重新打开：补报一件" in page
    with services.store.read() as db:
        assert acts_of(db, BEFORE, "360000")[0] == before
        assert {"report_sign", "report_reopen"} <= {line.action for line in audit.newest(db)}


def test_who_filled_does_not_sign(browse: Browse, services: Services) -> None:
    complete(browse("one"), services)
    assert fill(browse("chief"), "insp_ent", {"cable": "3"}, BEFORE)[0] == 303
    page = browse("chief").get(f"/reports/weekly/{BEFORE}").text
    assert "您填过本表" in page
    assert "您填过本表" in deed(browse("chief"), "sign", seen="x")[1]


def test_a_week_that_runs_is_not_signed(browse: Browse) -> None:
    assert "24:00 才结束" in deed(browse("chief"), "sign", WEEK, seen="x")[1]


def test_reopening_needs_a_reason(browse: Browse) -> None:
    assert deed(browse("chief"), "reopen", reason="")[0] == 409


def test_tables_are_cut_to_their_territory(browse: Browse) -> None:
    county, province = browse("county"), browse("one")
    mine = county.get(f"/reports/weekly/{WEEK}/risk_info").text
    assert int(form_total(county, "risk_info")) < int(form_total(province, "risk_info"))
    assert "章贡区局" in mine
    assert county.get(f"/reports/weekly/{WEEK}?territory=360000").status_code == 404
    fill(county, "insp_dealer", {"cable": "4"})
    above = province.get(f"/reports/weekly/{WEEK}/insp_dealer?territory=360702").text
    assert ">4</span>" in above
    assert 'name="v_cable"' not in above  # looked at, not written into
    assert ">4</span>" not in province.get(f"/reports/weekly/{WEEK}/insp_dealer").text


def test_who_may_only_look_writes_nothing(browse: Browse, services: Services) -> None:
    reader = browse("reader")
    assert 'name="v_cable"' not in reader.get(f"/reports/weekly/{WEEK}/insp_dealer").text
    form = {"csrf": value_of(reader.get("/account").text, "csrf"), "once": "reader-form", "v_cable": "5"}
    assert send(reader, f"/reports/weekly/{WEEK}/insp_dealer", form)[0] == 403
    assert deed(reader, "confirm", WEEK)[0] == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/reports/weekly/2026-W99", 400), ("/reports/weekly/heute", 400), ("/reports/weekly/2031-W01", 400),
        ("/reports/weekly/2026-W47/nothing", 404), ("/reports/weekly/2026-W47/risk_info?row=x", 404),
        ("/reports/weekly/2026-W47?g=x", 400), ("/reports/weekly/2026-W47?territory=110000", 404),
        ("/reports?before=x", 400), ("/reports/weekly/2025-W10", 400),
        ("/reports/weekly/2026-W47/risk_info?page=0", 400),
    ],
)  # fmt: skip
def test_an_address_that_means_nothing_says_so(browse: Browse, path: str, status: int) -> None:
    assert browse("one").get(path).status_code == status


def test_the_list_shows_how_far_each_week_is(browse: Browse) -> None:
    page = browse("one").get("/reports").text
    assert page.count("未填") >= 10
    fill(browse("one"), "insp_dealer", {"cable": "12"})
    row = browse("one").get("/reports").text.split(f'href="/reports/weekly/{WEEK}">{WEEK}')[1].split("</tr>")[0]
    assert "草稿" in row
    older = re.search(r'href="(/reports\?before=[^"]+)"', page)
    assert older
    assert WEEK not in browse("one").get(older[1]).text.split("<tbody>")[1].split("</tbody>")[0]


def test_the_files_hold_what_the_page_shows_and_no_formula(browse: Browse) -> None:
    client = browse("one")
    fill(client, "insp_dealer", {"cable": "12"})
    fill(client, "remarks", {"total": '=HYPERLINK("http://x","y")\n第二行'}, reason="改写")
    book = load_workbook(BytesIO(client.get(f"/reports/weekly/{WEEK}/table.xlsx").content))
    sheet = book["统计表"]
    head = [cell.value for cell in sheet[4]]
    rows = {row[0].value: row for row in sheet.iter_rows(min_row=5)}
    assert rows["电线电缆"][head.index("检查销售单位数(家次)")].value == 12
    remark = rows["合计"][head.index("备注/重大情况摘要")]
    assert str(remark.value).startswith("'=HYPERLINK")
    assert all(cell.data_type != "f" for page in book for row in page.iter_rows() for cell in row)
    text = client.get(f"/reports/weekly/{WEEK}/table.csv").content.decode("utf-8-sig")
    assert "电线电缆" in text
    assert "\"'=HYPERLINK" in text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("共抽查电线电缆 130 批次，不合格 12 批次。", (130, 12)),
        ("本次抽检产品共计1,204批次，其中 8 批次不合格。", (1204, 8)),
        ("发布消费提示。", (0, 0)),
        ("监督抽查全部合格。", (0, 0)),
    ],
)
def test_batches_are_read_from_the_sentence_of_a_notice(text: str, told: tuple[int, int]) -> None:
    assert batches_of((), "通告", text) == told


def test_a_mistake_in_the_file_is_named(tmp_path: Any) -> None:
    (tmp_path / "weekly.yml").write_text("sign: {complet: true}\nhot: 1\n", encoding="utf-8")
    with pytest.raises(ConfigError) as told:
        load_weekly(tmp_path)
    assert "weekly.yml: sign.complet: unknown key (accepted: complete, other_than_filler)" in str(told.value)
    assert "hot" in str(told.value)
