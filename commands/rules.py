"""Rules by hand: rules list, rules test."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from alerts.rule_examples import ExampleRun, run_examples
from alerts.rule_words import rule_words
from commands.options import DataOption, JsonOption, ProfileOption, RegistryOption, settings_of
from config.grouping import load_grouping
from config.lexicon import Lexicon, load_lexicon, load_registry_csv
from config.rules import Rule, load_rules
from config.settings import Settings
from core.errors import UsageError
from core.records import LEVEL_COLOURS, RegistryEntry

RulesOption = Annotated[Path | None, typer.Option("--rules", help="folder of rule files (default: config/rules)")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="预警规则 (the alert rules)", no_args_is_help=True)
    group.command("list")(list_rules)
    group.command("test")(run_tests)
    app.add_typer(group, name="rules")


def list_rules(
    rules: RulesOption = None, as_json: JsonOption = False, data: DataOption = None, profile: ProfileOption = None
) -> None:
    """列出规则及其含义 (every rule: level, what it counts, when it fires, why it is there)."""
    settings = settings_of(data, profile, log_level="WARNING")
    lexicon = load_lexicon(settings.config)
    for rule in rules_in(settings, lexicon, rules):
        words = rule_words(rule, lexicon)
        if as_json:
            told = {"id": rule.id, "title": rule.title, "level": rule.rank, "version": rule.version}
            print(
                json.dumps({**told, "type": rule.condition.type, "why": rule.why, "words": words}, ensure_ascii=False)
            )
            continue
        print(f"{LEVEL_COLOURS[rule.rank]}色  {rule.title}（{rule.id}）\n    {words}\n    缘由：{rule.why}")


def run_tests(
    rules: RulesOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """运行规则文件里的示例 (runs the examples in the rule files; exit 1 when one does not come out)."""
    settings = settings_of(data, profile, log_level="WARNING")
    lexicon = load_lexicon(settings.config)
    loaded = rules_in(settings, lexicon, rules)
    firms = load_registry_csv(registry or settings.config / "lexicons" / "enterprises_demo.csv")
    find: Callable[[str], RegistryEntry | None] = {entry.id: entry for entry in firms}.get
    grouping = load_grouping(settings.config)
    failed = count = 0
    for rule in loaded:
        for run in run_examples(rule, lexicon=lexicon, grouping=grouping, registry=find):
            count, failed = count + 1, failed + (not run.passed)
            _print_run(run, as_json=as_json)
    if not as_json:
        print(f"{len(loaded)} 条规则，{count} 个示例，{failed} 个不符")
    if failed:
        raise typer.Exit(1)


def rules_in(settings: Settings, lexicon: Lexicon, folder: Path | None) -> tuple[Rule, ...]:
    """The rules of a folder. Raises UsageError where there are none, ConfigError with every mistake."""
    known = {"products": frozenset(lexicon.products), "issues": frozenset(lexicon.issues)}
    found = load_rules(settings.config, folder=folder, **known)
    if not found:
        raise UsageError(f"{folder or settings.config / 'rules'}: no rule files (*.yml) there")
    return found


def _print_run(run: ExampleRun, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**asdict(run), "file": f"{run.rule}.yml", "passed": run.passed}, ensure_ascii=False))
    elif not run.passed:
        print(f"{run.rule}.yml: examples.{run.expected}.{run.number - 1}: {run.told}")
