"""Tables by header text: which row is the header, what each column is, and the rows below as named values.

Tables come with their spans expanded (core.records.Table), from pages, spreadsheets, docx and pdf alike. Known shapes:
one or more header rows, a title above them, the header said again in the middle, captions between the rows, totals and
notes below, `同上`, and tables that stand on their side (label, value, label, value).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from core.records import Table

Headers = Sequence[tuple[str, "re.Pattern[str]"]]
"""Field and the header texts (whole, without blanks and brackets) that name it; the first that matches counts."""
MAX_HEADER_ROWS = 3
LONGEST_LABEL = 24
MOST_PAIRS = 12
BRACKETS = re.compile(r"[（(【\[][^（(【\[）)】\]]{0,20}[）)】\]]")
TOTALS = re.compile(r"(?:合计|总计|小计|共计|备注|附注|注|说明|填表|制表|审核)(?:[:：\d].*)?$")
NOTES = re.compile(r"(?:备注|附注|注|说明)\s*\d?\s*[:：]")
SAME = re.compile(r"^(?:同上|〃|″|\"|“”|''|…)$")
SEVERAL = re.compile(r"[║│|｜]")
"""Marks between several headers, and as many values, in one cell."""
GENERIC = re.compile(r"(?:名称|项目|项目名称|数值|值|结果|地址|所在地|省份|单位)")
"""Words of a second header row that need the word above them."""
FIRM = re.compile(r"(?:公司|厂|店|经营部|商行|中心)$")


@dataclass(frozen=True)
class NamedRow:
    """values: field to text, empty ones left out, in the order of the columns.  section: the caption or title above.

    rest: what stands in columns that no field names, of a label and its value as `label：value`.
    """

    values: Mapping[str, str]
    section: str = ""
    rest: tuple[str, ...] = ()


@dataclass
class _Layout:
    """The columns that the header in force names."""

    headers: Headers
    columns: dict[int, tuple[str, ...]] = field(default_factory=dict)
    texts: frozenset[str] = frozenset()


def compiled(texts: Mapping[str, Sequence[str]]) -> Headers:
    """Patterns by field as Headers; blanks are not in what they are held against, and case does not count."""
    return tuple((name, re.compile("|".join(patterns), re.IGNORECASE)) for name, patterns in texts.items())


def bare(text: str) -> str:
    """A label as it is compared: no blanks, brackets with what is in them, marks at its end."""
    text = re.sub(r"\s+", "", text).strip("*＊:：、.?？")
    short = BRACKETS.sub("", text).strip("*＊:：、.?？")
    return short or text.strip("()（）【】[]")


def field_of(label: str, headers: Headers) -> str:
    """The field that a header names, or nothing."""
    text = bare(label)
    if not text or len(text) > LONGEST_LABEL:
        return ""
    return next((name for name, pattern in headers if pattern.fullmatch(text)), "")


def named_rows(table: Table, headers: Headers) -> Iterator[NamedRow]:
    """The rows of a table as named values, in order; nothing where no header is known."""
    grid = [row for row in table if any(cell.strip() for cell in row)]
    if not grid:
        return
    if _on_its_side(grid, headers):
        yield from _sideways(grid, headers)
        return
    layout, section, above = _Layout(headers), "", dict[str, str]()
    place = 0
    while place < len(grid):
        row = grid[place]
        height = _header_height(grid, place, headers)
        if height:
            layout = _layout(grid[place : place + height], headers)
            above = {}
            place += height
            continue
        caption = _caption(row)
        if caption:
            if not NOTES.match(caption):
                section = caption
        elif layout.columns and not _is_total(row):
            values = _filled(_values(row, layout), above)
            if len(values) > 1:
                yield NamedRow(values, section, _rest(row, layout))
                above = values
        place += 1


def _caption(row: Sequence[str]) -> str:
    """The text of a row that is one cell from side to side, or one cell alone."""
    said = [cell.strip() for cell in row if cell.strip()]
    return said[0] if len(row) > 1 and len(set(said)) == 1 and (len(said) == 1 or len(said) == len(row)) else ""


def _is_total(row: Sequence[str]) -> bool:
    first = next((bare(cell) for cell in row if cell.strip()), "")
    return bool(TOTALS.match(first) or NOTES.match(first))


def _header_height(grid: Sequence[Sequence[str]], place: int, headers: Headers) -> int:
    """How many rows from `place` on are header: 0 where that row names fewer than two columns."""
    row = grid[place]
    if _known(row, headers) < 2 or _holds_facts(row, headers):
        return 0
    height = 1
    while height < MAX_HEADER_ROWS and place + height < len(grid):
        below, over = grid[place + height], grid[place + height - 1]
        hangs = any(cell and cell == top for cell, top in zip(below, over, strict=False))
        split = len(set(over)) < len([cell for cell in over if cell])
        if not (hangs and split and not _caption(below) and not _holds_facts(below, headers)):
            break
        height += 1
    return height


def _known(row: Sequence[str], headers: Headers) -> int:
    """Different fields that the cells of a row name."""
    return len({name for cell in row for part in SEVERAL.split(cell) if (name := field_of(part, headers))})


def _holds_facts(row: Sequence[str], headers: Headers) -> bool:
    """Whether a row holds values and not only labels: numbers, firms, long texts."""
    cells = [cell.strip() for cell in row if cell.strip() and not field_of(cell, headers)]
    facts = [cell for cell in cells if len(cell) > LONGEST_LABEL or FIRM.search(cell) or re.search(r"\d{2,}", cell)]
    return bool(facts) or len(cells) > len(row) * 2 / 3


def _layout(rows: Sequence[Sequence[str]], headers: Headers) -> _Layout:
    """Each column's field, by its lowest header, with the one above where that says too little."""
    layout = _Layout(headers)
    taken: set[str] = set()
    for column in range(max(map(len, rows))):
        texts = list(dict.fromkeys(row[column] for row in rows if column < len(row) and row[column].strip()))
        names = _names(texts, headers)
        fresh = tuple(name if name not in taken else "" for name in names)
        if any(fresh):
            layout.columns[column] = fresh
            taken.update(filter(None, fresh))
    layout.texts = frozenset(bare(cell) for row in rows for cell in row if cell.strip())
    return layout


def _names(texts: Sequence[str], headers: Headers) -> tuple[str, ...]:
    if not texts:
        return ("",)
    last = texts[-1]
    if SEVERAL.search(last):
        return tuple(field_of(part, headers) for part in SEVERAL.split(last))
    whole = field_of("".join(bare(text) for text in texts), headers) if len(texts) > 1 else ""
    own = field_of(last, headers)
    if len(texts) > 1 and (not own or GENERIC.fullmatch(bare(last))):
        return (whole or own or field_of(texts[0], headers),)
    return (own,)


def _values(row: Sequence[str], layout: _Layout) -> dict[str, str]:
    values: dict[str, str] = {}
    for column, names in layout.columns.items():
        cell = row[column].strip() if column < len(row) else ""
        parts = [cell] if len(names) == 1 else SEVERAL.split(cell, maxsplit=len(names) - 1)
        for name, part in zip(names, parts, strict=False):
            if name and part.strip():
                values[name] = part.strip()
    return values


def _rest(row: Sequence[str], layout: _Layout) -> tuple[str, ...]:
    """What stands in the columns that no header names."""
    cells = (cell.strip() for column, cell in enumerate(row) if column not in layout.columns)
    return tuple(dict.fromkeys(cell for cell in cells if cell))


def _filled(values: dict[str, str], above: Mapping[str, str]) -> dict[str, str]:
    """`同上` replaced by what stands above; a row without a number of its own goes on with the firm above."""
    found = {name: above.get(name, "") if SAME.match(value) else value for name, value in values.items()}
    if "number" in above and "number" not in found:
        found = {**{name: above[name] for name in ("producer", "product") if name in above}, **found}
    return {name: value for name, value in found.items() if value}


def _on_its_side(grid: Sequence[Sequence[str]], headers: Headers) -> bool:
    """Whether labels stand in the first column, and no row has as many."""
    labels = [row[0] for row in grid if row and not _caption(row)]
    down = sum(bool(field_of(label, headers)) for label in labels)
    across = max((_known(row, headers) for row in grid[:4]), default=0)
    pairs = all(len(row) <= MOST_PAIRS for row in grid)
    known = {field_of(label, headers) for label in labels} - {""}
    return pairs and down >= 2 and len(known) >= 2 and down * 2 >= len(labels) and _facts_beside(grid, headers, across)


def _facts_beside(grid: Sequence[Sequence[str]], headers: Headers, across: int) -> bool:
    """Whether what stands beside the labels are values: else it is a header row over rows of labels."""
    first = grid[0] if not _caption(grid[0]) else grid[min(1, len(grid) - 1)]
    return across < 2 or not field_of(first[1] if len(first) > 1 else "", headers)


def _sideways(grid: Sequence[Sequence[str]], headers: Headers) -> Iterator[NamedRow]:
    """A record a column beside the labels; label, value, label, value make one record."""
    section = next((caption for row in grid if (caption := _caption(row))), "")
    rows = [row for row in grid if not _caption(row)]
    paired = any(len(row) > 3 and any(field_of(cell, headers) for cell in row[2::2]) for row in rows)
    if paired:
        records = [[pair for row in rows for pair in zip(row[::2], row[1::2], strict=False)]]
    else:
        width = max(map(len, rows))
        records = [[(row[0], row[column]) for row in rows if column < len(row)] for column in range(1, width)]
    for pairs in dict.fromkeys(map(tuple, records)):
        values: dict[str, str] = {}
        rest: dict[str, None] = {}
        for label, value in pairs:
            name = field_of(label, headers)
            if name and value.strip() and value != label and name not in values:
                values[name] = value.strip()
            elif value.strip() and value != label:
                rest[f"{bare(label)}：{value.strip()}"] = None
        if values and (paired or len(values) > 1):
            yield NamedRow(values, section, tuple(rest))
