"""What a silence or an inhibition looks for: `level=yellow`, `firm!=ENT0190`, `rule=~"people_.*"`, `territory=360100`.

Regular expressions are RE2's: linear in time and bounded in memory, whatever somebody types. They match whole values.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from core.patterns import PatternRefused, linear
from core.records import LEVEL_COLOURS, LEVEL_IDS, LEVEL_NAMES

Op = Literal["=", "!=", "=~", "!~"]
LABELS: dict[str, str] = {
    "level": "级别",
    "product": "产品",
    "firm": "企业",
    "territory": "属地",
    "place": "设区市",
    "issue": "风险",
    "rule": "规则",
    "kind": "来源类别",
    "matter": "事项",
    "event": "事件",
    "alert": "预警号",
}
LONGEST = 200
"""Characters of a value or pattern."""
MOST = 20
"""Matchers that stand together."""
FORM = re.compile(r"\s*([a-z_]+)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)
LEVEL_OF = {name: key for key, level in LEVEL_IDS.items() for name in (
    key, str(level), LEVEL_COLOURS[level], f"{LEVEL_COLOURS[level]}色", LEVEL_NAMES[level],
    ("", "IV", "III", "II", "I")[level], ("", "Ⅳ", "Ⅲ", "Ⅱ", "Ⅰ")[level],
)}  # fmt: skip


@dataclass(frozen=True)
class Matcher:
    """One comparison of a label with a value. Made by `parse_matcher`."""

    label: str
    op: Op
    value: str
    pattern: Any = field(default=None, compare=False, repr=False)

    def holds(self, values: Collection[str]) -> bool:
        """Whether it holds for an alert whose label has these values (none: one empty value).

        A label may have several values (two firms): = and =~ hold if one of them fits, != and !~ if none does.
        """
        fits = any(self._fits(value) for value in (values or ("",)))
        return fits if self.op in ("=", "=~") else not fits

    def _fits(self, value: str) -> bool:
        if self.pattern is None:
            return value == self.value
        return self.pattern.fullmatch(value) is not None

    @property
    def names_red(self) -> bool:
        """Whether it says the level red in so many words: `level=red`, `level=~"orange|red"`, not `level=~".*"`."""
        if self.label != "level":
            return False
        if self.op == "=":
            return self.value == "red"
        return self.op == "=~" and "red" in re.sub(r"[\^$()]|\?:", "", self.value).split("|")

    def __str__(self) -> str:
        plain = self.pattern is None and re.fullmatch(r"[^\s\"',;]+", self.value)
        return f"{self.label}{self.op}{self.value if plain else chr(34) + self.value + chr(34)}"


def parse_matcher(text: str) -> Matcher:
    """A matcher of its text; quotes around the value are dropped. Raises ValueError in words for the desk."""
    match = FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"“{text.strip()[:40]}”不是匹配条件（写法：标签=值，另有 !=、=~、!~，如 level=yellow）")
    label, op, value = match[1], cast(Op, match[2]), match[3]
    if label not in LABELS:
        raise ValueError(f"没有“{label[:20]}”这一标签（可用：{'、'.join(LABELS)}）")
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    if len(value) > LONGEST:
        raise ValueError(f"{label}：值过长，最多 {LONGEST} 字")
    if op in ("=~", "!~"):
        return Matcher(label, op, value, _compiled(value, label))
    if label == "level" and value:
        if value not in LEVEL_OF:
            raise ValueError(f"level：没有“{value[:20]}”这一级别（可用：{'、'.join(LEVEL_IDS)}，或 1 至 4）")
        value = LEVEL_OF[value]
    return Matcher(label, op, value.upper() if label == "alert" else value)


def parse_matchers(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """All of them, at least one. Raises ValueError with every mistake."""
    found, mistakes = [], []
    for text in texts:
        try:
            found.append(parse_matcher(text))
        except ValueError as problem:
            mistakes.append(str(problem))
    if mistakes:
        raise ValueError("；".join(mistakes))
    if not found:
        raise ValueError("至少写一个匹配条件，如 level=yellow")
    if len(found) > MOST:
        raise ValueError(f"匹配条件最多 {MOST} 个")
    return tuple(dict.fromkeys(found))


def all_hold(matchers: Sequence[Matcher], labels: "dict[str, tuple[str, ...]]") -> bool:
    """Whether every matcher holds."""
    return all(matcher.holds(labels.get(matcher.label, ())) for matcher in matchers)


def _compiled(pattern: str, label: str) -> Any:
    try:
        return linear(pattern)
    except PatternRefused as problem:
        raise ValueError(f"{label}：{problem}") from None
