"""What the page of a weekly table shows beside its cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.weekly import Column
from reports.figures import TOTAL, Place
from reports.table import Change, Sheet, editable
from store.weekly import SheetState

GROUPS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "": ("检查至风险监控", ("检查", "隐患", "抽查", "风险监控")),
    "self": ("基数与自查", ("基数", "自查")),
    "act": ("处置", ("处置",)),
    "help": ("帮扶、共治、其他", ("帮扶", "共治", "其他")),
    "all": ("全表", ()),
}
"""Parts of the table that fit a screen."""


@dataclass(frozen=True)
class State:
    """How far a table is. word, mark: as parts.mark takes them."""

    word: str
    mark: str
    late: bool


def state_of(state: SheetState | None, *, late: bool) -> State:
    """late: whether it is due by now."""
    if state is not None and state.signed:
        return State("已签发", "done", False)
    if state is None:
        return State("未填", "bad" if late else "", late)
    word = "重新打开" if state.act else "草稿"
    return State(word, "bad" if late else "work", late)


def spans(shown: Sequence[Column]) -> list[tuple[str, int]]:
    """Groups side by side, and how many columns each has."""
    found: list[tuple[str, int]] = []
    for column in shown:
        if found and found[-1][0] == column.group:
            found[-1] = column.group, found[-1][1] + 1
        else:
            found.append((column.group, 1))
    return found


def much(sheet: Sheet, changes: Mapping[Place, Change], before: Sheet) -> list[tuple[Column, str, str, Change]]:
    """Column, row, value of the week before and change, of what is marked; sums last."""
    names = dict(sheet.rows)
    found = [
        (column, row, before.cell(column.id, row).value or "", changes[column.id, row])
        for column in sheet.columns
        for row in names
        if (column.id, row) in changes and changes[column.id, row].much and row != TOTAL
    ]
    return found[:20]


def progress(sheet: Sheet) -> list[tuple[str, int, int, str]]:
    """Group, cells that stand, cells, and the first column that lacks something."""
    lacking = {**sheet.lacking()}
    drafts = sheet.drafts()
    found: dict[str, list[Any]] = {}
    for column in sheet.columns:
        if column.unit == "text":
            continue
        line = found.setdefault(column.group, [0, 0, ""])
        number = sum(editable(column, row) for row, _ in sheet.rows)
        left = lacking.get(column.id, 0) + drafts.get(column.id, 0)
        line[0], line[1] = line[0] + number - left, line[1] + number
        line[2] = line[2] or (column.id if left else "")
    return [(group, *line) for group, line in found.items()]
