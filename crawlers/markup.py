"""HTML to plain text and tables. Every walk is a bounded loop: no page can exhaust stack, time or memory."""

import html
import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from core.records import Table
from crawlers.weight import check_weight, is_suspect

MAX_CHARS = 3_000_000
MAX_NODES = 200_000
MAX_CELLS = 50_000
MAX_SPAN = 200
MAX_TABLES = 50
BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
    ]
)
SILENT = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "iframe",
        "object",
        "embed",
        "svg",
        "canvas",
        "head",
        "title",
        "select",
        "option",
        "textarea",
        "button",
        "input",
        "audio",
        "video",
        "map",
    ]
)
CELLS = frozenset(("td", "th"))
TAG = re.compile(r"<[^<>]*>")
SPACES = re.compile(r"[ \t\r\f\v\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
UNSEEN = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\u00ad\u0000-\u0008\u000e-\u001f]")
Part = LexborNode | str


def parse_html(text: str) -> LexborHTMLParser:
    """The tree of a page; what lies beyond MAX_CHARS is not read. Raises TooHeavy where parsing would hold up all."""
    markup = text[:MAX_CHARS]
    check_weight(markup)
    return LexborHTMLParser(markup)


def html_to_text(markup: str, *, tables: bool = True) -> str:
    """Paragraphs of a piece of HTML, one a line. Plain text comes through as it is. tables: keep text inside tables."""
    if "<" not in markup:
        return tidy(html.unescape(markup) if "&" in markup else markup)
    if is_suspect(markup):  # one of many pieces: no trial for each
        return tidy(html.unescape(TAG.sub("\n", markup[:MAX_CHARS])))
    body = parse_html(markup).body
    return node_text(body, tables=tables) if body else ""


def node_text(node: LexborNode, *, tables: bool = True, skip: frozenset[int] = frozenset()) -> str:
    """Text of a node, a line a block. skip: mem_ids of nodes to leave out."""
    pieces: list[str] = []
    stack: list[Part] = [node]
    for _ in range(MAX_NODES):
        if not stack:
            break
        part = stack.pop()
        if isinstance(part, str):
            pieces.append(part)
            continue
        tag = part.tag or ""
        if tag == "-text":
            pieces.append(SPACES.sub(" ", (part.text_content or "").replace("\n", " ")))
        elif tag == "br":
            pieces.append("\n")
        elif tag not in SILENT and tag[:1] not in "-!" and part.mem_id not in skip:
            if tag == "table" and not tables and is_data_table(part):
                pieces.append("\n")
                continue
            around = "\n" if tag in BLOCKS else " " if tag in CELLS else ""
            stack.append(around)
            stack.extend(reversed(list(part.iter(include_text=True))))
            pieces.append(around)
    return tidy("".join(pieces))


def tidy(text: str) -> str:
    """Blank lines, invisible characters and white space at the ends of lines removed."""
    lines = (SPACES.sub(" ", line).strip() for line in UNSEEN.sub("", text).splitlines())
    return "\n".join(line for line in lines if line)


def one_line(text: str) -> str:
    """`text` without line breaks and doubled spaces."""
    return " ".join(tidy(text).split())


def is_data_table(table: LexborNode) -> bool:
    """A table that holds facts, not the layout of a page: small cells, two rows and columns or more, none nested."""
    if len(table.css("table")) > 1:  # itself is one of them
        return False
    rows = table.css("tr")
    cells = table.css("td, th")
    if len(rows) < 2 or len(cells) < len(rows) * 2 or len(cells) > MAX_CELLS:
        return len(rows) >= 2 and any(cell.attributes.get("colspan") or cell.tag == "th" for cell in cells)
    lengths = sorted(len(cell.text(deep=True, strip=True)) for cell in cells)
    return lengths[-1] < 3000 and lengths[len(lengths) // 2] < 200


def tables_of(node: LexborNode) -> tuple[Table, ...]:
    """The data tables below `node`, spans expanded, in order."""
    found = [expand_table(table) for table in node.css("table")[:MAX_TABLES] if is_data_table(table)]
    return tuple(table for table in found if table)


def expand_table(table: LexborNode) -> Table:
    """Rows of cell texts; a cell that spans rows or columns stands in each of them. Rows have equal length."""
    grid: list[list[str]] = []
    hanging: dict[int, tuple[int, str]] = {}
    total = 0
    for row in table.css("tr"):
        line: list[str] = []
        cells = [cell for cell in row.iter() if cell.tag in CELLS]
        _fill(line, hanging)
        for cell in cells:
            text = one_line(node_text(cell))
            width, height = _span(cell, "colspan"), _span(cell, "rowspan")
            for _ in range(width):
                if height > 1:
                    hanging[len(line)] = (height - 1, text)
                line.append(text)
            _fill(line, hanging)
        total += len(line)
        if total > MAX_CELLS:
            break
        if any(line):
            grid.append(line)
    width = max(map(len, grid), default=0)
    return tuple(tuple(line + [""] * (width - len(line))) for line in grid)


def _fill(line: list[str], hanging: dict[int, tuple[int, str]]) -> None:
    """Continue the cells that hang down from rows above at the line's next columns."""
    while (held := hanging.get(len(line))) is not None:
        left, text = held
        if left > 1:
            hanging[len(line)] = (left - 1, text)
        else:
            del hanging[len(line)]
        line.append(text)


def _span(cell: LexborNode, name: str) -> int:
    value = (cell.attributes.get(name) or "1").strip()
    return min(max(int(value[:6]), 1), MAX_SPAN) if value.isdecimal() else 1


def ancestors(node: LexborNode) -> Iterator[LexborNode]:
    """The parents of a node, nearest first, at most 100."""
    current = node.parent
    for _ in range(100):
        if current is None or current.tag in ("html", None):
            return
        yield current
        current = current.parent
