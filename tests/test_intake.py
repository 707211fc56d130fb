"""Rows of other systems: any column order and file type, once by the caller's id, masked, wrong rows told by field."""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select

from config.intake import DONE, REFUSED, Intake, load_intake
from config.lexicon import Lexicon
from core.errors import ConfigError
from core.records import ArchiveRef, RegistryEntry
from crawlers.archive import Archive, read_record
from pipelines.handed_files import FileTaker, WatchedFolder
from pipelines.handed_in import HandedBy, take, take_batch
from pipelines.handed_rows import FieldMistake, ReadRow, Words, read_row
from store.database import Store
from store.documents import find_document, raw_of
from store.firm_facts import facts_of
from store.handed_in import newest
from store.registry import save_entries
from store.schema import documents, handed_in
from tests.desk_server import CONFIG

NOW = datetime(2026, 11, 23, 6, 32, tzinfo=UTC)
FIRM = "江西云骓智能科技有限公司"


@pytest.fixture(scope="module")
def intake() -> Intake:
    return load_intake(CONFIG)


@pytest.fixture(scope="module")
def words(lexicon: Lexicon) -> Words:
    return Words.of(lexicon)


@pytest.fixture
def taker(store: Store, intake: Intake, words: Words) -> FileTaker:
    return FileTaker(store, intake, words, lambda: NOW)


def count(store: Store, table: object = handed_in) -> int:
    with store.read() as db:
        return db.execute(select(func.count()).select_from(table)).scalar_one()  # type: ignore[arg-type]


COMPLAINTS = (
    "联系电话,投诉内容,被投诉单位,登记时间,属地,投诉编号,投诉人,多余的列\n"
    f"13907910001,电动自行车充电时电池冒烟，家住红谷滩区1号楼302室,{FIRM},2026-11-20 09:30,红谷滩区,TS1,王小明,x\n"
    "13907910002,头盔断裂,某店,2026/11/21,360100,TS2,李,y\n"
)


def written(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def test_complaints_become_documents_without_who_complained(
    store: Store, taker: FileTaker, intake: Intake, tmp_path: Path
) -> None:
    report = taker.take(written(tmp_path, "12315.csv", COMPLAINTS, "gbk"), intake.kinds["complaints_12315"])
    assert (report.rows, report.new, report.refused, report.unused) == (2, 2, 0, ["多余的列"])
    with store.read() as db:
        rows = newest(db, "complaints_12315", "intake_12315", ["TS1", "TS2"])
        document = find_document(db, rows["TS1"].document)
        assert document is not None
        _, raw = raw_of(db, document)
    assert (document.source, document.kind, raw["title"]) == ("intake_12315", "complaint", f"12315 投诉：{FIRM}")
    assert raw["text"].startswith("电动自行车充电时电池冒烟")
    assert "属地：江西省南昌市红谷滩区" in raw["text"]
    kept = json.dumps([raw, dict(rows["TS1"].body)], ensure_ascii=False)
    assert "13907910001" not in kept
    assert "王小明" not in kept
    assert "302" not in json.dumps(dict(rows["TS1"].body), ensure_ascii=False), "the record is masked like a document"
    assert rows["TS2"].territory == "360100"


def test_how_grave_an_injury_was_stands_in_the_text_that_is_read(store: Store, intake: Intake, words: Words) -> None:
    given = {"id": "1", "at": "2026-11-20", "product": "电热水器", "content": "洗澡时触电", "severity": "death"}
    row = read_row(intake.kinds["injuries"], given, words)
    assert isinstance(row, ReadRow)
    take(store, intake.kinds["injuries"], [row], HandedBy("hospital", "wang"), now=NOW)
    with store.read() as db:
        [text] = [raw["text"] for raw in db.execute(select(documents.c.raw)).scalars()]
    assert text.split("\n") == ["洗澡时触电", "涉及产品：电热水器", "严重程度：死亡"]


def test_the_same_again_is_nothing_and_a_change_a_revision(
    store: Store, taker: FileTaker, intake: Intake, tmp_path: Path
) -> None:
    kind = intake.kinds["complaints_12315"]
    taker.take(written(tmp_path, "a.csv", COMPLAINTS), kind)
    again = taker.take(written(tmp_path, "b.csv", COMPLAINTS), kind)
    assert (again.new, again.changed, again.unchanged) == (0, 0, 2)
    changed = taker.take(written(tmp_path, "c.csv", COMPLAINTS.replace("头盔断裂", "头盔断裂，商家已退款")), kind)
    assert (changed.new, changed.changed, changed.unchanged) == (0, 1, 1)
    with store.read() as db:
        assert newest(db, kind.id, kind.source, ["TS2"])["TS2"].revision == 2
        revisions = db.execute(select(documents.c.id, documents.c.revision).order_by(documents.c.revision)).all()
    assert sorted(row[1] for row in revisions) == [1, 1, 2]
    assert len({row[0] for row in revisions}) == 2
    other = taker.take(written(tmp_path, "d.csv", COMPLAINTS), kind, source="nanchang")
    assert other.new == 2, "an id is unique within a source only"


def test_a_workbook_and_json_lines_in_any_order_say_the_same(
    store: Store, taker: FileTaker, intake: Intake, tmp_path: Path
) -> None:
    rows = [{"检验结论": "不合格",
             "抽样单编号": "NC1", "抽样日期": "2026年3月2日", "产品名称": "电线电缆", "抽样地": "南昌市",
             "抽样环节": "网络抽样", "是否农村": "否"}]  # fmt: skip
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["抽查结果汇总"])
    for row in (list(rows[0]), list(rows[0].values())):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    lines = written(tmp_path, "a.jsonl", "\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    kind = intake.kinds["sampling"]
    assert taker.take(tmp_path / "a.xlsx", kind).new == 1
    assert taker.take(lines, kind).unchanged == 1
    with store.read() as db:
        one = newest(db, "sampling", "ecqs", ["NC1"])["NC1"]
    assert (one.product, one.territory, one.outcome, one.online, one.rural) == (
        "cable",
        "360100",
        "failed",
        True,
        False,
    )


def test_a_tick_or_nothing_says_no_where_the_file_has_the_column(
    taker: FileTaker, intake: Intake, store: Store, tmp_path: Path
) -> None:
    head, kind = "抽样单编号,抽样日期,产品名称,抽样地", intake.kinds["sampling"]
    ticks = f"{head},农村市场\nR1,2026-05-01,电线电缆,南昌市,√\nR2,2026-05-01,电线电缆,南昌市,\n"
    assert taker.take(written(tmp_path, "ticks.csv", ticks), kind).new == 2
    assert taker.take(written(tmp_path, "untold.csv", f"{head}\nR3,2026-05-01,电线电缆,南昌市\n"), kind).new == 1
    with store.read() as db:
        rows = newest(db, "sampling", "ecqs", ["R1", "R2", "R3"])
    assert [rows[one].rural for one in ("R1", "R2", "R3")] == [True, False, None]
    assert [rows[one].online for one in ("R1", "R2", "R3")] == [None, None, None]


def test_wrong_rows_are_told_by_line_and_field_and_the_others_taken(
    taker: FileTaker, intake: Intake, tmp_path: Path
) -> None:
    text = (
        "检查编号,检查日期,被检查单位,属地,发现隐患数,统一社会信用代码\n"
        "J1,2026-05-01,甲厂,南昌市,3,\nJ2,2026-13-01,乙厂,不存在的地方,三个半,123\n,2026-05-03,丙厂,南昌市,1,\n"
    )
    report = taker.take(written(tmp_path, "j.csv", text), intake.kinds["inspections"])
    assert (report.new, report.refused, report.why) == (1, 2, "")
    told = {(one.line, one.title) for one in report.mistakes}
    assert {(3, "检查日期"), (3, "属地"), (3, "发现隐患数"), (3, "统一社会信用代码"), (4, "检查编号")} == told


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("编号,别的\n1,2\n", "缺少列：检查日期、被检查单位、属地"),
        ("", "空文件"),
        ("检查编号,检查日期,被检查单位,属地\nJ,x,y,z\n", "没有一行可收"),
    ],
)
def test_a_file_that_holds_nothing_right_is_refused_with_the_reason(
    taker: FileTaker, intake: Intake, tmp_path: Path, text: str, why: str
) -> None:
    assert why in taker.take(written(tmp_path, "x.csv", text), intake.kinds["inspections"]).why


def test_a_watched_folder_takes_whole_files_and_says_what_became_of_them(
    store: Store, taker: FileTaker, tmp_path: Path
) -> None:
    still = {"late.csv"}
    folder = WatchedFolder(tmp_path / "intake", taker, lambda path: path.name not in still)
    folder.prepare()
    mine = folder.path / "complaints_12315"
    written(mine, "12315.csv", COMPLAINTS)
    written(mine, "late.csv", COMPLAINTS)
    written(mine, "bad.csv", "a,b\n1,2\n")
    written(mine, "~lock.csv", COMPLAINTS)
    assert [report.file for report in folder.sweep()] == ["12315.csv", "bad.csv"]
    assert sorted(path.name for path in mine.iterdir()) == ["late.csv", "~lock.csv"]
    [done] = (folder.path / DONE / "complaints_12315").glob("*.report.json")
    [refused] = (folder.path / REFUSED / "complaints_12315").glob("*.report.json")
    assert json.loads(done.read_text(encoding="utf-8"))["new"] == 2
    assert "缺少列" in json.loads(refused.read_text(encoding="utf-8"))["why"]
    assert folder.sweep() == []
    still.clear()
    [late] = folder.sweep()
    assert (late.new, late.unchanged) == (0, 2)


def test_a_file_that_cannot_be_read_holds_up_no_other_and_no_link_is_followed(
    taker: FileTaker, intake: Intake, tmp_path: Path
) -> None:
    folder = WatchedFolder(tmp_path / "intake", taker, lambda path: True)
    folder.prepare()
    mine = folder.path / "complaints_12315"
    written(mine, "a.json", "[" * 100_000)
    written(mine, "b.csv", COMPLAINTS)
    (mine / "c.csv").symlink_to(written(tmp_path, "secret.csv", "secret,x\n1,2\n"))
    assert [(report.file, report.taken) for report in folder.sweep()] == [("a.json", 0), ("b.csv", 2)]
    assert "打不开" in taker.take(tmp_path / "nothing.csv", intake.kinds["sampling"]).why


@pytest.mark.parametrize("name", ["抽" * 80 + ".csv", os.fsdecode("投诉.csv".encode("gbk"))])
def test_a_file_of_any_name_is_taken(taker: FileTaker, tmp_path: Path, name: str) -> None:
    folder = WatchedFolder(tmp_path / "intake", taker, lambda path: True)
    folder.prepare()
    written(folder.path / "complaints_12315", name, COMPLAINTS)
    assert [report.new for report in folder.sweep()] == [2]
    assert len(list((folder.path / DONE / "complaints_12315").iterdir())) == 2
    assert folder.sweep() == []


def test_a_file_that_another_process_takes_meanwhile_is_told_once(taker: FileTaker, tmp_path: Path) -> None:
    other = WatchedFolder(tmp_path / "intake", taker, lambda path: True)
    other.prepare()
    written(other.path / "complaints_12315", "a.csv", COMPLAINTS)
    mine = WatchedFolder(tmp_path / "intake", taker, lambda path: bool(other.sweep()))
    assert mine.sweep() == []
    assert not (mine.path / REFUSED).exists()


def test_of_a_file_that_is_too_long_everything_up_to_the_limit_is_taken(
    store: Store, taker: FileTaker, intake: Intake, tmp_path: Path
) -> None:
    lines = "".join(f"Z{n},2026-04-01,企业{n},南昌市\n" for n in range(8))
    path = written(tmp_path, "z.csv", "自查编号,自查日期,企业名称,属地\n" + lines)
    short = intake.model_copy(update={"rules": intake.rules.model_copy(update={"file_rows": 5})})
    report = replace(taker, intake=short).take(path, intake.kinds["self_checks"])
    assert (report.new, count(store)) == (5, 5)
    assert "超过 5 行" in report.why


def test_a_file_that_breaks_off_and_dates_to_come_are_told_line_by_line(
    taker: FileTaker, intake: Intake, tmp_path: Path
) -> None:
    day = '"at": "2026-11-20", "firm_name": "甲厂", "territory": "南昌市东湖区"'
    lines = [f'{{"id": "1", {day}}}', f'{{"id": "2", {day.replace("11-20", "11-24")}}}', '{"id": "3", "at": "20']
    report = taker.take(written(tmp_path, "half.jsonl", "\n".join(lines)), intake.kinds["inspections"])
    assert (report.rows, report.new, report.refused) == (3, 1, 2)
    said = {one.line: (one.title, one.what) for one in report.mistakes}
    assert said[2] == ("检查日期", "检查日期晚于今日：2026-11-24")
    assert said[3][0] == "整行"
    assert "不是 JSON" in said[3][1]


def test_who_complained_is_not_named_in_the_story_either(store: Store, intake: Intake, words: Words) -> None:
    given = {"id": "1", "at": "2026-11-20", "content": "王小明买的充电器起火，王小明受伤", "complainant": "王小明",
             "firm_name": "王小明五金店", "result": "已致电王小明，商家退款"}  # fmt: skip
    row = read_row(intake.kinds["complaints_12315"], given, words)
    assert isinstance(row, ReadRow)
    assert row.value("content") == "王**买的充电器起火，王**受伤"
    assert row.value("result") == "已致电王**，商家退款"
    assert row.value("firm_name") == "王小明五金店", "a firm keeps its name"


class Killed(BaseException):
    pass


def test_a_run_killed_in_the_middle_is_made_whole_by_the_next(
    store: Store, taker: FileTaker, intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.handed_files.BATCH", 10)
    lines = "".join(f"Z{n},2026-04-{n % 28 + 1:02},企业{n},南昌市,是\n" for n in range(35))
    folder = WatchedFolder(tmp_path / "intake", taker, lambda path: True)
    folder.prepare()
    written(folder.path / "self_checks", "z.csv", "自查编号,自查日期,企业名称,属地,自查完成\n" + lines)
    real, calls = take_batch, iter(range(100))

    def dying(*args: object, **kwargs: object) -> object:
        if next(calls) == 2:
            raise Killed
        return real(*args, **kwargs)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.handed_in.take_batch", dying)
        with pytest.raises(Killed):
            folder.sweep()
    assert count(store) == 20
    [report] = folder.sweep()
    assert (report.new, report.unchanged, count(store)) == (15, 20, 35)


def test_what_came_lies_in_the_archive_and_a_document_leads_to_its_own_row_alone(
    store: Store, taker: FileTaker, intake: Intake, tmp_path: Path
) -> None:
    archive = Archive(tmp_path / "archive", started=NOW)
    path = written(tmp_path, "12315.csv", COMPLAINTS, "gbk")
    replace(taker, archive=archive).take(path, intake.kinds["complaints_12315"])
    archive.close()
    with store.read() as db:
        one = newest(db, "complaints_12315", "intake_12315", ["TS1"])["TS1"]
        document = find_document(db, one.document)
    assert document is not None
    assert document.archive is not None
    row = read_record(tmp_path / "archive", document.archive)[1].decode()
    assert "电动自行车充电时电池冒烟" in row
    assert "头盔断裂" not in row, "the row of somebody else, perhaps of another county"
    assert "13907910001" not in row
    assert "王小明" not in row
    file, offset, length = one.archive.split()
    whole = ArchiveRef(file, int(offset), int(length), hashlib.sha256(path.read_bytes()).hexdigest())
    assert read_record(tmp_path / "archive", whole)[1] == path.read_bytes()


def test_a_result_stands_in_the_file_of_its_firm_and_a_correction_replaces_it(
    store: Store, intake: Intake, words: Words
) -> None:
    with store.write() as db:
        save_entries(db, [RegistryEntry("E1", "甲电缆厂", region_code="360102")], now=NOW)
    kind = intake.kinds["sampling"]
    given = {"id": "NC9", "at": "2026-03-02", "product": "电线电缆", "territory": "360102", "firm_name": "甲电缆厂",
             "outcome": "不合格", "batch": "B1"}  # fmt: skip
    for said in (given, {**given, "batch": "B2", "outcome": "合格"}):
        row = read_row(kind, said, words)
        assert isinstance(row, ReadRow)
        take(store, kind, [row], HandedBy("ecqs", "test"), now=NOW)
    with store.read() as db:
        [fact] = facts_of(db, ["E1"])["E1"]
    assert (fact.number, fact.batch, fact.outcome) == ("NC9", "B2", "passed")


def test_a_telephone_in_any_column_of_a_record_is_masked(store: Store, intake: Intake, words: Words) -> None:
    kind = intake.kinds["sampling"]
    given = {"id": "NC9", "at": "2026-03-02", "product": "电缆13907910001", "territory": "360102",
             "firm_name": "王家五金店13907910001", "sampled_firm": "店主13907910001"}  # fmt: skip
    row = read_row(kind, given, words)
    assert isinstance(row, ReadRow)
    take(store, kind, [row], HandedBy("ecqs", "test"), now=NOW)
    with store.read() as db:
        one = newest(db, "sampling", "ecqs", ["NC9"])["NC9"]
    assert "13907910001" not in f"{one.body}{one.firm}"
    assert one.firm.startswith("NIL:王家五金店")


def rows() -> Iterator[tuple[str, dict[str, object], bool]]:
    check: dict[str, object] = {"id": "1", "at": "2026-05-01", "firm_name": "甲", "territory": "360100"}
    yield "inspections", check, True
    yield "inspections", {**check, "found": 3, "site": "生产企业", "outcome": "合格"}, True
    yield "inspections", {**check, "site": "别的"}, False
    yield "inspections", {**check, "id": ""}, False
    yield "inspections", {name: value for name, value in check.items() if name != "at"}, False
    yield "self_checks", {**check, "done": True, "fixed": 0}, True
    yield "inspections", {**check, "firm_name": "甲" * 501}, False


@pytest.mark.parametrize(("kind", "row", "right"), list(rows()))
def test_the_published_schema_takes_what_is_taken(
    intake: Intake, words: Words, kind: str, row: dict[str, object], right: bool
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    found = read_row(intake.kinds[kind], row, words)
    assert isinstance(found, ReadRow) is right
    assert jsonschema.Draft202012Validator(intake.kinds[kind].json_schema()).is_valid(row) is right


def test_a_mistake_names_its_field(intake: Intake, words: Words) -> None:
    found = read_row(
        intake.kinds["self_checks"], {"id": "1", "at": "去年", "firm_name": "甲", "territory": "360100"}, words
    )
    assert found == [FieldMistake("at", "看不懂的日期：去年（可用：2026-11-23、2026-11-23 14:32）")]


@pytest.mark.parametrize("headline", ["{nobody}", "{phone}", "{content", "{}"])
def test_a_headline_of_what_is_not_kept_is_a_mistake_of_the_file(tmp_path: Path, headline: str) -> None:
    (tmp_path / "intake").mkdir()
    (tmp_path / "intake" / "x1.yml").write_text(
        f"title: x\ninto: document\nsource: x1\nheadline: '{headline}'\ntext: [content]\nfields:\n"
        "  id: {title: a, required: true}\n  at: {title: b, type: moment, required: true}\n"
        "  content: {title: c}\n  phone: {title: d, private: true}\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError, match=r"intake/x1\.yml: .*headline"):
        load_intake(tmp_path)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("  at: {title: b, required: true}\n", "fields.at.type: 'text' (accepted: moment)"),
        ("  at: {title: b, type: moment, required: true}\n  found: {title: c}\n", "fields.found.type: 'text'"),
        ("  at: {title: b, type: moment, required: true, private: true}\n", "at is missing, not required or private"),
    ],
)
def test_a_field_that_could_not_be_counted_is_a_mistake_of_the_file(tmp_path: Path, fields: str, said: str) -> None:
    (tmp_path / "intake").mkdir()
    text = f"title: x\ninto: record\nsource: x1\nfields:\n  id: {{title: a, required: true}}\n{fields}"
    (tmp_path / "intake" / "x1.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(said)):
        load_intake(tmp_path)


def test_kinds_that_would_mix_rows_or_folders_are_a_mistake_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "intake").mkdir()
    text = (CONFIG / "intake" / "inspections.yml").read_text(encoding="utf-8")
    for name in ("one", "two", "done"):
        given = text.replace("source: gongpincha", "source: other") if name == "done" else text
        (tmp_path / "intake" / f"{name}.yml").write_text(given, encoding="utf-8")
    with pytest.raises(ConfigError) as problem:
        load_intake(tmp_path)
    assert "intake/two.yml: source: gongpincha is the source of one too" in str(problem.value)
    assert "intake/done.yml: (file name): done is a folder of the watched one" in str(problem.value)


def test_a_mistake_in_a_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "intake").mkdir()
    (tmp_path / "intake" / "x1.yml").write_text(
        "title: x\ninto: record\nsource: x1\nfields: {id: {title: a}}\n", encoding="utf-8"
    )
    (tmp_path / "intake.yml").write_text("folders: y\n", encoding="utf-8")
    with pytest.raises(ConfigError) as problem:
        load_intake(tmp_path)
    assert "intake.yml: folders: unknown key" in str(problem.value)
    assert "intake/x1.yml: " in str(problem.value)
    assert "id is missing, not required or private" in str(problem.value)
