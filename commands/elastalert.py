"""For those who come from ElastAlert: rules replay, rules import."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from alerts.elastalert.asked import FieldNames
from alerts.elastalert.carry import Carried, printable
from alerts.elastalert.importer import Importer, rule_files
from alerts.elastalert.imports import Folder
from alerts.rule_cases import CaseRun, read_cases, run_case
from alerts.rule_query import queries_of
from commands.options import DataOption, JsonOption, ProfileOption, RegistryOption, settings_of
from config.grouping import load_grouping
from config.lexicon import load_lexicon, load_registry_csv
from config.rule_yaml import YamlFile, read_yaml
from config.rules import read_rule
from core.errors import UsageError
from core.records import RegistryEntry
from search.fields import FIELDS, field_named

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes of a file of cases."""
LARGEST_RULE = 1024 * 1024
"""Bytes of a rule file, before its characters are counted."""


def replay_cases(
    file: Annotated[Path, typer.Argument(help="JSON: a list of {id, rule_type, config, operations, ...}")],
    as_json: JsonOption = False,
) -> None:
    """在事件流上重放 ElastAlert 规则类型 (runs recorded streams; exit 1 where matches are not as the file expects)."""
    cases = read_cases(text_of(file, LARGEST_FILE), name=file.name)
    runs = [run_case(case) for case in cases]
    for run in runs:
        _print_json(run) if as_json else _print_text(run)
    wrong = sum(run.agrees is False for run in runs)
    if not as_json:
        expected = sum(run.agrees is not None for run in runs)
        matches = sum(len(found) for run in runs for found in run.matches)
        print(f"{len(runs)} 个用例，{matches} 次命中；{expected} 个有预期，{wrong} 个不符")
    if wrong:
        raise typer.Exit(1)


def text_of(file: Path, most: int) -> str:
    """The text of a file. Raises UsageError: not there, larger than `most` bytes, not UTF-8."""
    try:
        if file.stat().st_size > most:
            raise UsageError(f"{file}: larger than {most // 1024} KiB")
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise UsageError(f"{file}: not UTF-8 at byte {problem.start}") from None
    except OSError as problem:
        raise UsageError(f"{file}: {problem.strerror}") from None


def shown(text: str) -> str:
    """Text as a terminal can take it: halves of surrogate pairs from outside as their escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _print_json(run: CaseRun) -> None:
    told: dict[str, Any] = {"id": run.case.id, "rule_type": run.case.rule_type, "matches_per_operation": run.matches}
    told |= {"agrees": run.agrees, "differences": run.differences}
    print(shown(json.dumps(told, ensure_ascii=False)))


def _print_text(run: CaseRun) -> None:
    verdict = "无预期" if run.agrees is None else "一致" if run.agrees else "不符"
    print(shown(f"{run.case.id}（{run.case.rule_type}）：{sum(map(len, run.matches))} 次命中，{verdict}"))
    for place, (name, found) in enumerate(zip(run.case.names, run.matches, strict=True)):
        for match in found:
            fields = json.dumps(match["fields"], ensure_ascii=False)
            print(shown(f"  operations.{place} ({name})  minute {match['minute']}  {fields}"))
    for line in run.differences:
        print(shown(f"  ≠ {line}"))


def import_rules(
    source: Annotated[Path, typer.Argument(help="an ElastAlert rule file, or a folder of them (*.yaml, *.yml)")],
    out: Annotated[Path | None, typer.Option("--out", help="folder for our files (default: print them)")] = None,
    mapped: Annotated[
        list[str] | None, typer.Option("--map", help="a field of yours and ours: company=企业 (may be given again)")
    ] = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """导入 ElastAlert 规则文件 (writes rules of ours and says by line what could not be carried over).

    Nothing that exists is written over. Exit 1 where a file became no rule, 2 where one could not be read.
    """
    settings = settings_of(data, profile, log_level="WARNING")
    lexicon = load_lexicon(settings.config)
    firms = load_registry_csv(registry or settings.config / "lexicons" / "enterprises_demo.csv")
    find: Callable[[str], RegistryEntry | None] = {firm.id: firm for firm in firms}.get
    importer = Importer(_names(mapped or []), queries_of(lexicon, firms), lexicon, load_grouping(settings.config), find)
    folder = Folder(source if source.is_dir() else source.parent, _read_file)
    results = [_import_file(importer, name, path, folder, out) for name, path in rule_files(source)]
    for result in results:
        _print_import(result, as_json=as_json, print_yaml=out is None)
    made = sum(result.made for result in results)
    where = f"写入 {out}" if out else "可写出（--out DIR）"
    print(f"{len(results)} 个文件：{made} 条规则{where}，{len(results) - made} 个没有成为规则", file=sys.stderr)
    if made < len(results):
        raise typer.Exit(2 if any(result.unreadable for result in results) else 1)


@dataclass(frozen=True)
class Imported:
    """What became of a file. wrong: why nothing was made of it.  unreadable: it is no rule file at all."""

    name: str
    carried: Carried | None
    wrong: str = ""
    unreadable: bool = False

    @property
    def made(self) -> bool:
        """Whether a rule came of it."""
        return not self.wrong


def _names(mapped: Sequence[str]) -> FieldNames:
    given: dict[str, str] = {}
    for pair in mapped:
        theirs, sign, ours = pair.partition("=")
        if not sign or not theirs.strip() or field_named(ours.strip()) is None:
            raise UsageError(f"--map {pair}: expected FIELD=OURS, ours one of {', '.join(one.label for one in FIELDS)}")
        given[theirs.strip()] = ours.strip()
    return FieldNames(given)


def _read_file(path: Path) -> YamlFile:
    return read_yaml(text_of(path, LARGEST_RULE), name=path.name)


def _import_file(importer: Importer, name: str, path: Path, folder: Folder, out: Path | None) -> Imported:
    try:
        carried = importer.read(text_of(path, LARGEST_RULE), name, path, folder)
    except UsageError as problem:
        return Imported(name, None, str(problem), unreadable=True)
    if carried.rule is None:
        return Imported(name, carried, "没有成为规则")
    text = carried.yaml()
    target = f"{carried.stem}.yml"
    if carried.rule.examples is not None:
        read_rule(text, stem=carried.stem, name=target)
    if out is None:
        return Imported(name, carried)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with (out / target).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return Imported(name, carried, f"{out / target} 已存在，没有改动它；改名或换一个 --out")
    return Imported(name, carried)


def _print_import(result: Imported, *, as_json: bool, print_yaml: bool) -> None:
    carried = result.carried
    remarks = carried.remarks if carried else ()
    if as_json:
        told: dict[str, Any] = {
            "file": result.name,
            "rule": carried.stem if carried and result.made else None,
            "wrong": result.wrong,
        }
        told |= {"examples": bool(carried and carried.rule and carried.rule.examples)}
        told |= {"not_carried": [asdict(one) for one in remarks]}
        told |= {"yaml": carried.yaml()} if carried and result.made and print_yaml else {}
        print(shown(json.dumps(told, ensure_ascii=False)))
        return
    if carried and result.made and print_yaml:
        print(shown(f"# {carried.stem}.yml\n{carried.yaml()}"))
    if result.wrong:
        print(shown(result.wrong if result.unreadable else f"{result.name}: {result.wrong}"), file=sys.stderr)
    elif carried and carried.rule and carried.rule.examples is None:
        print(shown(f"{result.name}: 示例须补写：没有能自动写出并通过的示例"), file=sys.stderr)
    for one in remarks:
        print(shown(f"{result.name}:{one.line}: {one.option}: {printable(one.told)}"), file=sys.stderr)
