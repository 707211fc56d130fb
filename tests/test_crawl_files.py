"""JSON and tables that somebody drops into a folder."""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from tests.crawl_server import NOW, Bench, Site

COLUMNS = {"id": "投诉编号", "title": "标题", "text": ["投诉内容", "内容"], "published": "登记时间"}
ROWS: list[dict[str, Any]] = [
    {"投诉编号": "T1", "标题": "电池鼓包", "投诉内容": "充电时鼓包", "登记时间": "2026-11-20 10:00", "投诉人": "李四"},
    {"投诉编号": "T2", "标题": "线缆发热", "投诉内容": "通电发热", "登记时间": "2026-11-21", "投诉人": "王五"},
]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    site = Site()
    yield Bench(site, tmp_path)
    site.close()


def drop(bench: Bench, name: str, text: str | bytes, encoding: str = "utf-8") -> None:
    folder = bench.folder / "inbox" / "sample"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
    os.utime(path, (NOW.timestamp() - 60, NOW.timestamp() - 60))


def dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", dumped(ROWS)),
        ("a.json", dumped({"items": ROWS})),
        ("a.json", dumped({"code": 0, "data": {"total": 2, "rows": ROWS, "tags": ["x"]}})),
        ("a.json", dumped({"data": dumped(ROWS)})),
        ("a.jsonl", "\n".join(map(dumped, ROWS))),
        ("a.ndjson", "\r\n".join(map(dumped, ROWS)) + "\r\n"),
        ("A.JSON", dumped(ROWS)),
    ],
)
def test_a_json_file_is_read_however_its_records_are_packed(bench: Bench, name: str, text: str, encoding: str) -> None:
    drop(bench, name, text, encoding)
    source = bench.source(
        "file_import", map=COLUMNS, kind="complaint", pattern=["*.json", "*.jsonl", "*.ndjson", "*.JSON"]
    )
    run = bench.crawl(source)
    assert (run.status, run.new, run.problems) == ("ok", 2, ())
    document = bench.intake.documents["sample", "T1"]
    assert (document.title, document.text) == ("电池鼓包", "充电时鼓包")
    assert document.archive is not None
    assert "李四" not in repr(document)


def test_json_files_are_looked_for_without_being_told_to(bench: Bench) -> None:
    drop(bench, "a.json", dumped(ROWS))
    assert bench.crawl(bench.source("file_import", map=COLUMNS)).new == 2


def test_values_below_others_are_reached_by_a_path(bench: Bench) -> None:
    record = {"main": {"sn": 17, "title": "充电宝自燃"}, "firms": [{"name": "甲厂"}, {"name": "乙厂"}]}
    drop(bench, "a.json", dumped([record]))
    fields = {"firm": {"path": "firms[].name", "join": "、"}}
    bench.crawl(bench.source("file_import", map={"id": "main.sn", "title": "main.title", "fields": fields}))
    assert bench.intake.documents["sample", "17"].fields == {"firm": "甲厂、乙厂"}


def test_a_single_object_is_one_record(bench: Bench) -> None:
    drop(bench, "a.json", dumped(ROWS[0]))
    assert bench.crawl(bench.source("file_import", map=COLUMNS)).new == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no JSON"),
        ("[1, 2]", "no row has 标题"),
        (dumped([{"甲": "1"}]), "no row has 标题 or 投诉内容 or 内容"),
        (dumped({"a": ROWS, "b": ROWS}), "holds several lists (a, b): say which one (key: items)"),
        ('"x"', "is no JSON"),
        ("[" * 100_000, "is no JSON"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(bench: Bench, text: str, told: str) -> None:
    drop(bench, "a.json", text)
    run = bench.crawl(bench.source("file_import", map=COLUMNS))
    assert (run.status, run.new) == ("changed", 0)
    assert any(told in problem for problem in run.problems)


def test_the_source_may_say_which_list_is_meant(bench: Bench) -> None:
    drop(bench, "a.json", dumped({"a": [{"标题": "别的"}], "b": ROWS}))
    run = bench.crawl(bench.source("file_import", map=COLUMNS, items="b"))
    assert (run.status, run.new) == ("ok", 2)


def test_odd_records_of_a_file_are_left_out_and_counted(bench: Bench) -> None:
    drop(bench, "b.jsonl", "\n".join([*map(dumped, ROWS), '{"投诉编号": "T3", "标']))
    run = bench.crawl(bench.source("file_import", map=COLUMNS))
    assert (run.status, run.new) == ("ok", 2)
    assert run.problems == ("1 × b.jsonl: a row without title and text was left out",)


def test_rows_without_a_number_are_told_apart_by_what_they_say(bench: Bench) -> None:
    nameless = [{"标题": "电池鼓包", "内容": f"第{n}起", "n": [n]} for n in range(3)]
    drop(bench, "a.json", dumped(nameless))
    drop(bench, "b.json", dumped(list(reversed(nameless))))
    run = bench.crawl(bench.source("file_import", map={"title": "标题", "text": "内容"}))
    assert (run.new, run.unchanged) == (3, 3)


def test_a_header_of_several_words_is_found(bench: Bench) -> None:
    drop(bench, "a.csv", "Recall No,Product Name ：\n1,Charger\n")
    run = bench.crawl(bench.source("file_import", map={"id": "Recall No", "title": "Product Name"}))
    assert (run.new, bench.intake.documents["sample", "1"].title) == (1, "Charger")


def test_rows_beyond_max_rows_are_told_and_read_when_it_is_raised(bench: Bench) -> None:
    drop(bench, "a.json", dumped(ROWS))
    drop(bench, "b.csv", "投诉编号,标题\nC1,甲\nC2,乙\n")
    run = bench.crawl(bench.source("file_import", map=COLUMNS, max_rows=1))
    assert (run.new, len(run.problems)) == (2, 2)
    assert "a.json: more than 1 rows (max_rows)" in run.problems[0]
    assert bench.crawl(bench.source("file_import", map=COLUMNS, max_rows=1)).items == 0
    assert bench.crawl(bench.source("file_import", map=COLUMNS)).new == 2


def workbook(rows: list[list[str]], *merged: str) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for cells in merged:
        sheet.merge_cells(cells)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


TABLE = [["投诉编号", "标题", "内容", "登记时间"], ["T1", "电池鼓包", "充电时鼓包", "2026-11-20"]]
TABBED = "\n".join("\t".join(row) for row in TABLE)
WEB = "<meta charset=gb2312><table>" + "".join(f"<tr><td>{'<td>'.join(row)}" for row in TABLE) + "</table>"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("导出.xls", WEB.encode("gb18030")),
        ("导出.xls", TABBED.encode("gb18030")),
        ("导出.csv", workbook(TABLE)),
        ("导出.XLSX", workbook(TABLE)),
        ("导出.csv", f"投诉导出，共一件\n\n{TABBED}".encode()),
        ("导出.csv", TABBED.encode("utf-16")),
    ],
)
def test_what_a_table_file_is_its_bytes_say(bench: Bench, name: str, data: bytes) -> None:
    drop(bench, name, data)
    run = bench.crawl(bench.source("file_import", map=COLUMNS))
    assert (run.status, run.new) == ("ok", 1)
    document = bench.intake.documents["sample", "T1"]
    assert (document.title, document.text) == ("电池鼓包", "充电时鼓包")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "空文件"),
        (workbook(TABLE)[:-200], "压缩结构已损坏"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + "EncryptedPackage".encode("utf-16-le"), "有密码"),
        (b"<html><body>404 Not Found</body></html>", "得到的是网页"),
        (b"%PDF-1.4", "不是表格"),
        ("说明：本月无数据".encode(), "no row of headers with"),
    ],
)
def test_a_table_file_that_cannot_be_read_says_why(bench: Bench, data: bytes, told: str) -> None:
    drop(bench, "a.xlsx", data)
    run = bench.crawl(bench.source("file_import", map=COLUMNS))
    assert (run.status, run.new) == ("changed", 0)
    assert told in run.problems[0]


FAILED = {"title": "样品名称", "fields": {"producer": "生产企业", "seller": "销售单位名称", "quantity": "涉及数量"}}
TWO_HIGH = [
    ["2026年第三季度不合格产品名单", "", "", "", ""],
    ["序号", "样品名称：", "企业信息", "", "涉及数量（台）"],
    ["", "", "生产企业", "销售单位 名称*", ""],
    ["1", "毛绒玩具", "甲厂", "乙店", "20"],
    ["备注：只对样品负责", "", "", "", ""],
]


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_a_header_may_be_two_rows_high_and_notes_are_no_records(bench: Bench, form: str) -> None:
    merged = ("A1:E1", "A2:A3", "B2:B3", "C2:D2", "E2:E3", "A5:E5")
    drop(
        bench,
        f"a.{form}",
        workbook(TWO_HIGH, *merged) if form == "xlsx" else "\n".join(",".join(row) for row in TWO_HIGH),
    )
    run = bench.crawl(bench.source("file_import", map=FAILED))
    (document,) = bench.intake.documents.values()
    assert (run.status, run.new, document.title) == ("ok", 1, "毛绒玩具")
    assert document.fields == {"producer": "甲厂", "seller": "乙店", "quantity": "20"}
    assert run.problems == (f"1 × a.{form}: a row without title and text was left out",)


def test_rows_with_one_id_and_a_quotation_mark_left_open_are_told(bench: Bench) -> None:
    drop(bench, "a.csv", '投诉编号,标题\nC1,甲\nC1,乙\nC2,"丙\nC3,丁\n')
    run = bench.crawl(bench.source("file_import", map=COLUMNS))
    assert "1 rows bear the id of an earlier row and take its place, first 'C1'" in " ".join(run.problems)
    assert "a quotation mark is never closed" in " ".join(run.problems)
