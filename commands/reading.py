"""Reading texts and pages by hand: analyze, evaluate, extract, feed. Nothing is stored."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.knowledge import names_for
from commands.options import DataOption, JsonOption, ProfileOption, RegistryOption, settings_of
from config.grouping import load_grouping
from config.lexicon import load_lexicon
from config.recogniser import recogniser_folder
from core.clock import parse_published
from core.errors import UsageError
from core.records import SourceType
from crawlers.extract import extract_file
from crawlers.feed import feed_file
from nlp.analysis_json import analysis_to_json
from nlp.analyze import Analyzer
from nlp.evaluation import evaluate as evaluate_rows
from nlp.explain import explain as explained
from pipelines.event_rows import measure_rows, reader
from pipelines.events import EventKeeper, names_in


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    for command in (analyze, evaluate, extract, feed):
        app.command()(command)


def analyze(
    file: Annotated[str, typer.Argument(help="JSON lines {id, title, text, ...}; - is stdin")] = "-",
    registry: RegistryOption = None,
    data: DataOption = None,
    profile: ProfileOption = None,
    explain: Annotated[bool, typer.Option("--explain", help="add rule, words and numbers of every decision")] = False,
) -> None:
    """研读文本：每行一个 JSON 结果 (reads each text; a JSON line out for a line in)."""
    settings = settings_of(data, profile, log_level="WARNING")
    analyzer = Analyzer(
        load_lexicon(settings.config), names_for(settings, registry), recogniser_folder(settings.config)
    )
    for number, row in json_lines(file):
        print(
            json.dumps(_analysed(row, analyzer, f"{file}: line {number}", explain=explain), ensure_ascii=False),
            flush=file == "-",
        )


def evaluate(
    gold: Annotated[Path, typer.Argument(help="gold JSON lines in the form of lexicons/ANNOTATION.md")],
    registry: RegistryOption = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """按标注集给出研读质量 (quality figures of the reading on a gold set)."""
    settings = settings_of(data, profile, log_level="WARNING")
    chosen = registry or settings.config / "lexicons" / "enterprises_demo.csv"
    analyzer = Analyzer(load_lexicon(settings.config), names_for(settings, chosen), recogniser_folder(settings.config))
    rows = [row for _number, row in json_lines(str(gold))]
    figures = asdict(evaluate_rows(rows, analyzer))
    family_of = load_grouping(settings.config).family_of
    keeper = EventKeeper(analyzer.lexicon.regions, family_of, names_in(analyzer.registry.values()))
    told_apart = measure_rows(rows, reader(analyzer), keeper)
    if told_apart is not None:
        figures["values"]["events_bcubed_f1"] = round(told_apart.f1, 4)
    if as_json:
        print(json.dumps(figures, ensure_ascii=False))
        return
    for line in _figure_lines(figures):
        print(line)


def extract(
    files: Annotated[list[Path], typer.Argument(help="saved HTML pages")],
    url: Annotated[str, typer.Option("--url", help="where the page came from")] = "",
    as_json: JsonOption = True,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """从网页取标题、时间、正文 (a JSON line a page)."""
    settings_of(data, profile, log_level="ERROR")
    for file in files:
        print(json.dumps(extract_file(file, url), ensure_ascii=False))


def feed(
    files: Annotated[list[Path], typer.Argument(help="saved RSS, Atom or JSON feeds")],
    as_json: JsonOption = True,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """读订阅文件 (a JSON line a feed)."""
    settings_of(data, profile, log_level="ERROR")
    for file in files:
        print(json.dumps(feed_file(file), ensure_ascii=False))


def json_lines(file: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of each line. Raises UsageError naming the line that is none."""
    if file == "-":
        yield from _objects(sys.stdin.buffer, "stdin")
    else:
        with Path(file).open("rb") as lines:
            yield from _objects(lines, file)


def _objects(lines: Iterable[bytes], file: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8-sig"))
        except (ValueError, RecursionError) as problem:
            raise UsageError(f"{file}: line {number}: not a JSON line in UTF-8 ({problem})") from problem
        if not isinstance(row, dict):
            raise UsageError(f"{file}: line {number}: not a JSON object")
        yield number, row


def _analysed(row: dict[str, Any], analyzer: Analyzer, where: str, *, explain: bool = False) -> dict[str, Any]:
    title, text = row.get("title") or "", row.get("text") or ""
    if not isinstance(title, str) or not isinstance(text, str):
        raise UsageError(f"{where}: title and text must be strings")
    try:
        published = parse_published(row["published"]) if row.get("published") else None
        source_type = SourceType(row["source_type"]) if row.get("source_type") else None
    except (ValueError, TypeError) as problem:
        raise UsageError(f"{where}: {problem} (source_type accepts: {', '.join(SourceType)})") from problem
    tables = tuple(tuple(tuple(str(cell) for cell in cells) for cells in table) for table in row.get("tables") or ())
    found = analyzer.analyze(title, text, source_type=source_type, published=published, tables=tables)
    answer = analysis_to_json(found, id=row.get("id"))
    if explain:
        answer["explain"] = explained(analyzer, title, text, found, published=published, tables=tables)
    return answer


def _figure_lines(figures: dict[str, Any], indent: str = "") -> Iterator[str]:
    for name, value in figures.items():
        if isinstance(value, dict):
            yield f"{indent}{name}"
            yield from _figure_lines(value, indent + "  ")
        elif isinstance(value, float):
            yield f"{indent}{name:<28} {value:.3f}"
        else:
            yield f"{indent}{name:<28} {value}"
