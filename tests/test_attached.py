"""Attached files: text and tables out of what bureaus attach, and nothing lost to what hostile people attach."""

import asyncio
import hashlib
import zipfile
import zlib
from collections.abc import Callable
from functools import reduce
from io import BytesIO

import pytest

from crawlers.attached.content import FileContent
from crawlers.attached.kinds import kind_of, name_of
from crawlers.attached.read import read_file
from crawlers.attached.worker import FileReader
from tests.attached_files import FILES, cell, docx, paragraph, table, xlsx, zipped

HEAD = ("产品名称", "生产企业", "不合格项目")
ROW = ("电热水壶", "江西某某电器有限公司", "输入功率")
MERGED = '<w:vMerge w:val="restart"/>'
GOES_ON = "<w:vMerge/>"


def isolated(name: str, data: bytes, seconds: float = 40) -> FileContent:
    async def work() -> FileContent:
        return await FileReader(seconds).read(name, data)

    return asyncio.run(work())


def test_an_old_xls_is_read_with_merged_cells_dates_and_its_title() -> None:
    found = read_file("名单.xls", (FILES / "names.xls").read_bytes())
    assert (found.kind, found.problem) == ("xls", "")
    assert found.text.startswith("附件2 2026年电动自行车用锂电池产品质量监督抽查不合格产品名单")
    (rows,) = found.tables
    assert rows[0][:3] == ("序号", "标称生产企业", "产品名称")
    assert rows[1][:2] == ("1", "江西某星电池有限公司")
    assert rows[2][1] == "江西某星电池有限公司"  # the merged cell's lower half
    assert rows[3][5] == "2026-05-06"


def test_a_pdf_gives_its_text_and_a_table_that_goes_over_the_page() -> None:
    found = read_file("通报.pdf", (FILES / "notice.pdf").read_bytes())
    assert found.problem == ""
    assert "输入功率和电流不符合标准要求，存在起火风险" in found.text  # a line that only the page's width broke
    assert "二、其他事项" in found.text.splitlines()
    assert "江西某7电器有限公司" not in found.text  # the table's cells are rows, not text
    (rows,) = found.tables
    assert len(rows) == 41
    assert rows[0] == ("序号", "标称生产企业", "产品名称", "规格型号", "不合格项目")
    assert rows[40] == ("40", "江西某40电器有限公司", "电热水壶", "KT-1740", "输入功率和电流")


def test_a_docx_gives_paragraphs_in_order_and_merged_cells_in_each_place() -> None:
    body = paragraph("关于电热水壶的通报") + table(
        "".join(map(cell, HEAD)),
        cell("电热水壶", MERGED) + cell("江西某某电器有限公司") + cell("输入功率"),
        cell("", GOES_ON) + cell("赣州某某电器有限公司") + cell("标识"),
        cell("合计 2 批次", '<w:gridSpan w:val="3"/>'),
    ) + paragraph("请依法处理。")  # fmt: skip
    found = read_file("通报.docx", docx(body))
    assert found.text == "关于电热水壶的通报\n请依法处理。"
    (rows,) = found.tables
    assert rows[2] == ("电热水壶", "赣州某某电器有限公司", "标识")
    assert rows[3] == ("合计 2 批次",) * 3


def test_what_a_text_box_says_is_said_once() -> None:
    box = f"<w:txbxContent>{paragraph('框内文字')}</w:txbxContent>"
    both = f"<mc:AlternateContent><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>"
    found = read_file("a.docx", docx(f"<w:p><w:r>{both}</w:r></w:p>"))
    assert found.text == "框内文字"


def test_a_web_page_called_xls_is_read_as_the_table_it_is() -> None:
    rows = "".join(f"<tr>{''.join(f'<td>{text}</td>' for text in row)}</tr>" for row in (HEAD, ROW))
    found = read_file("名单.xls", f"<html><meta charset=gbk><table>{rows}</table></html>".encode("gbk"))
    assert (found.kind, found.tables) == ("html", ((HEAD, ROW),))


def test_an_error_page_in_place_of_a_file_is_no_text() -> None:
    found = read_file("名单.pdf", "<html><body><p>您访问的页面不存在</p></body></html>".encode())
    assert (found.text, found.tables) == ("", ())
    assert "网页" in found.problem


def test_a_zip_is_read_with_gbk_names_and_what_it_may_not_hold_is_said() -> None:
    inner = zipped({"a.txt": "x"})
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("AAAA.xlsx", xlsx([list(HEAD), list(ROW)]))
        archive.writestr("inner.zip", inner)
        archive.writestr("__MACOSX/._x", b"litter")
        archive.writestr("照片.png", b"\x89PNG\r\n\x1a\n")
    found = read_file("附件.zip", out.getvalue().replace(b"AAAA.xlsx", "名单.xlsx".encode("gbk")))
    assert [(member.name, member.kind) for member in found.members] == [
        ("附件.zip/名单.xlsx", "xlsx"),
        ("附件.zip/inner.zip", "zip"),
        ("附件.zip/照片.png", "image"),
    ]
    assert found.members[0].tables == ((HEAD, ROW),)
    assert "压缩包" in found.members[1].problem


def _bomb() -> bytes:
    return zipped({f"{n}.txt": b"0" * 30_000_000 for n in range(4)})


def _pdf_bomb() -> bytes:
    """A page whose stream unpacks to a gigabyte: one packed block, told a hundred times."""
    block, packer = b" " * 10_000_000, zlib.compressobj(9, wbits=-15)
    told = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    checked = reduce(lambda so_far, _: zlib.adler32(block, so_far), range(100), 1)
    packed = zlib.compress(b"\x78\xda" + told * 100 + packer.flush() + checked.to_bytes(4, "big"))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>",
        b"<< /Length %d /Filter [/FlateDecode /FlateDecode] >>\nstream\n%s\nendstream" % (len(packed), packed),
    ]
    return b"%PDF-1.4\n" + b"".join(b"%d 0 obj\n%s\nendobj\n" % each for each in enumerate(objects, 1)) + (
        b"trailer\n<< /Size 5 /Root 1 0 R >>\n%%EOF"
    )  # fmt: skip


def _far_cell() -> bytes:
    """A sheet of two cells whose rectangle has 17 thousand million."""
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
        "</sheetData></worksheet>"
    )
    with zipfile.ZipFile(BytesIO(xlsx([[1]]))) as archive:
        parts: dict[str, bytes | str] = {name: archive.read(name) for name in archive.namelist()}
    return zipped({**parts, "xl/worksheets/sheet1.xml": sheet})


ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
LAUGHS = f'<!DOCTYPE d [<!ENTITY e0 "哈哈">{ENTITIES}]>'
LOCKED_ZIP = bytearray(zipped({"a.txt": "secret"}))
LOCKED_ZIP[6] |= 1
LOCKED_ZIP[LOCKED_ZIP.rindex(b"PK\x01\x02") + 8] |= 1
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
HOSTILE: dict[str, tuple[str, bytes | Callable[[], bytes], str]] = {
    "empty": ("a.xls", b"", "空文件"),
    "cut xls": ("a.xls", (FILES / "names.xls").read_bytes()[:2000], "仅存档"),
    "cut pdf": ("a.pdf", (FILES / "notice.pdf").read_bytes()[:900], "PDF"),
    "cut zip": ("a.zip", zipped({"a.txt": "x" * 99})[:60], "压缩结构已损坏"),
    "noise": ("a.xls", bytes(range(256)) * 40, "类型不明"),
    "locked pdf": ("a.pdf", (FILES / "locked.pdf").read_bytes(), "有密码"),
    "scanned pdf": ("a.pdf", (FILES / "scanned.pdf").read_bytes(), "没有文字层"),
    "locked book": ("a.xlsx", OLE + "EncryptedPackage".encode("utf-16-le"), "有密码"),
    "old word": ("a.doc", OLE + "WordDocument".encode("utf-16-le"), "doc"),
    "rar": ("a.rar", b"Rar!\x1a\x07\x00", "RAR"),
    "zip bomb": ("a.zip", _bomb, "解压后过大"),
    "far cell": ("a.xlsx", _far_cell(), ""),
    "pdf bomb": ("a.pdf", _pdf_bomb, ""),
    "image": ("a.jpg", b"\xff\xd8\xff\xe0", "图片"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_and_unreadable_files_are_told_and_kept(case: str) -> None:
    name, made, problem = HOSTILE[case]
    data = made() if callable(made) else made
    found = isolated(name, data)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert len(found.text) <= 200_000
    assert problem in found.problem
    assert found.problem or found.tables


def test_a_locked_member_of_a_zip_is_told() -> None:
    (member,) = isolated("a.zip", bytes(LOCKED_ZIP)).members
    assert "有密码" in member.problem


def test_entities_of_a_docx_are_not_expanded() -> None:
    found = isolated("a.docx", docx(paragraph("正文&e9;"), LAUGHS))
    assert "哈哈" not in found.text


def test_a_reader_that_takes_too_long_is_ended_and_said() -> None:
    found = isolated("a.xls", (FILES / "names.xls").read_bytes(), seconds=0.001)
    assert (found.kind, found.tables) == ("xls", ())
    assert "已中止" in found.problem


@pytest.mark.parametrize(
    ("url", "label", "disposition", "name"),
    [
        ("https://a.cn/f/P0202611.xls", "附件1：不合格名单", "", "附件1：不合格名单.xls"),
        ("https://a.cn/f/P0202611.xls", "点击下载", "", "P0202611.xls"),
        ("https://a.cn/down?id=7", "", "attachment; filename*=UTF-8''%E5%90%8D%E5%8D%95.xls", "名单.xls"),
        ("https://a.cn/down?id=7", "", 'attachment; filename="名单.xls"'.encode("gbk").decode("latin-1"), "名单.xls"),
        ("https://a.cn/down.jsp?filename=2211.doc&x=1", "", "", "2211.doc"),
        ("https://a.cn/%E5%90%8D.pdf", "", "", "名.pdf"),
    ],
)
def test_a_file_is_called_what_people_call_it(url: str, label: str, disposition: str, name: str) -> None:
    assert name_of(url, label, disposition) == name


def test_bytes_decide_what_a_file_is() -> None:
    assert kind_of(docx(paragraph("x")), "a.doc") == "docx"
    assert kind_of(xlsx([[1]]), "a.zip") == "xlsx"
    assert kind_of("名称,数量\n".encode("gbk"), "a.csv") == "csv"
