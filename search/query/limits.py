"""How much one query may ask: below what either engine refuses, so that both give the same answer."""

from collections.abc import Sequence

from search.embedded_query import takes, wild_form
from search.query.errors import QueryError, quote
from search.records import MAX_KEYWORD
from search.where import AllOf, AnyOf, Everything, Fits, Not, Nothing, OneOf, Phrase, Where, Wild, WildText, Words

MOST_CONDITIONS = 1_000
"""Elasticsearch takes 1,024 clauses in the smallest heap; a list of values of one field is one."""
MOST_TEXT = 2_000
"""Characters of all words and phrases together: each word is looked for in four views."""
MOST_WILD = 50
"""Wildcards: each word that has one goes over the whole dictionary of the index."""
LONGEST_WILD = 250
"""Characters around the wildcards of one word: Elasticsearch refuses some of 262, tantivy what `takes` says."""

MOST_MENTIONS = 200
"""`提及` in one query: each is worked out for every shape a mention can have."""


def check_size(where: Where) -> None:
    """Raises QueryError for a query no engine would answer in time."""
    conditions, text, wild = 0, 0, 0
    forms: list[Wild | WildText | Fits] = []
    todo = [where]
    while todo:
        match todo.pop():
            case AllOf(parts) | AnyOf(parts):
                todo.extend(parts)
            case Not(part):
                todo.append(part)
            case Words(words) | Phrase(words):
                conditions, text = conditions + 1, text + len(words)
            case (Wild(_, parts) | WildText(parts)) as form:
                conditions, wild = conditions + 1, wild + len(parts) - 1
                forms.append(form)
            case Fits() as form:
                conditions, wild = conditions + 1, wild + 1
                forms.append(form)
            case OneOf(_, values):
                conditions += 1
                _check_values(values)
            case Everything() | Nothing():
                pass
            case _:
                conditions += 1
    if text > MOST_TEXT:
        raise QueryError(0, f"要找的词太多：合计 {text} 个字，最多 {MOST_TEXT} 个，请分几次查")
    if wild > MOST_WILD:
        raise QueryError(0, f"通配符 * 太多：{wild} 个，最多 {MOST_WILD} 个，请写出完整的词")
    if conditions > MOST_CONDITIONS:
        raise QueryError(
            0, f"条件太多：{conditions} 个，最多 {MOST_CONDITIONS} 个；同一字段的值请写成列表，例如 编号:(a1 or a2)"
        )
    for form in forms:
        _check_form(form)


def _check_values(values: Sequence[object]) -> None:
    """No index holds a longer one, and Elasticsearch refuses to look for it."""
    for value in values:
        if isinstance(value, str) and len(value) > MAX_KEYWORD:
            raise QueryError(0, f"“{quote(value)}”太长：最多 {MAX_KEYWORD} 个字符，可改用 *，例如 网址:*example*")


def _check_form(form: Wild | WildText | Fits) -> None:
    if isinstance(form, Fits):
        if not all(map(takes, form.forms)):
            raise QueryError(0, "提及里的条件太复杂：not 和 * 请少用几个，或拆成几个提及用 or 连接")
    elif sum(map(len, form.parts)) > LONGEST_WILD or not takes(wild_form(form.parts)):
        raise QueryError(0, f"带 * 的“{quote('*'.join(form.parts))}”太长或 * 太多，请写短些，例如 *电池*")
