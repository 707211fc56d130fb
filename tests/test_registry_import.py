"""Registry files as offices send them: any columns, any encoding, wrong rows said one by one, again is an update."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from openpyxl import Workbook

from cli import main
from config.registry_columns import load_columns
from config.settings import PROJECT
from core.credit_code import clean_code, code_mistake
from core.errors import UsageError
from core.firms import FactKind, FirmFact, FirmTie, TieKind
from core.records import RegistryEntry
from enterprises.cells import CellMistake, first_day, last_day, outcome_in, paper_number
from enterprises.entry_rows import Known
from enterprises.fact_import import import_facts
from enterprises.import_report import ImportReport
from enterprises.papers import papers_on
from enterprises.registry_import import ImportPlan, import_file, preview_file
from store.database import Store
from store.firm_facts import changed_field, changed_tie, changes_of, facts_of, said_before, ties_of
from store.registry import find_entry, load_entries, save_entries

COLUMNS = load_columns(PROJECT / "config")
KNOWN = Known({"电动自行车": "ebike"}, {"东湖区": "360102"})
CODE = "91361003YX9100005J"
Import = Callable[..., ImportReport]


@pytest.fixture
def bring(store: Store, tmp_path: Path, noon: datetime) -> Import:
    """Imports a text, or bytes, as a file of a kind."""

    def run(content: str | bytes, name: str = "厂.csv", kind: str = "firms", keep: bool = False) -> ImportReport:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        plan = ImportPlan(COLUMNS[kind], KNOWN, keep_bad_codes=keep)
        run = import_file if kind == "firms" else import_facts
        return run(store, path, plan, clock=lambda: noon)

    return run


FIRMS = f"""江西省某某企业名录（2026年）,,,,
序号,住所,统一社会信用代码,企业名称（全称）,主要产品
1,某路 1号,{CODE.lower()},南昌市某某电池 有限公司,电动自行车；充电器
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_file_of_any_encoding_and_column_order_is_read(bring: Import, store: Store, encoding: str) -> None:
    report = bring(FIRMS.encode(encoding))
    assert (report.new, report.refused, report.unused) == (1, 0, ("序号",))
    with store.read() as db:
        entry = find_entry(db, CODE)
    assert entry is not None
    assert (entry.name, entry.address, entry.uscc) == ("南昌市某某电池有限公司", "某路1号", CODE)
    assert entry.products == ("ebike", "充电器")
    assert entry.region_code == "361003"  # from the code, as no column tells


def test_a_workbook_and_json_say_the_same_as_csv(bring: Import, store: Store, tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["说明"])  # type: ignore[union-attr]
    sheet = book.create_sheet()
    for row in (["企业名称", "信用代码", "品牌"], ["某甲厂", CODE, "甲牌、乙牌"]):
        sheet.append(row)
    book.save(tmp_path / "made.xlsx")
    assert bring((tmp_path / "made.xlsx").read_bytes(), "a.xlsx").new == 1
    told = {"name": "某甲厂", "uscc": CODE, "brands": ["甲牌", "乙牌"]}
    assert bring(json.dumps({"total": 1, "rows": [told]}), "b.json").unchanged == 1
    assert bring(json.dumps(told) + "\n", "c.jsonl").unchanged == 1
    with store.read() as db:
        assert [entry.brands for entry in load_entries(db)] == [("甲牌", "乙牌")]


def test_wrong_rows_are_refused_with_line_and_reason_and_the_others_taken(bring: Import) -> None:
    report = bring(f"id,name,uscc\nA,某甲厂,{CODE}\nB,,\nC,某丙厂,91361003YX9100006J\nA,某丁厂,\nE,某戊厂,{CODE}\n")
    assert report.new == 1
    assert [(row.line, row.reason[:12]) for row in report.reasons] == [
        (3, "没有企业名称"),
        (4, "统一社会信用代码校验位不"),
        (5, "同一企业（A）在文件中重"),
        (6, "统一社会信用代码 913"),
    ]


def test_a_firm_with_a_wrong_code_is_taken_without_it_where_asked(bring: Import, store: Store) -> None:
    report = bring("name,uscc\n某丙厂,91361003YX9100006J\n", keep=True)
    assert (report.new, report.refused, report.notes[0].line) == (1, 0, 2)
    with store.read() as db:
        assert [entry.uscc for entry in load_entries(db)] == [""]


def test_a_second_import_writes_what_differs_and_keeps_the_rest(bring: Import, store: Store, noon: datetime) -> None:
    bring(f"id,name,uscc,brands,address,status\nA,某甲厂,{CODE},甲牌,旧路1号,存续\n")
    report = bring(f"企业名称,信用代码,地址,品牌\n某甲新厂,{CODE},新路2号,\n", "二月.csv")
    assert (report.new, report.updated, report.unchanged) == (0, 1, 0)
    assert bring(f"企业名称,信用代码,地址,品牌\n某甲新厂,{CODE},新路2号,\n", "三月.csv").unchanged == 1
    with store.read() as db:
        entry = find_entry(db, "A")
        (change,) = changes_of(db, "A")
    assert entry is not None
    assert (entry.name, entry.address, entry.brands) == ("某甲新厂", "新路2号", ("甲牌",))
    assert (change.source, change.at) == ("二月.csv", noon)
    assert change.changes == {"name": ("某甲厂", "某甲新厂"), "address": ("旧路1号", "新路2号")}


def test_a_firm_without_id_is_known_again_by_name_and_place_and_gets_its_code(bring: Import, store: Store) -> None:
    bring("名称,区县\n某乙店,东湖区\n某乙店,西湖区\n")
    assert bring(f"名称,区县,信用代码\n某乙店,东湖区,{CODE}\n").updated == 1
    with store.read() as db:
        found = load_entries(db)
    assert sorted(entry.uscc for entry in found) == ["", CODE]


def test_a_preview_writes_nothing_and_a_map_of_ones_own_counts(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("甲,乙\n某甲厂,新路1号\n", encoding="utf-8")
    with pytest.raises(UsageError, match="没有企业名称列（表头：甲、乙）"):
        preview_file(path, ImportPlan(COLUMNS["firms"]))
    report, found = preview_file(path, ImportPlan(COLUMNS["firms"], given={"甲": "name", "乙": "address"}))
    assert (report.mapped, found[0].name, found[0].address) == ({"甲": "name", "乙": "address"}, "某甲厂", "新路1号")
    with pytest.raises(UsageError, match="没有字段 nmae"):
        preview_file(path, ImportPlan(COLUMNS["firms"], given={"甲": "nmae"}))
    with store.read() as db:
        assert load_entries(db) == ()


@pytest.mark.parametrize(
    ("cell", "first", "last"),
    [
        ("2024年3月1日", date(2024, 3, 1), date(2024, 3, 1)),
        ("二〇二四年十二月二十三日", date(2024, 12, 23), date(2024, 12, 23)),
        ("20240301", date(2024, 3, 1), date(2024, 3, 1)),
        ("2020.1.2至2025.1.1", date(2020, 1, 2), date(2025, 1, 1)),
        ("2024年2月", date(2024, 2, 1), date(2024, 2, 29)),
        ("长期", None, date(9999, 12, 31)),
        ("", None, None),
    ],
)
def test_days_are_read_as_people_write_them(cell: str, first: date | None, last: date | None) -> None:
    assert (first_day(cell), last_day(cell)) == (first, last)


def test_a_day_that_does_not_exist_is_said() -> None:
    with pytest.raises(CellMistake, match="日期不存在：2023-02-29"):
        last_day("2023-02-29")


def test_numbers_of_papers_have_their_shapes() -> None:
    assert paper_number(FactKind.LICENCE, "（赣）ＸＫ12-001-90003") == "(赣)XK12-001-90003"
    for kind, wrong in ((FactKind.LICENCE, "XK12-1-90003"), (FactKind.CCC, "20220124019"), (FactKind.HAZCHEM, "无证")):
        with pytest.raises(CellMistake):
            paper_number(kind, wrong)


def test_a_code_is_cleaned_and_checked() -> None:
    assert code_mistake(clean_code("９１３６１００３-ｙｘ 9100005J")) == ""
    assert "应为 J" in code_mistake("91361003YX91000050")
    assert "实为 17 位" in code_mistake(CODE[:-1])


def test_facts_join_firms_by_code_id_or_name(bring: Import, store: Store) -> None:
    bring(f"id,name,uscc\nA,某甲厂,{CODE}\nB,某乙厂,\nC,同名店,\nD,同名店,\n")
    report = bring(
        "获证企业,信用代码,证书编号,有效期,证书状态\n"
        f"写错的名,{CODE},2022012401900001,2022-01-01至2026-12-31,暂停\n"
        "某乙厂,,2022012401900002,长期,有效\n同名店,,2022012401900003,长期,\n没有的厂,,2022012401900004,长期,\n",
        kind="ccc",
    )
    assert (report.new, [row.line for row in report.reasons]) == (2, [4, 5])
    assert "名录中有 2 家" in report.reasons[0].reason
    with store.read() as db:
        found = facts_of(db, ["A", "B"])
    source = "厂.csv"
    period = (date(2022, 1, 1), date(2026, 12, 31))
    assert found["A"] == [FirmFact("A", FactKind.CCC, "2022012401900001", *period, state="suspended", source=source)]
    assert found["B"][0].until == date(9999, 12, 31)


def test_results_and_counts_are_read_and_told_twice_are_one(bring: Import, store: Store) -> None:
    bring("id,name\nA,某甲厂\n")
    failed = "生产企业,抽样日期,检验结论,产品名称\n某甲厂,2026-05-04,不合格,电动自行车\n"
    assert (bring(failed, kind="sampling").new, bring(failed, kind="sampling").unchanged) == (1, 1)
    assert bring("企业名称,统计月份,投诉数量\n某甲厂,2026年5月,1,\n", kind="complaints").refused == 0
    with store.read() as db:
        told = {fact.kind: fact for fact in facts_of(db, ["A"])["A"]}
    assert (told[FactKind.SAMPLING].outcome, told[FactKind.SAMPLING].product) == ("failed", "ebike")
    assert (told[FactKind.COMPLAINTS].day, told[FactKind.COMPLAINTS].until) == (date(2026, 5, 1), date(2026, 5, 31))


def test_a_relation_may_lead_to_a_firm_in_no_list(bring: Import, store: Store) -> None:
    bring("id,name\nA,某甲厂\n")
    report = bring("企业名称,关系,对方名称\n某甲厂,委托加工,某品牌公司\n无名,网店,某平台\n", kind="ties")
    assert [row.reason for row in report.reasons] == ["两家企业都不在名录中"]
    with store.read() as db:
        assert ties_of(db, ["A"]) == [FirmTie("A", TieKind.OEM, "NIL:某品牌公司", source="厂.csv")]


def test_the_command_tells_what_was_refused_in_a_file_no_spreadsheet_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, refused = tmp_path / "x.csv", tmp_path / "refused.csv"
    path.write_text("企业名称,信用代码\n=HYPERLINK(1),1\n某甲厂,\n", encoding="utf-8")
    data = ("--data", str(tmp_path / "data"), "--profile", "live")
    with pytest.raises(SystemExit, match="0"):
        main(["enterprises", "import", str(path), "--refused", str(refused), "--json", *data])
    told = json.loads(capsys.readouterr().out)
    assert (told["new"], told["updated"], told["refused"], told["reasons"][0]["line"]) == (1, 0, 1, 2)
    assert "'=HYPERLINK(1)" in refused.read_text(encoding="utf-8-sig")


def noon_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def test_what_a_re_import_changed_is_kept_and_the_day_sees_what_stood_then(store: Store, tmp_path: Path) -> None:
    """A certificate that was suspended on the day of sale is told so, also after a later file calls it valid."""
    plan = ImportPlan(COLUMNS["ccc"], KNOWN)
    head = "信用代码,证书编号,有效期起,有效期止,证书状态,状态日期\n"
    files = {
        date(2026, 10, 1): "2024-01-01,2026-11-01,,",
        date(2026, 11, 2): "2024-01-01,2026-11-01,暂停,2026-10-20",
        date(2026, 12, 2): "2024-01-01,2031-11-01,,",
        date(2026, 12, 9): "2024-01-01,2031-11-01,,",
    }
    with store.write() as db:
        save_entries(db, [RegistryEntry("E1", "某某有限公司", uscc=CODE)], now=noon_of(date(2026, 9, 1)))
    counts = []
    for day, cells in files.items():
        (tmp_path / f"{day}.csv").write_text(f"{head}{CODE},2022012401900001,{cells}\n", encoding="utf-8")
        report = import_facts(store, tmp_path / f"{day}.csv", plan, clock=partial(noon_of, day))
        counts.append((report.new, report.updated, report.unchanged))
    assert counts == [(1, 0, 0), (0, 1, 0), (0, 1, 0), (0, 0, 1)], "the same from another file changes nothing"
    with store.read() as db:
        [fact], history = facts_of(db, ["E1"])["E1"], changes_of(db, "E1")
    assert [sorted(each[1] for each in map(changed_field, one.changes) if each) for one in history] == [
        ["state", "state_since", "until"], ["state", "state_since"]
    ]  # fmt: skip

    def told(day: date) -> tuple[str, str]:
        then = said_before([fact], history, noon_of(day)).values()
        [paper] = papers_on([fact], day, date(2026, 12, 9), dict(zip([fact], then, strict=False)))
        return paper.told, paper.later

    assert told(date(2026, 11, 10)) == ("当日已暂停 21 天", "其后名录改为有效期至 2031-11-01")
    assert told(date(2026, 12, 9)) == ("当日有效", "")


def test_a_header_of_two_rows_and_json_within_objects_are_read(bring: Import, store: Store, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["生产许可证获证企业名单"],
        ["序号", "企业名称", "所在区县", "生产许可证", None, "登记信息", None],
        [None, None, None, "许可证编号", "备注", "统一社会信用代码", "状态"],
        [1, "某甲厂", "东湖区", "(赣)XK12-001-90003", "", CODE, "存续"],
    ):
        sheet.append(row)
    book.save(tmp_path / "两行.xlsx")
    report = bring((tmp_path / "两行.xlsx").read_bytes(), "两行表头.xlsx")
    assert (report.new, report.refused) == (1, 0)
    deep = {"code": 0, "data": {"total": 1, "page": {"list": [{"企业名称": "某乙厂"}]}}}
    assert bring(json.dumps(deep, ensure_ascii=False), "接口.json").new == 1
    broken = bring('{"name": "某丙厂"}\n{断了\n[1]\n', "行.jsonl")
    assert (broken.new, [(row.line, row.reason[:6]) for row in broken.reasons]) == (
        1,
        [(2, "不是 JSO"), (3, "不是对象，应")],
    )
    with store.read() as db:
        first = next(one for one in load_entries(db) if one.name == "某甲厂")
    assert (first.licence_no, first.uscc, first.status, first.region_code) == (
        ("(赣)XK12-001-90003",), CODE, "存续", "360102",
    )  # fmt: skip


def test_signs_for_nothing_say_nothing_and_what_is_done_is_not_of_tomorrow(bring: Import, store: Store) -> None:
    bring("id,name\nA,某甲厂\n")
    rows = "某甲厂,2026-11-01,合格,/,—\n某甲厂,2056-11-01,不合格,A1,无\n"
    report = bring(f"企业名称,抽查日期,结果,规格型号,不合格项目\n{rows}", kind="sampling")
    assert [row.reason[:13] for row in report.reasons] == ["日期 2056-11-01"[:13]]
    with store.read() as db:
        [fact] = facts_of(db, ["A"])["A"]
    assert (fact.model, fact.text) == ("", "")


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("C级", "C"), ("信用等级：d", "D"), ("B类企业", "B"), ("严重违法失信企业名单（黑名单）", "严重违法失信名单"),
        ("失信被执行人名单", "失信被执行人"), ("列入经营异常名录", "经营异常名录"),
        ("已移出经营异常名录", "已移出经营异常名录"),
        ("守信", "守信"), ("/", ""),
    ],
)  # fmt: skip
def test_a_credit_class_is_read_as_the_table_of_grades_has_it(cell: str, kept: str) -> None:
    assert outcome_in(FactKind.CREDIT, cell) == kept


def test_what_a_re_import_changed_of_a_relation_is_kept_with_both_firms(bring: Import, store: Store) -> None:
    bring("id,name\nA,某甲厂\nB,某乙厂\n")
    head = "企业名称,关系,对方名称,开始日期,结束日期\n"
    bring(f"{head}某甲厂,供应商,某乙厂,2024-01-01,\n", kind="ties")
    assert bring(f"{head}某甲厂,供应商,某乙厂,2024-01-01,\n", "再来.csv", kind="ties").unchanged == 1
    assert bring(f"{head}某甲厂,供应商,某乙厂,2024-01-01,2026-06-30\n", "三.csv", kind="ties").updated == 1
    with store.read() as db:
        for firm in ("A", "B"):
            [change] = changes_of(db, firm)
            [(field, values)] = change.changes.items()
            assert changed_tie(field) == ("until", FirmTie("A", TieKind.SUPPLIER, "B"))
            assert (change.source, values) == ("三.csv", ("", "2026-06-30"))
            assert said_before([], [change], change.at - timedelta(days=1)) == {}
