"""What a process measures of itself: seconds of what it does, and how often something happened.

A process keeps its own numbers in memory and hands them on with each beat (store/processes.py), so that one scrape
tells of all processes on all machines (web/metrics.py). They begin at nothing with each start, as Prometheus wants it
of counters. Nothing here knows Prometheus.
"""

import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""Upper ends of the buckets of seconds, from a fast step to a half hour's delay."""


@dataclass(frozen=True)
class Measure:
    """A number with one label. name: as Prometheus writes it, without `_total`.  seconds: a histogram, else a count."""

    name: str
    label: str
    help: str
    seconds: bool


def _histogram(name: str, label: str, told: str) -> Measure:
    return Measure(f"fengsui_{name}_seconds", label, told, True)


def _count(name: str, label: str, told: str) -> Measure:
    return Measure(f"fengsui_{name}", label, told, False)


STAGE = _histogram("stage", "stage", "Seconds a document took in a step: clean, analyse, judge, index.")
FETCH = _histogram("fetch", "outcome", "Seconds until a page or file was answered, by class of the answer (2xx, ...).")
ALERT = _histogram("alert_latency", "what", "Seconds from fetching a page to the alert it opened or raised.")
DELIVER = _histogram("delivery_try", "channel", "Seconds of a try to hand a message over.")
REQUEST = _histogram("http_request", "page", "Seconds of a request to the desk, by the first part of its address.")
STORED = _count("documents_stored", "outcome", "Documents that crawlers handed over: new, changed, unchanged.")
FAILED = _count("steps_failed", "stage", "Steps that failed, by stage; each is tried three times.")
TRIES = _count("delivery_tries", "outcome", "Tries of deliveries: sent, retry, refused, crashed.")
RUNS = _count("crawl_runs", "status", "Runs of sources, by how they ended.")
ANSWERS = _count("http_answers", "status", "Answers of the desk, by class.")
MEASURES = (STAGE, FETCH, ALERT, DELIVER, REQUEST, STORED, FAILED, TRIES, RUNS, ANSWERS)
Told = dict[str, dict[str, Any]]
"""{measure: {label's value: count, or [[how many in each bucket and above all], sum of seconds]}}."""

_LOCK = threading.Lock()
_held: Told = {}


def took(measure: Measure, label: str, seconds: float) -> None:
    """Note how long something took."""
    with _LOCK:
        mine = _held.setdefault(measure.name, {}).setdefault(label, [[0] * (len(BOUNDS) + 1), 0.0])
        mine[0][bisect_left(BOUNDS, seconds)] += 1
        mine[1] += max(seconds, 0.0)


def count(measure: Measure, label: str, by: int = 1) -> None:
    """Note that something happened."""
    with _LOCK:
        mine = _held.setdefault(measure.name, {})
        mine[label] = mine.get(label, 0) + by


@contextmanager
def taking(measure: Measure, label: str) -> Iterator[None]:
    """Note how long what is within takes, also where it fails."""
    started = time.perf_counter()
    try:
        yield
    finally:
        took(measure, label, time.perf_counter() - started)


def measured() -> Told:
    """All numbers of this process so far."""
    with _LOCK:
        return {
            name: {label: [list(one[0]), one[1]] if isinstance(one, list) else one for label, one in mine.items()}
            for name, mine in _held.items()
        }


def forget_measures() -> None:
    """Begin at nothing: for tests, and for who is forked."""
    with _LOCK:
        _held.clear()


def buckets_of(kept: object) -> tuple[list[int], float] | None:
    """A kept histogram; None where a row of another version holds another shape."""
    match kept:
        case [list(counts), int() | float() as total] if len(counts) == len(BOUNDS) + 1:
            return [int(number) for number in counts], float(total)
    return None


def told_of(kept: Mapping[str, Any], measure: Measure) -> Mapping[str, Any]:
    """What `kept` says of a measure, by label."""
    found = kept.get(measure.name)
    return found if isinstance(found, Mapping) else {}
