"""JSON and tables that somebody drops into a folder."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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


def drop(bench: Bench, name: str, text: str, encoding: str = "utf-8") -> None:
    folder = bench.folder / "inbox" / "sample"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(text.encode(encoding))
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
