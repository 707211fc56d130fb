"""The papers there are: what each is called, what it may be about, and who writes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core.errors import UsageError
from reports.papers.files import DOCX, PACK, XLSX
from reports.papers.flash import flash
from reports.papers.gather import Desk
from reports.papers.letter import letter, letter_of_trace
from reports.papers.notices import supervise, talk, tip
from reports.papers.record import Content, Form
from reports.papers.sampling import sampling
from reports.papers.special import special
from reports.papers.stage import summary
from reports.papers.subjects import matter_of
from reports.papers.transfer import transfer
from reports.papers.weekly import weekly_report
from reports.weeks import Week, read_week
from store.papers import PaperRow


@dataclass(frozen=True)
class Asked:
    """What a draft is asked of. subject: `week:2026-W47`, `alert:<id>`, ...  options: what else was chosen.

    before: papers of this kind, subject and bureau, oldest first.
    """

    subject: str
    options: Mapping[str, str] = field(default_factory=dict)
    before: tuple[PaperRow, ...] = ()

    @property
    def sort(self) -> str:
        """alert, week, ..."""
        return self.subject.partition(":")[0]

    @property
    def id(self) -> str:
        """What stands behind the colon."""
        return self.subject.partition(":")[2]


@dataclass(frozen=True)
class PaperKind:
    """of: sorts of subject.  about: in a sentence.  compose: raises UsageError where there is no such subject.

    options: keys of OPTIONS that may be chosen.
    """

    key: str
    name: str
    form: Form
    of: tuple[str, ...]
    about: str
    compose: Callable[[Desk, Asked], Content]
    files: tuple[str, ...] = (DOCX,)
    options: tuple[str, ...] = ()


def _weekly(desk: Desk, asked: Asked) -> Content:
    return weekly_report(desk, week_asked(desk, asked.id))


def _flash(desk: Desk, asked: Asked) -> Content:
    return flash(desk, matter_of(desk, asked.subject), dict(asked.options), asked.before)


def _opinion(desk: Desk, asked: Asked) -> Content:
    return special(desk, matter_of(desk, asked.subject), opinion=True)


def _risk(desk: Desk, asked: Asked) -> Content:
    return special(desk, matter_of(desk, asked.subject), opinion=False)


def _letter(desk: Desk, asked: Asked) -> Content:
    to = asked.options.get("to", "")
    if asked.sort == "trace":
        return letter_of_trace(desk, asked.id, to)
    return letter(desk, matter_of(desk, asked.subject), to)


def _transfer(desk: Desk, asked: Asked) -> Content:
    return transfer(desk, matter_of(desk, asked.subject))


def _talk(desk: Desk, asked: Asked) -> Content:
    return talk(desk, matter_of(desk, asked.subject))


def _supervise(desk: Desk, asked: Asked) -> Content:
    return supervise(desk, asked.id)


def _tip(desk: Desk, asked: Asked) -> Content:
    return tip(desk, matter_of(desk, asked.subject))


def _stage(desk: Desk, asked: Asked) -> Content:
    return summary(desk, asked.id, annual=False)


def _annual(desk: Desk, asked: Asked) -> Content:
    return summary(desk, asked.id, annual=True)


def _sampling(desk: Desk, asked: Asked) -> Content:
    return sampling(desk, asked.id)


def week_asked(desk: Desk, text: str) -> Week:
    """A week that has begun. Raises UsageError."""
    try:
        week = read_week(text)
    except ValueError:
        raise UsageError(f"周 {text[:20]} 看不懂，写法如 2026-W47") from None
    if week.begins > desk.now or week.last < desk.weekly.table.rules.since:
        raise UsageError(f"只有 {desk.weekly.table.rules.since} 起、已开始的各周")
    return week


MATTERS = ("alert", "event", "entry")
KINDS: Mapping[str, PaperKind] = {
    one.key: one
    for one in (
        PaperKind("weekly", "工作周报", "A", ("week",), "一周的工作进展、风险监测和统计表", _weekly, (DOCX, XLSX)),
        PaperKind("flash", "重大情况快报", "A", MATTERS, "首报、续报（只写变化）、终报，抄报执法稽查局", _flash,
                  options=("round",)),
        PaperKind("opinion", "舆情专报", "A", MATTERS, "传播、关切、研判和建议；材料不足时为一页说明", _opinion),
        PaperKind("risk", "风险专报", "A", MATTERS, "失效模式、同类情况、涉及企业和建议；材料不足时为一页说明", _risk),
        PaperKind("letter", "情况通报函、协查函", "B", (*MATTERS, "trace"), "请其他属地局核实企业、批次、流向", _letter,
                  options=("to",)),
        PaperKind("transfer", "线索移交单", "A", MATTERS, "移交执法稽查局，附时间线、证据清单、目录和回执", _transfer,
                  (DOCX, XLSX, PACK)),
        PaperKind("stage", "阶段性总结", "A", ("year",), "截至7月底的周报累计，缺报写明", _stage, (DOCX, XLSX)),
        PaperKind("annual", "全年总结", "A", ("year",), "截至11月10日的周报累计和“回头看”", _annual, (DOCX, XLSX)),
        PaperKind("sampling", "抽查不合格后处理跟踪表", "A", ("year",), "送达、异议、改正、复查、公告的期限", _sampling,
                  (DOCX, XLSX)),
        PaperKind("talk", "约谈通知", "B", MATTERS, "约谈企业；没有官方依据时请其书面说明", _talk),
        PaperKind("supervise", "挂牌督办通知", "B", ("supervised",), "给被督办的属地，附隐患清单", _supervise),
        PaperKind("tip", "消费提示", "D", MATTERS, "对社会发布，只引官方数据，不荐产品", _tip),
    )
}  # fmt: skip
SUBJECTS: Mapping[str, str] = {
    "week": "统计周报", "alert": "预警", "event": "事件", "entry": "台账", "trace": "双向追查",
    "supervised": "挂牌督办", "year": "专项行动",
}  # fmt: skip
"""What a paper may be about."""
OPTIONS: Mapping[str, str] = {"to": "主送属地", "round": "首报、续报或终报", "corrects": "更正哪一件"}
"""What may be chosen when a paper is drafted."""
