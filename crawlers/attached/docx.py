"""Text and tables of a docx, from its XML: paragraphs in order, tables with merged cells expanded."""

import zipfile
from collections.abc import Iterator
from io import BytesIO

from lxml import etree

from core.records import Table
from crawlers.attached.content import MAX_CELL, MAX_COLUMNS, MAX_ROWS, MAX_TABLES, UnreadableFile
from crawlers.attached.zips import check_zip
from crawlers.markup import one_line

MAX_XML = 40 * 1024**2
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
STRICT = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
"""A second form of what stands before it: reading both would say everything twice."""
BREAKS = {f"{W}br": "\n", f"{W}cr": "\n", f"{W}tab": " ", f"{W}noBreakHyphen": "-"}


def read_docx(data: bytes) -> tuple[str, tuple[Table, ...]]:
    """Text and tables. Raises UnreadableFile."""
    check_zip(BytesIO(data), len(data))
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            part = archive.getinfo("word/document.xml")
            if part.file_size > MAX_XML:
                raise UnreadableFile(f"正文过大（{part.file_size} 字节），未读")
            xml = archive.read(part)
    except (KeyError, zipfile.BadZipFile, RuntimeError, OSError, EOFError, NotImplementedError, ValueError) as error:
        raise error if isinstance(error, UnreadableFile) else UnreadableFile("不是有效的 docx") from error
    xml = xml.replace(STRICT, W[1:-1].encode(), 50)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True)
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableFile("docx 的正文不是有效的 XML") from error
    body = root.find(f"{W}body") if root is not None else None
    if body is None:
        raise UnreadableFile("docx 没有正文")
    lines: list[str] = []
    tables: list[Table] = []
    for block in _blocks(body):
        if block.tag == f"{W}p":
            lines.append(_text(block))
            continue
        grid = _grid(block)
        if len(grid) > 1 and len(grid[0]) > 1 and len(tables) < MAX_TABLES:
            tables.append(grid)
        else:
            lines += [" ".join(dict.fromkeys(filter(None, row))) for row in grid]
    return "\n".join(lines), tuple(tables)


def _blocks(body: etree._Element) -> Iterator[etree._Element]:
    """Paragraphs and tables in order, also those inside content controls and the like."""
    stack = list(reversed(body))
    while stack:
        node = stack.pop()
        if node.tag in (f"{W}p", f"{W}tbl"):
            yield node
        elif isinstance(node.tag, str) and node.tag != FALLBACK:
            stack.extend(reversed(node))


def _text(node: etree._Element) -> str:
    """The text below a node; a paragraph inside it (a text box, a cell's second one) begins a line."""
    pieces: list[str] = []
    stack = [node]
    while stack:
        part = stack.pop()
        if part.tag == f"{W}t":
            pieces.append(part.text or "")
        elif part.tag in BREAKS:
            pieces.append(BREAKS[part.tag])
        elif isinstance(part.tag, str) and part.tag not in (FALLBACK, f"{W}pPr", f"{W}rPr"):
            if part.tag == f"{W}p" and pieces:
                pieces.append("\n")
            stack.extend(reversed(part))
    return "".join(pieces)


def _grid(table: etree._Element) -> Table:
    """Rows of equal length; a cell merged over columns or rows stands in each place it covers."""
    grid: list[list[str]] = []
    for row in table.iterchildren(f"{W}tr", f"{W}sdt"):
        line: list[str] = []
        for cell in (each for each in row.iter(f"{W}tc") if _table_of(each) is table):
            properties = cell.find(f"{W}tcPr")
            merged = properties.find(f"{W}vMerge") if properties is not None else None
            span = properties.find(f"{W}gridSpan") if properties is not None else None
            width = _number(span.get(f"{W}val")) if span is not None else 1
            goes_on = merged is not None and merged.get(f"{W}val", "continue") == "continue"
            above = grid[-1] if goes_on and grid else []
            text = above[len(line)] if len(line) < len(above) else one_line(_text(cell)[:MAX_CELL])
            line += [text] * width
        if any(line):
            grid.append(line[:MAX_COLUMNS])
        if len(grid) >= MAX_ROWS:
            break
    width = max(map(len, grid), default=0)
    return tuple(tuple(line + [""] * (width - len(line))) for line in grid)


def _table_of(cell: etree._Element) -> etree._Element | None:
    return next(cell.iterancestors(f"{W}tbl"), None)


def _number(text: str | None) -> int:
    return min(int(text), MAX_COLUMNS) if text and text.isdecimal() and int(text) else 1
