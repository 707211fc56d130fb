"""One rule file of ElastAlert as one of ours, and every line of it that could not come along."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from alerts.desk_rules import as_yaml
from alerts.elastalert.asked import FieldNames, NotCarried, both, written
from alerts.elastalert.conditions import Plan, Reader, plan_of
from alerts.elastalert.filters import read_filter
from alerts.elastalert.options import reason
from alerts.rule_query import RuleQueries
from config.rule_yaml import YamlFile
from config.rules import DESK_RULE, LONGEST_QUERY, Examples, Rule
from search.query.tree import Node

LEVEL = "blue"
TOO_MANY = 200
"""Remarks of a file."""


@dataclass(frozen=True)
class Remark:
    """What could not be carried over. line: in the file read.  broader: so that the rule counts more than before."""

    line: int
    option: str
    told: str
    broader: bool = False


@dataclass(frozen=True)
class Carried:
    """What became of a file. rule: None where none could be made (the first remark says why)."""

    name: str
    stem: str
    rule: Rule | None
    remarks: tuple[Remark, ...]

    def yaml(self) -> str:
        """The rule as a file of config/rules, its remarks as comments on top."""
        assert self.rule is not None
        head = [
            f"由 ElastAlert 规则文件 {self.name} 导入。",
            "级别须人工核定；放入 config/rules/ 前用 fengsui rules test 试。",
        ]
        if self.rule.examples is None:
            head.append("补上 examples（fires 与 quiet 各至少一例）后才能使用。")
        if self.remarks:
            head += ["未带入：", *(f"  第 {one.line} 行 {one.option}：{one.told}" for one in self.remarks)]
        return as_yaml(self.rule, "\n".join(printable(line) for line in head))


def carry(file: YamlFile, stem: str, names: FieldNames, queries: RuleQueries) -> Carried:
    """Carry a file over, without examples. Mistakes in it are remarks; nothing raises."""
    remarks: list[Remark] = []
    told = file.content
    if told.get("is_enabled") is False:
        return Carried(file.name, stem, None, (Remark(file.line("is_enabled"), "is_enabled", "规则已停用，不导入"),))
    try:
        plan = plan_of(told, names)
    except NotCarried as problem:
        return Carried(file.name, stem, None, (Remark(file.line("type"), "type", str(problem)),))
    repeat, more = _repeat(told, names)
    remarks += [Remark(file.line(option), option, why) for option, why in (*plan.lost, *more)]
    query, unread = _query(file, plan, names, queries)
    remarks += unread
    used = plan.used | {"name", "description", "filter", "realert"}
    remarks += [_not_carried(file, option) for option in told if option not in used]
    remarks = [one for one in remarks if one.told]
    remarks.append(Remark(1, "level", "ElastAlert 没有四级预警，暂定蓝色，请核定"))
    rule, wrong = _rule(file, stem, plan, query, repeat)
    kept = tuple(sorted(remarks[:TOO_MANY], key=lambda one: one.line))
    return Carried(file.name, stem, rule, (*wrong, *kept))


def with_examples(carried: Carried, examples: Examples) -> Carried:
    """The same with examples in the rule."""
    assert carried.rule is not None
    return replace(carried, rule=carried.rule.model_copy(update={"examples": examples}))


def stem_of(name: str) -> str:
    """A file's name without its ending as an id of ours: letters of ASCII or Chinese, digits and `_`."""
    stem = re.sub(r"[^0-9A-Za-z_\u4e00-\u9fff]+", "_", name).strip("_")[:60] or "rule"
    return f"imported_{stem}" if stem.startswith(DESK_RULE) else stem


def printable(text: str) -> str:
    """One line without signs that a YAML comment or a terminal cannot hold."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _query(file: YamlFile, plan: Plan, names: FieldNames, queries: RuleQueries) -> tuple[str, list[Remark]]:
    """The filters and what the type asks for as one query; filters that cannot be said are left out and told."""
    told = file.content.get("filter", [])
    listed: Sequence[Any] = told if isinstance(told, list) else [told]
    nodes: list[Node] = []
    remarks: list[Remark] = []
    for place, one in enumerate(listed):
        if isinstance(one, dict) and "match_all" in one:
            continue
        where = ("filter", place) if isinstance(told, list) else ("filter",)
        try:
            node = read_filter(one, names)
            wrong = queries.check(written(node))
            if wrong:
                raise NotCarried(wrong)
            nodes.append(node)
        except (NotCarried, RecursionError) as problem:
            why = "嵌套太深" if isinstance(problem, RecursionError) else str(problem)
            remarks.append(Remark(file.line(*where), f"filter[{place}]", f"{why}；规则因此比原来宽", broader=True))
    nodes += plan.asked
    return (written(both(nodes)) if nodes else ""), remarks


def _repeat(told: Any, names: FieldNames) -> tuple[str | None, list[tuple[str, str]]]:
    try:
        return Reader(told, names).span("realert"), []
    except NotCarried as problem:
        return None, [("realert", str(problem))]


def _not_carried(file: YamlFile, option: str) -> Remark:
    why = reason(option)
    return Remark(file.line(option), option[:60], "不认识的选项" if why is None else why)


def _rule(
    file: YamlFile, stem: str, plan: Plan, query: str, repeat: str | None
) -> tuple[Rule | None, tuple[Remark, ...]]:
    told = file.content
    name = printable(str(told.get("name") or stem)).strip()[:80]
    why = printable(str(told.get("description") or "")).strip()[:300]
    if len(query) > LONGEST_QUERY:
        return None, (Remark(file.line("filter"), "filter", f"语句长 {len(query)} 字，超过 {LONGEST_QUERY} 字"),)
    content = {
        "id": stem,
        "title": name if len(name) >= 2 else f"规则 {name}",
        "why": why if len(why) >= 2 else f"自 ElastAlert 规则 {file.name} 导入",
        "scope": {"query": query} if query else {},
        "condition": dict(plan.condition),
        "group_by": plan.group_by,
        "level": LEVEL,
        "repeat_after": repeat,
    }
    try:
        return Rule.model_validate(content), ()
    except ValidationError as problem:
        first = problem.errors()[0]
        option = ".".join(str(part) for part in first["loc"]) or "rule"
        return None, (Remark(1, option, f"不能成为本系统的规则：{first['msg']}"),)
