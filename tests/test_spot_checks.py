"""Spot-check lists become records by header text, whatever shape the table has and whatever file it came in."""

from pathlib import Path

import pytest

from config.lexicon import load_lexicon
from core.facts import SpotCheck
from core.records import Table
from crawlers.attached.read import read_file
from crawlers.markup import parse_html, tables_of
from facts.spot_checks import QUALIFIED, UNQUALIFIED, failed_items, lines_of, spot_checks
from nlp.analyze import Analyzer
from tests.attached_files import FILES, cell, docx, table, xlsx

CONFIG = Path(__file__).resolve().parent.parent / "config"
HEAD = ("序号", "标称生产企业", "产品名称", "规格型号", "不合格项目")
KETTLE = ("1", "江西某某电器有限公司", "电热水壶", "KT-17", "输入功率和电流")


def rows(*lines: tuple[str, ...], title: str = "") -> tuple[SpotCheck, ...]:
    return spot_checks([lines], title=title)


def html(markup: str) -> tuple[Table, ...]:
    body = parse_html(markup).body
    assert body is not None
    return tables_of(body)


def test_a_row_is_read_by_its_headers_in_whatever_order() -> None:
    (row,) = rows(
        ("检验机构", "不合格项目", "标称生产者", "商标", "样品名称", "型号/规格", "生产日期/批号", "被抽样单位名称",
         "所在省", "检验结论"),
        ("某省质检院", "接地、标志", "江西甲厂", "某星", "电扇", "FS-40", "2026-03-01", "乙超市", "江西", "不合格"),
        title="某省市场监管局关于电扇产品质量监督抽查情况的通告（2026年第3号）",
    )  # fmt: skip
    assert row == SpotCheck(
        notice_no="2026年第3号", product="电扇", sample="电扇", brand="某星", model="FS-40", batch="2026-03-01",
        nominal_producer="江西甲厂", seller="乙超市", province="江西", failed_items=("接地", "标志"), lab="某省质检院",
        result=UNQUALIFIED,
    )  # fmt: skip


def test_two_header_rows_a_group_of_columns_and_merged_firms() -> None:
    (found,) = html(
        "<table><tr><td rowspan=2>产品名称</td><td colspan=2>标称生产企业</td><td colspan=3>不合格项目</td></tr>"
        "<tr><td>名称</td><td>所在地</td><td>项目名称</td><td>检验结果</td><td>标准值</td></tr>"
        "<tr><td>线缆</td><td rowspan=2>甲厂</td><td rowspan=2>江西省</td>"
        "<td>导体电阻</td><td>8.1</td><td>≤7.41</td></tr>"
        "<tr><td>电线</td><td>绝缘厚度</td><td>0.5</td><td>≥0.6</td></tr></table>"
    )
    first, second = spot_checks([found])
    assert (first.nominal_producer, first.province, first.failed_items) == ("甲厂", "江西省", ("导体电阻",))
    assert (first.value, first.standard) == ("8.1", "≤7.41")
    assert (second.product, second.nominal_producer, second.failed_items) == ("电线", "甲厂", ("绝缘厚度",))


def test_titles_repeated_headers_captions_totals_and_the_same_again() -> None:
    found = rows(
        ("附件1 不合格产品名单",) * 5,
        HEAD,
        KETTLE,
        ("2", "同上", "电热水壶", "KT-18", "标志"),
        ("广东省",) * 5,
        HEAD,
        ("3", "赣州乙厂", "电风扇", "FS-1", "结构"),
        ("", "", "电风扇", "FS-2", "接地"),
        ("合计", "4", "", "", ""),
        ("注：检验依据见通告。", "", "", "", ""),
    )
    assert [(row.nominal_producer, row.model, row.province) for row in found] == [
        ("江西某某电器有限公司", "KT-17", ""),
        ("江西某某电器有限公司", "KT-18", ""),
        ("赣州乙厂", "FS-1", "广东省"),
        ("赣州乙厂", "FS-2", "广东省"),
    ]


@pytest.mark.parametrize(
    "lines",
    [
        (("样品名称", "电热水壶"), ("标称生产者", "甲厂"), ("型号规格", "KT-17"), ("不合格项目", "接地"),
         ("风险", "触电")),
        (("样品名称", "电热水壶", "型号规格", "KT-17"), ("标称生产者", "甲厂", "不合格项目", "接地")),
        (("项目", "样品一"), ("样品名称", "电热水壶"), ("标称生产者", "甲厂"), ("型号规格", "KT-17"),
         ("不合格项目", "接地")),
    ],
)  # fmt: skip
def test_a_table_on_its_side_is_one_record(lines: Table) -> None:
    (row,) = spot_checks([lines])
    assert (row.product, row.nominal_producer, row.model, row.failed_items) == ("电热水壶", "甲厂", "KT-17", ("接地",))


def test_labels_side_by_side_of_two_samples_are_two_records() -> None:
    found = rows(("产品名称", "壶", "扇"), ("生产企业", "甲厂", "乙厂"), ("检验结论", "合格", "不合格"))
    assert [(row.product, row.nominal_producer, row.result) for row in found] == [
        ("壶", "甲厂", QUALIFIED),
        ("扇", "乙厂", UNQUALIFIED),
    ]


def test_several_headers_in_one_cell_part_its_values() -> None:
    (row,) = rows(("生产企业名称", "食品名称", "不合格项目║检验结果║标准值"), ("甲公司", "糖", "铅║0.6mg/kg║0.5mg/kg"))
    assert (row.failed_items, row.value, row.standard) == (("铅",), "0.6mg/kg", "0.5mg/kg")


@pytest.mark.parametrize(
    ("said", "title", "result"),
    [
        (("结果", "合格"), "", QUALIFIED),
        (("结果", "不合格"), "", UNQUALIFIED),
        (("检验结果", "所检项目符合标准"), "", QUALIFIED),
        (("不合格项目", "/"), "", QUALIFIED),
        (("不合格项目", "/"), "不合格产品名单", ""),
        (("规格型号", "A-1"), "不合格产品及企业名单", UNQUALIFIED),
        (("规格型号", "A-1"), "合格产品名单", QUALIFIED),
        (("规格型号", "A-1"), "名单", ""),
    ],
)
def test_the_verdict_is_the_row_s_or_the_list_s(said: tuple[str, str], title: str, result: str) -> None:
    (row,) = rows(("产品名称", "生产企业", said[0]), ("壶", "甲厂", said[1]), title=title)
    assert row.result == result


@pytest.mark.parametrize(
    ("cell_text", "items"),
    [
        ("输入功率和电流、标识", ("输入功率和电流", "标识")),
        ("1.接地措施；2.结构", ("接地措施", "结构")),
        ("①铅（以Pb计，mg/kg）②菌落总数", ("铅（以Pb计，mg/kg）", "菌落总数")),
        ("短路保护/过充电", ("短路保护", "过充电")),
        ("pH值", ("pH值",)),
        ("——", ()),
        ("无", ()),
    ],
)
def test_failed_items_are_parted(cell_text: str, items: tuple[str, ...]) -> None:
    assert failed_items(cell_text) == items


@pytest.mark.parametrize("kind", ["html", "xls", "xlsx", "docx", "pdf"])
def test_the_same_records_come_from_every_kind_of_file(kind: str) -> None:
    markup = "".join(f"<tr>{''.join(f'<td>{text}</td>' for text in line)}</tr>" for line in (HEAD, KETTLE))
    files = {
        "html": f"<html><table>{markup}</table></html>".encode(),
        "xls": (FILES / "names.xls").read_bytes(),
        "xlsx": xlsx([["不合格名单"], list(HEAD), list(KETTLE)], "A1:E1"),
        "docx": docx(table("".join(map(cell, HEAD)), "".join(map(cell, KETTLE)))),
        "pdf": (FILES / "notice.pdf").read_bytes(),
    }
    found = spot_checks(read_file(f"名单.{kind}", files[kind]).tables)
    expected = {"xls": ("江西某星电池有限公司", "XL-4812", ("过充电保护", "短路保护"))}
    first = (found[0].nominal_producer, found[0].model, found[0].failed_items)
    if kind == "pdf":
        assert (len(found), first) == (40, ("江西某1电器有限公司", "KT-1701", ("输入功率和电流",)))
    else:
        assert first == expected.get(kind, ("江西某某电器有限公司", "KT-17", ("输入功率和电流",)))


@pytest.mark.parametrize("lines", [(("姓名", "年龄"), ("张", "3")), (("产品名称", "生产企业"),), ((),), (("",),)])
def test_other_tables_are_no_spot_checks(lines: Table) -> None:
    assert spot_checks([lines]) == ()


def test_a_row_is_read_as_the_maker_s_and_the_shop_where_it_was_bought_is_not() -> None:
    head = ("序号", "产品名称", "标称生产企业", "被抽样单位", "标准值", "不合格项目")
    line = ("1", "电热水壶", "江西赤隼电器有限公司", "南昌明远贸易有限公司", "GB 4706.1", "接地措施")
    analyzer = Analyzer(load_lexicon(CONFIG), ())
    found = analyzer.analyze("电热水壶产品质量监督抽查不合格名单", "现予公布。", tables=[(head, line)])
    assert found.primary_enterprise == "NIL:江西赤隼电器有限公司"
    assert "1｜电热水壶｜江西赤隼电器有限公司｜被抽样单位：南昌明远贸易有限公司｜接地措施" in lines_of([(head, line)])
