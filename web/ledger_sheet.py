"""The ledger as a sheet: written with the columns of the paper form, read back by header names.

A row with a number changes what a person may change by hand; one without enters a new hazard. What a step decides
(state, dates of steps, who closed) is written but never read.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties

from core.clock import beijing
from core.errors import UsageError
from core.records import LEVEL_COLOURS
from core.spreadsheet import unsafe, workbook_text
from crawlers.attached.content import UnreadableFile
from crawlers.attached.sheets import book_sheets
from ledger.imports import READ, SheetRow
from ledger.words import ORIGINS, STATE_WORDS
from store.ledger import Entry, EntryRow, standing_rows

COLUMNS = (
    "编号", "来源", "预警号", "发现日", "产品", "型号批次", "企业", "信用代码", "属地", "责任单位", "责任人", "隐患",
    "问题类型", "级别", "措施", "期限", "延期批准", "状态", "佐证", "完成日", "复查人、日", "销号人、日", "回头看",
    "督办", "立案/移送文号", "备注",
)  # fmt: skip
LONG = tuple(COLUMNS.index(name) + 1 for name in ("企业", "隐患", "措施", "备注"))
WRAPPED = Alignment(vertical="top", wrap_text=True)
MOST_ROWS, MOST_BYTES = 2000, 5 << 20
TITLE = "重点工业产品质量安全隐患台账"


@dataclass(frozen=True)
class Labels:
    """Words for the codes of an entry. alert: the alert's number, where this viewer sees it."""

    product: Callable[[str], str]
    issue: Callable[[str], str]
    region: Callable[[str], str]
    bureau: Callable[[str], str]
    firm: Callable[[str], str]
    alert: Callable[[str | None], str]
    person: Callable[[str], str]


def write(lines: Iterable[tuple[Entry, Sequence[EntryRow], str, bool]], labels: Labels, *, about: str) -> bytes:
    """An xlsx file. lines: entry, history, proofs (`1 / 3`), under supervision.  about: stands under the title."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "隐患台账"
    sheet.append([TITLE])
    sheet.append([safe_cell(about)])
    sheet.append(list(COLUMNS))
    for number, (entry, rows, proofs, listed) in enumerate(lines, start=4):
        sheet.append([safe_cell(cell) for cell in cells_of(entry, rows, proofs, listed, labels)])
        for place in LONG:
            sheet.cell(number, place).alignment = WRAPPED
    for cell in sheet[3]:
        cell.font = Font(bold=True)
    sheet["A1"].font = Font(bold=True, size=14)
    widths = {
        "隐患": 30,
        "企业": 26,
        "措施": 24,
        "备注": 20,
        "编号": 15,
        "预警号": 15,
        "信用代码": 20,
        "复查人、日": 18,
    }
    for place, name in enumerate(COLUMNS, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = widths.get(name, 12)
    sheet.freeze_panes = "B4"
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = "3:3"
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def cells_of(entry: Entry, rows: Sequence[EntryRow], proofs: str, listed: bool, labels: Labels) -> list[Any]:
    """The cells of one entry, in the order of COLUMNS."""
    rows = standing_rows(rows)
    last = {row.action: row for row in rows}

    def who_when(action: str) -> str:
        row = last.get(action)
        return f"{labels.person(row.actor)} {beijing(row.at):%Y-%m-%d}" if row else ""

    check = last.get("recheck")
    rechecked = f"{'、'.join(check.details['persons'])} {check.details['on']}" if check else ""
    looked = last.get("look_back")
    again = f"{looked.details['on']} {'再现' if looked.details['recurred'] else '未再现'}" if looked else entry.look_on
    extended = [row for row in rows if row.action == "extend_yes"]
    return [
        entry.id, ORIGINS.get(entry.origin, entry.origin), labels.alert(entry.alert), entry.found_on,
        labels.product(entry.product) if entry.product else "", entry.model, labels.firm(entry.firm), entry.uscc,
        labels.region(entry.territory), labels.bureau(entry.unit), entry.person, entry.title,
        labels.issue(entry.issue) if entry.issue else "", LEVEL_COLOURS[entry.level], entry.measures, entry.due_on,
        "；".join(f"延至 {row.details['to']} {labels.person(row.actor)}" for row in extended),
        STATE_WORDS[entry.state][0], proofs, entry.done_on, rechecked,
        who_when("close") if entry.closed_at else "",
        again or "", "挂牌督办" if listed else "", entry.case_number, entry.remark,
    ]  # fmt: skip


def safe_cell(cell: Any) -> Any:
    """A text that begins like a formula after an apostrophe; what a sheet cannot hold is left out."""
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return cell.isoformat()
    if not isinstance(cell, str):
        return cell
    return workbook_text(cell)


def read(body: bytes) -> list[SheetRow]:
    """The rows of the first sheet that has the header. Raises UsageError where there is none."""
    if len(body) > MOST_BYTES:
        raise UsageError(f"表格超过 {MOST_BYTES >> 20} MB")
    try:
        sheets = book_sheets(body, max_rows=MOST_ROWS + 20)
    except UnreadableFile as problem:
        raise UsageError(f"表格读不出：{problem}") from problem
    for _, rows in sheets:
        heads = [place for place, row in enumerate(rows[:20]) if {"隐患", "级别"} <= {_name(cell) for cell in row}]
        if heads:
            return _rows(rows, heads[0])
    raise UsageError("前 20 行里找不到表头：须有“隐患”“级别”两列，列名与导出的台账相同，次序不限")


def _rows(rows: Sequence[Sequence[str]], head: int) -> list[SheetRow]:
    names = [_name(cell) for cell in rows[head]]
    twice = sorted({name for name in names if name in READ and names.count(name) > 1})
    if twice:
        raise UsageError(f"列名重复：{'、'.join(twice)}")
    found = []
    for line, row in enumerate(rows[head + 1 :], start=head + 2):
        cells = {name: _plain(cell) for name, cell in zip(names, row, strict=False) if name in READ}
        if any(cells.values()):
            found.append(SheetRow(line, cells))
    if len(found) > MOST_ROWS:
        raise UsageError(f"一次至多 {MOST_ROWS} 行")
    return found


def _name(cell: str) -> str:
    return "".join(cell.split()).replace("（必填）", "")


def _plain(cell: str) -> str:
    text = " ".join(cell.split())
    return unsafe(text)
