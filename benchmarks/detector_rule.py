"""The default detector as a rule uses it: from the daily counts in the store, through the condition, to alarm days.

Beside the detector function it has the rule's own parts: factors learnt from the sum of all keys and kept by the month,
rounded; three years of one key read from its rows; nothing below `at_least`; the rule for rare keys.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import yaml
from sqlalchemy import Connection, insert

from alerts.day_series import start_of
from alerts.detectors.calendar_nb_counts import Flags
from alerts.engine import AlertEngine
from alerts.setup import load_parts
from benchmarks.detector_streams import Streams
from config.calendar_classes import Calendar
from config.rules import Rule, read_rule
from config.settings import PROJECT
from store.database import open_engine
from store.schema import counted_keys, day_counts, metadata

THRESHOLDS = (2.5, 3.0)
Ints = npt.NDArray[np.int64]


def rule_of(threshold: float) -> Rule:
    """A rule that counts by source: each series of a set is one."""
    words = {"title": "测量", "why": "测量", "level": "blue", "group_by": ["source"]}
    condition = {"type": "anomaly", "threshold": threshold}
    examples: dict[str, object] = {"fires": [[{}]], "quiet": [[{}]]}
    text = yaml.safe_dump({**words, "condition": condition, "examples": examples}, allow_unicode=True)
    return read_rule(text, stem="measured", name="measured")


def print_rule(streams: Streams, calendar: Calendar) -> None:
    """False alarms of the clean series, in all and by class, and what is found of the outbreaks."""
    codes = calendar.codes(streams.first_day, streams.clean.shape[1])[streams.eval_first :]
    for threshold in THRESHOLDS:
        began = time.process_time()
        clean = alarm_days(streams, streams.clean, threshold)
        judged = time.process_time() - began
        seen = alarm_days(streams, streams.clean + streams.injected, threshold)
        rate = clean.mean()
        days = [
            f"{calendar.names[code] or 'none'} {clean[:, codes == code].mean() / rate:.2f}" for code in np.unique(codes)
        ]
        volumes = [f"{mean:g} {clean[streams.mean == mean].mean() / rate:.2f}" for mean in np.unique(streams.mean)]
        delays = [delay for delay in _delays(streams, seen) if delay is not None]
        pod, pod1 = len(delays) / len(streams.onset), sum(delay <= 1 for delay in delays) / len(streams.onset)
        print(
            f"as a rule, threshold {threshold}: FPR {rate:.5f}, POD {pod:.2f}, POD1 {pod1:.2f},"
            f" delay {np.mean(delays):.1f} days; {1000 * judged / clean.size:.2f} ms CPU a key and day"
        )
        print(f"   multiples by calendar class: {', '.join(days)}; by volume: {', '.join(volumes)}", flush=True)


def _delays(streams: Streams, seen: Flags) -> Iterator[int | None]:
    for key, (onset, end) in enumerate(zip(streams.onset, streams.end, strict=True)):
        here = seen[key, onset - streams.eval_first : end - streams.eval_first + 1]
        yield int(here.argmax()) if here.any() else None


def alarm_days(streams: Streams, counts: Ints, threshold: float) -> Flags:
    """keys x evaluation days: whether the day is an alarm. counts: keys x all days."""
    rule = rule_of(threshold)
    database = open_engine("sqlite://")
    first = streams.first_day.toordinal()
    last = first + counts.shape[1] - 1
    found = np.zeros((len(counts), counts.shape[1] - streams.eval_first), dtype=bool)
    try:
        with database.begin() as db:
            metadata.create_all(db)
            _fill(db, counts, first)
            engine = _engine(rule)
            settling = engine.anomalies.begin(db, start_of(last))
            for key in range(len(counts)):
                days = engine.anomalies.alarm_days(settling, rule, _name(key), first + streams.eval_first, last)
                found[key, [day - first - streams.eval_first for day in days]] = True
    finally:
        database.dispose()
    return found


def _engine(rule: Rule) -> AlertEngine:
    return replace(load_parts(PROJECT / "config", registry=lambda _firm: None), rules=(rule,)).engine()


def _name(key: int) -> str:
    return f"w:measured|s{key:04}"


def _fill(db: Connection, counts: Ints, first: int) -> None:
    """What judging the documents would have left behind."""
    for key, row in enumerate(counts):
        there = np.flatnonzero(row)
        if not len(there):
            continue
        db.execute(
            insert(day_counts),
            [{"key": _name(key), "day": first + int(day), "value": "", "n": int(row[day])} for day in there],
        )
        bounds = {"first_day": first + int(there[0]), "last_day": first + int(there[-1])}
        db.execute(insert(counted_keys).values(key=_name(key), rule="measured", parent="t:measured", **bounds))
    total = counts.sum(axis=0)
    rows = [
        {"key": "t:measured", "day": first + int(day), "value": "", "n": int(total[day])}
        for day in np.flatnonzero(total)
    ]
    db.execute(insert(day_counts), rows)
