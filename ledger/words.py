"""What the ledger's codes are called."""

from collections.abc import Mapping

from config.regions import Regions
from store.ledger import HazardState as S

STATE_WORDS: Mapping[S, tuple[str, str]] = {
    S.TO_CHECK: ("待核查", ""),
    S.RECTIFYING: ("整改中", "work"),
    S.TO_CLOSE: ("待销号", "work"),
    S.RETURNED: ("退回补正", "warn"),
    S.FILED: ("已立案", "work"),
    S.REOPENED: ("重新打开", "warn"),
    S.CLOSED: ("已销号", "done"),
    S.EXCLUDED: ("核查排除", "done"),
}
"""The word and the mark of a state."""

ACTION_WORDS: Mapping[str, str] = {
    "add": "列入台账",
    "amend": "更正内容",
    "dispatch": "派单",
    "receive": "签收",
    "visit": "核查属实",
    "exclude": "核查排除",
    "rectify": "报告整改",
    "recheck": "复查",
    "file": "立案",
    "proof": "上传材料",
    "apply": "申请销号",
    "close": "销号",
    "return": "退回补正",
    "reopen": "重新打开",
    "extend": "申请延期",
    "extend_yes": "同意延期",
    "extend_no": "不同意延期",
    "waive": "免除静默条件",
    "talk": "约谈",
    "transfer": "移送",
    "look_back": "回头看",
    "note": "记录",
    "overdue": "逾期上报",
    "step_late": "逾期未办",
    "supervised": "挂牌督办",
    "unsupervised": "解除督办",
    "undo": "撤销",
    "law": "条款",
    "spotcheck": "抽查处理",
}
FIELD_WORDS: Mapping[str, str] = {
    "title": "隐患",
    "level": "级别",
    "origin": "来源",
    "product": "产品",
    "model": "型号批次",
    "firm": "企业",
    "uscc": "信用代码",
    "issue": "问题类型",
    "territory": "属地",
    "person": "责任人",
    "measures": "措施",
    "remark": "备注",
    "found_on": "发现日",
    "due_on": "期限",
}
MOMENTS = ("add", "visit", "exclude", "file", "apply", "close", "return", "reopen")
"""Rows after which the entry stands in another state: a filled dot."""

ORIGINS: Mapping[str, str] = {
    "self": "自查",
    "check": "检查",
    "spotcheck": "抽查",
    "complaint": "投诉",
    "opinion": "舆情",
    "recall": "召回",
}
PROOF_KINDS: Mapping[str, str] = {
    "report": "企业整改报告",
    "recheck": "复查笔录",
    "retest": "复检合格报告",
    "case": "处罚决定或移送回执",
    "goods": "流向查清、封存或召回材料",
    "other": "其他材料",
}
TRANSFER_TO: Mapping[str, str] = {
    "police": "公安机关",
    "discipline": "纪检监察机关",
    "other": "其他机关",
}
RETESTS: Mapping[str, str] = {
    "none": "未申请",
    "asked": "已申请",
    "upheld": "维持不合格",
    "passed": "复检合格",
}
"""What came of a re-test the firm may ask for."""
REASONS: Mapping[str, Mapping[str, str]] = {
    "exclude": {
        "refuted": "经核查情况不实",
        "within": "检验合格，符合标准",
        "not_ours": "不属于市场监管职责",
        "merged": "与其他编号为同一隐患",
        "other": "其他",
    },
    "return": {
        "lacking": "材料不全",
        "not_removed": "隐患未消除",
        "doubtful": "材料不实或与现场不符",
        "other": "其他",
    },
    "reopen": {
        "recurred": "隐患再现",
        "signal": "同企业同产品出现新信号",
        "look_back": "回头看发现问题",
        "wrong": "销号依据有误",
        "other": "其他",
    },
}
"""Why a step was taken; `other` must be told in words."""


def reason_word(action: str, code: str) -> str:
    """材料不全 for `return`, `lacking`; empty where none was asked for."""
    return REASONS.get("reopen" if action == "look_back" else action, {}).get(code, "")


def bureau_of(regions: Regions, code: str) -> str:
    """章贡区局 for 360702, 省局 for the home province; empty for an empty code."""
    if not code:
        return ""
    if code == regions.home:
        return "省局"
    name = regions.name_of(code)
    return name if name.endswith("局") else f"{name}局"
