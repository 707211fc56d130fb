"""`fengsui detect --method calendar_nb` at a shell: all keys of a CSV of daily counts, judged a day at a time."""

import json
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli import main

FIRST = date(2025, 3, 3)
DAYS = 60
LAST = (FIRST + timedelta(days=DAYS - 1)).isoformat()
BUSY = [int(count) for count in np.random.default_rng(5).poisson(4, DAYS - 1)]
SILENT = [0] * (DAYS - 1)


def rows(counts: Iterable[int | str], key: str = "", *, first: date = FIRST, step: int = 1) -> list[str]:
    head = f"{key}," if key else ""
    return [f"{head}{first + timedelta(days=step * place)},{count}" for place, count in enumerate(counts)]


def detect(folder: Path, lines: list[str], *words: str) -> int:
    file = folder / "counts.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["detect", str(file), "--method", "calendar_nb", *words])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture
def told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(lines: list[str], *words: str) -> list[dict[str, Any]]:
        assert detect(tmp_path, lines, *words) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def test_a_jump_alarms_and_its_figures_agree(told: Any) -> None:
    lines = told(rows([*BUSY, 25]), "--json")
    assert [line["time"] for line in lines] == [str(FIRST + timedelta(days=place)) for place in range(DAYS)]
    jump = lines[-1]
    assert jump["alarm"]
    assert (jump["key"], jump["time"], jump["observed"]) == (None, LAST, 25)
    assert 3 < jump["expected"] < jump["upper"] < 25
    assert jump["score"] > 2.5
    assert jump["p_value"] == pytest.approx(10 ** -jump["score"])
    window = jump["window"]
    assert window["observed"] == sum([*BUSY, 25][-window["days"] :])
    assert window["p"] < 0.001
    assert f"{window['observed']:g} 件" in jump["reason"]
    assert "天一遇" in jump["reason"]


def test_the_bound_is_the_last_count_that_is_no_alarm(told: Any) -> None:
    upper = int(told(rows([*BUSY, 25]), "--from", LAST)[0]["upper"])
    (at,), (above,) = (told(rows([*BUSY, count]), "--from", LAST) for count in (upper, upper + 1))
    assert (at["alarm"], above["alarm"]) == (False, True)
    assert at["upper"] == above["upper"] == upper
    assert f"当日达 {upper + 1} 件报警" in at["reason"]


def test_a_silent_keys_lone_event_is_no_alarm(told: Any) -> None:
    (last,) = told(rows([*SILENT, 1]), "--from", LAST)
    assert (last["alarm"], last["score"], last["window"]) == (False, 0.0, None)
    (last,) = told(rows([*SILENT, 3]), "--from", LAST)
    assert last["alarm"]


def test_a_short_history_gives_nulls(told: Any) -> None:
    lines = told(rows([*BUSY, 4]))
    assert [line["alarm"] is None for line in lines] == [True] * 27 + [False] * (DAYS - 27)
    assert {name: lines[0][name] for name in ("expected", "upper", "score", "p_value", "window")} == dict.fromkeys(
        ("expected", "upper", "score", "p_value", "window")
    )
    assert (lines[0]["observed"], lines[0]["reason"]) == (BUSY[0], "历史不足")
    assert None not in [line["alarm"] for line in told(rows([*BUSY, 4]), "--param", "short_days=1")]


def test_keys_are_told_one_after_the_other_each_with_its_own_days(told: Any) -> None:
    late = FIRST + timedelta(days=40)
    lines = told([*rows([*BUSY, 25], "电池"), *rows([4] * 30, "奶粉", first=late)][::-1])
    assert [line["key"] for line in lines] == ["奶粉"] * 30 + ["电池"] * DAYS
    by_key = {key: [line for line in lines if line["key"] == key] for key in ("奶粉", "电池")}
    assert by_key["电池"][-1]["alarm"]
    assert [line["alarm"] for line in by_key["奶粉"]] == [None] * 27 + [False] * 3
    assert by_key["奶粉"][-1]["time"] == str(late + timedelta(days=29))


def test_what_comes_later_changes_nothing(told: Any) -> None:
    known = told(rows([*BUSY, 25]))
    assert told(rows([*BUSY, 25, 400, 0, 9]))[:DAYS] == known
    assert told(rows([*BUSY, 25]), "--from", LAST) == known[-1:]


def test_a_day_is_a_day_in_beijing_and_its_class_is_told(told: Any) -> None:
    first = date(2025, 2, 1)
    written = [f"{first + timedelta(days=place)}T16:00:00Z,{4 + place % 2}" for place in range(41)]
    lines = told(written)
    assert lines[-1]["time"] == "2025-03-13T16:00:00Z"
    assert "已按3·15" in lines[-1]["reason"]


def test_parameters_change_the_judgement(told: Any) -> None:
    usual = told(rows([*BUSY, 25]), "--from", LAST, "--param", "freq=7", "--param", "windows=[3]")[0]
    strict = told(rows([*BUSY, 25]), "--from", LAST, "--param", "threshold=40")[0]
    assert (usual["alarm"], strict["alarm"]) == (True, False)
    assert usual["expected"] == strict["expected"]
    assert strict["upper"] > usual["upper"]


WEEKLY = rows([3] * 60, step=7)
HOURLY = [f"2025-03-03T{hour:02}:00:00,3" for hour in range(24)]


@pytest.mark.parametrize(
    ("lines", "words", "named"),
    [
        (WEEKLY, (), "time points are 7 days apart: calendar_nb judges daily counts only"),
        (HOURLY, (), "2025-03-03 holds several time points: calendar_nb judges daily counts only"),
        (["1,3", "2,4"], (), "times are whole numbers, not dates: calendar_nb judges daily counts only"),
        (rows(BUSY), ("--param", "freq=52"), "freq: 52: calendar_nb judges daily counts only (accepted: 7 or 365)"),
        (rows(BUSY), ("--param", "thresold=2"), "thresold: no such parameter (accepted: threshold, windows"),
        (rows(BUSY), ("--param", "threshold=-1"), "threshold: Input should be greater than 0"),
        (rows(BUSY), ("--param", "half_life_days=[9, 3]"), "half_life_days: shortest, then longest"),
        (rows(BUSY), ("--param", "windows=[90]"), "windows: each must be 1 to 60 days"),
        (["time,count", *rows([1, 2, "", 4])], (), "line 4: count: missing; calendar_nb needs every day (0 where"),
        (["2025-03-03,1", "2025-03-04,2", "2025-03-06,3", "2025-03-07,3"], (), "line 3: no row for 2025-03-05 before"),
        (rows([1, "2.5"]), (), "line 2: count: 2.5 is not a whole number"),
        (rows([1, "1e9"]), (), "line 2: count: 1e+09 is not a whole number up to 100,000,000"),
        (["9999-12-31T23:00:00-08:00,1"], (), "is no day in Beijing"),
        (rows(BUSY), ("--from", "2026-01-01"), "--from: 2026-01-01 is after the last time point"),
    ],
)
def test_a_mistake_is_named_and_ends_with_2(
    lines: list[str], words: tuple[str, ...], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detect(tmp_path, lines, *words) == 2
    printed = capsys.readouterr()
    assert named in printed.err
    assert not printed.out
