"""`fengsui rules replay`: what it prints, what it compares, and how it names a mistake in a file."""

import json
from pathlib import Path
from typing import Any

import pytest

import cli

CASE: dict[str, Any] = {
    "id": "many",
    "rule_type": "frequency",
    "config": {"num_events": 2, "timeframe_min": 60, "query_key": "企业"},
    "operations": [["events", [[0, {"企业": "甲"}], [5.5, {"企业": "甲"}]]], ["tick", 9]],
    "expected_matches_per_operation": [[{"minute": 5.5, "fields": {"企业": "甲"}}], []],
    "note": None,
}


def replay(folder: Path, content: Any, *options: str) -> int:
    file = folder / "cases.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        cli.main(["rules", "replay", str(file), *options])
    return int(end.value.code or 0)


def test_matches_are_printed_and_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(tmp_path, [CASE]) == 0
    told = capsys.readouterr().out
    assert "many（frequency）：1 次命中，一致" in told
    assert 'operations.0 (events)  minute 5.5  {"企业": "甲"}' in told
    assert "1 个用例，1 次命中；1 个有预期，0 个不符" in told


def test_a_disagreement_is_shown_line_by_line_and_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [[{"minute": 5, "fields": {"企业": "甲"}}], [{"minute": 9, "fields": {}}]]
    assert replay(tmp_path, [{**CASE, "expected_matches_per_operation": wanted}]) == 1
    told = capsys.readouterr().out
    assert '≠ operations.0 (events): match 1: expected minute 5 {"企业": "甲"}; came minute 5.5 {"企业": "甲"}' in told
    assert "≠ operations.1 (tick): 1 matches expected, 0 came" in told
    assert "≠ operations.1 (tick): match 1: expected minute 9 {}; came nothing" in told


def test_json_is_one_line_a_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    free = {key: value for key, value in CASE.items() if key != "expected_matches_per_operation"} | {"id": "free"}
    assert replay(tmp_path, [CASE, free], "--json") == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["id"], one["agrees"]) for one in told] == [("many", True), ("free", None)]
    assert told[0]["matches_per_operation"] == CASE["expected_matches_per_operation"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"operations": [["tick"]]}, 'case many: operations.0: expected ["tick", minute]'),
        ({"operations": [["tock", 1]]}, 'case many: operations.0: expected one of ["events"'),
        ({"operations": [["tick", float("nan")]]}, "case many: operations.0: nan is not a minute"),
        ({"operations": [["count", 1, 10**400]]}, 'case many: operations.0: expected ["count", minute, n]'),
        ({"operations": [["events", [[1]]]]}, "case many: operations.0.1.0: expected [minute, {fields}]"),
        ({"expected_matches_per_operation": [[]]}, "expected a list as long as operations (2)"),
        ({"expected_matches_per_operation": [[], [3]]}, "expected_matches_per_operation.1: expected a list of"),
        ({"config": {"num_events": 2}}, "case many: config.timeframe: is missing"),
        ({"extra": 1}, "case many: extra: unknown key"),
        ({"id": ""}, "case number 1: id: expected a text"),
    ],
)
def test_a_bad_case_is_named_with_its_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], told: str
) -> None:
    assert replay(tmp_path, [{**CASE, **change}]) == 2
    assert told in capsys.readouterr().err


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(tmp_path, [{**CASE, "config": {}}, {**CASE, "operations": [[]]}]) == 2
    told = capsys.readouterr().err
    assert "config.num_events: is missing" in told
    assert "case many: operations.0: expected one of" in told


@pytest.mark.parametrize("content", ["", "{}", "[]", "[1]", "[" * 200_000, '[{"id": 1' + "1" * 5000 + "}]"])
def test_a_file_that_holds_no_cases_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    assert replay(tmp_path, content) == 2
    assert "cases.json" in capsys.readouterr().err


def test_a_missing_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["rules", "replay", str(tmp_path / "none.json")])
    assert end.value.code == 2
    assert "none.json" in capsys.readouterr().err


def test_half_a_character_from_outside_does_not_stop_the_print(tmp_path: Path) -> None:
    bad = {**CASE, "operations": [["events", [[0, {"企业": "\ud800"}], [1, {"企业": "\ud800"}]]]]}
    del bad["expected_matches_per_operation"]
    assert replay(tmp_path, [bad]) == 0
