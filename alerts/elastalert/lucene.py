"""The language of query_string filters, read into a tree of ours.

Words side by side are alternatives, as that language has them, unless `+` or `AND` joins them. NOT binds closest, then
AND, then OR: what people mean by them, where the engine reads a mixture in another way. Regular expressions, fuzziness,
distances, weights and `?` have no counterpart and are told.
"""

import re
from dataclasses import dataclass

from alerts.elastalert.asked import ANYTHING, FieldNames, NotCarried, both, either, has
from search.query.tree import Is, Node, Not, Range, Value

DEEPEST = 30
LONGEST = 10_000

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<phrase>"(?:[^"\\]|\\.)*")
    | (?P<range>[\[{]\s*(?P<low>"(?:[^"\\]|\\.)*"|[^\s\]}"]+)\s+TO\s+(?P<high>"(?:[^"\\]|\\.)*"|[^\s\]}"]+)\s*[\]}])
    | (?P<and>&&|AND\b) | (?P<or>\|\||OR\b) | (?P<not>!|NOT\b)
    | (?P<compare>[<>]=?)
    | (?P<open>\() | (?P<close>\)) | (?P<plus>\+) | (?P<minus>-(?=\S))
    | (?P<regex>/(?:[^/\\]|\\.)*/)
    | (?P<more>[~^]\d*(?:\.\d+)?)
    | (?P<word>(?:[^\s"()\[\]{}:<>~^!&|\\/]|\\.|/(?=\S)|(?<=\S)!|&(?!&)|\|(?!\|))+)
    | (?P<colon>:)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def read_query_string(text: str, names: FieldNames, *, default_and: bool = False) -> Node:
    """The tree. default_and: words side by side must all occur. Raises NotCarried."""
    if len(text) > LONGEST:
        raise NotCarried(f"语句超过 {LONGEST} 字")
    reader = _Reader(_tokens(text), names, default_and)
    node = reader.clauses(0, None)
    if reader.at < len(reader.tokens):
        raise NotCarried(f"语句在“{reader.tokens[reader.at].text[:40]}”处读不懂")
    return node


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.end() == at:
            raise NotCarried(f"语句在“{text[at : at + 20]}”处读不懂")
        kind = "range" if match["range"] else str(match.lastgroup)
        found.append(_Token(kind, match[0].strip()))
        at = match.end()
    return found


@dataclass
class _Reader:
    tokens: list[_Token]
    names: FieldNames
    default_and: bool
    at: int = 0

    def clauses(self, depth: int, field: str | None) -> Node:
        """Clauses up to a closing parenthesis."""
        if depth > DEEPEST:
            raise NotCarried(f"括号超过 {DEEPEST} 层")
        groups: list[list[tuple[str, Node]]] = [[]]
        connector = ""
        while self._kind() not in ("", "close"):
            if self._kind() in ("and", "or"):
                if connector or not groups[-1]:
                    raise NotCarried(f"“{self._take().text}”前面没有条件")
                connector = self._take().kind
                if connector == "or":
                    groups.append([])
                continue
            sign = self._sign()
            node = self._clause(depth, field)
            if connector == "and":
                before, left = groups[-1][-1]
                groups[-1][-1] = (before or "+", left)
                sign = sign or "+"
            groups[-1].append((sign, node))
            connector = ""
        if connector or not groups[-1]:
            raise NotCarried("语句是空的或没写完")
        return either([self._together(group) for group in groups])

    def _together(self, group: list[tuple[str, Node]]) -> Node:
        """`+a b -c`: what has no sign matters only where nothing is required."""
        required = [node for sign, node in group if sign == "+"]
        free = [node for sign, node in group if not sign]
        if self.default_and:
            required, free = required + free, []
        wanted = required or ([either(free)] if free else [])
        return both([*wanted, *(Not(node) for sign, node in group if sign == "-")])

    def _sign(self) -> str:
        """`+`, `-` or nothing; two negations are none."""
        sign = ""
        while self._kind() in ("plus", "minus", "not"):
            negative = self._take().kind != "plus"
            sign = ("" if sign == "-" else "-") if negative else sign or "+"
        return sign

    def _clause(self, depth: int, field: str | None) -> Node:
        token = self._take()
        if token.kind == "open":
            node = self.clauses(depth + 1, field)
            if self._kind() != "close":
                raise NotCarried("括号没有闭合")
            self._take()
        elif token.kind == "word" and self._kind() == "colon" and field is None:
            self._take()
            node = self._of_field(_plain_text(token.text), depth)
        else:
            node = self._value(token, field)
        if self._kind() == "more":
            raise NotCarried(f"没有模糊、距离和加权（{self._take().text}）")
        return node

    def _of_field(self, name: str, depth: int) -> Node:
        if name == "_exists_":
            return Is(self.names.value(_plain_text(self._take().text)), ANYTHING)
        if self._kind() == "open":
            return self._clause(depth, name)
        if self._kind() == "compare":
            return self._compare(name)
        return self._value(self._take(), name)

    def _compare(self, name: str) -> Node:
        operator = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}[self._take().text]
        return Range(self.names.value(name), operator, Value((_bare(self._take()),), quoted=True))

    def _value(self, token: _Token, field: str | None) -> Node:
        if token.kind == "range" and field is not None:
            return self._between(token.text, field)
        if token.kind == "regex":
            raise NotCarried(f"没有正则表达式（{token.text[:40]}）")
        if token.kind not in ("word", "phrase"):
            raise NotCarried(f"语句在“{token.text[:40]}”处读不懂")
        wild = token.kind == "word" and "*" in re.sub(r"\\.", "", token.text)
        if token.kind == "word" and "?" in re.sub(r"\\.", "", token.text):
            raise NotCarried(f"通配符只有“*”，没有代表一个字的“?”：{token.text[:80]}")
        text = _bare(token)
        if field is not None:
            return has(self.names, field, text, wild=wild)
        return Is(None, Value(tuple(text.split("*")) if wild else (text,), quoted=not wild))

    def _between(self, text: str, field: str) -> Node:
        low, high = re.fullmatch(r"[\[{]\s*(.+?)\s+TO\s+(.+?)\s*[\]}]", text, re.DOTALL).groups()  # type: ignore[union-attr]
        name = self.names.value(field)
        parts: list[Node] = []
        if low != "*":
            parts.append(Range(name, "gte" if text[0] == "[" else "gt", Value((_unquoted(low),), quoted=True)))
        if high != "*":
            parts.append(Range(name, "lte" if text[-1] == "]" else "lt", Value((_unquoted(high),), quoted=True)))
        return both(parts) if parts else Is(name, ANYTHING)

    def _kind(self) -> str:
        return self.tokens[self.at].kind if self.at < len(self.tokens) else ""

    def _take(self) -> _Token:
        if self.at >= len(self.tokens):
            raise NotCarried("语句没写完")
        self.at += 1
        return self.tokens[self.at - 1]


def _bare(token: _Token) -> str:
    if token.kind not in ("word", "phrase"):
        raise NotCarried(f"语句在“{token.text[:40]}”处读不懂")
    return _unquoted(token.text)


def _unquoted(text: str) -> str:
    return _plain_text(text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text)


def _plain_text(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
