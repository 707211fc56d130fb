"""Rules by hand: rules list, rules test, rules export; replay and import are in files of their own."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from alerts.desk_rules import DeskRule, as_yaml, export_note, read_desk_rules
from alerts.rule_examples import ExampleRun, run_examples
from alerts.rule_query import RuleQueries, queries_of
from alerts.rule_words import rule_words
from alerts.setup import load_file_rules
from commands.assemble import rule_queries
from commands.elastalert import import_rules, replay_cases
from commands.index_rules import run_rules
from commands.knowledge import knowledge_of
from commands.options import DataOption, JsonOption, ProfileOption, RegistryOption, settings_of
from commands.stores import open_store, store_exists
from config.grouping import load_grouping
from config.lexicon import Lexicon, load_lexicon, load_registry_csv
from config.rules import Rule
from config.settings import Settings
from core.errors import UsageError
from core.records import LEVEL_COLOURS, RegistryEntry
from store.desk_rules import all_versions

RulesOption = Annotated[Path | None, typer.Option("--rules", help="folder of rule files (default: config/rules)")]
STATES = {"on": "启用", "off": "停用", "deleted": "已删除"}


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="预警规则 (the alert rules)", no_args_is_help=True)
    group.command("list")(list_rules)
    group.command("test")(run_tests)
    group.command("export")(export_rule)
    group.command("replay")(replay_cases)
    group.command("run")(run_rules)
    group.command("import")(import_rules)
    app.add_typer(group, name="rules")


def list_rules(
    rules: RulesOption = None, as_json: JsonOption = False, data: DataOption = None, profile: ProfileOption = None
) -> None:
    """列出规则及其含义 (every rule: level, what it counts, when it fires, why it is there; those of the desk too)."""
    settings = settings_of(data, profile, log_level="WARNING")
    lexicon = load_lexicon(settings.config)
    for rule in rules_in(settings, lexicon, queries_of(lexicon), rules):
        _print_rule(rule, rule_words(rule, lexicon), {"origin": "file"}, as_json=as_json)
    for one in [] if rules else desk_rules(settings):
        if one.last.state == "deleted" or one.rule is None:
            continue
        more = {"origin": "desk", "state": one.last.state, "number": one.last.number, "broken": one.broken}
        _print_rule(one.rule, rule_words(one.rule, lexicon), more, as_json=as_json)


def _print_rule(rule: Rule, words: str, more: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        told = {"id": rule.id, "title": rule.title, "level": rule.rank, "version": rule.version}
        told |= {"type": rule.condition.type, "why": rule.why, "words": words, "query": rule.scope.query}
        print(json.dumps(told | more, ensure_ascii=False))
        return
    state = f"，网页所建，第 {more['number']} 版，{STATES[more['state']]}" if more["origin"] == "desk" else ""
    print(f"{LEVEL_COLOURS[rule.rank]}色  {rule.title}（{rule.id}{state}）\n    {words}\n    缘由：{rule.why}")
    if more.get("broken"):
        print(f"    读不出，没有判断：{more['broken']}")


def run_tests(
    rules: RulesOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """运行规则文件里的示例，读一遍网页所建的规则 (runs the examples in the rule files, reads the desk's rules; exit 1
    when one does not come out)."""
    settings = settings_of(data, profile, log_level="WARNING")
    lexicon = load_lexicon(settings.config)
    firms = load_registry_csv(registry or settings.config / "lexicons" / "enterprises_demo.csv")
    queries = queries_of(lexicon, firms)
    loaded = rules_in(settings, lexicon, queries, rules)
    find: Callable[[str], RegistryEntry | None] = {entry.id: entry for entry in firms}.get
    grouping = load_grouping(settings.config)
    failed = count = 0
    for rule in loaded:
        for run in run_examples(rule, lexicon=lexicon, grouping=grouping, registry=find, queries=queries):
            count, failed = count + 1, failed + (not run.passed)
            _print_run(run, as_json=as_json)
    desk = [] if rules else [one for one in desk_rules(settings) if one.last.state == "on"]
    broken = [one for one in desk if one.broken]
    for one in broken:
        told = {"rule": one.id, "broken": one.broken, "passed": False}
        print(json.dumps(told, ensure_ascii=False) if as_json else f"{one.id}: {one.broken}")
    if not as_json:
        also = f"；网页所建 {len(desk)} 条，{len(broken)} 条读不出" if desk else ""
        print(f"{len(loaded)} 条规则，{count} 个示例，{failed} 个不符{also}")
    if failed or broken:
        raise typer.Exit(1)


def export_rule(
    rule: Annotated[str, typer.Argument(help="id of a rule made on the desk: desk_1")],
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """把网页所建的规则写成规则文件 (prints a rule of the desk as a file of config/rules)."""
    settings = settings_of(data, profile, log_level="WARNING")
    made = {one.id: one for one in desk_rules(settings)}
    one = made.get(rule)
    if one is None or one.rule is None:
        raise UsageError(f"{rule}: no such rule of the desk (there are: {', '.join(made) or 'none'})")
    print(as_yaml(one.rule, export_note(one)), end="")


def desk_rules(settings: Settings) -> tuple[DeskRule, ...]:
    """The rules made on the desk of this data folder; none where there is no store yet."""
    if not store_exists(settings):
        return ()
    store = open_store(settings)
    try:
        with store.read() as db:
            versions = all_versions(db)
        return read_desk_rules(versions, rule_queries(settings, knowledge_of(settings, store))) if versions else ()
    finally:
        store.close()


def rules_in(settings: Settings, lexicon: Lexicon, queries: RuleQueries, folder: Path | None) -> tuple[Rule, ...]:
    """The rules of a folder. Raises UsageError where there are none, ConfigError with every mistake."""
    found = load_file_rules(settings.config, lexicon, queries, folder=folder)
    if not found:
        raise UsageError(f"{folder or settings.config / 'rules'}: no rule files (*.yml) there")
    return found


def _print_run(run: ExampleRun, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**asdict(run), "file": f"{run.rule}.yml", "passed": run.passed}, ensure_ascii=False))
    elif not run.passed:
        print(f"{run.rule}.yml: examples.{run.expected}.{run.number - 1}: {run.told}")
