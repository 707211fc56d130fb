"""抽查跟踪表 as a sheet: what failed a supervised spot check, and the legal clocks that run from it."""

from collections.abc import Iterable, Sequence
from datetime import date
from io import BytesIO

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from config.ledger import LedgerRules
from ledger.clocks import IsWorkday
from ledger.spotchecks import COLUMNS, TITLE, cells_of
from store.ledger import Entry, EntryRow
from web.ledger_sheet import Labels, safe_cell

WIDE = ("产品型号", "被抽样单位", "标称生产者", "不合格项目", "报告编号", "再复查窗口")
WRAPPED = Alignment(vertical="top", wrap_text=True)


def write(
    lines: Iterable[tuple[Entry, Sequence[EntryRow]]], labels: Labels, *, rules: LedgerRules, is_workday: IsWorkday,
    today: date, about: str,
) -> bytes:  # fmt: skip
    """An xlsx file: the table, and what its days are counted by."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "跟踪表"
    sheet.append([TITLE])
    sheet.append([safe_cell(about)])
    sheet.append(list(COLUMNS))
    for entry, rows in lines:
        sheet.append(
            [safe_cell(cell) for cell in cells_of(entry, rows, labels.product, labels.firm, rules, is_workday, today)]
        )
    _laid_out(sheet)
    days = rules.spotcheck
    told = book.create_sheet("口径")
    for line in (
        ("期限", "天数", "自"), ("异议截止", days.objection, "送达日"), ("改正期限", days.rectify, "责令日"),
        ("复查期限", days.recheck, "责令日"), ("再复查窗口", f"{days.again_from} 至 {days.again_to}", "公告日"),
        ("起算", "当日不计", ""), ("末日为休息日", "顺延至下一工作日" if days.next_workday else "不顺延", ""),
        ("天数来源", "config/ledger.yml 的 spotcheck；依据产品质量法、总局令第18号，以公布文本为准", ""),
    ):  # fmt: skip
        told.append(list(line))
    told.column_dimensions["A"].width, told.column_dimensions["B"].width = 18, 60
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _laid_out(sheet: Worksheet) -> None:
    for cell in sheet[3]:
        cell.font = Font(bold=True)
    for row in sheet.iter_rows(min_row=4):
        for cell in row:
            cell.alignment = WRAPPED
    sheet["A1"].font = Font(bold=True, size=14)
    for place, name in enumerate(COLUMNS, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = 24 if name in WIDE else 14
    sheet.freeze_panes = "A4"
    sheet.page_setup.orientation, sheet.page_setup.paperSize, sheet.page_setup.fitToHeight = "landscape", 9, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = "3:3"
    footer = sheet.oddFooter
    assert footer is not None
    footer.left.text, footer.right.text = "内部使用", "第&P页 共&N页"
