"""What all resources of the API share: the form of times, of texts and of a page."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from core.clock import iso_beijing
from nlp.privacy import mask
from web.cursors import DEFAULT_LIMIT, Cursor, Limit

Moment = Annotated[
    datetime,
    PlainSerializer(iso_beijing, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-23T14:32:00+08:00"]}),
]
"""ISO 8601 with +08:00."""
Masked = Annotated[str, PlainSerializer(mask, return_type=str)]
"""A text without telephone numbers, identity numbers and the like."""
T = TypeVar("T")
K = TypeVar("K")
READ_AT_ONCE, READINGS = 500, 4


class Page(BaseModel, Generic[T]):
    """A page of a list. It may hold fewer rows than `limit`; the list ends where `next` is null."""

    items: list[T]
    next: str | None = Field(description="hand in as `cursor` for the next page")


class Paged(BaseModel):
    """What every list takes. Anything else is refused, so that a mistyped filter does not show everything."""

    model_config = ConfigDict(extra="forbid")

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor = ""


def masked(value: Any) -> Any:
    """JSON with every text in it masked."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {name: masked(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(each) for each in value]
    return value


def gather(
    read: Callable[[K | None], Sequence[tuple[K, T]]], passes: Callable[[T], bool], behind: K | None, limit: int
) -> tuple[list[T], K | None]:
    """Up to `limit` rows that pass, and the key to go on behind; None: that was all.

    read: the next READ_AT_ONCE rows behind a key, with their keys. A page reads so many and no more, whatever passes.
    """
    found: list[T] = []
    for _ in range(READINGS):
        some = read(behind)
        for key, row in some:
            behind = key
            if passes(row):
                found.append(row)
                if len(found) == limit:
                    return found, behind
        if len(some) < READ_AT_ONCE:
            return found, None
    return found, behind
