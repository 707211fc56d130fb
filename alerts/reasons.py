"""Why an alert changed: every row of its history names one of these. Codes for figures, words for the desk."""

from collections.abc import Mapping

BY_HAND = "by_hand"
"""A person did it and chose no reason; the note says what they said."""

REASONS: Mapping[str, Mapping[str, str]] = {
    "dismiss": {
        "not_quality": "不属产品质量安全问题",
        "wrong_object": "张冠李戴，企业、产品或地点有误",
        "refuted": "已辟谣或澄清",
        "duplicate": "与其他预警重复",
        "old_news": "旧闻重提",
        "not_event": "演练、科普、广告等非事件内容",
        "other": "其他",
    },
    "close": {
        "remedied": "已整改或处罚到位",
        "recalled": "已召回、下架或封存",
        "handed_over": "已移送其他部门或地区",
        "no_fault": "核查未发现问题",
        "other": "其他",
    },
}
"""Why a person ended an alert. `other` says nothing without a text."""

UP = {
    "rule_fired": "规则触发",
    "casualties": "新的伤亡",
    "children": "涉及未成年人",
    "school": "涉及学校、医院等场所",
    "cross_region": "跨地区",
    "national_press": "中央媒体报道",
    "confirmed": "得到媒体或官方证实",
}
GONE = {
    "official_statement": "官方声明澄清或更正",
    "refuted": "媒体澄清",
    "withdrawn": "依据撤回或更正",
    "reread": "重新识别后依据不再成立",
    "rule_gone": "规则已停用或删除，不再跟踪",
}
PAGES = {
    "page_changed": "所依据的页面有改动",
    "page_gone": "所依据的页面已撤下",
    "page_back": "撤下的页面又恢复",
}
"""Written by pipelines/page_news.py when the page is looked at again."""
QUIET = "quiet"
OVER = {"recovered": "已恢复平常"}
"""What a series of counts showed has come to its end: usual days, or a source that is heard again."""

SYSTEM_REASONS: Mapping[str, Mapping[str, str]] = {
    "opened": UP,
    "raised": UP,
    "lowered": {"official_statement": GONE["official_statement"], "moved": "所据事实归入另一预警"},
    "confirmed": {"confirmed": UP["confirmed"]},
    "updated": {"new_signals": "新的信号", "unconfirmed": "失去证实"},
    "backdated": {"late_document": "迟到的更早信号"},
    "noted": {**GONE, **OVER, **PAGES, "held": "系统不降级", "dispatched": "已派单，不自动改派"},
    "dismissed": GONE,
    "cleared": OVER,
    "grown": {"new_signals": "件数翻倍"},
    "merged": {"same_matter": "同一事项"},
    "took_over": {"same_matter": "同一事项"},
    "reopened": {
        "level_rose": "级别高于办结时",
        "new_evidence": "办结后又有新的独立来源",
        "ground_returned": "依据重新成立",
    },
    "silenced": {"silence": "静默规则"},
    "unsilenced": {
        "silence_over": "静默到期",
        "silence_expired": "静默提前解除",
        "no_longer_matches": "不再符合静默条件",
    },
    "inhibited": {"ruled": "上级预警统领"},
    "released": {"source_ended": "统领的预警已结束", "source_changed": "统领的预警不再符合条件"},
    "deferred": {"quiet_hours": "非告知时段"},
    "repeated": {"not_accepted": "无人受理"},
    "escalated": {"ack_overdue": "逾期未受理"},
    "all_clear": {QUIET: "事项已静默", **GONE, **OVER},
    "all_clear_off": {"new_signals": "又有新的信号"},
    "closed": {QUIET: "事项已静默"},
}
"""What the system does, and why. Closed lists: an action or a code that is not here is not written."""

ACTION_REASONS: Mapping[str, Mapping[str, str]] = {**SYSTEM_REASONS, **REASONS}


def reason_word(action: str, code: str) -> str:
    """Why, in words; empty for what a person did without choosing a reason; an unknown code of old rows stays."""
    if code == BY_HAND:
        return ""
    return ACTION_REASONS.get(action, {}).get(code, code)


def checked(action: str, code: str) -> str:
    """The code, if the system may give it for this action. Raises ValueError: the lists are closed."""
    if code not in SYSTEM_REASONS.get(action, {}):
        raise ValueError(f"no reason {code!r} for {action!r} (accepted: {', '.join(SYSTEM_REASONS.get(action, {}))})")
    return code
