"""`fengsui detect` at a shell: CSV in, a judgement a time point out; mistakes named."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli import main

FLAT = "\n".join(f"{day},{count}" for day, count in enumerate([1, 2, 3, 4, 2, 3, 9, 1], start=1))


def detect(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["detect", *map(str, words)])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def csv(folder: Path, text: str) -> Path:
    file = folder / "counts.csv"
    file.write_text(text, encoding="utf-8")
    return file


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


EARS = ("--method", "ears", "--param", "baseline=4", "--param", "method=C1")


def test_every_row_gives_a_line_with_nulls_at_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert detect(csv(tmp_path, FLAT), *EARS, "--json") == 0
    lines = lines_of(capsys)
    assert [line["time"] for line in lines] == list(range(1, 9))
    assert [line["alarm"] for line in lines] == [None] * 4 + [False, False, True, False]
    assert lines[0] | {"p_value": None} == {
        "key": None,
        "time": 1,
        "observed": 1.0,
        "expected": None,
        "upper": None,
        "score": None,
        "p_value": None,
        "alarm": None,
        "reason": "历史不足",
    }
    assert "高于上界" in lines[6]["reason"]


def test_missing_rows_are_told_and_whole_series_are_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = "\n".join(f"2026-01-{day:02},3" for day in range(1, 13))
    assert detect(csv(tmp_path, whole), *EARS) == 0
    assert capsys.readouterr().err == ""
    assert detect(csv(tmp_path, whole.replace("2026-01-06,3\n", "")), *EARS) == 0
    assert "2026-01-05 与 2026-01-07 之间缺行" in capsys.readouterr().err


def test_from_begins_later(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert detect(csv(tmp_path, "time,count\n" + FLAT), *EARS, "--from", "7", "--json") == 0
    assert [(line["time"], line["alarm"]) for line in lines_of(capsys)] == [(7, True), (8, False)]


def test_keys_are_judged_apart_and_rows_may_come_in_any_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = [f"2026-03-{day:02}" for day in range(1, 7)]
    rows = [f"电池,{day},{count}" for day, count in zip(days, [1, 2, 1, 2, 1, 30], strict=True)]
    rows += [f"奶粉,{day},{count}" for day, count in zip(days, [30, 29, 31, 30, 29, 30], strict=True)]
    assert detect(csv(tmp_path, "\n".join(["key,time,count", *rows[::-1]])), *EARS, "--from", days[5], "--json") == 0
    assert {line["key"]: (line["time"], line["alarm"]) for line in lines_of(capsys)} == {
        "电池": (days[5], True),
        "奶粉": (days[5], False),
    }


def test_times_come_back_as_given_and_an_empty_count_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hours = [f"2026-03-01T{hour:02}:00:00+08:00" for hour in range(6)]
    counts = ["1", "2", "1", "2", "1", ""]
    file = csv(tmp_path, "\n".join(map(",".join, zip(hours, counts, strict=True))))
    assert detect(file, *EARS, "--from", hours[4], "--json") == 0
    last = lines_of(capsys)[-1]
    assert (last["time"], last["observed"], last["alarm"]) == (hours[5], None, None)
    assert last["reason"] == "本期数据缺失"


def test_a_chart_without_a_given_mean_keeps_one_period_to_learn_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detect(csv(tmp_path, FLAT), "--method", "cusum", "--param", "freq=6", "--json") == 0
    lines = lines_of(capsys)
    assert [line["alarm"] for line in lines] == [None] * 6 + [True, False]
    assert lines[6]["expected"] == 2.5


def test_means_for_the_first_points_judge_these(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--method", "cusum", "--from", "6", "--param", "m=[2, 2]")
    assert detect(csv(tmp_path, FLAT), *words) == 0
    lines = lines_of(capsys)
    assert [(line["time"], line["alarm"]) for line in lines] == [(6, False), (7, True), (8, None)]
    assert lines[2]["reason"] == "没有给出预期值"


@pytest.mark.parametrize(
    ("text", "words", "named"),
    [
        (FLAT, ("--method", "ears", "--param", "baseline=1"), "baseline: Input should be"),
        (FLAT, ("--method", "ears", "--param", "basline=7"), "basline: no such parameter (accepted: method, baseline"),
        (FLAT, ("--method", "ears", "--param", "baseline"), "--param: 'baseline' (accepted: name=value)"),
        (FLAT, ("--method", "ears", "--param", "freq=0"), "freq: 0 is not a whole number"),
        (FLAT, ("--method", "arima"), "detector: 'arima' is not one of ears"),
        (FLAT, ("--method", "ears", "--from", "2026-01-01"), "--from: '2026-01-01' is not a time like those"),
        (FLAT, ("--method", "ears", "--from", "9"), "--from: 9 is after the last time point (8)"),
        ("1,2\n1,3", ("--method", "ears"), "time: 1 is there twice"),
        ("1,2\n2,many", ("--method", "ears"), "line 2: count: 'many' is not a number"),
        ("1,2\n2,-3", ("--method", "ears"), "line 2: count: '-3' is not a number"),
        ("1,2\nsoon,3", ("--method", "ears"), "line 2: time: 'soon' is neither"),
        ("1,2\n2026-01-01,3", ("--method", "ears"), "times are of different kinds"),
        ("1,2\n1,2,3,4", ("--method", "ears"), "line 2: 4 columns"),
        ("time,count\n", ("--method", "ears"), "no counts in it"),
        (FLAT, (), "give FILE.csv and --method NAME"),
        (FLAT, ("--method", "cusum", "--from", "6", "--param", "m=[1,2,3,4]"), "m: 4 values for 3 time points"),
    ],
)
def test_a_mistake_is_named_and_ends_with_2(
    text: str, words: tuple[str, ...], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detect(csv(tmp_path, text), *words) == 2
    assert named in capsys.readouterr().err


SERIES = {"few": {"freq": 4, "start": [2026, 1], "epoch_as_date": False, "observed": [1, 2, 3, 4, 9]}}
CASE: dict[str, Any] = {
    "id": "few_C1",
    "detector": "ears",
    "series": "few",
    "control": {"method": "C1", "baseline": 4, "minSigma": 0, "alpha": 0.001},
    "range_first": 5,
    "range_last": 5,
}
AGREES = {"upperbound": [6.48], "alarm": [True]}


def cases(folder: Path, *rows: object) -> tuple[str, str, str, str]:
    (folder / "series.json").write_text(json.dumps(SERIES), encoding="utf-8")
    (folder / "cases.json").write_text(json.dumps(rows), encoding="utf-8")
    return "--series", str(folder / "series.json"), "--cases", str(folder / "cases.json")


def test_a_case_without_expected_figures_is_computed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert detect(*cases(tmp_path, CASE), "--json") == 0
    (line,) = lines_of(capsys)
    assert line["computed"]["upperbound"] == [pytest.approx(2.5 + 3.090232306167813 * (5 / 3) ** 0.5)]
    assert line["computed"]["alarm"] == [True]


def test_a_case_that_does_not_agree_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exact = 2.5 + 3.090232306167813 * (5 / 3) ** 0.5
    good = CASE | {"expected": {"upperbound": [exact], "alarm": [True]}}
    assert detect(*cases(tmp_path, good)) == 0
    capsys.readouterr()
    assert detect(*cases(tmp_path, good, CASE | {"id": "off", "expected": AGREES})) == 1
    told = capsys.readouterr().out
    assert "few_C1  相符" in told
    assert "off  不符 1 处" in told
    assert "upperbound at 5: 6.48" in told
    assert "2 例，1 例不符" in told


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"series": "none"}, "few_C1: series: no 'none' in"),
        ({"detector": "x"}, "few_C1: control: detector: 'x' is not one of"),
        ({"control": {"baseline": 0}}, "few_C1: control: baseline"),
        ({"range_last": 6}, "few_C1: range_first: 5 to 6 of a series of 5"),
        ({"range_first": "5"}, "few_C1: range_first: must be a whole number"),
    ],
)
def test_a_bad_case_is_named_and_ends_with_2(
    change: dict[str, Any], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detect(*cases(tmp_path, CASE | change)) == 2
    assert named in capsys.readouterr().err


def test_a_case_without_a_key_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert detect(*cases(tmp_path, {key: value for key, value in CASE.items() if key != "control"})) == 2
    assert "few_C1: control: missing" in capsys.readouterr().err
