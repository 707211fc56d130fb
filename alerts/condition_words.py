"""What a condition waits for, in words."""

from collections.abc import Callable, Iterable

from alerts.conditions.metric import HOW_WORDS, OF_WORDS
from alerts.conditions.verdict import FACT_WORDS, VOICE_WORDS, span_words
from config.conditions import (
    AnomalyCondition,
    AnyCondition,
    BlacklistCondition,
    CardinalityCondition,
    ChainedCondition,
    ChainStep,
    ChangeCondition,
    Condition,
    Fact,
    FlatlineCondition,
    FrequencyCondition,
    MetricCondition,
    MirroredCondition,
    NewTermCondition,
    RatioCondition,
    ResonanceCondition,
    Scope,
    SpikeCondition,
    TierJumpCondition,
    WatchedCondition,
    WhitelistCondition,
)

ScopeWords = Callable[[Scope], str]
FactName = Callable[[Fact, str], str]
"""How people call the value of a fact."""


def condition_words(condition: Condition, scope_words: ScopeWords, name_of: FactName) -> str:
    """A clause: `24 小时内有 3 个独立来源`. scope_words: tells the parts of a condition.  name_of: the values of a
    list."""
    if isinstance(condition, AnyCondition):
        return "出现一条"
    if isinstance(condition, BlacklistCondition | WhitelistCondition):
        return _list_words(condition, name_of)
    if isinstance(condition, WatchedCondition):
        return "出现一条点名关注名单内企业的"
    if isinstance(condition, MirroredCondition):
        return "出现一条疑似涉及省内企业、尚未认定的"
    if isinstance(condition, AnomalyCondition):
        return _anomaly_words(condition)
    return f"{span_words(condition.window.total_seconds())}内{_window_words(condition, scope_words)}"


DETECTOR_WORDS = {
    "calendar_nb": "低计数历法模型",
    "ears_c1": "EARS C1",
    "ears_c2": "EARS C2",
    "ears_c3": "EARS C3",
    "farrington_flexible": "Farrington 灵活法",
    "bayes": "贝叶斯法",
    "cusum": "累积和控制图",
    "glr": "似然比控制图",
    "outbreak_p": "OutbreakP",
}
COUNT_WORDS = {"origins": "独立来源数", "events": "事件数", "sources": "信源数"}


def _anomaly_words(condition: AnomalyCondition) -> str:
    if condition.correct != "none":
        limit = f"误报占比控制在 {condition.false_share:.0%}（BH 法）"
    elif condition.budget is not None:
        limit = f"误报预算每天 {condition.budget:g} 次"
    elif condition.threshold is not None:
        limit = f"阈值 {condition.threshold:g}"
    else:
        limit = "阈值 2.5" if condition.detector == "calendar_nb" else ""
    least = f"一周内至少 {condition.at_least} 个" if condition.at_least > 1 else ""
    notes = "，".join(part for part in (DETECTOR_WORDS[condition.detector], limit, least) if part)
    return f"当日{COUNT_WORDS[condition.count]}高于该序列平日水平（{notes}）"


def _list_words(condition: BlacklistCondition | WhitelistCondition, name_of: FactName) -> str:
    inside = "在" if isinstance(condition, BlacklistCondition) else "不在"
    values = [name_of(condition.field, value) for value in condition.values]
    named = (
        f"“{condition.list}”" if condition.list else f"（{'、'.join(values[:5])}{' 等' if len(values) > 5 else ''}）"
    )
    missing = "或没有写明" if isinstance(condition, WhitelistCondition) and condition.missing else ""
    return f"{FACT_WORDS[condition.field]}{inside}名单{named}内{missing}的出现一条"


def _window_words(condition: Condition, scope_words: ScopeWords) -> str:
    match condition:
        case NewTermCondition(at_least=least, lookback=lookback):
            return f"出现 {least} 个独立来源，且此前 {span_words(lookback.total_seconds())}内未见"
        case FrequencyCondition(at_least=least, sources=sources):
            several = f"、{sources} 个信源" if sources > 1 else ""
            return f"有 {least} 个独立来源{several}{_places(condition.places)}"
        case SpikeCondition(at_least=least, history=history, ratio=ratio):
            usual = f"且达到此前 {history} 个同长时段平均的 {ratio:g} 倍"
            return f"有 {least} 个独立来源{_places(condition.places)}，{usual}"
        case CardinalityCondition(of=fact, at_least=least):
            return f"涉及 {least} 个不同的{FACT_WORDS[fact]}"
        case ResonanceCondition(origins=origins, voices=voices, sources=sources):
            return f"有 {origins} 个独立来源，出自 {voices} 类渠道、{sources} 个信源（转载不计）"
        case TierJumpCondition(start=start, to=to, tier=tier):
            high = f"（{tier} 级以上信源）" if tier < 4 else ""
            return f"先见于{_voices(start)}、后见于{_voices(to)}{high}"
        case RatioCondition(at_least=least, share=share, part=part):
            return f"有 {least} 个独立来源，其中“{scope_words(part)}”占 {share:.0%} 以上"
        case MetricCondition(of=of, how=how, at_least=number):
            return f"{OF_WORDS[of]}{HOW_WORDS[how]}达到 {number:g}"
        case ChangeCondition(of=fact):
            return f"{FACT_WORDS[fact]}与前一条不同"
        case FlatlineCondition(at_most=most, forget_after=forget):
            return f"不多于 {most} 篇（此前出现过的；停更满 {span_words(forget.total_seconds())}后不再跟踪）"
        case ChainedCondition(steps=steps, ordered=ordered):
            told = (" → " if ordered else "、").join(_step_words(step, scope_words) for step in steps)
            return f"{'依次' if ordered else ''}出现：{told}"
    return ""


def _step_words(step: ChainStep, scope_words: ScopeWords) -> str:
    burst = f"{span_words(step.window.total_seconds())}内" if step.window else ""
    return f"“{scope_words(step.scope)}”{f'{burst} {step.at_least} 个' if step.at_least > 1 else ''}"


def _places(places: int) -> str:
    return f"、涉及 {places} 地" if places > 1 else ""


def _voices(voices: Iterable[str]) -> str:
    return "、".join(VOICE_WORDS[voice] for voice in voices)
