"""Cursors of lists: where the next page goes on. Opaque to callers; one that we did not write is refused.

A cursor names the last row by what never changes of it (when it was made, its id), so that rows which come or change
meanwhile are neither skipped nor shown twice.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from core.clock import as_utc
from core.errors import FengsuiError
from web.visit import Refused

LONGEST = 300
DEFAULT_LIMIT, MOST_LIMIT = 50, 200
Cursor = Annotated[str, Field(max_length=LONGEST, description="`next` of the page before; empty: the first page")]
Limit = Annotated[int, Field(ge=1, le=MOST_LIMIT, description="at most so many rows on a page")]


class Unreadable(FengsuiError):
    """A part of a cursor is not what stands there."""


def write_cursor(of: str, *values: str | int | datetime) -> str:
    """The cursor of the list `of` behind a row."""
    parts = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps([of, *parts]).encode()).decode().rstrip("=")


def read_cursor(of: str, cursor: str, *forms: Callable[[Any], Any]) -> tuple[Any, ...] | None:
    """The values of a cursor of the list `of`, each read by its form; None for the first page. Raises Refused."""
    if not cursor:
        return None
    try:
        parts = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        return _read(of, parts, forms)
    except (ValueError, binascii.Error, RecursionError, Unreadable):
        raise Refused(400, "游标 cursor 不对：须原样用上一页的 next。请从第一页重新取。") from None


def _read(of: str, parts: Any, forms: Sequence[Callable[[Any], Any]]) -> tuple[Any, ...]:
    if not isinstance(parts, list) or len(parts) != len(forms) + 1 or parts[0] != of:
        raise Unreadable
    return tuple(form(part) for form, part in zip(forms, parts[1:], strict=True))


def a_text(part: Any) -> str:
    """An id."""
    if not isinstance(part, str) or "\0" in part or not part.isprintable():
        raise Unreadable
    return part


def a_number(part: Any) -> int:
    """A whole number that a database holds."""
    if type(part) is not int or not 0 <= part < 1 << 63:
        raise Unreadable
    return part


def a_moment(part: Any) -> datetime:
    """A time."""
    return as_utc(datetime.fromisoformat(a_text(part)))
