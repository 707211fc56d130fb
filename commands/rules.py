"""Rules by hand: rules list, rules export; what else there is to do with rules is in files of its own."""

import json
from typing import Annotated, Any

import typer

from alerts.desk_rules import as_yaml, export_note
from alerts.rule_query import queries_of
from alerts.rule_words import rule_words
from commands.elastalert import import_rules, replay_cases
from commands.index_rules import run_rules
from commands.learning import marks_of_rules, rerank
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.rule_files import RulesOption, desk_rules, rules_in
from commands.rule_tests import try_rules
from config.lexicon import load_lexicon
from config.rules import Rule
from core.errors import UsageError
from core.records import LEVEL_COLOURS

STATES = {"on": "启用", "off": "停用", "deleted": "已删除"}


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="预警规则 (the alert rules)", no_args_is_help=True)
    group.command("list")(list_rules)
    group.command("test")(try_rules)
    group.command("marks")(marks_of_rules)
    group.command("rerank")(rerank)
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
