"""Files that mean harm, through each border that takes files: refused with a sentence or read, bounded by what the
product says, never an error of the system."""

import json
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import Workbook

from config.intake import load_intake
from config.ledger import Proofs
from config.lexicon import Lexicon
from config.registry_columns import load_columns
from core.errors import UsageError
from crawlers.attached.content import UnreadableFile
from crawlers.attached.docx import read_docx
from crawlers.attached.read import read_file
from crawlers.attached.sheets import book_sheets
from crawlers.attached.zips import check_zip
from enterprises.entry_rows import Known
from enterprises.registry_import import ImportPlan, import_file
from enterprises.watching import read_rows
from ledger import proofs
from pipelines.handed_files import FileTaker
from pipelines.handed_rows import Words
from store.database import Store
from store.registry import load_entries
from tests.command_line import run_here
from tests.desk_server import CONFIG, NOW

SHEET = "xl/worksheets/sheet1.xml"


def book(*rows: tuple[str | int, ...]) -> bytes:
    made, out = Workbook(), BytesIO()
    for row in rows or (("企业名称", "a"), ("甲厂", 1)):
        made.active.append(row)  # type: ignore[union-attr]  # a new book has a sheet
    made.save(out)
    return out.getvalue()


def changed(data: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The zip with one of its parts changed."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return out.getvalue()


def lying(data: bytes, part: str, says: int) -> bytes:
    """The zip whose directory and header say another size of a part."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        info = archive.getinfo(part)
        size, at = info.file_size, info.header_offset
    made = bytearray(data)
    made[at + 22 : at + 26] = says.to_bytes(4, "little")
    central = data.rindex(part.encode(), 0, len(data)) - 46
    assert made[central + 24 : central + 28] == size.to_bytes(4, "little")
    made[central + 24 : central + 28] = says.to_bytes(4, "little")
    return bytes(made)


def zipped(**parts: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name.replace("__", "/"), data)
    return out.getvalue()


BOMB = changed(book(), SHEET, lambda xml: xml.replace(b"</sheetData>", b"<row/>" * 6_000_000 + b"</sheetData>"))
LIAR = lying(
    changed(book(), SHEET, lambda xml: xml.replace(b"</sheetData>", b"<row/>" * 100_000 + b"</sheetData>")), SHEET, 900
)
LAUGHS = (
    '<!DOCTYPE w [<!ENTITY a "哈哈">'
    + "".join(f'<!ENTITY a{n} "{(f"&a{n - 1};" if n else "&a;") * 10}">' for n in range(9))
    + '<!ENTITY x SYSTEM "file:///etc/passwd">]>'
)
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def docx(text: str, head: str = "") -> bytes:
    xml = f'{head}<w:document xmlns:w="{WORD}"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>'
    return zipped(word__document_xml=xml.encode()).replace(b"document_xml", b"document.xml")


FILES: Mapping[str, tuple[str, bytes]] = {
    "bomb": ("a.xlsx", BOMB),
    "says less than it holds": ("a.xlsx", LIAR),
    "2,001 parts": ("a.xlsx", zipped(**{f"p{n}": b"" for n in range(2001)})),
    "no parts": ("a.xlsx", zipped()),
    "cut": ("a.xlsx", book()[:900]),
    "no sheet": ("a.xlsx", zipped(xl__workbook=b"<x/>")),
    "entities": ("a.xlsx", changed(book(), SHEET, lambda xml: LAUGHS.encode() + xml.replace(b">1<", b">&a8;<"))),
    "a file outside": ("a.xlsx", changed(book(), SHEET, lambda xml: LAUGHS.encode() + xml.replace(b">1<", b">&x;<"))),
    "a column of 16,384": ("a.xlsx", book(tuple(f"c{n}" for n in range(2000)), ("甲",))),
    "formulas": ("a.xlsx", book(("企业名称", "a"), ('=HYPERLINK("http://evil.example","甲")', "=1+1"))),
    "an old book of noise": ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(range(256)) * 40),
    "empty": ("a.csv", b""),
    "blanks": ("a.csv", b" \r\n\t" * 500),
    "nul bytes": ("a.csv", "企业名称,a\n甲\0厂,1\n".encode()),
    "only nul": ("a.csv", bytes(5000)),
    "a quote never closed": ("a.csv", b'name,a\n"x' + b"y" * 1_100_000),
    "a million commas": ("a.csv", b"name" + b"," * 1_000_000),
    "utf-16 cut": ("a.csv", "企业名称,a\n甲厂,1\n".encode("utf-16")[:-1]),
    "utf-32": ("a.csv", "企业名称,a\n甲厂,1\n".encode("utf-32")),
    "utf-7": ("a.csv", "企业名称,a\n甲厂,1\n".encode("utf-7")),
    "half gbk": ("a.csv", "企业名称,a\n甲厂,1\n".encode("gbk") + b"\x81"),
    "two encodings": ("a.csv", "企业名称,a\n甲厂,1\n".encode("gbk") + "乙厂,2\n".encode()),
    "surrogates": ("a.csv", b"name,a\n\xed\xa0\x80\xed\xb0\x80,1\n"),
    "overlong": ("a.csv", b"name,a\n\xc0\xaf\xe0\x80\xaf,1\n"),
    "deep": ("a.json", b"[" * 100_000),
    "deep objects": ("a.json", b'{"a":' * 100_000),
    "a deep cell": ("a.json", b'[{"name":' + b"[" * 700 + b"]" * 700 + b"}]"),
    "a deep object in a cell": ("a.json", b'[{"name":' + b'{"a":' * 400 + b"1" + b"}" * 400 + b"}]"),
    "5,000 digits": ("a.json", b'[{"name":' + b"9" * 5000 + b"}]"),
    "no numbers": ("a.json", b'[{"name":NaN,"a":Infinity,"b":-1e999}]'),
    "half characters": ("a.json", b'[{"name":"\\ud800","a":"\\udfff\\ud800"}]'),
    "nul in json": ("a.json", b'[{"name":"a\\u0000b"}]'),
    "keys twice": ("a.json", b'[{"name":"a","name":"b"}]'),
    "a key of 100,000": ("a.json", b'[{"' + b"k" * 100_000 + b'":1}]'),
    "no objects": ("a.json", b"[1,2,[3],null]"),
    "lines and no lines": ("a.jsonl", b'{"name":"a"}\n{\n[]\nnull\n"x"\n'),
    "a page": ("a.csv", b"<html><table><tr><td>1</td></tr></table></html>"),
    "a program": ("a.xlsx", b"MZ\x90\0" + bytes(3000)),
    "a zip in a zip": ("a.zip", zipped(a=zipped(b=zipped(c=b"x")))),
    "names that lead out": ("a.zip", zipped(**{"..__..__etc__passwd": b"x", "__etc__shadow": b"y"})),
    "macros": ("a.xlsm", zipped(**{"xl__vbaProject.bin": b"x", "xl__workbook": b"<x/>"})),
    "laughs in a letter": ("a.docx", docx("&a8;", LAUGHS)),
    "a file outside in a letter": ("a.docx", docx("&x;", LAUGHS)),
    "deep letter": ("a.docx", docx("</w:t></w:r></w:p>" + "<w:p>" * 20_000)),
    "an empty letter": ("a.docx", zipped(word__document=b"")),
    "a pdf of nothing": ("a.pdf", b"%PDF-1.7\n%%EOF"),
    "a pdf that is its own parent": (
        "a.pdf", b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[2 0 R]/Count 1"
        b"/Parent 2 0 R>>\nendobj\ntrailer\n<</Size 3/Root 1 0 R>>\n%%EOF",
    ),
    "a pdf of a million pages": (
        "a.pdf", b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids["
        + b"3 0 R " * 1000 + b"]/Count 1000000>>\nendobj\n3 0 obj\n<</Type/Page/Parent 2 0 R>>\nendobj\ntrailer\n"
        b"<</Size 4/Root 1 0 R>>\n%%EOF",
    ),
}  # fmt: skip
TABLES = [name for name, (file, _) in FILES.items() if not file.endswith((".docx", ".pdf", ".zip"))]


@pytest.mark.parametrize("case", FILES)
def test_an_attachment_is_read_or_its_problem_said(case: str) -> None:
    name, data = FILES[case]
    found = read_file(name, data)
    told = json.dumps(found.text) + str(found.tables) + str(found.members)
    assert "root:" not in told
    assert "哈哈" * 100 not in told
    assert len(told) < 3_000_000
    assert found.problem or told
    assert not [one.name for one in found.members if ".." in one.name]


@pytest.mark.parametrize("case", TABLES)
def test_a_registry_file_is_imported_or_refused_with_a_sentence(store: Store, tmp_path: Path, case: str) -> None:
    name, data = FILES[case]
    path = tmp_path / name
    path.write_bytes(data)
    plan = ImportPlan(load_columns(CONFIG)["firms"], Known({}, {}))
    said = ""
    try:
        report = import_file(store, path, plan, clock=lambda: NOW)
        assert report.new + report.refused >= 0
    except UsageError as problem:
        said = str(problem)
    assert "Traceback" not in said
    with store.read() as db:
        for entry in load_entries(db):
            assert "\0" not in entry.name
            entry.name.encode()


@pytest.mark.parametrize("case", TABLES)
def test_a_file_handed_in_is_taken_or_refused_with_a_sentence(
    store: Store, lexicon: Lexicon, tmp_path: Path, case: str
) -> None:
    name, data = FILES[case]
    path = tmp_path / name
    path.write_bytes(data)
    intake = load_intake(CONFIG)
    report = FileTaker(store, intake, Words.of(lexicon), lambda: NOW).take(path, intake.kinds["complaints_12315"])
    assert report.why
    json.loads(report.text())


@pytest.mark.parametrize("case", FILES)
def test_a_watch_list_s_file_is_read_or_refused(case: str) -> None:
    said = ""
    try:
        rows = read_rows(FILES[case][1])
        assert len(rows) < 100_000
    except UsageError as problem:
        said = str(problem)
    assert "Traceback" not in said


@pytest.mark.parametrize("case", FILES)
def test_a_proof_is_of_an_accepted_kind_or_not_kept(tmp_path: Path, case: str) -> None:
    name, data = FILES[case]
    kept = ""
    with suppress(UsageError):
        kept = proofs.keep(tmp_path, "other", name, data, Proofs()).type
    assert kept in ("", "pdf", "xlsx", "docx")
    assert bool(kept) == bool(list(tmp_path.iterdir()))
    assert case != "macros" or not kept


def test_a_book_that_lies_about_its_size_is_refused_before_its_reader_sees_it() -> None:
    with pytest.raises(UnreadableFile, match="比所称的大"):
        check_zip(BytesIO(LIAR), len(LIAR))
    for data in (BOMB, LIAR):
        with pytest.raises(UnreadableFile, match="解压后过大"):
            book_sheets(data)
    letter = docx("x" * 200_000)
    with pytest.raises(UnreadableFile):
        read_docx(lying(letter, "word/document.xml", 900))


@pytest.mark.parametrize(("command", "case"), [("ingest", "deep"), ("ingest", "only nul"), ("analyze", "5,000 digits")])
def test_a_command_says_what_is_wrong_with_its_file(command: str, case: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(FILES[case][1])
    ended = run_here(command, str(path), "--data", str(tmp_path / "data"))
    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1
