"""The detectors by name, and the reference cases: series and expected figures as data/detection holds them.

A case: {id, detector, series, control, range_first, range_last (1-based, both included), expected?}. A series:
{freq, start, epoch_as_date, dates?, observed}. SOURCE.md beside the data says where the figures come from.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from alerts.detectors.bayes import Bayes
from alerts.detectors.cusum import Cusum
from alerts.detectors.detector import CountSeries, Detections, Floats, Parameters, count_series
from alerts.detectors.ears import Ears
from alerts.detectors.farrington import FarringtonFlexible
from alerts.detectors.glr import Glr
from alerts.detectors.outbreak_p import OutbreakP

DETECTORS: dict[str, type[Parameters]] = {
    "ears": Ears,
    "farrington_flexible": FarringtonFlexible,
    "bayes": Bayes,
    "cusum": Cusum,
    "glr": Glr,
    "outbreak_p": OutbreakP,
}
FED = {"cusum": "m", "glr": "mu0"}
"""The in-control mean is fed in from `expected`, so that no model fit has to agree (SOURCE.md)."""
COMPARED = ("upperbound", "alarm", "expected", "pvalue", "phi", "cusum")
RELATIVE = 1e-8
ABSOLUTE = 1e-11
"""Figures this close to 0 are 0: the reference itself is rounding noise there."""
RELATIVE_OF = {"phi": 1e-6}
LEAST_MEAN_FOR_PHI = 1e-6

Value = float | bool | None


@dataclass(frozen=True, slots=True)
class Case:
    """One reference case; expected is empty where only the computed figures are wanted."""

    id: str
    detector: str
    series: CountSeries
    control: Mapping[str, Any]
    first: int
    last: int
    expected: Mapping[str, Any]


def detector_of(name: str, control: Mapping[str, Any]) -> Parameters:
    """The detector with these parameters. Raises ValueError naming the detector or the parameter."""
    kind = DETECTORS.get(name)
    if kind is None:
        raise ValueError(f"detector: {name!r} is not one of {', '.join(DETECTORS)}")
    return kind.of(control)


def run_case(
    detector: str,
    observed: Sequence[float | None],
    *,
    freq: int,
    start: tuple[int, int] = (1, 1),
    dates: Sequence[date] | None = None,
    control: Mapping[str, Any],
    first: int,
    last: int,
) -> dict[str, list[Value]]:
    """The arrays of a reference case, one value for each time point first ... last (1-based, both included).

    upperbound, alarm, expected, score, pvalue for every detector, and what it has besides (phi, mu0, trend,
    trend_coef; cusum, m); None where not available. `control` has the names of the reference files; what it leaves
    out has our default. Raises ValueError naming the key that is wrong.
    """
    series = count_series(observed, freq, start, dates)
    return arrays(detector_of(detector, control).detect(series, range(first - 1, last)))


def arrays(found: Detections) -> dict[str, list[Value]]:
    """The judgements under the names of the reference files."""
    rows: dict[str, Floats] = {"upperbound": found.upper, "expected": found.expected, "score": found.score}
    rows |= {"pvalue": found.p_value, **found.more}
    told: dict[str, list[Value]] = {name: [plain(value) for value in row] for name, row in rows.items()}
    told["alarm"] = [
        None if point in found.unjudged else bool(on) for point, on in zip(found.points, found.alarm, strict=True)
    ]
    return told


def plain(value: float) -> float | None:
    """A figure for JSON: None where it is not one."""
    return float(value) if np.isfinite(value) else None


def computed(case: Case) -> dict[str, list[Value]]:
    """What our detector says of a case. Raises ValueError naming the key that is wrong."""
    found = detector_of(case.detector, case.control).detect(case.series, range(case.first - 1, case.last))
    return arrays(found)


def disagreements(case: Case, ours: Mapping[str, Sequence[Value]]) -> list[str]:
    """Where our figures are not the expected ones: `upperbound at 531: 4.1, expected 4.0`. Alarms must be identical,
    figures within 1e-8 relative (phi, which reflects when a fit stops, within 1e-6)."""
    told: list[str] = []
    for name in COMPARED:
        expected = case.expected.get(name)
        if not isinstance(expected, list) or name not in ours:
            continue
        if len(expected) != len(ours[name]):
            told.append(f"{name}: {len(ours[name])} values, expected {len(expected)}")
            continue
        for place, (mine, theirs) in enumerate(zip(ours[name], expected, strict=True)):
            if name == "phi" and (case.expected["mu0"][place] or 0) <= LEAST_MEAN_FOR_PHI:
                continue
            if not _alike(mine, theirs, RELATIVE_OF.get(name, RELATIVE)):
                told.append(f"{name} at {case.first + place}: {mine}, expected {theirs}")
    return told


def _alike(mine: Value, theirs: Value, relative: float) -> bool:
    if mine is None or theirs is None or isinstance(mine, bool):
        return mine == theirs
    return abs(mine - theirs) <= relative * abs(theirs) + ABSOLUTE


def read_cases(series_file: Path, cases_file: Path) -> list[Case]:
    """The cases of a file with the series they name. Raises ValueError: `file: case: key: what is wrong`."""
    by_name = _json(series_file, dict)
    read: dict[str, CountSeries] = {}
    cases = []
    for number, row in enumerate(_json(cases_file, list), start=1):
        where = f"{cases_file}: case {number}"
        if not isinstance(row, dict):
            raise ValueError(f"{where}: not an object")
        where = f"{cases_file}: {row.get('id', f'case {number}')}"
        name = _part(row, "series", str, where)
        if name not in by_name:
            raise ValueError(f"{where}: series: no {name!r} in {series_file}")
        if name not in read:
            read[name] = _series(by_name[name], f"{series_file}: {name}")
        cases.append(_case(row, read[name], where))
    return cases


def _case(row: Mapping[str, Any], series: CountSeries, where: str) -> Case:
    detector = _part(row, "detector", str, where)
    control, expected = dict(_part(row, "control", dict, where)), row.get("expected") or {}
    if not isinstance(expected, dict):
        raise ValueError(f"{where}: expected: not an object")
    fed = FED.get(detector)
    if fed in expected:
        control[fed] = expected[fed]
    first, last = _part(row, "range_first", int, where), _part(row, "range_last", int, where)
    if not 1 <= first <= last <= len(series):
        raise ValueError(f"{where}: range_first: {first} to {last} of a series of {len(series)} time points")
    return Case(str(row.get("id", "")), detector, series, control, first, last, expected)


def _series(row: object, where: str) -> CountSeries:
    if not isinstance(row, dict):
        raise ValueError(f"{where}: not an object")
    observed, freq = _part(row, "observed", list, where), _part(row, "freq", int, where)
    start = row.get("start", [1, 1])
    if not isinstance(start, list) or len(start) != 2 or not all(isinstance(part, int) for part in start):
        raise ValueError(f"{where}: start: must be [year, time point]")
    dates = _part(row, "dates", list, where) if row.get("epoch_as_date") else None
    try:
        days = None if dates is None else [date.fromisoformat(day) for day in dates]
        return count_series(observed, freq, (start[0], start[1]), days)
    except (TypeError, ValueError) as wrong:
        raise ValueError(f"{where}: {wrong}") from None


def _json(file: Path, kind: type) -> Any:
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as wrong:
        raise ValueError(f"{file}: not JSON ({wrong})") from None
    if not isinstance(read, kind):
        raise ValueError(f"{file}: must hold {'a list of cases' if kind is list else 'an object of series by name'}")
    return read


def _part(row: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
    if key not in row:
        raise ValueError(f"{where}: {key}: missing")
    if not isinstance(row[key], kind) or isinstance(row[key], bool):
        raise ValueError(f"{where}: {key}: must be {WORDS[kind]}")
    return row[key]


WORDS = {str: "a text", int: "a whole number", list: "a list", dict: "an object"}
