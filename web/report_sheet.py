"""The weekly table as xlsx and CSV: what the page shows, the way each column counts, and who wrote what."""

from collections.abc import Callable, Sequence
from io import BytesIO

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from config.weekly import TITLE
from core.spreadsheet import csv_text, workbook_text
from reports.figures import TOTAL
from reports.table import Cell, Sheet
from store.weekly import CellRow

KIND_WORDS = {"sys": "系统", "mix": "草稿待确认", "hand": "人工", "fix": "改过", "none": "未填"}
BORDERS = {"mix": Border(bottom=Side("dashed")), "fix": Border(bottom=Side("double"))}
HAND = PatternFill("solid", fgColor="EEEEEE")
WRAP = Alignment(vertical="top", wrap_text=True)
MIDDLE = Alignment(horizontal="center", vertical="center", wrap_text=True)
NOTE = "注：“0”为核实为零，空格为未填，“—”为未报送，“/”为不适用。虚线为系统草稿待确认，底色为人工，双线为改过的系统数。"


def csv_of(sheet: Sheet, about: str) -> str:
    """One row a product, as the page has it."""
    head = ["重点产品", *(column.name for column in sheet.columns)]
    rows: list[list[object]] = [
        [name, *(_value(sheet.cell(column.id, row)) for column in sheet.columns)] for row, name in sheet.rows
    ]
    return csv_text(head, [*rows, [about], [NOTE]])


def xlsx_of(sheet: Sheet, about: str, history: Sequence[CellRow], who: Callable[[str], str]) -> bytes:
    """Three sheets: the table, how each column counts, what people wrote."""
    book = Workbook()
    page = book.active
    assert isinstance(page, Worksheet)
    page.title = "统计表"
    _table(page, sheet, about)
    _list(
        book.create_sheet("口径"), ("栏目", "组", "来源", "口径", "依据", "说明"),
        [(one.name, one.group, {"system": "系统", "mixed": "系统草稿，人工确认", "manual": "人工"}[one.source], one.how,
          one.basis, one.caveat or one.note) for one in sheet.columns],
        (30, 10, 18, 60, 20, 40),
    )  # fmt: skip
    names, columns = dict(sheet.rows), {one.id: one.name for one in sheet.columns}
    _list(
        book.create_sheet("填报经过"), ("时间（UTC）", "人", "栏目", "行", "填", "系统数", "原因"),
        [(f"{row.at:%Y-%m-%d %H:%M:%S}", who(row.actor), columns.get(row.column, row.column),
          names.get(row.row, row.row), "撤回" if row.value is None else row.value, row.system or "", row.reason)
         for row in history],
        (20, 12, 30, 20, 20, 12, 40),
    )  # fmt: skip
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _table(page: Worksheet, sheet: Sheet, about: str) -> None:
    page.append([TITLE])
    page.append([workbook_text(about)])
    page.append(["重点产品", *("" for _ in sheet.columns)])
    page.append(["", *(column.name for column in sheet.columns)])
    start = 2
    for number, column in enumerate(sheet.columns, start=2):
        last = number - 1 == len(sheet.columns)
        if last or sheet.columns[number - 1].group != column.group:
            page.cell(3, start, column.group)
            page.merge_cells(start_row=3, end_row=3, start_column=start, end_column=number)
            start = number + 1
    page.merge_cells("A3:A4")
    for row, name in sheet.rows:
        page.append([workbook_text(name)])
        for place, column in enumerate(sheet.columns, start=2):
            cell = sheet.cell(column.id, row)
            into = page.cell(page.max_row, place, _value(cell))
            into.border = BORDERS.get(cell.kind, Border())
            into.font = Font(bold=row == TOTAL)
            if cell.kind == "hand":
                into.fill = HAND
            if cell.kind == "fix":
                into.comment = Comment(f"系统数 {cell.system or '无'}；{cell.reason}"[:500], "fengsui")
            if column.unit == "text":
                into.alignment = WRAP
    page.append([NOTE])
    for cells in page["A3:" + f"{get_column_letter(len(sheet.columns) + 1)}4"]:
        for one in cells:
            one.font, one.alignment = Font(bold=True), MIDDLE
    page["A1"].font = Font(bold=True, size=14)
    page.column_dimensions["A"].width = 20
    for place, column in enumerate(sheet.columns, start=2):
        page.column_dimensions[get_column_letter(place)].width = 40 if column.unit == "text" else 11
    page.freeze_panes = "B5"
    page.page_setup.orientation, page.page_setup.paperSize, page.page_setup.fitToHeight = "landscape", 8, 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.print_title_rows, page.print_title_cols = "3:4", "A:A"
    if page.oddFooter is not None:
        page.oddFooter.center.text = "内部使用　第&P页 共&N页"


def _list(page: Worksheet, head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]) -> None:
    page.append(list(head))
    for row in rows:
        page.append([workbook_text(cell) for cell in row])
    for place, width in enumerate(widths, start=1):
        page.column_dimensions[get_column_letter(place)].width = width
    for cells in page.iter_rows():
        for cell in cells:
            cell.alignment = WRAP
    for cell in page[1]:
        cell.font = Font(bold=True)
    page.freeze_panes = "A2"


def _value(cell: Cell) -> int | float | str | None:
    """Numbers as numbers; None where nothing is filled."""
    if cell.value is None:
        return None
    number = cell.figure
    if number is None:
        return workbook_text(cell.value)
    return int(number) if number == number.to_integral_value() else float(number)
