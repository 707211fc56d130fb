"""What a query that cannot be read says."""

from core.errors import UsageError


class QueryError(UsageError):
    """A query cannot be read. column: 1 for the first character; at the end it is one past the last.

    The message names what was expected there and shows a form that works.
    """

    def __init__(self, offset: int, message: str) -> None:
        self.column = offset + 1
        self.message = message
        super().__init__(f"第 {self.column} 列：{message}")
