"""Rules tried: the examples in their files, or the past of what is stored (the rule lab)."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from alerts.rule_examples import ExampleRun, run_examples
from alerts.rule_query import RuleQueries, queries_of
from commands.lab import (
    AgainstOption,
    BudgetOption,
    FloorOption,
    LabOptions,
    PastOption,
    RunOption,
    SaveOption,
    UntilOption,
    run_past,
)
from commands.options import DataOption, JsonOption, ProfileOption, RegistryOption, settings_of
from commands.rule_files import RulesOption, desk_rules, one_rule, rules_in
from config.calendar_classes import load_calendar
from config.grouping import load_grouping
from config.lexicon import Lexicon, load_lexicon, load_registry_csv
from config.rules import Rule
from config.settings import Settings
from core.errors import UsageError
from core.records import RegistryEntry


def try_rules(
    rule: Annotated[
        str | None, typer.Argument(help="id of a rule, its YAML file, or a detector (calendar_nb); default: every rule")
    ] = None,
    past: PastOption = None,
    until: UntilOption = None,
    against: AgainstOption = None,
    budget: BudgetOption = None,
    floor: FloorOption = None,
    save: SaveOption = False,
    run: RunOption = None,
    rules: RulesOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """运行示例；加 --past 则在已入库的信号上回放 (runs the examples in rule files and reads the desk's rules, exit 1
    when one does not come out; with --past the rule lab: what a rule or detector would have done on what is stored)."""
    settings = settings_of(data, profile, log_level="WARNING")
    if past is not None:
        if rule is None:
            raise UsageError("--past: which rule? Give its id or its YAML file: fengsui rules test RULE --past 365d")
        options = LabOptions(rule, past, until, against, budget, floor, save, run, as_json)
        run_past(settings, options, rules, registry)
        return
    alone = {"--until": until, "--against": against, "--budget": budget, "--recall-floor": floor, "--save": save}
    for name, value in alone.items():
        if value:
            raise UsageError(f"{name} belongs to the rule lab: add --past 365d")
    lexicon = load_lexicon(settings.config)
    firms = load_registry_csv(registry or settings.config / "lexicons" / "enterprises_demo.csv")
    queries = queries_of(lexicon, firms)
    chosen = (
        [one_rule(rule, settings, lexicon, queries, rules)] if rule else rules_in(settings, lexicon, queries, rules)
    )
    _run_examples(settings, chosen, lexicon, firms, queries, desk=not (rules or rule), as_json=as_json)


def _run_examples(
    settings: Settings,
    loaded: Sequence[Rule],
    lexicon: Lexicon,
    firms: Sequence[RegistryEntry],
    queries: RuleQueries,
    *,
    desk: bool,
    as_json: bool,
) -> None:
    find: Callable[[str], RegistryEntry | None] = {entry.id: entry for entry in firms}.get
    grouping, calendar = load_grouping(settings.config), load_calendar(settings.config)
    failed = count = 0
    for rule in loaded:
        for run in run_examples(
            rule, lexicon=lexicon, grouping=grouping, registry=find, queries=queries, calendar=calendar
        ):
            count, failed = count + 1, failed + (not run.passed)
            _print_run(run, as_json=as_json)
    made = [one for one in desk_rules(settings) if one.last.state == "on"] if desk else []
    broken = [one for one in made if one.broken]
    for one in broken:
        told = {"rule": one.id, "broken": one.broken, "passed": False}
        print(json.dumps(told, ensure_ascii=False) if as_json else f"{one.id}: {one.broken}")
    if not as_json:
        also = f"；网页所建 {len(made)} 条，{len(broken)} 条读不出" if made else ""
        print(f"{len(loaded)} 条规则，{count} 个示例，{failed} 个不符{also}")
    if failed or broken:
        raise typer.Exit(1)


def _print_run(run: ExampleRun, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**asdict(run), "file": f"{run.rule}.yml", "passed": run.passed}, ensure_ascii=False))
    elif not run.passed:
        print(f"{run.rule}.yml: examples.{run.expected}.{run.number - 1}: {run.told}")
