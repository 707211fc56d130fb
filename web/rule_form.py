"""The form of a rule: what it shows, what may be wrong with it, and the definition it comes to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from starlette.datastructures import FormData

from alerts.desk_rules import rule_of
from alerts.rule_query import RuleQueries
from config.rules import LONGEST_QUERY, Rule
from search.query import QueryError

LEVELS = {"blue": "蓝色", "yellow": "黄色", "orange": "橙色", "red": "红色"}
TYPES = {"any": "每一条命中都触发", "frequency": "一段时间内达到若干条", "spike": "比平时突然增多"}
WINDOWS = {
    "1h": "1 小时", "6h": "6 小时", "12h": "12 小时", "24h": "24 小时", "3d": "3 日", "7d": "7 日", "14d": "14 日",
    "30d": "30 日",
}  # fmt: skip
REPEATS = {"": "同时间窗口", "6h": "6 小时", "24h": "24 小时", "3d": "3 日", "7d": "7 日", "30d": "30 日"}
GROUPS = {
    "matter": "同一事项（企业、型号，或产品加地点）", "all": "全部命中合在一起", "product": "同一产品",
    "issue": "同一问题",
    "product+issue": "同一产品、同一问题", "product+prefecture": "同一产品、同一设区市",
    "product+county": "同一产品、同一县区", "prefecture": "同一设区市", "county": "同一县区",
}  # fmt: skip
DAYS = {"7": "近 7 日", "14": "近 14 日", "30": "近 30 日", "90": "近 90 日"}


NAMING = frozenset({"title", "why"})
"""What is not needed to try a rule."""
TYPED = NAMING | {"query"}
"""Fields whose value is a person's own words."""


@dataclass(frozen=True)
class RuleForm:
    """What stands in the fields, as typed."""

    title: str = ""
    why: str = ""
    query: str = ""
    synonyms: bool = True
    level: str = "yellow"
    type: str = "any"
    window: str = "24h"
    at_least: str = "3"
    ratio: str = "3"
    group: str = "matter"
    repeat: str = ""
    days: str = "30"

    @property
    def span(self) -> int:
        """Days to try it on."""
        return int(self.days)


@dataclass(frozen=True)
class Checked:
    """A form that was read. errors: field to what is wrong, in Chinese.

    rule: to be tried; None where something is wrong with more than its name and reason.
    """

    form: RuleForm
    errors: Mapping[str, str]
    definition: Mapping[str, Any] = field(default_factory=dict)
    rule: Rule | None = None


def form_from(posted: FormData) -> RuleForm:
    """The fields as they were sent; text is cut, not judged."""
    text = {each.name: str(posted.get(each.name, "")).strip() for each in fields(RuleForm) if each.name != "synonyms"}
    text["days"] = text["days"] if text["days"] in DAYS else "30"
    return RuleForm(**{name: value[: LONGEST_QUERY + 1] for name, value in text.items()}, synonyms="synonyms" in posted)


def form_of(definition: Mapping[str, Any]) -> RuleForm:
    """The fields of a rule that was saved."""
    scope, condition = definition["scope"], definition["condition"]
    given = {name: str(condition[name]) for name in ("window", "at_least") if name in condition}
    if "ratio" in condition:
        given["ratio"] = f"{condition['ratio']:g}"
    return RuleForm(
        title=definition["title"],
        why=definition["why"],
        query=scope.get("query", ""),
        synonyms=scope.get("synonyms", True),
        level=definition["level"],
        type=condition["type"],
        group="+".join(definition["group_by"]),
        repeat=definition.get("repeat_after") or "",
        **given,
    )


def check(form: RuleForm, queries: RuleQueries, *, territory: str) -> Checked:
    """Read the form. territory: what the rule is cut to."""
    errors: dict[str, str] = {}
    _check_words(form, errors)
    _check_choices(form, errors)
    _check_numbers(form, errors)
    _check_query(form, queries, errors)
    if errors.keys() - NAMING:
        return Checked(form, errors)
    definition = _definition(form)
    named = definition if not errors else {**definition, "title": "（未命名）", "why": "（未写）"}
    return Checked(form, errors, definition, rule_of("new", named, territory))


def _check_words(form: RuleForm, errors: dict[str, str]) -> None:
    if not 2 <= len(form.title) <= 60:
        errors["title"] = f"名称须为 2 至 60 字，现为 {len(form.title)} 字。"
    if not 2 <= len(form.why) <= 300:
        errors["why"] = f"缘由须为 2 至 300 字，现为 {len(form.why)} 字。写明为什么要盯这件事，处置时会看到。"


def _check_query(form: RuleForm, queries: RuleQueries, errors: dict[str, str]) -> None:
    if not form.query:
        errors["query"] = "检索语句不能为空：没有条件的规则会让每一条风险信号都触发。"
    elif len(form.query) > LONGEST_QUERY:
        errors["query"] = f"检索语句最多 {LONGEST_QUERY} 字。"
    else:
        try:
            queries.read_text(form.query, synonyms=form.synonyms)
        except QueryError as problem:
            errors["query"] = f"第 {problem.column} 字：{problem.message}。"


def _check_choices(form: RuleForm, errors: dict[str, str]) -> None:
    for name, accepted in (("level", LEVELS), ("type", TYPES), ("group", GROUPS), ("repeat", REPEATS)):
        if getattr(form, name) not in accepted:
            errors[name] = f"没有“{getattr(form, name)[:20]}”这一项。请从列表中选。"
    if form.type != "any" and form.window not in WINDOWS:
        errors["window"] = f"没有“{form.window[:20]}”这一项。请从列表中选。"


def _check_numbers(form: RuleForm, errors: dict[str, str]) -> None:
    if form.type == "any":
        return
    if not re.fullmatch(r"[0-9]{1,5}", form.at_least) or not 2 <= int(form.at_least) <= 10_000:
        errors["at_least"] = "条数须为 2 至 10000 的整数。"
    if form.type == "spike" and not (
        re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?", form.ratio) and 1 < float(form.ratio) <= 100
    ):
        errors["ratio"] = "倍数须大于 1，不超过 100，如 2 或 2.5。"


def _definition(form: RuleForm) -> dict[str, Any]:
    condition: dict[str, Any] = {"type": form.type}
    if form.type != "any":
        condition |= {"window": form.window, "at_least": int(form.at_least)}
    if form.type == "spike":
        condition["ratio"] = float(form.ratio)
    return {
        "title": form.title,
        "why": form.why,
        "scope": {"query": form.query, "synonyms": form.synonyms, "min_level": 0},
        "condition": condition,
        "group_by": ["matter"] if form.type == "any" else form.group.split("+"),
        "level": form.level,
        "repeat_after": form.repeat or None if form.type != "any" else None,
    }


WORDS = {
    "title": "名称", "why": "缘由", "query": "检索语句", "synonyms": "同义词", "level": "级别", "type": "触发条件",
    "window": "时间窗口", "at_least": "条数", "ratio": "倍数", "group": "合并计数", "repeat": "重复间隔",
}  # fmt: skip


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What changed from one definition to the next, in words."""
    old, new = form_of(before), form_of(after)
    found = []
    for name, word in WORDS.items():
        was, now = _said(name, getattr(old, name)), _said(name, getattr(new, name))
        if was == now or (name in ("window", "at_least", "ratio", "group", "repeat") and new.type == "any"):
            continue
        if name == "ratio" and new.type != "spike":
            continue
        found.append(f"{word}：{was or '（空）'} → {now or '（空）'}")
    return found


def compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Every field of two definitions in words: its name, what it was, what it is, whether a person wrote it."""
    old, new = form_of(before), form_of(after)
    counting = ("window", "at_least", "group", "repeat")

    def said(form: RuleForm, name: str) -> str:
        idle = (form.type == "any" and name in counting) or (form.type != "spike" and name == "ratio")
        return "—" if idle else str(_said(name, getattr(form, name)))

    return [(word, said(old, name), said(new, name), name in TYPED) for name, word in WORDS.items()]


def _said(name: str, value: Any) -> str:
    lists: Mapping[str, Mapping[str, str]] = {
        "level": LEVELS, "type": TYPES, "window": WINDOWS, "group": GROUPS, "repeat": REPEATS,
    }  # fmt: skip
    if isinstance(value, bool):
        return "含" if value else "不含"
    if name == "ratio":
        return f"{float(value):g}"
    return lists.get(name, {}).get(value, value)
