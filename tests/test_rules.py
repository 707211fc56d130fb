"""Rule files: the examples inside them come out, their mistakes are named, and people can read what they mean."""

import json
from pathlib import Path

import pytest

import cli
from alerts.rule_examples import run_examples
from alerts.rule_words import rule_words
from config.calendar_classes import Calendar, load_calendar
from config.grouping import load_grouping
from config.lexicon import Lexicon
from config.rules import Rule, load_rules
from config.settings import PROJECT
from core.records import RegistryEntry

CONFIG = PROJECT / "config"
SHIPPED = load_rules(CONFIG)
FIRES = "{kind: news, product: fireworks, jurisdiction: '360922', issues: [explosion], level: 2}"
RULE = f"""
title: 烟花爆竹爆炸
why: 用于测试
scope: {{products: [fireworks], issues: [explosion]}}
condition: {{type: any}}
level: yellow
examples:
  fires: [[{FIRES}]]
  quiet: [[{{kind: news, product: cable, issues: [nonconf]}}]]
"""
FREQUENCY = RULE.replace("{", "{{").replace("}", "}}").replace("type: any", "type: frequency, window: {}, at_least: {}")


@pytest.mark.parametrize("rule", SHIPPED, ids=lambda rule: rule.id)
def test_the_examples_of_every_shipped_rule_come_out(
    rule: Rule, lexicon: Lexicon, firms: dict[str, RegistryEntry]
) -> None:
    runs = run_examples(rule, lexicon=lexicon, grouping=load_grouping(CONFIG), registry=firms.get)
    assert {run.expected for run in runs} == {"fires", "quiet"}
    assert [f"{run.expected} {run.number}: {run.told}" for run in runs if not run.passed] == []


@pytest.mark.parametrize("rule", SHIPPED, ids=lambda rule: rule.id)
def test_every_shipped_rule_can_be_read_without_yaml(rule: Rule, lexicon: Lexicon) -> None:
    words = rule_words(rule, lexicon)
    assert words.endswith("。")
    assert "_" not in words, "an id where a name should stand"


def rules_folder(folder: Path, text: str) -> Path:
    (folder / "blast.yml").write_text(text, encoding="utf-8")
    return folder


def fengsui(*words: str) -> int:
    """The exit code of a command run in this process."""
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    return int(ended.value.code or 0)


def test_a_rule_that_does_what_its_examples_say_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fengsui("rules", "test", "--rules", str(rules_folder(tmp_path, RULE))) == 0
    assert "1 条规则，2 个示例，0 个不符" in capsys.readouterr().out


def test_an_example_that_does_not_come_out_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = RULE.replace("product: cable, issues: [nonconf]", "product: fireworks, issues: [explosion]")
    assert fengsui("rules", "test", "--rules", str(rules_folder(tmp_path, wrong))) == 1
    out = capsys.readouterr().out
    assert "blast.yml: examples.quiet.0: 不应触发，规则「烟花爆竹爆炸」" in out
    assert "1 个不符" in out


def test_json_tells_what_was_expected_and_what_came(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = RULE.replace(FIRES, FIRES.replace("fireworks", "cable"))
    assert fengsui("rules", "test", "--json", "--rules", str(rules_folder(tmp_path, wrong))) == 1
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["file"], first["expected"], first["number"]) == ("blast.yml", "fires", 1)
    assert (first["came"], first["passed"], second["passed"]) == ([], False, True)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (RULE.replace("level: yellow", "level: pink"), "blast.yml: level"),
        (RULE.replace("type: any", "type: often"), "often"),
        (RULE.replace("level: yellow", "levle: yellow"), "levle"),
        (RULE.replace("product: cable", "product: cabel"), "blast.yml: examples.quiet.0.product: 'cabel'"),
        (RULE.replace("quiet: [[", "quiet: [[], ["), "examples.quiet.0"),
        (RULE[: RULE.index("  quiet")], "examples.quiet: is missing"),
        ("title: [", "not readable as YAML"),
        ("title: " + "[" * 5000 + "]" * 5000, "blast.yml: nested more than 40 deep"),
        ("1: one\n" + RULE, "blast.yml: 1: unknown key (accepted: title, why"),
        (RULE + "level: red\n", "blast.yml: line 10: level is there twice"),
        (RULE.replace("[explosion]}", "[explosion], regions: ['369999']}", 1), "blast.yml: scope.regions: '369999'"),
        (RULE.replace("[explosion]}", "[explosion], text: ['']}", 1), "blast.yml: scope.text.0: String should have"),
        (RULE.replace("'360922'", "'999999'"), "blast.yml: examples.fires.0.jurisdiction: '999999'"),
        (RULE.replace("level: 2", "level: 2, at: .inf"), "blast.yml: examples.fires.0.0.at: Input should be a finite"),
        (FREQUENCY.format("0d", 3), "blast.yml: condition.window: Input should be greater than 0s (got '0d')"),
        (FREQUENCY.format("99999999999d", 3), "blast.yml: condition.window: '99999999999d' is too long"),
        (FREQUENCY.format("7d", "yes"), "blast.yml: condition.at_least: Input should be a valid integer (got True)"),
        (FREQUENCY.format("7d", "'3'"), "blast.yml: condition.at_least: Input should be a valid integer (got '3')"),
        (
            RULE.replace("type: any", "type: spike, window: 1d, at_least: 2, ratio: 0.5"),
            "blast.yml: condition.ratio: Input should be greater than 1 (got 0.5)",
        ),
        (
            RULE.replace("type: any", "type: new_term, window: 9d, lookback: 2d"),
            "blast.yml: condition: lookback: is shorter than window",
        ),
    ],
)
def test_a_bad_file_ends_with_2_and_the_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: str, told: str
) -> None:
    assert fengsui("rules", "test", "--rules", str(rules_folder(tmp_path, wrong))) == 2
    assert told in capsys.readouterr().err


def test_what_is_wrong_inside_a_list_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A step or an example that cannot be read is not also told as a list that is too short."""
    fengsui("rules", "test", "--rules", str(rules_folder(tmp_path, RULE.replace("product: cable", "prodct: cable"))))
    err = capsys.readouterr().err
    assert "examples.quiet.0.0.prodct: unknown key" in err
    assert "at least" not in err


def test_a_file_that_would_never_be_read_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules_folder(tmp_path, RULE)
    (tmp_path / "second.yaml").write_text(RULE, encoding="utf-8")
    assert fengsui("rules", "test", "--rules", str(tmp_path)) == 2
    assert "rules/second.yaml: rule files end in .yml; rename it" in capsys.readouterr().err


@pytest.mark.parametrize("code", ["360922", "440305", "430000", "000000"])
def test_regions_elsewhere_may_be_named_down_to_the_county(tmp_path: Path, code: str) -> None:
    told = RULE.replace("[explosion]}", f"[explosion], regions: ['{code}']}}", 1).replace("'360922'", f"'{code}'")
    assert fengsui("rules", "test", "--rules", str(rules_folder(tmp_path, told))) == 0


def test_a_folder_without_rules_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fengsui("rules", "test", "--rules", str(tmp_path / "none")) == 2
    assert "no rule files" in capsys.readouterr().err


def test_rules_are_listed_with_their_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    assert fengsui("rules", "list") == 0
    out = capsys.readouterr().out
    assert "7 天内有 5 个独立来源" in out
    assert all(rule.title in out for rule in SHIPPED)


UNUSUAL = """
title: 消费者权益日
why: 用于测试
condition: {type: anomaly}
group_by: [product]
level: blue
examples:
  fires:
    - - {kind: complaint, product: cable, issues: [fire], days: 50}
      - {at: 336, kind: complaint, product: cable, issues: [fire], same: 12}
  quiet: [[{kind: complaint, product: cable, issues: [fire]}]]
"""


def test_examples_are_judged_with_the_calendar_of_the_installation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lexicon: Lexicon, firms: dict[str, RegistryEntry]
) -> None:
    [rule] = load_rules(CONFIG, folder=(rules_folder(tmp_path, UNUSUAL)))
    came = {
        name: run_examples(
            rule, lexicon=lexicon, grouping=load_grouping(CONFIG), registry=firms.get, calendar=calendar
        )[0].came
        for name, calendar in (("ours", load_calendar(CONFIG)), ("none", Calendar()))
    }
    assert came["ours"] != came["none"]
    assert fengsui("rules", "test", "--json", "--rules", str(tmp_path)) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[0])
    assert tuple(told["came"]) == came["ours"]
