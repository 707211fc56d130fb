"""The grammar of queries: that of KQL, plus full-width punctuation as Chinese keyboards type it.

As in KQL `and` and `or` need a blank on both sides and `not` one behind it, and a bare literal may hold blanks:
`field:foo bar` compares with "foo bar". White space inside a literal ends it where a keyword follows. The differences
from KQL are listed in docs/search.md.
"""

SPECIAL = r"\\():<>\"*{}"
WIDE = "：（）“”「」＜＞｛｝≥≤"
ESCAPE = rf"\\(?:[{SPECIAL}{WIDE}trn]|u[0-9A-Fa-f]{{4}}|and|or|not)"
PLAIN = rf"[^\s{SPECIAL}{WIDE}]"
CHARACTER = rf"(?:{ESCAPE}|{PLAIN}|\*)"
INSET = rf"（(?:{PLAIN})*）"
"""Full-width parentheses within a word belong to it, as in the names of firms: 某某（江西）有限公司."""
WORD = rf"{CHARACTER}(?:{CHARACTER}|{INSET})*"
LITERAL = rf"(?!not\s){WORD}(?:\s+(?!(?:and|or|not)\s){WORD})*"
QUOTED = r"\"(?:\\[\s\S]|[^\"\\])*\"|“(?:\\[\s\S]|[^”\\])*”|「(?:\\[\s\S]|[^」\\])*」"


def _terminal(pattern: str, flags: str = "") -> str:
    return "/" + pattern.replace("/", r"\/") + "/" + flags


TERMINALS = {
    "OR.3": _terminal(r"\s+or\s+", "i"),
    "AND.3": _terminal(r"\s+and\s+", "i"),
    "NOT.3": _terminal(r"not\s+", "i"),
    "QUOTED.2": _terminal(QUOTED),
    "COMPARE.2": _terminal(r"[<＜>＞][=＝]?|[≥≤]"),
    "LITERAL": _terminal(LITERAL, "i"),
    "COLON": _terminal("[:：]"),
    "OPEN": _terminal("[(（]"),
    "CLOSE": _terminal("[)）]"),
    "BEGIN": _terminal("[{｛]"),
    "END": _terminal("[}｝]"),
    "WS": _terminal(r"\s+"),
}

RULES = """
?start: any_of |                                -> everything
?any_of: all_of (OR all_of)*
?all_of: negation (AND negation)*
?negation: NOT single                           -> negated
         | single
?single: OPEN any_of CLOSE                      -> inner
       | literal COLON BEGIN any_of END         -> nested
       | literal COMPARE literal                -> range
       | literal COLON values                   -> field
       | literal                                -> bare
?values: OPEN any_value CLOSE                   -> inner
       | literal                                -> value
?any_value: all_values (OR all_values)*         -> any_of
?all_values: no_value (AND no_value)*           -> all_of
?no_value: NOT values                           -> negated
         | values
literal: QUOTED | LITERAL
%ignore WS
"""

GRAMMAR = RULES + "\n".join(f"{name}: {pattern}" for name, pattern in TERMINALS.items())
