"""Rules in an inspector's words."""

from datetime import timedelta

from alerts.condition_words import condition_words as told_words
from config.conditions import AnyCondition, Fact, FrequencyCondition, NewTermCondition, SpikeCondition
from config.rules import Condition, Scope
from core.durations import format_duration
from web.names import Names

UNITS = {"s": "秒", "m": "分", "h": "小时", "d": "日", "w": "周"}
VOICES = {"official": "官方", "media": "媒体", "complaint": "投诉", "social": "社交"}
MAKERS = {"known": "点名企业", "listed": "名录内企业", "home": "本省生产", "china": "国内生产"}


def span_word(span: timedelta) -> str:
    """24 小时 for a timedelta."""
    text = format_duration(span)
    return f"{text[:-1]} {UNITS[text[-1]]}"


def condition_words(condition: Condition, names: Names) -> str:
    """What a rule waits for."""
    if isinstance(condition, AnyCondition):
        return "范围内每一条信号都触发"
    if not isinstance(condition, FrequencyCondition | SpikeCondition | NewTermCondition):
        return told_words(
            condition, lambda part: scope_words(part, names), lambda fact, value: _fact(fact, value, names)
        )
    window = span_word(condition.window)
    if condition.type == "frequency":
        more = f"，信源不少于 {condition.sources} 个" if condition.sources > 1 else ""
        more += f"，属地不少于 {condition.places} 处" if condition.places > 1 else ""
        return f"{window}内独立来源达到 {condition.at_least} 个{more}"
    if condition.type == "spike":
        past = f"此前 {condition.history} 个同长时段均值的 {condition.ratio:g} 倍"
        return f"{window}内独立来源达到 {condition.at_least} 个，且不低于{past}"
    return f"{span_word(condition.lookback)}内首次出现的组合，{window}内独立来源达到 {condition.at_least} 个"


def _fact(fact: Fact, value: str, names: Names) -> str:
    match fact:
        case "product":
            return names.product(value)
        case "issue":
            return names.issue(value)
        case "place":
            return names.region(value)
    return value


def scope_words(scope: Scope, names: Names) -> str:
    """Which signals a rule counts."""
    products = ["重点产品" if product == "key" else names.product(product) for product in scope.products]
    parts = [
        ("检索语句", scope.query + ("" if scope.synonyms else "（不含同义词）") if scope.query else ""),
        ("产品", "、".join(products)),
        ("风险", "、".join(names.issue(issue) for issue in scope.issues)),
        ("来源", "、".join(names.kind(kind.value) for kind in scope.kinds)),
        ("说话者", "、".join(VOICES[voice] for voice in scope.voices)),
        ("属地", "、".join(names.region(code) for code in scope.regions)),
        ("文中有", "、".join(scope.text)),
        ("企业", MAKERS[scope.maker] if scope.maker else ""),
        ("受伤", f"不少于 {scope.hurt} 人" if scope.hurt else ""),
        ("死亡", f"不少于 {scope.dead} 人" if scope.dead else ""),
        ("级别", f"不低于{names.level(scope.min_level)}色" if scope.min_level > 1 else ""),
    ]
    return "；".join(f"{label}：{words}" for label, words in parts if words) or "全部风险信号"
