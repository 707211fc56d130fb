"""The progress of sampling and of the campaign as xlsx and CSV: the rows of the page, and how each is counted."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from core.spreadsheet import csv_text, workbook_text
from reports.progress import Progress, Row
from reports.targets import Target
from web.names import Names

HEAD = (
    "属地", "抽查批次", "重点产品批次", "重点产品占比%", "网络抽样", "网络占比%", "农村市场", "农村占比%",
    "不合格批次", "不合格率%", "自查完成企业", "自查发现隐患", "自查整改", "检查家次", "检查企业", "覆盖率%",
    "检查发现隐患", "检查整改", "台账隐患", "已销号", "未销号", "逾期",
    "周报：自查完成", "周报：检查家次", "周报：抽查批次",
)  # fmt: skip
TARGET_HEAD = ("产品", "属地", "企业", "分值", "理由", "事件", "决定", "说明")
NOTES = (
    ("抽查批次", "e-CQS 等报送的抽样单，按抽样日期和抽样地计；名录导入的抽查结果按企业属地计入总数，不分网络、农村"),
    ("重点产品占比", "重点产品批次除以全部批次；通知要求全年不低于下限"),
    ("网络占比、农村占比", "除以写明抽样环节、是否农村的批次；没有一批写明的为空"),
    ("不合格率", "不合格批次除以有结论的批次"),
    ("自查完成企业", "自查自改记录中写明完成的企业，同一企业只计一家"),
    ("检查家次、检查企业", "现场检查记录；家次逐次计，企业只计生产企业、只计一家"),
    ("覆盖率", "检查过的生产企业除以最近一期周报的获证/在册生产企业数；空为周报未填"),
    ("台账隐患", "年内发现的台账隐患（不含核查排除），按隐患所在地计；逾期为未销号且过整改期限"),
    ("周报：…", "本年度各期统计周报中人工填写的数之和，与记录并列，不相加；空为未填"),
)
DECISIONS = {"accept": "采纳", "decline": "不采纳"}


def cells_of(row: Row) -> list[object]:
    """One territory; what cannot be shared or was not filled is empty."""
    sampling, weekly = row.sampling, row.cells
    shares = {part: sampling.share(part) for part in ("key", "online", "rural", "failed")}
    covered = row.rate(row.firms, row.makers)
    rounded = {part: "" if share is None else round(share, 1) for part, share in shares.items()}
    online, rural = sampling.online if sampling.placed else "", sampling.rural if sampling.ruled else ""
    failed = sampling.failed if sampling.judged else ""
    return [
        row.name, sampling.batches, sampling.key, rounded["key"], online, rounded["online"], rural,
        rounded["rural"], failed, rounded["failed"], row.self_firms, row.self_found, row.self_fixed,
        row.visits, row.firms, "" if covered is None else round(covered, 1), row.found,
        row.fixed, row.hazards, row.closed, row.open, row.over,
        weekly.get("self_check_done", ""), weekly.get("insp_ent", ""), weekly.get("sampling_batches", ""),
    ]  # fmt: skip


def target_cells(target: Target, names: Names, firms: dict[str, str]) -> list[object]:
    """One suggestion."""
    reasons = "；".join(f"{one.text} {one.points:+d}" for one in target.reasons)
    events = "；".join(f"{number} {title}" for number, title in target.events)
    decision = target.decision
    return [
        names.product(target.product), names.region(target.territory), firms.get(target.firm, ""), target.points,
        reasons, events, DECISIONS[decision.do] if decision else "", decision.note if decision else "",
    ]  # fmt: skip


def csv_of(found: Progress) -> str:
    """The table alone."""
    return csv_text(HEAD, [cells_of(row) for row in (*found.rows, found.total)])


def xlsx_of(found: Progress, suggested: Sequence[Target], names: Names, firms: dict[str, str], *, about: str) -> bytes:
    """Three sheets: the table, suggested targets, how it is counted."""
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = "进展"
    page.append([workbook_text(about)])
    page.append(list(HEAD))
    for row in (*found.rows, found.total):
        page.append([_cell(cell) for cell in cells_of(row)])
    _set(page, 2, (14, *[10] * (len(HEAD) - 1)))
    sheet = book.create_sheet("建议抽样")
    sheet.append(list(TARGET_HEAD))
    for target in suggested:
        sheet.append([_cell(cell) for cell in target_cells(target, names, firms)])
    _set(sheet, 1, (18, 14, 30, 8, 60, 50, 10, 30))
    notes = book.create_sheet("口径")
    notes.append(["栏目", "口径"])
    for line in NOTES:
        notes.append(list(line))
    notes.append(["下限", f"重点产品批次不低于全年总批次的 {found.floor:g}%"])
    _set(notes, 1, (22, 90))
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _cell(cell: object) -> Any:
    return workbook_text(cell) if isinstance(cell, str) else cell


def _set(page: Any, head: int, widths: Sequence[int]) -> None:
    """A frozen head, set widths, printed across on one page wide."""
    for number, width in enumerate(widths, start=1):
        page.column_dimensions[get_column_letter(number)].width = width
        cell = page.cell(row=head, column=number)
        cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
    page.freeze_panes = page.cell(row=head + 1, column=2)
    page.print_title_rows = f"{head}:{head}"
    page.page_setup.orientation, page.page_setup.paperSize = "landscape", 9
    page.sheet_properties.pageSetUpPr.fitToPage = True
    page.page_setup.fitToHeight = 0
