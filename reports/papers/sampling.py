"""抽查不合格后处理跟踪表: the ledger's failed spot checks of a year with their clocks."""

import re
from datetime import date

from core.errors import UsageError
from ledger.spotchecks import COLUMNS, TITLE, cells_of
from reports.papers.gather import Desk, Records, evidence_of
from reports.papers.phrases import day_words, stamp
from reports.papers.record import Cell, Content, Grid, Leaf, Section, fact, para
from store.ledger import entries_between, rows_of_all
from store.registry import find_entries

SHOWN = (0, 1, 3, 4, 6, 7, 9, 10, 11, 13, 17)
"""Columns of the page; the workbook has all."""
WIDTHS = (20, 26, 36, 26, 22, 24, 22, 22, 22, 22, 26)


def sampling(desk: Desk, year: str) -> Content:
    """Days come from config/ledger.yml; a batch whose report was not delivered has none. Raises UsageError."""
    if not re.fullmatch(r"20\d\d", year):
        raise UsageError(f"年份 {year[:10]} 看不懂，写法如 2026")
    every = entries_between(desk.db, date(int(year), 1, 1), date(int(year), 12, 31))
    seen = (one for one in every if desk.cut.sees(one.territory) or (one.unit and desk.cut.sees(one.unit)))
    found = [one for one in seen if one.origin == "spotcheck"]
    if not found:
        raise UsageError(f"{year} 年台账中没有本局属地的抽查不合格条目")
    history, records = rows_of_all(desk.db, [one.id for one in found]), Records()
    names = find_entries(desk.db, sorted({one.firm for one in found if one.firm}))
    rows, rests = [], []
    for one in found:
        cells = cells_of(
            one, history.get(one.id, []), desk.product, lambda key: names[key].name if key in names else "",
            desk.ledger, desk.is_workday, desk.today,
        )  # fmt: skip
        rows.append(tuple("" if cell is None else str(cell) for cell in cells))
        rests.append((records.add(desk, f"台账 {one.id}", one.title),))
    waiting = sum(row[6] == "未送达" for row in rows)
    objecting = sum("异议期内" in row[7] for row in rows)
    told = f"{year}年列入台账的抽查不合格{len(rows)}批，其中检验结果未送达{waiting}批，异议期内{objecting}批。"
    days = desk.ledger.spotcheck
    ways = (
        ("异议截止", f"送达日起{days.objection}日"), ("改正期限", f"责令日起{days.rectify}日"),
        ("复查期限", f"责令日起{days.recheck}日"), ("再复查窗口", f"公告日起{days.again_from}日至{days.again_to}日"),
        ("末日为休息日", "顺延至下一工作日" if days.next_workday else "不顺延"),
    )  # fmt: skip
    grid = Grid(
        tuple(COLUMNS[place] for place in SHOWN), tuple(tuple(row[place] for place in SHOWN) for row in rows), WIDTHS,
        tuple(rests), note="注：当日不计；检验结论在异议期内的不公开；未送达的没有期限。", wide=True,
    )  # fmt: skip
    leaves = (
        Leaf("跟踪表", TITLE, COLUMNS, tuple(tuple(Cell(cell or "—", locked=True) for cell in row) for row in rows),
             widths=tuple(14 for _ in COLUMNS)),
        Leaf("口径", "口径", ("期限", "怎样算"), tuple((Cell(a, locked=True), Cell(b, locked=True)) for a, b in ways),
             widths=(20, 40)),
    )  # fmt: skip
    key = tuple(key for some in rests for key in some)
    content = Content(
        kind="sampling", form="A", title=TITLE, sender=desk.bureau, day=day_words(desk.today), made=stamp(desk.now),
        subtitle=(f"{year}年",), sections=(Section("", (para(fact(told, *key)), grid)),), leaves=leaves,
        signature=False, cuts=("监督抽查",),
    )  # fmt: skip
    return content.with_evidence(evidence_of(desk, content.cited(), records.known))
