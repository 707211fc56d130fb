"""Detectors by hand: detect, over a CSV of counts, or over reference cases."""

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from alerts.detectors.detector import TOO_SHORT, CountSeries, Detections, Parameters, count_series
from alerts.detectors.reference import (
    DETECTORS,
    Case,
    computed,
    detector_of,
    disagreements,
    plain,
    read_cases,
)
from commands.count_csv import Row, first_from, read_csv
from commands.detect_calendar import METHOD, daily_lines
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from config.calendar_classes import load_calendar
from core.errors import UsageError

WEEKS_A_YEAR = 52
SEASON_OF_DAYS = ((1, 365), (7, WEEKS_A_YEAR), (31, 12), (92, 4), (366, 1))
"""Time points a year, by the days between them."""
NEED_HISTORY = {"cusum": "m", "glr": "mu0"}
"""Charts whose in-control mean, unless given, comes from what lies before their first point."""
LEARNT = ("glm", "mean-of-history")
HOURS_A_DAY = 24
METHODS = (*DETECTORS, METHOD)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(detect)


def detect(
    file: Annotated[
        Path | None, typer.Argument(help="CSV: time,count or key,time,count, with or without a head")
    ] = None,
    method: Annotated[str | None, typer.Option("--method", help=f"one of {', '.join(METHODS)}")] = None,
    param: Annotated[list[str] | None, typer.Option("--param", help="name=value, as often as needed; freq too")] = None,
    since: Annotated[str | None, typer.Option("--from", help="first time point to judge (default: all)")] = None,
    series: Annotated[Path | None, typer.Option("--series", help="series of the reference cases (JSON)")] = None,
    cases: Annotated[Path | None, typer.Option("--cases", help="reference cases (JSON) to compute and compare")] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """用检测方法逐期判断计数 (CSV of counts: a JSON line a time point; reference cases: exit 1 when one disagrees)."""
    settings = settings_of(data, profile, log_level="WARNING")
    try:
        if cases is not None and series is not None and file is None and method is None:
            _run_cases(series, cases, as_json=as_json)
        elif file is not None and method is not None and cases is None and series is None:
            control = dict(_param(text) for text in param or [])
            if method == METHOD:
                calendar = load_calendar(settings.config)
                for line in daily_lines(read_csv(file), calendar, control, since, file):
                    print(json.dumps(line, ensure_ascii=False))
            else:
                _run_file(file, method, control, since)
        else:
            raise UsageError("detect: give FILE.csv and --method NAME, or --series FILE and --cases FILE")
    except ValueError as wrong:
        raise UsageError(f"detect: {wrong}") from None


def _run_cases(series: Path, cases: Path, *, as_json: bool) -> None:
    wrong = 0
    read = read_cases(series, cases)
    for case in read:
        try:
            ours = computed(case)
        except ValueError as problem:
            raise UsageError(f"{cases}: {case.id}: control: {problem}") from None
        differs = disagreements(case, ours) if case.expected else []
        wrong += bool(differs)
        _print_case(case, ours, differs, as_json=as_json)
    if not as_json:
        print(f"{len(read)} 例，{wrong} 例不符")
    if wrong:
        raise typer.Exit(1)


def _print_case(case: Case, ours: Mapping[str, Any], differs: list[str], *, as_json: bool) -> None:
    if as_json:
        told: dict[str, Any] = {"id": case.id, "detector": case.detector}
        told |= {"agrees": not differs, "differs": differs} if case.expected else {}
        print(json.dumps(told | {"computed": ours}, ensure_ascii=False))
    elif not case.expected:
        print(f"{case.id}  {json.dumps(ours)}")
    else:
        print(f"{case.id}  {'相符' if not differs else f'不符 {len(differs)} 处'}")
        for line in differs[:5]:
            print(f"    {line}")


def _run_file(file: Path, method: str, control: dict[str, Any], since: str | None) -> None:
    if method not in METHODS:
        raise ValueError(f"detector: {method!r} is not one of {', '.join(METHODS)}")
    freq, start = control.pop("freq", None), control.pop("start", [1, 1])
    detector = detector_of(method, control)
    for key, rows in read_csv(file).items():
        days = _days(rows)
        _tell_gaps(key, days or [])
        season = _whole(freq, "freq") if freq is not None else _season(rows, days)
        counts = count_series([row.count for row in rows], season, _start(start), days)
        first = first_from(rows, since, file, key)
        given = control.get(NEED_HISTORY.get(method, ""))
        # Means given for fewer points than there are rows: the rest is left unjudged.
        last = first + len(given) if isinstance(given, list) and len(given) > 1 else len(rows)
        points = range(first, min(last, len(rows)))
        if since is None and method in NEED_HISTORY and (given is None or given in LEARNT):
            # The mean is learnt from what lies before the first point: one period is kept for that.
            points = range(min(season, len(rows)), len(rows))
        found = detector.detect(counts, points) if len(points) else None
        for line in _lines(key, rows[first:], first, detector, counts, found):
            print(json.dumps(line, ensure_ascii=False))


def _lines(
    key: str | None, rows: list[Row], first: int, detector: Parameters, counts: CountSeries, found: Detections | None
) -> Iterator[dict[str, Any]]:
    for point, row in enumerate(rows, start=first):
        line: dict[str, Any] = {"key": key, "time": row.given()}
        line |= {"observed": row.count, "expected": None, "upper": None, "score": None, "alarm": None, "p_value": None}
        line["reason"] = TOO_SHORT if found is None or point < found.points.start else "没有给出预期值"
        if found is not None and point in found.points:
            place = point - found.points.start
            line |= {"expected": plain(found.expected[place]), "upper": plain(found.upper[place])}
            line |= {"score": plain(found.score[place]), "p_value": plain(found.p_value[place])}
            line["alarm"] = None if point in found.unjudged else bool(found.alarm[place])
            line["reason"] = detector.reason(counts, found, place)
            line |= {name: plain(figures[place]) for name, figures in found.more.items()}
        yield line


def _days(rows: list[Row]) -> list[date] | None:
    """The date of each row; None for whole numbers and where a date holds more than one."""
    days = [row.time.date() for row in rows if isinstance(row.time, datetime)]
    return days if len(days) == len(rows) == len(set(days)) else None


def _tell_gaps(key: str | None, days: list[date]) -> None:
    """A classic method knows places in a row, not dates: what is left out counts as if it had never been."""
    steps = [(earlier, later) for earlier, later in pairwise(days)]
    usual = median((later - earlier).days for earlier, later in steps) if steps else 0
    gaps = [(earlier, later) for earlier, later in steps if (later - earlier).days > 1.5 * usual]
    if gaps:
        named = f"{key}：" if key else ""
        (earlier, later), more = gaps[0], f"等 {len(gaps)} 处" if len(gaps) > 1 else ""
        told = f"{named}{earlier} 与 {later} 之间缺行{more}，按相邻两期计；没有发生的期请补 0"
        print(told, file=sys.stderr)


def _season(rows: list[Row], days: list[date] | None) -> int:
    """The period where --param freq does not give it: the year by the distance of the dates, for hours the day."""
    if days is None or len(days) < 2:
        return HOURS_A_DAY if isinstance(rows[-1].time, datetime) and days is None else WEEKS_A_YEAR
    step = median((later - earlier).days for earlier, later in pairwise(days))
    return next((season for most, season in SEASON_OF_DAYS if step <= most), 1)


def _param(text: str) -> tuple[str, Any]:
    name, is_given, value = text.partition("=")
    if not is_given or not name:
        raise ValueError(f"--param: {text!r} (accepted: name=value)")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), {"True": True, "TRUE": True, "False": False, "FALSE": False}.get(value, value)


def _whole(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name}: {value!r} is not a whole number from 1")
    return value


def _start(value: object) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"start: {value!r} is not [year, time point]")
    return _whole(value[0], "start"), _whole(value[1], "start")
