"""Rows of a registry file one after the other, whatever it is: CSV of any encoding, a workbook, JSON or JSON lines.

Only CSV and JSON lines are read piece by piece; a workbook and a JSON list stand in memory while they are read.
"""

import codecs
import csv
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, WorksheetNotFound, XmlError, ZipError

from core.errors import UsageError
from crawlers.attached.content import UnreadableFile
from crawlers.attached.zips import check_zip
from crawlers.charset import decode_page
from nlp.normalize import without_surrogates

Thing = TypeVar("Thing")
Cells = tuple[str, ...]
SAMPLE = 1_000_000  # bytes by which encoding and separator are told
MAX_CELL = 1_000_000  # characters: more is a quotation mark that never closes
TITLES = 10  # rows above the header at most
SHEETS = 20
MAX_COLUMNS = 1000
MAX_UNPACKED = 2 * 1024**3  # a full sheet of 1,048,576 rows with twenty columns has about 1.2 GB


@dataclass(frozen=True)
class FileRows:
    """header: its cells.  rows: number of the line in the file and cells, of what stands below the header.
    broken: line, reason and text of what is no row at all."""

    header: Cells
    rows: Iterator[tuple[int, Cells]]
    broken: Sequence[tuple[int, str, str]] = field(default_factory=tuple)


def open_rows(path: Path, words: Iterable[str], plain: Callable[[str], str]) -> FileRows:
    """The rows of a file. words: what a header may hold, in the form that `plain` gives to a cell.

    The header is the row with most of them among the first ten. Raises UsageError where the file cannot be read.
    """
    known = frozenset(words)
    try:
        head = path.open("rb").read(SAMPLE)
    except OSError as error:
        raise UsageError(f"{path}：打不开（{error.strerror}）") from None
    if not head.strip():
        raise UsageError(f"{path}：空文件")
    if head[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        return _best(path, [_below(rows, known, plain) for rows in _sheets(path)])
    if head.lstrip(codecs.BOM_UTF8 + b" \t\r\n")[:1] in b"[{":
        return _of_records(path)
    return _below(_csv_lines(path, head), known, plain)


def batches(things: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    """The things in lists of `size`, the last one shorter."""
    rest = iter(things)
    while found := list(islice(rest, size)):
        yield found


def _below(lines: Iterator[tuple[int, Cells]], known: frozenset[str], plain: Callable[[str], str]) -> FileRows:
    first = list(islice(lines, TITLES))
    if not first:
        return FileRows((), iter(()))
    if (wide := max(len(cells) for _, cells in first)) > MAX_COLUMNS:
        raise UsageError(f"有 {wide} 列，至多 {MAX_COLUMNS} 列；可能分隔符不对")
    at = max(range(len(first)), key=lambda place: (sum(plain(cell) in known for cell in first[place][1]), -place))
    header, below = _whole_header([cells for _number, cells in first], at, known, plain)
    return FileRows(header, chain(first[below:], lines))


def _whole_header(
    rows: Sequence[Cells], at: int, known: frozenset[str], plain: Callable[[str], str]
) -> tuple[Cells, int]:
    """The header, put together of two rows where cells are merged (生产许可证 over 编号 and 有效期), and where the rows
    below it begin."""

    def fits(upper: Cells, lower: Cells) -> bool:
        """Whether each cell of the lower row stands below nothing or below a title of several columns."""
        filled = [place for place, cell in enumerate(lower) if cell.strip()]
        words = sum(plain(lower[place]) in known for place in filled)
        over = [upper[place] if place < len(upper) else "" for place in filled]
        return words > 0 and words * 2 >= len(filled) and not any(plain(cell) in known for cell in over)

    def joined(upper: Cells, lower: Cells) -> Cells:
        width = max(len(upper), len(lower))
        pairs = zip(*(row + ("",) * (width - len(row)) for row in (upper, lower)), strict=True)
        return tuple(below or above for above, below in pairs)

    if at + 1 < len(rows) and fits(rows[at], rows[at + 1]):
        return joined(rows[at], rows[at + 1]), at + 2
    if at and any(plain(cell) in known for cell in rows[at - 1]) and fits(rows[at - 1], rows[at]):
        return joined(rows[at - 1], rows[at]), at + 1
    return rows[at], at + 1


def _best(path: Path, sheets: Sequence[FileRows]) -> FileRows:
    """The sheet with the widest header: notes and covers are narrow."""
    filled = [sheet for sheet in sheets if any(sheet.header)]
    if not filled:
        raise UsageError(f"{path}：表格中没有行")
    return max(filled, key=lambda sheet: sum(map(bool, sheet.header)))


def _csv_lines(path: Path, head: bytes) -> Iterator[tuple[int, Cells]]:
    encoding = _encoding(path, head)
    text = head.decode(encoding, "replace").lstrip("\ufeff")
    separator = _separator(text.split("\n")[:200])
    csv.field_size_limit(MAX_CELL)
    with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, errors="replace", newline="") as file:
        reader = csv.reader((line.replace("\0", "") for line in file), delimiter=separator)
        try:
            for row in reader:
                if any(row):
                    yield reader.line_num, tuple(row)
        except csv.Error as error:
            raise UsageError(
                f"{path}：第 {reader.line_num} 行起不是有效的 CSV（{error}）；可能有引号没有闭合"
            ) from None


def _encoding(path: Path, head: bytes) -> str:
    """UTF-8 where the whole file is; else what the first of it looks like."""
    for mark, name in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if head.startswith(mark):
            return name
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while piece := file.read(SAMPLE):
                decoder.decode(piece)
        decoder.decode(b"", final=True)
        return "utf-8"
    except UnicodeDecodeError:
        return decode_page(head[: head.rfind(b"\n") + 1] or head).encoding


def _separator(lines: Sequence[str]) -> str:
    """The sign that parts most lines into the same number of cells."""

    def weight(sign: str) -> int:
        counted = Counter(count for line in lines if (count := line.count(sign)))
        return max((count * times for count, times in counted.items()), default=0)

    return max(",\t;|", key=weight)


def _sheets(path: Path) -> Iterator[Iterator[tuple[int, Cells]]]:
    try:
        if zipfile.is_zipfile(path):
            check_zip(path, path.stat().st_size, most=MAX_UNPACKED)
        book = CalamineWorkbook.from_path(str(path))
        for name in book.sheet_names[:SHEETS]:
            yield _sheet_lines(book.get_sheet_by_name(name).iter_rows())
    except UnreadableFile as problem:
        raise UsageError(f"{path}：{problem}；请另存为 CSV 再导入") from None
    except PasswordError:
        raise UsageError(f"{path}：表格有密码，请去掉密码后再导入") from None
    except (CalamineError, ZipError, XmlError, WorksheetNotFound, ValueError, OSError) as error:
        raise UsageError(f"{path}：不是有效的电子表格（{str(error)[:120] or type(error).__name__}）") from None


def _sheet_lines(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[int, Cells]]:
    for number, row in enumerate(rows, start=1):
        cells = tuple(_cell(value) for value in row)
        if any(cells):
            yield number, cells


def _cell(value: Any) -> str:
    """A value of a workbook or of JSON as text; lists are parted by semicolons."""
    if isinstance(value, str):
        return without_surrogates(value).replace("\0", "")
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return str(value.date()) if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ";".join(json.dumps(one, ensure_ascii=False) if isinstance(one, list) else _cell(one) for one in value)
    return without_surrogates(json.dumps(value, ensure_ascii=False)) if isinstance(value, dict) else str(value)


Records = list[tuple[int, dict[str, Any]]]
Broken = list[tuple[int, str, str]]


def _records(path: Path) -> tuple[Records, Broken]:
    """Number and record of each object of a JSON list or of JSON lines, and what is none; of an object its first list
    of objects, however deep."""
    text = path.read_text(encoding=_encoding(path, path.open("rb").read(SAMPLE)), errors="replace").lstrip("\ufeff")
    try:
        whole = json.loads(text)
    except RecursionError:
        raise UsageError(f"{path}：JSON 套得太深，应为 {{字段: 值}} 的列表") from None
    except ValueError:
        return _json_lines(path, text)
    if isinstance(whole, dict):
        whole = _list_within(whole) or [whole]
    kept, broken = Records(), Broken()
    for number, record in enumerate(whole, start=1):
        if isinstance(record, dict):
            kept.append((number, record))
        else:
            broken.append((number, NO_RECORD, json.dumps(record, ensure_ascii=False)[:200]))
    if not kept:
        raise UsageError(f"{path}：第 1 条{NO_RECORD}")
    return kept, broken


NO_RECORD = "不是对象，应为 {字段: 值}"


def _list_within(whole: dict[str, Any]) -> list[Any]:
    """The first list of objects, those near the top first."""
    level: list[Any] = list(whole.values())
    while level:
        lists = [value for value in level if isinstance(value, list) and value and isinstance(value[0], dict)]
        if lists:
            return lists[0]
        level = [value for one in level if isinstance(one, dict) for value in one.values()]
    return []


def _json_lines(path: Path, text: str) -> tuple[Records, Broken]:
    kept, broken = Records(), Broken()
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            broken.append((number, f"不是 JSON（{error}）", line[:200]))
            continue
        if isinstance(record, dict):
            kept.append((number, record))
        else:
            broken.append((number, NO_RECORD, line[:200]))
    if not kept:
        number, reason, _text = broken[0]
        raise UsageError(f"{path}：第 {number} 行{reason}")
    return kept, broken


def _of_records(path: Path) -> FileRows:
    kept, broken = _records(path)
    header = tuple(dict.fromkeys(key for _number, record in kept for key in record))
    rows = ((number, tuple(_cell(record.get(key)) for key in header)) for number, record in kept)
    return FileRows(header, rows, broken)
