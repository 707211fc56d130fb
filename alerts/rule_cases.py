"""Recorded streams for the rule types of alerts/rule_types: read from JSON, run, and held against what was expected.

A case is {id, rule_type, config, operations, expected_matches_per_operation?, note?}; times are minutes from 0.
Operations: ["events", [[minute, {fields}], ...]] in order of arrival; ["tick", minute]; ["count", minute, n];
["terms", minute, {value: n}]; ["metric", minute, number | null | {value: number | null}]; ["percent", minute, matching,
other] or ["percent", minute, {value: [matching, other]}]. Expected: one list of {minute, fields} per operation.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from alerts.rule_types import rule_type
from alerts.rule_types.protocol import Count, Event, Events, Match, Metric, Operation, Percent, Terms, Tick
from core.errors import ConfigError, UsageError

ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)
FARTHEST = 50_000_000.0
"""Minutes, about a century: beyond it a time is a slip of the pen."""
LARGEST = 1e300
SAME_MINUTE = 1e-6
SAME_NUMBER = 1e-9

KEYS = ("id", "rule_type", "config", "operations", "expected_matches_per_operation", "note")


@dataclass(frozen=True)
class Case:
    """One recorded stream. expected: matches per operation, None where nothing is expected of it."""

    id: str
    rule_type: str
    config: Mapping[str, Any]
    names: tuple[str, ...]
    operations: tuple[Operation, ...]
    expected: tuple[tuple[Mapping[str, Any], ...], ...] | None


@dataclass(frozen=True)
class CaseRun:
    """What running a case came to. matches: {minute, fields, related?} per operation.  differences: in words."""

    case: Case
    matches: tuple[tuple[Mapping[str, Any], ...], ...]
    differences: tuple[str, ...]

    @property
    def agrees(self) -> bool | None:
        """Whether all came as expected; None where nothing was."""
        return None if self.case.expected is None else not self.differences


def read_cases(text: str, *, name: str) -> tuple[Case, ...]:
    """All cases of a file. Raises ConfigError with every mistake: `name: case c1: config.num_events: is missing`."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as problem:
        told = "nested too deeply" if isinstance(problem, RecursionError) else str(problem)
        raise ConfigError([f"{name}: not readable as JSON: {told}"]) from None
    if not isinstance(content, list) or not content:
        raise ConfigError([f"{name}: expected a list of cases, each with {', '.join(KEYS[:4])}"])
    cases: list[Case] = []
    mistakes: list[str] = []
    for place, told in enumerate(content):
        known = told.get("id") if isinstance(told, dict) else None
        where = f"{name}: case {known}" if isinstance(known, str) and known else f"{name}: case number {place + 1}"
        try:
            cases.append(_read_case(told))
            if any(one.id == known for one in cases[:-1]):
                mistakes.append(f"{where}: id: is there twice")
        except ConfigError as problem:
            mistakes += [f"{where}: {mistake}" for mistake in problem.mistakes]
        except RecursionError:
            mistakes.append(f"{where}: nested too deeply")
    if mistakes:
        raise ConfigError(mistakes)
    return tuple(cases)


def run_case(case: Case) -> CaseRun:
    """Tell the operations to a fresh instance of the type. Raises UsageError for one that the type does not take."""
    judge = rule_type(case.rule_type, case.config)
    told: list[tuple[Mapping[str, Any], ...]] = []
    for place, operation in enumerate(case.operations):
        try:
            told.append(tuple(_told(match) for match in judge.feed(operation)))
        except UsageError as problem:
            raise UsageError(f"case {case.id}: operations.{place}: {problem}") from None
    matches = tuple(told)
    differences = () if case.expected is None else tuple(_differences(case, matches))
    return CaseRun(case, matches, differences)


def _told(match: Match) -> dict[str, Any]:
    told: dict[str, Any] = {"minute": _minute(match.at), "fields": dict(match.fields)}
    if match.related:
        told["related"] = [{"minute": _minute(one.at), "fields": dict(one.fields)} for one in match.related]
    return told


def _minute(at: datetime) -> float:
    return round((at - ORIGIN) / timedelta(minutes=1), 6)


# --- reading ----------------------------------------------------------------------------------------------------


def _read_case(told: Any) -> Case:
    if not isinstance(told, dict):
        raise ConfigError([f"expected an object with {', '.join(KEYS[:4])}"])
    mistakes = [f"{key}: unknown key (accepted: {', '.join(KEYS)})" for key in told if key not in KEYS]
    shapes: tuple[tuple[str, type, str], ...] = (
        ("id", str, "a text"),
        ("rule_type", str, "a text"),
        ("config", dict, "an object"),
        ("operations", list, "a list"),
    )
    for key, shape, words in shapes:
        if key not in told:
            mistakes.append(f"{key}: is missing")
        elif not isinstance(told[key], shape) or told[key] == "":
            mistakes.append(f"{key}: expected {words}")
    if mistakes:
        raise ConfigError(mistakes)
    operations: list[Operation] = []
    expected: list[tuple[Mapping[str, Any], ...]] = []
    mistakes += _collect(partial(rule_type, told["rule_type"], told["config"]))
    for place, operation in enumerate(told["operations"]):
        mistakes += _collect(partial(_take, operations, operation, f"operations.{place}"))
    expects = told.get("expected_matches_per_operation") is not None
    if expects:
        mistakes += _collect(partial(_take_expected, expected, told))
    if mistakes:
        raise ConfigError(mistakes)
    names = tuple(str(one[0]) for one in told["operations"])
    wanted = tuple(expected) if expects else None
    return Case(told["id"], told["rule_type"], told["config"], names, tuple(operations), wanted)


def _collect(read: Callable[[], Any]) -> list[str]:
    try:
        read()
    except ConfigError as problem:
        return list(problem.mistakes)
    return []


def _take(found: list[Operation], told: Any, where: str) -> None:
    found.append(_operation(told, where))


def _operation(told: Any, where: str) -> Operation:
    if not isinstance(told, list) or not told or told[0] not in _FORMS:
        raise ConfigError([f"{where}: expected one of {'; '.join(_FORMS.values())}"])
    form = f"{where}: expected {_FORMS[told[0]]}"
    match told:
        case ["events", list(events)]:
            return Events(tuple(_event(one, f"{where}.1.{place}") for place, one in enumerate(events)))
        case ["tick", minute]:
            return Tick(_moment(minute, where))
        case ["count", minute, number] if _is_number(number):
            return Count(_moment(minute, where), number)
        case ["terms", minute, dict(numbers)] if all(map(_is_number, numbers.values())):
            return Terms(_moment(minute, where), numbers)
        case ["metric", minute, value] if _is_metric(value):
            return Metric(_moment(minute, where), value)
        case ["percent", minute, matching, other] if _is_number(matching) and _is_number(other):
            return Percent(_moment(minute, where), {None: (matching, other)})
        case ["percent", minute, dict(shares)] if all(map(_is_pair, shares.values())):
            return Percent(_moment(minute, where), {key: (pair[0], pair[1]) for key, pair in shares.items()})
    raise ConfigError([form])


_FORMS = {
    "events": '["events", [[minute, {fields}], ...]]',
    "tick": '["tick", minute]',
    "count": '["count", minute, n]',
    "terms": '["terms", minute, {value: n}]',
    "metric": '["metric", minute, number or null or {value: number or null}]',
    "percent": '["percent", minute, matching, other] or ["percent", minute, {value: [matching, other]}]',
}


def _event(told: Any, where: str) -> Event:
    match told:
        case [minute, dict(fields)]:
            return Event(_moment(minute, where), fields)
    raise ConfigError([f"{where}: expected [minute, {{fields}}]"])


def _moment(minute: Any, where: str) -> datetime:
    if not _is_number(minute) or abs(minute) > FARTHEST:
        raise ConfigError([f"{where}: {minute!r} is not a minute (a number, at most {FARTHEST:.0f})"])
    return ORIGIN + timedelta(minutes=minute)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))


def _is_metric(value: Any) -> bool:
    return value is None or _is_number(value) or (isinstance(value, dict) and all(map(_is_metric, value.values())))


def _take_expected(found: list[tuple[Mapping[str, Any], ...]], told: Mapping[str, Any]) -> None:
    key, expected = "expected_matches_per_operation", told["expected_matches_per_operation"]
    if not isinstance(expected, list) or len(expected) != len(told["operations"]):
        raise ConfigError([f"{key}: expected a list as long as operations ({len(told['operations'])})"])
    for place, matches in enumerate(expected):
        if not isinstance(matches, list) or not all(map(_is_match, matches)):
            raise ConfigError([f"{key}.{place}: expected a list of {{minute, fields}}"])
        found.append(tuple(matches))


def _is_match(told: Any) -> bool:
    return isinstance(told, dict) and _is_number(told.get("minute")) and isinstance(told.get("fields"), dict)


# --- comparing --------------------------------------------------------------------------------------------------


def _differences(case: Case, matches: Sequence[Sequence[Mapping[str, Any]]]) -> list[str]:
    found: list[str] = []
    for place, (wanted, came) in enumerate(zip(case.expected or (), matches, strict=True)):
        where = f"operations.{place} ({case.names[place]})"
        if len(wanted) != len(came):
            found.append(f"{where}: {len(wanted)} matches expected, {len(came)} came")
        for number in range(max(len(wanted), len(came))):
            left = wanted[number] if number < len(wanted) else None
            right = came[number] if number < len(came) else None
            if left is None or right is None or not _same_match(left, right):
                found.append(f"{where}: match {number + 1}: expected {_line(left)}; came {_line(right)}")
    return found


def _same_match(wanted: Mapping[str, Any], came: Mapping[str, Any]) -> bool:
    return abs(wanted["minute"] - came["minute"]) <= SAME_MINUTE and _same(wanted["fields"], came["fields"])


def _same(left: Any, right: Any) -> bool:
    """Equal as JSON: true is no number, numbers may differ in the last digits."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(value, right[key]) for key, value in left.items())
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(_same, left, right))
    if _is_number(left) and _is_number(right):
        return math.isclose(left, right, rel_tol=SAME_NUMBER, abs_tol=SAME_NUMBER)
    return type(left) is type(right) and bool(left == right)


def _line(match: Mapping[str, Any] | None) -> str:
    if match is None:
        return "nothing"
    return f"minute {match['minute']} {json.dumps(match['fields'], ensure_ascii=False)}"
