"""Rule files: the examples inside them come out, their mistakes are named, and people can read what they mean."""

import json
from pathlib import Path

import pytest

import cli
from alerts.rule_examples import run_examples
from alerts.rule_words import rule_words
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
    ],
)
def test_a_bad_file_ends_with_2_and_the_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: str, told: str
) -> None:
    assert fengsui("rules", "test", "--rules", str(rules_folder(tmp_path, wrong))) == 2
    assert told in capsys.readouterr().err


def test_a_folder_without_rules_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fengsui("rules", "test", "--rules", str(tmp_path / "none")) == 2
    assert "no rule files" in capsys.readouterr().err


def test_rules_are_listed_with_their_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    assert fengsui("rules", "list") == 0
    out = capsys.readouterr().out
    assert "7 天内有 5 个独立来源" in out
    assert all(rule.title in out for rule in SHIPPED)
