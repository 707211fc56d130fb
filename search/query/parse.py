"""From the text of a query to its tree. Raises QueryError with the column and what was expected there."""

import re
from dataclasses import dataclass

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from search.query.errors import QueryError, quote
from search.query.grammar import GRAMMAR
from search.query.tree import EVERYTHING, And, Is, Nested, Node, Not, Or, Range, Value

LONGEST = 100_000
"""Characters, about a second of reading. The longest query seen in production elsewhere has 9,863."""
DEEPEST = 50
"""Parentheses inside each other."""

OPERATORS = {">": "gt", ">=": "gte", "≥": "gte", "<": "lt", "<=": "lte", "≤": "lte"}
CONTROL = {"t": "\t", "r": "\r", "n": "\n"}
IN_LITERAL = re.compile(r"\\u([0-9A-Fa-f]{4})|\\(and|or|not)|\\([\s\S])|(\*)", re.IGNORECASE)
IN_QUOTES = re.compile(r"\\u([0-9A-Fa-f]{4})|\\([trn\"”」\\])")
CLOSERS = {'"': '"', "“": "”", "「": "」"}
CLOSING = {opener: re.compile(rf"(?:\\[\s\S]|[^{closer}\\])*{closer}") for opener, closer in CLOSERS.items()}
LANDMARK = re.compile(r"\\[\s\S]|[\"“「(){}（）｛｝]")


@dataclass(frozen=True)
class _Pending:
    """A value whose field is still to the left of it."""

    value: Value


_Part = Node | _Pending


def read_literal(token: str, at: int) -> Value:
    """A LITERAL token without its escapes, cut at each wildcard."""
    parts, done = [""], 0
    for found in IN_LITERAL.finditer(token):
        parts[-1] += token[done : found.start()]
        done = found.end()
        code, keyword, character, star = found.groups()
        if star:
            parts.append("")
        elif code:
            parts[-1] += chr(int(code, 16))
        else:
            parts[-1] += keyword or CONTROL.get(character, character)
    parts[-1] += token[done:]
    parts[0] = parts[0].lstrip()
    parts[-1] = parts[-1].rstrip()
    return Value(tuple(map(_whole, parts)), at=at)


def read_quoted(token: str, at: int) -> Value:
    """A QUOTED token without quotes and escapes; `*` is a plain character in it."""

    def plain(found: re.Match[str]) -> str:
        return chr(int(found[1], 16)) if found[1] else CONTROL.get(found[2], found[2])

    return Value((_whole(IN_QUOTES.sub(plain, token[1:-1])),), quoted=True, at=at)


def _whole(text: str) -> str:
    """Surrogate pairs (`\\ud83d\\udd25`) as the character they mean, half ones as U+FFFD: no index takes them."""
    if not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _give_field(name: Value, part: _Part) -> Node:
    """Put `name` before every pending value below `part`."""
    match part:
        case _Pending(value):
            return Is(name, value)
        case And(parts):
            return And(tuple(_give_field(name, inner) for inner in parts))
        case Or(parts):
            return Or(tuple(_give_field(name, inner) for inner in parts))
        case Not(inner):
            return Not(_give_field(name, inner))
        case _:
            return part


class _Builder(Transformer[Token, Node]):
    """Builds nodes while the parser runs; keywords and punctuation arrive as tokens and are dropped."""

    def literal(self, tokens: list[Token]) -> Value:
        token, at = tokens[0], tokens[0].start_pos or 0
        return read_quoted(token, at) if token.type == "QUOTED" else read_literal(token, at)

    def everything(self, _: list[Token]) -> Node:
        return EVERYTHING

    def bare(self, tokens: list[Value]) -> Node:
        return Is(None, tokens[0])

    def value(self, tokens: list[Value]) -> _Pending:
        return _Pending(tokens[0])

    def inner(self, tokens: list[_Part]) -> _Part:
        return tokens[1]

    def any_of(self, tokens: list[_Part]) -> _Part:
        parts = tokens[::2]
        return parts[0] if len(parts) == 1 else Or(tuple(parts))  # type: ignore[arg-type]

    def all_of(self, tokens: list[_Part]) -> _Part:
        parts = tokens[::2]
        return parts[0] if len(parts) == 1 else And(tuple(parts))  # type: ignore[arg-type]

    def negated(self, tokens: list[_Part]) -> _Part:
        return Not(tokens[1])  # type: ignore[arg-type]

    def nested(self, tokens: list[Value | Node]) -> Node:
        return Nested(tokens[0], tokens[3])  # type: ignore[arg-type]

    def range(self, tokens: list[Value]) -> Node:
        name, operator, value = tokens
        sign = str(operator).translate(str.maketrans("＜＞＝", "<>="))
        return Range(name, OPERATORS[sign], value)

    def field(self, tokens: list[Value | _Part]) -> Node:
        return _give_field(tokens[0], tokens[2])  # type: ignore[arg-type]


PARSER = Lark(GRAMMAR, parser="lalr", transformer=_Builder(), maybe_placeholders=False)


def parse_query(text: str) -> Node:
    """The tree of `text`; an empty query is everything. Raises QueryError."""
    if len(text) > LONGEST:
        raise QueryError(LONGEST, f"查询太长：最多 {LONGEST} 个字符；很多编号请分几次查，例如 编号:(a1 or a2)")
    _check_depth(text)
    try:
        tree: Node = PARSER.parse(text)  # type: ignore[assignment]
    except UnexpectedInput as error:
        raise _explained(text, error) from None
    except VisitError as error:
        raise QueryError(0, f"无法读懂这个查询（{error.orig_exc}）") from error
    return tree


def _check_depth(text: str) -> None:
    """Refuse parentheses too deep inside each other, in one walk: what is quoted or escaped does not count."""
    depth, at = 0, 0
    unclosed: set[str] = set()
    while found := LANDMARK.search(text, at):
        here, at = found[0], found.end()
        if here in CLOSERS and here not in unclosed:
            closed = CLOSING[here].match(text, at)
            if closed:
                at = closed.end()
            else:  # no later one of its kind is closed either
                unclosed.add(here)
        elif here in "({（｛":
            depth += 1
        elif here in ")}）｝":
            depth -= 1
        if depth > DEEPEST:
            raise QueryError(found.start(), f"括号嵌套太深：最多 {DEEPEST} 层，例如 (起火 or 爆炸) and 级别>=3")


EXPECTED = {
    "COLON": "“:”", "COMPARE": "比较符（>= > <= <）", "AND": "and", "OR": "or", "CLOSE": "“)”", "END": "“}”",
}  # fmt: skip


def _explained(text: str, error: UnexpectedInput) -> QueryError:
    """The error in words: where, what was expected, and a form that works."""
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        at, accepted = error.token.start_pos or 0, set(error.accepts or error.expected)
        at += len(error.token) - len(error.token.lstrip()) if error.token.type in ("AND", "OR") else 0
    elif isinstance(error, UnexpectedCharacters):
        at, accepted = error.pos_in_stream or 0, set(error.allowed or ())
    else:
        at, accepted = len(text), set(getattr(error, "accepts", ()) or ())
    return QueryError(at, _message(text, at, accepted))


def _message(text: str, at: int, accepted: set[str]) -> str:
    here = text[at : at + 1]
    if here in CLOSERS and not CLOSING[here].match(text, at + 1):
        return '引号没有闭合，例如 标题:"电池起火"'
    if "LITERAL" in accepted:
        if not here:
            return "查询到此中断，这里应有值，例如 级别:3"
        if here in "<>＜＞":
            return "比较符前应有字段，例如 级别>=3"
        return f"这里应有字段或值，而不是“{quote(here)}”，例如 级别:3"
    if here in ":：" and here:
        return '这里不应有“:”；值里带冒号时请加引号，例如 网址:"https://example.org"，两个条件之间要写 and 或 or'
    if here in ("(", "（"):
        return '这里不应有括号；名称里带括号时请加引号，例如 企业:"某某(江西)有限公司"，两个条件之间要写 and 或 or'
    if here == "\\":
        return '反斜杠后不是可转义的字符；可改用引号，例如 标题:"C:\\\\目录"'
    names = "、".join(EXPECTED[name] for name in EXPECTED if name in accepted)
    wanted = f"这里应有 {names}" if names else "这里多了内容"
    if not here:
        return f"{wanted}，例如 (起火 or 爆炸)"
    return f"{wanted}，而不是“{quote(here)}”；两个条件之间要写 and 或 or，例如 起火 and 级别>=3"
