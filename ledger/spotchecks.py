"""What failed a supervised spot check, and the legal clocks that run from it: a line of the 跟踪表."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from config.ledger import LedgerRules
from ledger.clocks import IsWorkday
from ledger.words import RETESTS
from store.ledger import Entry, EntryRow, standing_rows

COLUMNS = (
    "批次", "产品型号", "被抽样单位", "标称生产者", "不合格项目", "报告编号", "送达日", "异议截止", "复检", "责令日",
    "改正期限", "复查期限", "复查结论", "公告日", "再复查窗口", "立案", "通报函", "台账号",
)  # fmt: skip
TITLE = "产品质量监督抽查不合格后处理跟踪表"


def cells_of(
    entry: Entry, rows: Sequence[EntryRow], product: Callable[[str], str], firm: Callable[[str], str],
    rules: LedgerRules, is_workday: IsWorkday, today: date,
) -> list[Any]:  # fmt: skip
    """The cells of one entry, in the order of COLUMNS. What nobody typed stays empty; no 送达日 says so."""
    standing, days = standing_rows(rows), rules.spotcheck
    said = checked(standing)

    def after(start: str, count: int) -> date | None:
        if not said.get(start):
            return None
        end = date.fromisoformat(said[start]) + timedelta(days=count)
        while days.next_workday and not is_workday(end):
            end += timedelta(days=1)
        return end

    objection, window = after("delivered", days.objection), after("announced", days.again_to)
    again = f"{after('announced', days.again_from)} 至 {window}" if window else ""
    running = "（异议期内）" if objection and today <= objection else ""
    last = next((row for row in reversed(standing) if row.action == "recheck"), None)
    rechecked = f"{last.details['on']} {'合格' if last.details['passed'] else '未合格'}" if last else ""
    model = " ".join(filter(None, (product(entry.product) if entry.product else "", entry.model)))
    return [
        said.get("batch", ""), model, said.get("sampled", ""), said.get("maker") or firm(entry.firm),
        said.get("failed") or entry.title, said.get("report", ""), said.get("delivered") or "未送达",
        f"{objection}{running}" if objection else "", RETESTS.get(said.get("retest", ""), ""), said.get("ordered", ""),
        after("ordered", days.rectify), after("ordered", days.recheck), rechecked, said.get("announced", ""), again,
        entry.case_number, said.get("letter", ""), entry.id,
    ]  # fmt: skip


def checked(rows: Sequence[EntryRow]) -> Mapping[str, str]:
    """What was recorded of the spot check; a later row fills in and corrects, an empty field leaves things."""
    found: dict[str, str] = {}
    for row in rows:
        if row.action == "spotcheck":
            found |= {name: value for name, value in row.details.items() if value and isinstance(value, str)}
    return found
