"""The workbook of a paper: sheets laid across for print, the system's cells locked, texts that look like formulas kept
as texts."""

from collections.abc import Sequence
from io import BytesIO
from math import isfinite

from openpyxl import Workbook
from openpyxl.cell.cell import Cell as XlsxCell
from openpyxl.cell.cell import MergedCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from core.spreadsheet import put_text
from reports.paper import EVIDENCE_HEAD, UNKNOWN, plain
from reports.papers.record import HEAD, Cell, Content, Leaf

BODY, BOLD = "仿宋", "黑体"
LINE = Side("thin", color="444444")
EDGES = Border(left=LINE, right=LINE, top=LINE, bottom=LINE)
OPEN = PatternFill("solid", fgColor="FFF8E1")
"""Cells for people."""
MIDDLE = Alignment(horizontal="center", vertical="center", wrap_text=True)
LEFT = Alignment(vertical="center", wrap_text=True)
EVIDENCE_WIDTHS = (6, 44, 20, 17, 17, 22, 68, 12)
A3, A4 = 8, 9


def write_workbook(content: Content, *, signed: bool) -> bytes:
    """All its sheets, and the list of evidence."""
    book = Workbook()
    first = book.active
    assert isinstance(first, Worksheet)
    book.remove(first)
    about = f"填报单位：{content.sender}　　取数于：{content.made}　　{'内部使用' if signed else HEAD}"
    for leaf in content.leaves:
        _write(book.create_sheet(leaf.name), leaf, about)
    _write(book.create_sheet("依据清单"), _evidence(content), about)
    book.properties.title = content.title
    book.properties.creator = ""
    into = BytesIO()
    book.save(into)
    return into.getvalue()


def _evidence(content: Content) -> Leaf:
    rows = []
    for place, key in enumerate(content.cited(), start=1):
        one = content.evidence.get(key)
        told = (
            (one.title, one.publisher, one.published, one.fetched, one.key, one.sha256, one.state)
            if one
            else (UNKNOWN, "", "", "", key, "", UNKNOWN)
        )
        rows.append(tuple(Cell(text, locked=True) for text in (f"[{place}]", *told)))
    return Leaf("依据清单", "依据清单", tuple(EVIDENCE_HEAD), tuple(rows), widths=EVIDENCE_WIDTHS)


def _write(page: Worksheet, leaf: Leaf, about: str) -> None:
    width = max(len(row) for row in leaf.rows) if leaf.rows else len(leaf.head)
    _text(page.cell(1, 1), leaf.title).font = Font(BOLD, size=14)
    _text(page.cell(2, 1), about).font = Font(BODY, size=10)
    for row in (1, 2):
        page.merge_cells(start_row=row, end_row=row, start_column=1, end_column=width)
    page.cell(1, 1).alignment = MIDDLE
    page.row_dimensions[1].height = 26
    top = _head(page, leaf)
    for number, cells in enumerate(leaf.rows, start=top):
        for place, cell in enumerate(cells, start=1):
            _fill(page.cell(number, place), cell, first=place == 1 or not leaf.pairs)
        page.row_dimensions[number].height = 22 if leaf.pairs else _height(cells, leaf.widths)
    end = top + len(leaf.rows)
    if leaf.note:
        _text(page.cell(end, 1), leaf.note).font = Font(BODY, size=9)
        page.merge_cells(start_row=end, end_row=end, start_column=1, end_column=width)
        page.cell(end, 1).alignment = LEFT
        page.row_dimensions[end].height = 15 * (1 + leaf.note.count("\n")) + 15
    _hints(page, leaf, top, end - 1)
    _laid_out(page, leaf, top, width)


def _height(cells: Sequence[Cell], widths: Sequence[float]) -> float:
    """Points for the longest cell of a row: programs do not fit rows to wrapped texts by themselves."""
    lines = [-(-sum(2.1 if ord(letter) > 255 else 1.1 for letter in cell.value) // max(4, wide - 1))
             for cell, wide in zip(cells, widths, strict=False)]  # fmt: skip
    return 15 * max(1, *lines) + 3 if lines else 18


def _head(page: Worksheet, leaf: Leaf) -> int:
    """The rows of the head; the number of the first row below."""
    row, step = 3, 2 if leaf.pairs else 1
    if leaf.groups:
        at = 2
        for name, count in leaf.groups:
            _text(page.cell(row, at), name)
            page.merge_cells(start_row=row, end_row=row, start_column=at, end_column=at + count * step - 1)
            at += count * step
        row += 1
    at = 1
    for number, name in enumerate(leaf.head):
        _text(page.cell(row, at), name)
        if leaf.pairs and number:
            page.merge_cells(start_row=row, end_row=row, start_column=at, end_column=at + 1)
            _text(page.cell(row + 1, at), "本期")
            _text(page.cell(row + 1, at + 1), "累计")
        at += step if number else 1
    last = row + 1 if leaf.pairs else row
    if last > 3:
        page.merge_cells(start_row=3, end_row=last, start_column=1, end_column=1)
        if page.cell(3, 1).value is None:
            _text(page.cell(3, 1), leaf.head[0])
    for line in page.iter_rows(min_row=3, max_row=last, max_col=at - 1):
        for cell in line:
            cell.font, cell.alignment, cell.border = Font(BOLD, size=9), MIDDLE, EDGES
    page.row_dimensions[row].height = 72 if leaf.pairs else 24
    return last + 1


def _fill(into: XlsxCell | MergedCell, cell: Cell, *, first: bool) -> None:
    number = _number(cell.value) if not first else None
    if cell.mark or number is None:
        _text(into, f"{cell.value}（{cell.mark}）" if cell.mark else cell.value)
    else:
        into.value = number
    into.font = Font(BODY, size=10, bold=bool(cell.mark))
    into.alignment = LEFT if first else MIDDLE
    into.border = EDGES
    into.protection = Protection(locked=cell.locked)
    if not cell.locked:
        into.fill = OPEN


def _text(into: XlsxCell | MergedCell, text: str) -> XlsxCell | MergedCell:
    put_text(into, plain(text))
    return into


def _number(text: str) -> int | float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    if not isfinite(value):  # "nan" and "1e999" are texts
        return None
    return int(value) if value == int(value) and "." not in text else value


def _hints(page: Worksheet, leaf: Leaf, top: int, end: int) -> None:
    """What a column counts, and when it was read, is told where somebody goes into one of its cells."""
    for number, hint in enumerate(leaf.hints):
        if not hint or end < top:
            continue
        at = 2 * number if leaf.pairs else number + 1
        told = DataValidation(allow_blank=True, showInputMessage=True, promptTitle=leaf.head[number][:32], prompt=hint)
        told.add(f"{get_column_letter(at)}{top}:{get_column_letter(at + (1 if leaf.pairs else 0))}{end}")
        page.add_data_validation(told)


def _laid_out(page: Worksheet, leaf: Leaf, top: int, width: int) -> None:
    widths: Sequence[float] = leaf.widths or (22, *(6 if leaf.big or width > 20 else 7.5 for _ in range(width - 1)))
    for place, wide in enumerate(widths, start=1):
        page.column_dimensions[get_column_letter(place)].width = wide
    page.freeze_panes = f"{'B' if leaf.pairs else 'A'}{top}"
    page.page_setup.orientation, page.page_setup.paperSize = "landscape", A3 if leaf.big else A4
    page.page_setup.fitToWidth = 1
    page.page_setup.fitToHeight = 1 if leaf.pairs else 0  # a note alone on a second page is no page
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.page_margins.left = page.page_margins.right = 0.5
    page.print_title_rows = f"3:{top - 1}"
    page.print_options.horizontalCentered = True
    footer = page.oddFooter
    assert footer is not None
    footer.left.text, footer.right.text = "内部使用", "第&P页 共&N页"
    page.protection.sheet = True
    page.protection.formatColumns = page.protection.formatRows = False
