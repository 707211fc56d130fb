"""Every reference case of the classic detectors, through the library and through `fengsui detect`."""

import json
from pathlib import Path
from typing import Any

import pytest

from alerts.detectors.reference import Case, computed, disagreements, read_cases
from cli import main

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "detection"
FILES = ("ears", "farrington_flexible", "bayes", "cusum", "glr", "outbreak_p")
SERIES = SHARED / "series.json"

pytestmark = pytest.mark.skipif(not SERIES.exists(), reason="the reference series are third-party data and not here")


def cases_of(name: str) -> list[Case]:
    return read_cases(SERIES, SHARED / f"{name}.json") if SERIES.exists() else []


CASES = [case for name in FILES for case in cases_of(name)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.detector}-{case.id}")
def test_alarms_are_identical_and_bounds_agree(case: Case) -> None:
    assert disagreements(case, computed(case)) == []


def test_every_file_is_there() -> None:
    assert {name: len(cases_of(name)) > 0 for name in FILES} == dict.fromkeys(FILES, True)


@pytest.mark.parametrize("case", CASES[::3], ids=lambda case: f"{case.detector}-{case.id}")
def test_a_csv_gives_the_same_as_the_case(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a desk exports, whole numbers or dates, with the case's parameters one by one."""
    days = case.series.dates
    times = [day.isoformat() for day in days] if days else [str(place + 1) for place in range(len(case.series))]
    counts = [f"{count:g}" for count in case.series.observed]
    file = tmp_path / "counts.csv"
    file.write_text("time,count\n" + "\n".join(map(",".join, zip(times, counts, strict=True))), encoding="utf-8")
    params = dict(case.control) | {"freq": case.series.freq}
    given = [word for name, value in params.items() for word in ("--param", f"{name}={json.dumps(value)}")]
    with pytest.raises(SystemExit) as ended:
        main(["detect", str(file), "--method", case.detector, *given, "--from", times[case.first - 1], "--json"])
    assert ended.value.code == 0
    lines: list[dict[str, Any]] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    lines = lines[: case.last - case.first + 1]
    told: dict[str, list[Any]] = {"upperbound": [line["upper"] for line in lines]}
    told["alarm"] = [line["alarm"] for line in lines]
    assert disagreements(case, told) == []
    assert lines[0]["time"] == (times[case.first - 1] if days else case.first)
