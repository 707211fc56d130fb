"""The forms of a ledger entry: one a step, what each asks for, and which of them this viewer may use now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.demands import extension_of, received
from ledger.steps import STEPS
from ledger.words import ACTION_WORDS, PROOF_KINDS, REASONS, RETESTS, TRANSFER_TO
from store.ledger import Entry, EntryRow, HazardState
from web.access import Viewer

S = HazardState
PASSED = {"yes": "合格", "no": "未合格"}
RECURRED = {"no": "未再现，维持销号", "yes": "再现，重新打开"}


@dataclass(frozen=True)
class Field:
    """kind: text | date | long | select | checks | file | unit (its options are the offices)."""

    name: str
    label: str
    kind: str = "text"
    options: Mapping[str, str] | None = None
    needed: bool = True


@dataclass(frozen=True)
class StepForm:
    """A step as a form. hint: what it does."""

    action: str
    fields: tuple[Field, ...]
    hint: str = ""

    @property
    def word(self) -> str:
        """Its name, also on its button."""
        return ACTION_WORDS[self.action]


def _long(label: str, *, needed: bool = True) -> Field:
    return Field("note", label, "long", needed=needed)


def _reason(action: str) -> Field:
    return Field("reason", "理由", "select", REASONS[action])


def _on(label: str) -> Field:
    return Field("on", label, "date")


def _choice(name: str, label: str, options: Mapping[str, str]) -> Field:
    return Field(name, label, "select", options)


_ALL = (
    StepForm(
        "dispatch",
        (Field("unit", "承办单位", "unit"), Field("person", "责任人", needed=False), _long("要求", needed=False)),
    ),
    StepForm("receive", (Field("person", "责任人", needed=False),), "签收后开始核查，时限随之起算。"),
    StepForm(
        "visit",
        (_on("核查日期"), _long("核查情况"), Field("measures", "整改措施", needed=False)),
        "属实的转入整改。",
    ),
    StepForm("rectify", (_on("整改完成日期"), _long("整改情况"))),
    StepForm(
        "recheck",
        (
            _on("复查日期"),
            Field("first", "复查人"),
            Field("second", "复查人（第二名）"),
            _choice("passed", "结论", PASSED),
            _long("复查情况", needed=False),
        ),
        "须两人复查；笔录另行上传。",
    ),
    StepForm(
        "proof",
        (_choice("kind", "材料种类", PROOF_KINDS), Field("file", "文件", "file"), _long("说明", needed=False)),
    ),
    StepForm("apply", (_long("说明", needed=False),), "申请后由另一人审核。"),
    StepForm("close", (_long("审核意见", needed=False),), "经复查符合销号条件，予以销号。"),
    StepForm(
        "return",
        (
            _reason("return"),
            Field("refused", "不予采用的材料", "checks", PROOF_KINDS, needed=False),
            _long("须补正什么"),
        ),
    ),
    StepForm(
        "file",
        (Field("document", "立案文号"), _on("立案日期"), _long("案由", needed=False)),
        "是否立案由执法人员决定，这里只作登记。",
    ),
    StepForm("exclude", (_reason("exclude"), _long("不构成隐患的理由")), "经核查不构成隐患的，由另一人审核排除。"),
    StepForm("reopen", (_reason("reopen"), _long("依据")), "编号不变，期限自今日起重新计算。"),
    StepForm("extend", (Field("to", "延期至", "date"), _long("延期理由")), "须由另一人审批，批准前期限不变。"),
    StepForm("extend_yes", (_long("审批意见", needed=False),)),
    StepForm("extend_no", (_long("审批意见", needed=False),)),
    StepForm("waive", (_long("免除的理由"),), "只免除“无新信号”一项，其余条件不能免除。"),
    StepForm("look_back", (_on("回头看日期"), _choice("recurred", "结论", RECURRED), _long("情况"))),
    StepForm(
        "talk",
        (
            _on("约谈日期"),
            Field("whom", "约谈对象"),
            Field("document", "通知文号", needed=False),
            _long("指出的问题和整改承诺"),
        ),
        "约谈不代替依法应当作出的处理。",
    ),
    StepForm(
        "transfer",
        (
            _choice("to", "移送给", TRANSFER_TO),
            Field("document", "移送文号"),
            _on("移送日期"),
            _long("移送事由", needed=False),
        ),
        "是否移送由人决定；移送后销号须有回执。",
    ),
    StepForm(
        "spotcheck",
        (
            Field("report", "报告编号", needed=False),
            Field("batch", "批次", needed=False),
            Field("sampled", "被抽样单位", needed=False),
            Field("maker", "标称生产者", needed=False),
            Field("failed", "不合格项目", needed=False),
            Field("delivered", "送达日", "date", needed=False),
            Field("retest", "复检", "select", RETESTS, needed=False),
            Field("ordered", "责令日", "date", needed=False),
            Field("announced", "公告日", "date", needed=False),
            Field("letter", "通报函文号", needed=False),
        ),
        "填已知的，空着的不改；异议、改正、复查期限由系统按日数算出，见抽查跟踪表。",
    ),
    StepForm("note", (_long("内容"),)),
)
FORMS: Mapping[str, StepForm] = {form.action: form for form in _ALL}
MAIN: Mapping[S, Sequence[str]] = {
    S.TO_CHECK: ("visit", "exclude"),
    S.REOPENED: ("visit", "exclude"),
    S.RECTIFYING: ("rectify", "recheck", "proof", "apply"),
    S.RETURNED: ("proof", "recheck", "rectify", "apply"),
    S.FILED: ("rectify", "recheck", "proof", "apply"),
    S.TO_CLOSE: ("close", "return"),
    S.CLOSED: ("look_back", "reopen"),
    S.EXCLUDED: ("reopen",),
}
"""What usually comes next, in this order."""


def offered(entry: Entry, rows: list[EntryRow], me: Viewer) -> tuple[list[StepForm], list[StepForm]]:
    """The forms this viewer may use now: those that come next, and the others."""
    allowed = [
        action for action in FORMS
        if entry.state in STEPS[action].since and me.may_step(action, entry) and _makes_sense(action, entry, rows)
    ]  # fmt: skip
    first: list[str] = []
    if extension_of(rows):
        first += ["extend_yes", "extend_no"]
    if entry.open and not entry.unit:
        first.append("dispatch")
    elif entry.open and not received(entry, rows):
        first.append("receive")
    else:
        first += MAIN[entry.state]
    main = [action for action in first if action in allowed]
    return [FORMS[action] for action in main], [FORMS[action] for action in allowed if action not in main]


def _makes_sense(action: str, entry: Entry, rows: list[EntryRow]) -> bool:
    """Without what would be refused anyway."""
    if action in ("extend_yes", "extend_no"):
        return extension_of(rows) is not None
    if action == "extend":
        return extension_of(rows) is None
    if action == "receive":
        return bool(entry.unit) and not received(entry, rows)
    if action in ("visit", "rectify", "recheck", "apply"):
        return received(entry, rows)
    if action == "file":
        return bool(entry.unit)
    if action == "spotcheck":
        return entry.origin == "spotcheck"
    if action == "look_back":
        return entry.state is S.CLOSED
    return True
