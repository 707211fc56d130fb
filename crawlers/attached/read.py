"""One file to text and tables, whatever it is. Bounded, but a parser may still hang or crash: see worker.py."""

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

from core.records import Table
from crawlers.attached.content import (
    MAX_CELLS,
    MAX_ROWS,
    MAX_TABLES,
    MAX_TEXT,
    MAX_UNPACKED,
    MAX_ZIPPED,
    FileContent,
    UnreadableFile,
)
from crawlers.attached.docx import read_docx
from crawlers.attached.kinds import KEPT, kind_of
from crawlers.attached.pdf import read_pdf
from crawlers.attached.sheets import book_sheets, csv_rows, table_of_rows
from crawlers.attached.zips import check_zip
from crawlers.charset import decode_page
from crawlers.markup import html_to_text, parse_html, tables_of, tidy

Found = tuple[str, tuple[Table, ...], str]
NESTED = "压缩包中的压缩包不解开，仅存档"
LOCKED_FLAG = 0x1
UTF8_FLAG = 0x800


def read_file(name: str, data: bytes, *, inside: bool = False) -> FileContent:
    """Text and tables of a file. Never raises on any bytes: what cannot be read is said in `problem`.

    inside: a member of a zip; a zip in it is not opened.
    """
    kind = kind_of(data, name)
    content = FileContent(name, kind, len(data), hashlib.sha256(data).hexdigest())
    if not data:
        return replace(content, problem="空文件")
    if kind in KEPT:
        return replace(content, problem=KEPT[kind])
    try:
        if kind == "zip":
            return replace(content, problem=NESTED) if inside else _read_zip(content, data)
        text, tables, problem = READERS[kind](data)
    except UnreadableFile as error:
        return replace(content, problem=str(error))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OSError, RecursionError) as error:
        return replace(content, problem=f"无法读取：{type(error).__name__}")
    text = tidy(text)
    if len(text) > MAX_TEXT:
        text, problem = text[:MAX_TEXT], problem or f"文字超过 {MAX_TEXT} 字，之后未读"
    kept = within(tables[:MAX_TABLES], MAX_CELLS)
    if kept != tables:
        rows = sum(map(len, tables)) - sum(map(len, kept))
        tables, problem = kept, problem or f"表格过大，有 {rows} 行未读"
    return replace(content, text=text, tables=tables, problem=problem)


def within(tables: tuple[Table, ...], cells: int) -> tuple[Table, ...]:
    """The first rows of the tables that have no more than `cells` cells together."""
    kept: list[Table] = []
    for table in tables:
        room = cells // max(len(table[0]), 1)
        if room < 2:
            break
        kept.append(table[:room])
        cells -= len(kept[-1]) * len(table[0])
    return tuple(kept)


def _read_book(data: bytes) -> Found:
    """The sheets as tables; what stands above a table's header is text."""
    texts, tables, problem = [], [], ""
    for name, rows in book_sheets(data, max_rows=MAX_ROWS + 1):
        if len(rows) > MAX_ROWS:
            rows, problem = rows[:MAX_ROWS], f"工作表“{name}”超过 {MAX_ROWS} 行，之后未读"
        table = table_of_rows(rows)
        heads = [next(filter(None, row)) for row in rows if any(row)]
        first = next(filter(None, table[0])) if table else None
        above = heads[: heads.index(first)] if first in heads else heads
        texts += above if len(table) > 1 else [" ".join(dict.fromkeys(filter(None, row))) for row in rows]
        if len(table) > 1:
            tables.append(table)
    return "\n".join(texts), tuple(tables), problem


def _read_csv(data: bytes) -> Found:
    rows = list(csv_rows(data, max_rows=MAX_ROWS + 1))
    table = table_of_rows(rows[:MAX_ROWS])
    problem = f"超过 {MAX_ROWS} 行，之后未读" if len(rows) > MAX_ROWS else ""
    return "", (table,) if len(table) > 1 else (), problem


def _read_html(data: bytes) -> Found:
    """Many a site's .xls or .doc is a web page by another name."""
    text = decode_page(data).text
    body = parse_html(text).body
    tables = tables_of(body) if body is not None else ()
    if not tables and b"schemas-microsoft-com" not in data[:4096]:
        raise UnreadableFile("得到的是网页，不是文件（可能是出错页面）")
    return html_to_text(text, tables=False), tables, ""


def _read_text(data: bytes) -> Found:
    text = decode_page(data).text
    if text.count("\ufffd") > len(text) // 50:
        raise UnreadableFile(KEPT["other"])
    return text, (), ""


def _read_docx(data: bytes) -> Found:
    return (*read_docx(data), "")


READERS: dict[str, Callable[[bytes], Found]] = {
    "xls": _read_book,
    "xlsx": _read_book,
    "ods": _read_book,
    "csv": _read_csv,
    "docx": _read_docx,
    "pdf": read_pdf,
    "html": _read_html,
    "text": _read_text,
}


def _read_zip(content: FileContent, data: bytes) -> FileContent:
    """The members of a zip, each bounded; names without the UTF-8 flag are GBK."""
    check_zip(BytesIO(data), len(data))
    members: list[FileContent] = []
    problem, left = "", MAX_UNPACKED
    with zipfile.ZipFile(BytesIO(data)) as archive:
        files = [info for info in archive.infolist() if not info.is_dir() and not _is_litter(info.filename)]
        if len(files) > MAX_ZIPPED:
            problem = f"压缩包内 {len(files)} 个文件，只读前 {MAX_ZIPPED} 个"
        for info in files[:MAX_ZIPPED]:
            name = f"{content.name}/{_name(info)}"
            if info.flag_bits & LOCKED_FLAG:
                members.append(FileContent(name, "", info.file_size, "", problem="压缩包有密码，未读"))
                continue
            try:
                with archive.open(info) as stream:
                    member = stream.read(min(left, MAX_UNPACKED) + 1)
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError) as error:
                members.append(FileContent(name, "", 0, "", problem=f"解压失败：{type(error).__name__}"))
                continue
            left -= len(member)
            if left < 0:
                problem = "解压后过大，之后未读"
                break
            members.append(read_file(name, member, inside=True))
    return replace(content, members=tuple(members), problem=problem or ("" if members else "空压缩包"))


def _is_litter(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1] in ("Thumbs.db", ".DS_Store", "desktop.ini")


def _name(info: zipfile.ZipInfo) -> str:
    name = info.filename
    if not info.flag_bits & UTF8_FLAG:
        try:
            name = name.encode("cp437").decode("gb18030")
        except (UnicodeEncodeError, UnicodeDecodeError):
            name = info.filename
    return name.replace("\\", "/").replace("..", "")[:160]
