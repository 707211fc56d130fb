"""A search of the desk as one query in its language: what was typed and every condition beside it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from search.fields import Field, FieldType
from search.names import Names as QueryNames
from web.names import Names
from web.search_state import ANY, PARAMETERS, Asked, Filter

PLAIN = re.compile(r"[\w.·-]+")
KEYWORDS = ("and", "or", "not")


@dataclass(frozen=True)
class SearchText:
    """query: finds what the search finds at any time.  left_out: what a rule cannot ask, in Chinese."""

    query: str
    left_out: tuple[str, ...]


def search_text(asked: Asked, names: Names, known: QueryNames) -> SearchText:
    """The query of a search. known: what names in a query stand for; ids are written as names where it is the same."""
    groups: dict[tuple[str, bool, bool], list[str]] = {}
    for each in asked.active:
        groups.setdefault((each.name, each.negative, each.value == ANY), []).append(each.value)
    parts = [f"({asked.text})"] if asked.text and groups else [asked.text] if asked.text else []
    parts += [_condition(name, negative, values, names, known) for (name, negative, _), values in groups.items()]
    return SearchText(" and ".join(parts), tuple(_left_out(asked)))


def _left_out(asked: Asked) -> Iterable[str]:
    if asked.window.start or asked.window.end:
        yield "时间范围没有带入：规则在信号到来时逐条判断，时间窗口写在触发条件里。"
    if asked.like:
        yield "“相似文档”没有带入：规则只认写得出的条件。"
    off: Sequence[Filter] = [each for each in asked.filters if each.off]
    if off:
        yield f"停用的 {len(off)} 个条件没有带入。"


def _condition(name: str, negative: bool, values: Sequence[str], names: Names, known: QueryNames) -> str:
    field = PARAMETERS[name]
    written = [value if value == ANY else _written(field, value, names, known) for value in values]
    text = f"{field.label}:{written[0]}" if len(written) == 1 else f"{field.label}:({' or '.join(written)})"
    return f"not {text}" if negative else text


def _written(field: Field, value: str, names: Names, known: QueryNames) -> str:
    """A value as the language writes it: the name people know, where it stands for this value alone."""
    if field.type is FieldType.BOOLEAN:
        return "是" if value == "true" else "否"
    if field.type is not FieldType.KEYWORD:
        return value
    name = known.label(field.name, value) or (names.kind(value) if field.name == "kind" else value)
    meant = known.resolve(field.name, name) or (
        (str(field.words[name]),) if field.words and name in field.words else ()
    )
    return quoted(name if meant == (value,) else value)


def quoted(text: str) -> str:
    """`text` as one value: bare where nothing in it has a meaning of its own."""
    if PLAIN.fullmatch(text) and text.lower() not in KEYWORDS:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
