"""Rule files of ElastAlert, one or a folder of them, as rules of ours that were tried before they are given out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alerts.cards import Registry
from alerts.elastalert.asked import FieldNames, NotCarried
from alerts.elastalert.carry import Carried, Remark, carry, stem_of, with_examples
from alerts.elastalert.examples import propose
from alerts.elastalert.imports import Folder
from alerts.rule_examples import run_examples
from alerts.rule_query import RuleQueries
from config.grouping import Grouping
from config.lexicon import Lexicon
from config.rule_yaml import read_yaml
from core.errors import UsageError

MOST_FILES = 2_000
ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True)
class Importer:
    """What carrying a rule over needs to know of this installation."""

    names: FieldNames
    queries: RuleQueries
    lexicon: Lexicon
    grouping: Grouping
    registry: Registry

    def read(self, text: str, name: str, path: Path, folder: Folder) -> Carried:
        """One file. Raises ConfigError where it is no YAML that can be read, with the line."""
        file, stem = read_yaml(text, name=name), stem_of(_plain_name(name))
        try:
            whole = folder.whole(file, path)
        except NotCarried as problem:
            return Carried(name, stem, None, (Remark(file.line("import"), "import", str(problem)),))
        carried = carry(whole, stem, self.names, self.queries)
        if carried.rule is None:
            return carried
        examples = propose(carried.rule, self.queries, self.lexicon)
        if examples is None:
            return carried
        tried = with_examples(carried, examples)
        assert tried.rule is not None
        runs = run_examples(
            tried.rule, lexicon=self.lexicon, grouping=self.grouping, registry=self.registry, queries=self.queries
        )
        return tried if all(run.passed for run in runs) else carried


def _plain_name(name: str) -> str:
    return name.rsplit(".", 1)[0] if name.endswith(ENDINGS) else name


def rule_files(source: Path) -> Iterator[tuple[str, Path]]:
    """(name, path) of a file, or of all rule files in a folder and below. Raises UsageError where there are none."""
    if not source.is_dir():
        yield source.name, source
        return
    found = sorted(path for path in source.rglob("*") if path.suffix in ENDINGS and path.is_file())
    if not found:
        raise UsageError(f"{source}: no rule files (*.yaml, *.yml) there")
    if len(found) > MOST_FILES:
        raise UsageError(f"{source}: more than {MOST_FILES} rule files; import a part of the folder at a time")
    for path in found:
        yield str(path.relative_to(source)), path
