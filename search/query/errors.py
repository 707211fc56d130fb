"""What a query that cannot be read says."""

import unicodedata

from core.errors import UsageError

LONGEST_QUOTE = 50


class QueryError(UsageError):
    """A query cannot be read. column: 1 for the first character; at the end it is one past the last.

    The message names what was expected there and shows a form that works.
    """

    def __init__(self, offset: int, message: str) -> None:
        self.column = offset + 1
        self.message = message
        super().__init__(f"第 {self.column} 列：{message}")


def quote(text: str) -> str:
    """What was written, short enough for a sentence; signs that cannot be seen or turn the line round by number."""
    shown = "".join(
        f"U+{ord(sign):04X}" if unicodedata.category(sign)[0] == "C" or (sign.isspace() and sign != " ") else sign
        for sign in text[:LONGEST_QUOTE]
    )
    return f"{shown}…" if len(text) > LONGEST_QUOTE else shown
