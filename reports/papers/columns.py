"""The statistics table's columns as papers set them: on which sheet, beside which others, and how each counts."""

from collections.abc import Sequence

from config.weekly import Column
from reports.papers.record import Grid
from reports.papers.words import our_word
from reports.table import Sheet

SHEETS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("基数、自查、检查、帮扶、共治", ("基数", "自查", "检查", "帮扶", "共治")),
    ("隐患、抽查、处置", ("隐患", "抽查", "处置")),
    ("风险监控", ("风险监控",)),
)
"""The three sheets of the statistics table and their groups."""
PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("基数、自查、检查", ("基数", "自查", "检查")), ("帮扶、共治", ("帮扶", "共治")), ("隐患、抽查", ("隐患", "抽查")),
    ("处置", ("处置",)), ("风险监控", ("风险监控",)),
)  # fmt: skip
"""Groups that fit side by side on a page laid across."""


def parts_of(sheet: Sheet) -> list[tuple[str, tuple[Column, ...]]]:
    """Groups of columns that fit on a page laid across."""
    found = []
    for name, groups in PARTS:
        columns = tuple(one for one in sheet.columns if one.group in groups and one.unit != "text")
        if columns:
            found.append((name, columns))
    return found


def ways_of(columns: Sequence[Column]) -> Grid:
    """How each column counts, and who fills it."""
    kinds = {"system": "系统取数", "mixed": "系统草稿，人工确认", "manual": "人工填报"}
    rows = tuple((our_word(one.name), kinds[one.source], one.how or "人工填报", one.basis or "—") for one in columns)
    return Grid(("栏目", "来源", "口径", "依据"), rows, (56, 34, 120, 36), wide=True)
