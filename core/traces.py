"""Spans of a document's way, told to a collector over OTLP/HTTP where the operator names one (docs/watching.md).

All spans of one revision of a document share a trace whose id is derived from the two, so that no process need hand it
to the next, and whatever is done again falls into the same trace. Off, which is usual, nothing of OpenTelemetry is
loaded and each call here is one comparison.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

from core.errors import FengsuiError

MOST_FETCHES = 10_000
FLUSH_SECONDS = 1.0
"""So long the end of a process waits for spans that are not told yet."""


class Teller(Protocol):
    """Takes finished spans."""

    def tell(self, name: str, trace: int, root: int, start: float, end: float, attributes: dict[str, Any]) -> None:
        """One span of a trace. root: id of the span that has no parent; `fetch` is that one.  start, end: seconds."""

    def close(self) -> None:
        """Tell what is left."""


_teller: Teller | None = None
_fetches: OrderedDict[str, tuple[float, float]] = OrderedDict()


def start_traces(url: str) -> None:
    """Tell spans from now on; after a fork, never before. url: of the collector, `/v1/traces` may be left out; empty:
    nothing is told. Raises FengsuiError where the packages are missing."""
    global _teller
    if not url:
        return
    try:
        from core.otlp import OtlpTeller
    except ImportError as problem:
        raise FengsuiError(
            f"FENGSUI_OTLP_URL：缺少 {problem.name}：pip install -r requirements-traces.txt，或去掉这项设置"
        ) from problem
    _teller = OtlpTeller(url)


def end_traces() -> None:
    """Tell what is left, for a second at most."""
    global _teller
    if _teller is not None:
        _teller.close()
    _teller = None
    _fetches.clear()


def tracing() -> bool:
    """Whether spans are told at all: for what would have to look something up first."""
    return _teller is not None


def ids_of(document: str, revision: int) -> tuple[int, int]:
    """Trace id (128 bits) and root span id (64 bits) of a revision."""
    digest = hashlib.sha256(f"{document}/{revision}".encode()).digest()
    return int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:24], "big")


def tell_span(
    name: str, document: str, revision: int, *, start: float | datetime, end: float | datetime, **attributes: Any
) -> None:
    """A step of a document's way that is over. start, end: moments, or seconds as time.time() tells them."""
    if _teller is None:
        return
    told = {"fengsui.document": document, "fengsui.revision": revision}
    told |= {f"fengsui.{key}": value for key, value in attributes.items() if value is not None}
    _teller.tell(name, *ids_of(document, revision), _seconds(start), _seconds(end), told)


@contextmanager
def spanning(name: str, document: str, revision: int, **attributes: Any) -> Iterator[None]:
    """What is within is a step of a document's way; one that fails says with what kind of error."""
    if _teller is None:
        yield
        return
    start, failed = time.time(), None
    try:
        yield
    except Exception as problem:
        failed = type(problem).__name__
        raise
    finally:
        tell_span(name, document, revision, start=start, end=time.time(), error=failed, **attributes)


def note_fetch(url: str, seconds: float) -> None:
    """A page was answered just now, after so long: its document is known only later."""
    if _teller is not None:
        now = time.time()
        _fetches[url] = (now - seconds, now)
        while len(_fetches) > MOST_FETCHES:
            _fetches.popitem(last=False)


def tell_arrival(url: str, document: str, revision: int, *, fetched: datetime, **attributes: Any) -> None:
    """A revision was stored just now: the spans `fetch` and `store`. fetched: for a `url` that was not noted."""
    if _teller is None:
        return
    start, end = _fetches.pop(url, (fetched.timestamp(), fetched.timestamp()))
    tell_span("fetch", document, revision, start=start, end=end, **attributes)
    tell_span("store", document, revision, start=end, end=time.time(), **attributes)


def _seconds(moment: float | datetime) -> float:
    return moment.timestamp() if isinstance(moment, datetime) else moment
