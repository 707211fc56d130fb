"""The ledger as a sheet: out without formulas, in with a preview, row by row with reasons, twice the same."""

import re
from collections.abc import Sequence
from io import BytesIO

from fastapi.testclient import TestClient
from openpyxl import Workbook, load_workbook

from core.ids import short_id
from store.ledger import find_entry, list_entries, rows_of
from tests.desk_visits import Browse, value_of
from tests.test_web_ledger import browse, enter, put_right, services, step
from web.ledger_sheet import COLUMNS
from web.services import Services

__all__ = ["browse", "services"]  # fixtures
HEAD = ("备注", "隐患", "级别", "属地", "发现日", "企业", "期限", "编号")


def sheet(rows: Sequence[Sequence[object]], head: Sequence[str] = HEAD) -> bytes:
    book = Workbook()
    page = book.active
    assert page is not None
    page.append(["某市隐患台账"])
    page.append(list(head))
    for row in rows:
        page.append(list(row))
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def preview(client: TestClient, body: bytes) -> str:
    csrf = value_of(client.get("/ledger/import").text, "csrf")
    form = {"csrf": csrf, "once": short_id("once", str(hash(body)))}
    return client.post("/ledger/import", data=form, files={"file": ("台账.xlsx", body)}).text


def confirm(client: TestClient, page: str) -> str:
    """Write what was previewed; what the page says then."""
    form = {name: value_of(page, name) for name in ("csrf", "sha256")}
    form["once"] = re.findall(r'name="once" value="([^"]+)"', page)[0]
    answer = client.post("/ledger/import", data=form, files={"none": ("", b"")})
    assert answer.status_code == 303, answer.text
    return said(client.get(answer.headers["location"]).text)


def said(page: str) -> str:
    found = re.search(r'role="(?:status|alert)">([^<]*)', page)
    return found[1] if found else ""


def outcomes(page: str) -> list[tuple[str, str]]:
    rows = re.findall(r'data-l="行">\d+</td><td class="nw"><span[^>]*>([^<]+)</span>.*?<td>(.*?)</td></tr>', page)
    return [(kind, re.sub(r"<[^>]+>", "", told)) for kind, told in rows]


def test_out_has_the_columns_of_the_form_and_no_formula(browse: Browse) -> None:
    desk = browse("desk")
    entry = enter(desk, title='=HYPERLINK("http://x.example","点我")', firm="＋某厂", remark="-1+1")
    put_right(browse, entry)
    step(browse("chief"), entry, "close")
    enter(desk)
    answer = desk.get("/ledger/export.xlsx?view=closed")
    assert answer.headers["content-disposition"].startswith("attachment")
    page = load_workbook(BytesIO(answer.content)).active
    assert page is not None
    rows = list(page.iter_rows(values_only=True))
    assert tuple(rows[2]) == COLUMNS
    assert len(rows) == 4
    row = dict(zip(COLUMNS, rows[3], strict=True))
    assert row["隐患"] == '\'=HYPERLINK("http://x.example","点我")'
    assert (row["企业"], row["备注"]) == ("'＋某厂", "'-1+1")
    assert (row["编号"], row["状态"], row["级别"], row["属地"]) == (entry, "已销号", "黄", "章贡区")
    assert (row["复查人、日"], row["销号人、日"], row["佐证"]) == ("甲、乙 2026-11-23", "chief员 2026-11-23", "2 / 2")
    assert not any(cell.data_type == "f" for line in page.iter_rows() for cell in line)


def test_out_is_cut_to_the_territory(browse: Browse) -> None:
    entry = enter(browse("desk"))
    page = load_workbook(BytesIO(browse("other").get("/ledger/export.xlsx?view=all").content)).active
    assert page is not None
    assert entry not in [row[0] for row in page.iter_rows(values_only=True)]


def test_in_is_previewed_then_written_and_a_second_time_changes_nothing(browse: Browse, services: Services) -> None:
    desk = browse("desk")
    body = sheet([
        ("甲批", "消防通道门不合格", "黄", "章贡区", "2026-11-20", "某某门业厂", "", ""),
        ("", "电缆绝缘过薄", "红色", "南昌市西湖区", "2026年11月21日", "", "2026/11/23", ""),
        ("", "", "", "", "", "", "", ""),
    ])  # fmt: skip
    page = preview(desk, body)
    assert [kind for kind, _ in outcomes(page)] == ["新增", "新增"]
    with services.store.read() as db:
        assert list_entries(db) == []
    assert confirm(desk, page) == "新增 2 行，更新 0 行，无变化 0 行，未收 0 行。"
    assert [kind for kind, _ in outcomes(preview(desk, body))] == ["无变化", "无变化"]
    with services.store.read() as db:
        entries = list_entries(db)
    assert [(one.territory, one.level, one.firm) for one in entries] == [
        ("360103", 4, ""), ("360702", 2, "NIL:某某门业厂"),
    ]  # fmt: skip


def test_the_preview_refuses_what_would_not_be_written(browse: Browse) -> None:
    desk = browse("desk")
    page = preview(desk, sheet([
        ("", "消防通道门不合格", "黄", "章贡区", "2026-11-20", "", "", ""),
        ("", "消防通道门不合格", "蓝", "章贡区", "2026-11-20", "", "", ""),
        ("", "短", "黄", "章贡区", "2026-11-20", "", "", ""),
        ("", "很久以前的隐患", "黄", "章贡区", "1900-01-01", "", "", ""),
        ("", "明年才发现的隐患", "黄", "章贡区", "2027-11-20", "", "", ""),
    ]))  # fmt: skip
    told = outcomes(page)
    assert [kind for kind, _ in told] == ["新增", "未收", "未收", "未收", "未收"]
    assert told[1][1] == "与第 3 行是同一项（隐患、企业、属地、发现日相同）"
    assert confirm(desk, page) == "新增 1 行，更新 0 行，无变化 0 行，未收 4 行。"


def test_what_was_exported_changes_nothing_when_it_comes_back(browse: Browse) -> None:
    desk = browse("desk")
    enter(desk, title="=1+1 的隐患", firm="＋某厂", remark="-1", model="+86", uscc="91360702MA35XXXX0A")
    body = desk.get("/ledger/export.xlsx").content
    assert outcomes(preview(desk, body)) == [("无变化", "")]


def test_a_row_with_a_number_changes_the_entry_with_a_row_in_its_history(browse: Browse, services: Services) -> None:
    desk = browse("desk")
    entry = enter(desk, due_on="2026-12-01")
    body = sheet([("重点盯", "", "", "", "", "", "2026-11-30", entry.lower())])
    page = preview(desk, body)
    assert outcomes(page) == [("更新", "备注改为 重点盯；期限改为 2026-11-30")]
    assert "更新 1 行" in confirm(desk, page)
    with services.store.read() as db:
        changed, rows = find_entry(db, entry), rows_of(db, entry)
    assert changed is not None
    assert (changed.remark, str(changed.due_on)) == ("重点盯", "2026-11-30")
    assert rows[-1].details["changes"] == {"remark": ["", "重点盯"], "due_on": ["2026-12-01", "2026-11-30"]}
    assert "2026-12-01 → 2026-11-30" in desk.get(f"/ledger/{entry}").text


def test_refused_rows_say_why_and_the_others_are_written(browse: Browse, services: Services) -> None:
    desk = browse("desk")
    entry = enter(desk, due_on="2026-12-01")
    body = sheet([
        ("", "没有级别的隐患", "", "章贡区", "2026-11-20", "", "", ""),
        ("", "级别写错的隐患", "紫", "章贡区", "2026-11-20", "", "", ""),
        ("", "属地写错的隐患", "黄", "某某区", "2026-11-20", "", "", ""),
        ("", "日期写错的隐患", "黄", "章贡区", "11月20", "", "", ""),
        ("", "", "", "", "", "", "2027-01-01", entry),
        ("", "", "橙", "", "", "", "", entry),
        ("", "编号没有的隐患", "黄", "章贡区", "2026-11-20", "", "", "YH-2020-0001"),
        ("", "这一行是好的隐患", "黄", "章贡区", "2026-11-20", "", "", ""),
    ])  # fmt: skip
    page = preview(desk, body)
    told = outcomes(page)
    assert [kind for kind, _ in told] == ["未收"] * 7 + ["新增"]
    wanted = (
        "须填：级别",
        "“紫”不在列表中",
        "没有属地“某某区”",
        "“11月20”须写成",
        "须申请延期",
        "出现两次",
        "没有编号",
    )
    for (_, why), part in zip(told[:-1], wanted, strict=True):
        assert part in why
    assert confirm(desk, page) == "新增 1 行，更新 0 行，无变化 0 行，未收 7 行。"
    with services.store.read() as db:
        assert len(list_entries(db)) == 2


def test_a_county_imports_into_its_own_territory_only_and_levels_are_the_supervisors(browse: Browse) -> None:
    entry = enter(browse("desk"))
    body = sheet([
        ("改备注", "", "", "", "", "", "", entry),
        ("", "别处的新隐患", "黄", "章贡区", "2026-11-20", "", "", ""),
    ])  # fmt: skip
    assert [why for _, why in outcomes(preview(browse("other"), body))] == [
        f"台账中没有编号 {entry}，或不在您的属地之内；新隐患请把编号留空", "属地“章贡区”不在您的属地之内",
    ]  # fmt: skip
    level = sheet([("", "", "橙", "", "", "", "", entry)])
    assert outcomes(preview(browse("desk"), level)) == [("未收", "调级由带班及以上角色操作")]
    assert outcomes(preview(browse("chief"), level)) == [("更新", "级别改为 橙色")]


def test_a_file_that_is_no_ledger_says_what_is_wanted(browse: Browse) -> None:
    desk = browse("desk")
    assert "须有“隐患”“级别”两列" in preview(desk, sheet([("a",)], head=("甲", "乙")))
    assert "表格读不出" in preview(desk, b"%PDF-1.7 no sheet")
    assert "列名重复：隐患" in preview(desk, sheet([], head=("隐患", "级别", "隐患")))
    csrf = value_of(desk.get("/ledger/import").text, "csrf")
    gone = desk.post("/ledger/import", data={"csrf": csrf, "once": "g" * 12, "sha256": "../" * 21 + "a"})
    assert gone.status_code == 400
    assert browse("reader").get("/ledger/import").status_code == 403


def test_failed_spot_checks_are_followed_up_in_a_sheet(browse: Browse) -> None:
    desk = browse("desk")
    plain, spot = enter(desk), enter(desk, origin="spotcheck", title="=cmd|' /C calc'!A0 不合格")
    assert step(desk, plain, "spotcheck", report="SJ-1")[0] == 409
    assert step(desk, spot, "spotcheck", report="=HYPERLINK(1)", delivered="2026-11-20", ordered="2026-11-23")[0] == 303
    assert step(desk, spot, "spotcheck", batch="20260901", announced="2026-11-01")[0] == 303
    body = desk.get("/ledger/spotchecks.xlsx?view=all").content
    book = load_workbook(BytesIO(body))
    rows = [[cell or "" for cell in row] for row in book["跟踪表"].iter_rows(min_row=3, values_only=True)]
    assert "|".join(map(str, rows[0])) == (
        "批次|产品型号|被抽样单位|标称生产者|不合格项目|报告编号|送达日|异议截止|复检|责令日|改正期限|复查期限|复查结论"
        "|公告日|再复查窗口|立案|通报函|台账号"
    )
    assert len(rows) == 2
    line = {str(name): str(cell) for name, cell in zip(rows[0], rows[1], strict=True)}
    assert line["台账号"] == spot
    assert line["批次"] == "20260901"
    assert line["不合格项目"].startswith("'=cmd")
    assert line["报告编号"] == "'=HYPERLINK(1)"
    assert (line["送达日"], line["异议截止"]) == ("2026-11-20", "2026-12-07（异议期内）")  # 5 December is a Saturday
    assert (line["改正期限"], line["复查期限"]) == (
        "2027-01-22",
        "2027-02-15",
    )  # Spring Festival
    assert line["再复查窗口"] == "2026-12-31 至 2027-02-01"
    assert "产品质量法" in str([cell.value for row in book["口径"] for cell in row])


def test_without_a_delivery_there_is_no_date(browse: Browse) -> None:
    desk = browse("desk")
    enter(desk, origin="spotcheck")
    sheet = load_workbook(BytesIO(desk.get("/ledger/spotchecks.xlsx").content))["跟踪表"]
    assert [cell.value for cell in sheet[4]][6:8] == ["未送达", None]
