"""A rule in plain Chinese: what it counts and when it fires, for people who do not read YAML."""

from collections.abc import Iterable

from alerts.condition_words import ScopeWords, condition_words
from alerts.conditions.verdict import KIND_WORDS, VOICE_WORDS, span_words
from config.conditions import Condition, Fact
from config.lexicon import Lexicon
from config.rules import Rule, Scope
from core.records import LEVEL_COLOURS, LEVEL_NAMES

MAKER_WORDS = {"known": "点名企业", "listed": "点名名录内企业", "home": "省内企业", "china": "国内企业"}
GROUP_WORDS = {
    "matter": "事项",
    "all": "全部命中",
    "firm": "企业",
    "product": "产品",
    "issue": "问题",
    "county": "县（市、区）",
    "prefecture": "设区市",
    "source": "信源",
    "kind": "信息类型",
    "name": "同音的企业或品牌",
}


def rule_words(rule: Rule, lexicon: Lexicon) -> str:
    """One sentence: scope, condition, grouping, level."""
    by = "、".join(GROUP_WORDS[group] for group in rule.group_by)
    again = ""
    if rule.repeat_after is not None:
        again = f"，{span_words(rule.repeat_after.total_seconds())}内不重复"
    scope = _scope_words(rule.scope, lexicon)
    condition = condition_in_words(rule.condition, lexicon)
    return f"{scope}；按{by}计，{condition}，即为{LEVEL_COLOURS[rule.rank]}色预警{again}。"


def condition_in_words(condition: Condition, lexicon: Lexicon) -> str:
    """What a condition waits for, with names for ids."""
    return condition_words(condition, scope_words_of(lexicon), lambda fact, value: _fact(fact, value, lexicon))


def scope_words_of(lexicon: Lexicon) -> ScopeWords:
    """What tells the scopes inside a condition."""
    return lambda part: _scope_words(part, lexicon)


def _scope_words(scope: Scope, lexicon: Lexicon) -> str:
    parts = [
        f"符合检索语句“{scope.query}”{'' if scope.synonyms else '（不含同义词）'}" if scope.query else "",
        _listed("", (VOICE_WORDS[voice] for voice in scope.voices)),
        _listed("", (KIND_WORDS.get(kind.value, kind.value) for kind in scope.kinds)),
        _listed("产品为", (_product(name, lexicon) for name in scope.products)),
        _listed("问题为", (lexicon.issues[name].name if name in lexicon.issues else name for name in scope.issues)),
        _listed("涉及", (_region(code, lexicon) for code in scope.regions)),
        _listed("文中有", (f"“{word}”" for word in scope.text)),
        MAKER_WORDS[scope.maker] if scope.maker else "",
        f"伤亡 {scope.hurt} 人以上" if scope.hurt else "",
        f"死亡 {scope.dead} 人以上" if scope.dead else "",
        "指明企业、型号或县（市、区）" if scope.specific else "",
        f"单篇定级{LEVEL_NAMES[scope.min_level]}以上" if scope.min_level else "",
    ]
    return "，".join(part for part in parts if part) or "全部风险信号"


def _listed(before: str, words: Iterable[str]) -> str:
    told = list(words)
    return before + "、".join(told) if told else ""


def _fact(fact: Fact, value: str, lexicon: Lexicon) -> str:
    if fact == "issue":
        return lexicon.issues[value].name if value in lexicon.issues else value
    if fact == "product":
        return _product(value, lexicon)
    return _region(value, lexicon) if fact == "place" else value


def _product(name: str, lexicon: Lexicon) -> str:
    if name == "key":
        return "重点产品"
    return lexicon.products[name].name if name in lexicon.products else name


def _region(code: str, lexicon: Lexicon) -> str:
    return next((region.name for region in lexicon.regions if region.code == code), code)
