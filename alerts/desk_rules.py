"""Rules made on the desk, read from their versions: what each is now, what it was while documents came, what is wrong.

One that cannot be read any more (a dictionary lost a word) is said to be broken and judges nothing; the others go on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml
from pydantic import ValidationError

from alerts.query_hits import Tenure
from alerts.rule_query import RuleQueries
from config.rules import Rule
from core.clock import beijing
from core.durations import format_duration
from search.query import QueryError
from store.database import Store
from store.desk_rules import RuleVersion, all_versions, last_change
from store.users import EVERYWHERE


@dataclass(frozen=True)
class DeskRule:
    """rule: its newest words; None where they cannot be read at all.  broken: why it judges nothing, in Chinese.

    tenures: in whose words it judged what came when, oldest first.
    """

    id: str
    versions: tuple[RuleVersion, ...]
    rule: Rule | None
    broken: str
    tenures: tuple[Tenure, ...]

    @property
    def last(self) -> RuleVersion:
        """The newest version."""
        return self.versions[-1]

    @property
    def first(self) -> RuleVersion:
        """The one it began with."""
        return self.versions[0]

    @property
    def judging(self) -> bool:
        """Whether new documents are judged by it."""
        return self.last.state == "on" and not self.broken


class RuleShelf:
    """The desk's rules as they stand now; read again only when one changed. queries: None reads none of them."""

    def __init__(self, store: Store, queries: RuleQueries | None) -> None:
        self.store, self.queries = store, queries
        self._held: tuple[int, Mapping[str, DeskRule]] = (-1, {})

    def rules(self) -> Mapping[str, DeskRule]:
        """By id, in the order they were made; deleted ones too."""
        if self.queries is None:
            return {}
        with self.store.read() as db:
            mark = last_change(db)
            held = self._held
            if held[0] == mark:
                return held[1]
            versions = all_versions(db)
        found = {one.id: one for one in read_desk_rules(versions, self.queries)}
        self._held = (mark, found)
        return found

    def find(self, rule_id: str) -> DeskRule | None:
        """One of them."""
        return self.rules().get(rule_id)


def rule_of(rule_id: str, definition: Mapping[str, Any], territory: str = EVERYWHERE) -> Rule:
    """The rule of a definition, cut to a territory. Raises pydantic's ValidationError."""
    scope = dict(definition.get("scope", {}))
    if territory != EVERYWHERE:
        scope["query"] = within(str(scope.get("query", "")), territory)
    return Rule.model_validate({**definition, "scope": scope, "id": rule_id})


def within(query: str, territory: str) -> str:
    """A query cut to a territory and what lies below it."""
    return f"({query}) and 属地:{territory}" if query.strip() else f"属地:{territory}"


def read_desk_rules(versions: Mapping[str, Sequence[RuleVersion]], queries: RuleQueries) -> tuple[DeskRule, ...]:
    """Every rule that was ever made, deleted ones too: what they found stays theirs."""
    return tuple(_read(rule_id, tuple(theirs), queries) for rule_id, theirs in versions.items())


def _read(rule_id: str, versions: tuple[RuleVersion, ...], queries: RuleQueries) -> DeskRule:
    tenures: list[Tenure] = []
    rule, broken = None, ""
    for version in versions:
        rule, broken = None, ""
        if tenures and tenures[-1].until is None:
            tenures[-1] = replace(tenures[-1], until=version.since)
        try:
            rule = rule_of(rule_id, version.definition, version.territory)
            where = queries.read(rule.scope)
        except QueryError as problem:
            broken = f"检索语句第 {problem.column} 字：{problem.message}"
        except ValidationError as problem:
            broken = "；".join(f"{'.'.join(map(str, e['loc']))}：{e['msg']}" for e in problem.errors())
        else:
            if version.state == "on":
                _go_on(tenures, Tenure(rule, where, version.since))
    return DeskRule(rule_id, versions, rule, broken, tuple(tenures))


def _go_on(tenures: list[Tenure], following: Tenure) -> None:
    """Another title or level goes on with the same question."""
    last = tenures[-1] if tenures else None
    if last is not None and last.until == following.since and last.rule.scope == following.rule.scope:
        tenures[-1] = replace(following, since=last.since)
    else:
        tenures.append(following)


def tenures_of(rules: Iterable[Rule], desk: Iterable[DeskRule], queries: RuleQueries) -> dict[str, Sequence[Tenure]]:
    """The queries of file rules (that were always there) and of the desk's."""
    found: dict[str, Sequence[Tenure]] = {
        rule.id: (Tenure(rule, queries.read(rule.scope)),) for rule in rules if rule.scope.query
    }
    return found | {one.id: one.tenures for one in desk if one.tenures}


def export_note(one: DeskRule) -> str:
    """The lines at the head of an exported rule."""
    made = f"{one.last.actor}，{beijing(one.last.at):%Y-%m-%d %H:%M}"
    return (
        f"由网页所建规则 {one.id} 第 {one.last.number} 版导出（{made}）。\n"
        "放入 config/rules/ 前补上 examples（fires 与 quiet 各至少一例），并在网页上停用原规则。"
    )


def as_yaml(rule: Rule, note: str) -> str:
    """A rule as a file of config/rules. note: comment lines at its head."""
    content: dict[str, Any] = {"title": rule.title, "why": rule.why}
    content["scope"] = rule.scope.model_dump(mode="json", exclude_defaults=True)
    condition = rule.condition.model_dump(exclude_defaults=True) | {"type": rule.condition.type}
    content["condition"] = {name: _plain(value) for name, value in condition.items()}
    content["group_by"] = list(rule.group_by)
    content["level"] = rule.level
    if rule.repeat_after is not None:
        content["repeat_after"] = format_duration(rule.repeat_after)
    if rule.examples is not None:
        content["examples"] = rule.examples.model_dump(mode="json", exclude_defaults=True)
    written = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=10_000, default_flow_style=None)
    return "".join(f"# {line}\n" for line in note.splitlines()) + written


def _plain(value: Any) -> Any:
    return format_duration(value) if hasattr(value, "total_seconds") else value
