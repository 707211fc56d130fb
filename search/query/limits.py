"""How much one query may ask: below what either engine refuses, so that both give the same answer."""

from search.query.errors import QueryError
from search.where import AllOf, AnyOf, Everything, Fits, Not, Nothing, Phrase, Where, Wild, WildText, Words

MOST_CONDITIONS = 1_000
"""Elasticsearch takes 1,024 clauses in the smallest heap; a list of values of one field is one."""
MOST_TEXT = 2_000
"""Characters of all words and phrases together: each word is looked for in four views."""
MOST_WILD = 50
"""Wildcards: each word that has one goes over the whole dictionary of the index."""

MOST_MENTIONS = 200
"""`提及` in one query: each is worked out for every shape a mention can have."""


def check_size(where: Where) -> None:
    """Raises QueryError for a query no engine would answer in time."""
    conditions, text, wild = 0, 0, 0
    todo = [where]
    while todo:
        match todo.pop():
            case AllOf(parts) | AnyOf(parts):
                todo.extend(parts)
            case Not(part):
                todo.append(part)
            case Words(words) | Phrase(words):
                conditions, text = conditions + 1, text + len(words)
            case Wild(_, parts) | WildText(parts):
                conditions, wild = conditions + 1, wild + len(parts) - 1
            case Fits():
                conditions, wild = conditions + 1, wild + 1
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
