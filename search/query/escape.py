"""Text written so that a query takes it as it stands."""

import re

from search.query.grammar import PLAIN, SPECIAL, WIDE

_SPECIAL = re.compile(rf"[{SPECIAL}{WIDE}]")
_KEYWORD = re.compile(r"(\s+)(?=(?:and|or|not)\s)", re.IGNORECASE)
_FIRST = re.compile(r"(?=not\s)", re.IGNORECASE)
_CONTROL = str.maketrans({"\t": "\\t", "\r": "\\r", "\n": "\\n"})
_PLAIN = re.compile(rf"(?!(?:and|or|not)\Z)(?:{PLAIN})+", re.IGNORECASE)


def escape_literal(text: str) -> str:
    """`text` as an unquoted literal: no wildcard, keyword or punctuation in it means anything."""
    escaped = _SPECIAL.sub(lambda found: "\\" + found[0], text)
    escaped = _FIRST.sub(r"\\", escaped, count=1) if _FIRST.match(escaped) else escaped
    return _KEYWORD.sub(r"\1\\", escaped).translate(_CONTROL)


def escape_quotes(text: str) -> str:
    """`text` as it stands between double quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def literal_of(text: str) -> str:
    """`text` as a value: as it is where that is safe, else in quotes."""
    return text if _PLAIN.fullmatch(text) else f'"{escape_quotes(text)}"'
