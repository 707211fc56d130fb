"""Which rules there are: those of the files, those of the desk, one by its id or its file."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from alerts.desk_rules import DeskRule, read_desk_rules, rule_of
from alerts.lab.series import BY_NAME
from alerts.rule_query import RuleQueries
from alerts.setup import load_file_rules
from commands.assemble import rule_queries
from commands.knowledge import knowledge_of
from commands.stores import open_store, store_exists
from config.lexicon import Lexicon
from config.rules import Rule
from config.settings import Settings
from core.errors import UsageError
from store.desk_rules import all_versions

RulesOption = Annotated[Path | None, typer.Option("--rules", help="folder of rule files (default: config/rules)")]


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


def known_rules(settings: Settings, db: Connection) -> frozenset[str]:
    """The ids of all rules, of files and made on the desk, none of them read."""
    return frozenset((*(file.stem for file in (settings.config / "rules").glob("*.yml")), *all_versions(db)))


def rules_in(settings: Settings, lexicon: Lexicon, queries: RuleQueries, folder: Path | None) -> tuple[Rule, ...]:
    """The rules of a folder. Raises UsageError where there are none, ConfigError with every mistake."""
    found = load_file_rules(settings.config, lexicon, queries, folder=folder)
    if not found:
        raise UsageError(f"{folder or settings.config / 'rules'}: no rule files (*.yml) there")
    return found


def one_rule(name: str, settings: Settings, lexicon: Lexicon, queries: RuleQueries, folder: Path | None = None) -> Rule:
    """A rule by id (`desk_3@2`: that version of a desk rule), or by the path of a YAML file, which needs no examples.

    Raises UsageError where there is none, ConfigError with every mistake of a file.
    """
    path = Path(name)
    if path.suffix in (".yml", ".yaml"):
        return _rule_of_file(path, settings, lexicon, queries)
    found = {rule.id: rule for rule in load_file_rules(settings.config, lexicon, queries, folder=folder)}
    if name in found:
        return found[name]
    rule_id, _, number = name.partition("@")
    made = {one.id: one for one in desk_rules(settings)}
    if rule_id in made:
        return _version_of(made[rule_id], number)
    known = ", ".join([*found, *made]) or "none"
    detectors = f"with --past a detector, {', '.join(BY_NAME)}"
    raise UsageError(f"{name}: no such rule (accepted: a YAML file; {detectors}; or one of {known})")


def _rule_of_file(path: Path, settings: Settings, lexicon: Lexicon, queries: RuleQueries) -> Rule:
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(path, Path(folder) / f"{path.stem}.yml")
        [rule] = load_file_rules(settings.config, lexicon, queries, folder=Path(folder), needs_examples=False)
    return rule


def _version_of(one: DeskRule, number: str) -> Rule:
    if not number:
        if one.rule is None:
            raise UsageError(f"{one.id}: cannot be read: {one.broken}")
        return one.rule
    for version in one.versions:
        if str(version.number) == number:
            return rule_of(one.id, version.definition, version.territory)
    raise UsageError(f"{one.id}@{number}: no such version (accepted: 1 to {one.last.number})")
