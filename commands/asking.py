"""What `fengsui query` and `fengsui search` read and print."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import typer

from commands.assemble import names_of
from commands.knowledge import Knowledge
from config.settings import Settings
from config.sources import load_sources
from core.errors import UsageError
from search.completion import Completion
from search.names import NameTable


def query_names(settings: Settings, known: Knowledge) -> NameTable:
    """The names a query of this profile may use."""
    sources = load_sources(settings.config, settings.profile, base=settings.source_base)
    return names_of(known, {source.key: source.title for source in sources})


def texts_of(lines: Iterable[bytes]) -> Iterator[str]:
    """The JSON string of each line; empty lines are passed over. Raises UsageError naming the line."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            text = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except UnicodeDecodeError as problem:
            raise UsageError(f"stdin line {number}: not UTF-8 at byte {problem.start + 1}; convert it first") from None
        except (ValueError, RecursionError) as problem:
            raise UsageError(f'stdin line {number}: no JSON ({problem}); write one string a line: "级别>=3"') from None
        if not isinstance(text, str):
            raise UsageError(f'stdin line {number}: expected a JSON string, got {line[:40]!r}; write "级别>=3"')
        yield text


def print_json(answer: dict[str, Any]) -> None:
    """One line; half a surrogate pair, which UTF-8 cannot hold, as JSON escapes it."""
    text = json.dumps(answer, ensure_ascii=False)
    print(text if not _broken(text) else json.dumps(answer))


def _broken(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def print_parsed(answer: dict[str, Any], *, as_json: bool) -> bool:
    """Print what `query_json` says; whether the query is valid."""
    if as_json:
        print_json(answer)
    elif answer["valid"]:
        text = json.dumps(answer["tree"], ensure_ascii=False, indent=2)
        print(text if not _broken(text) else json.dumps(answer["tree"], indent=2))
        for warning in answer["warnings"]:
            _say(warning)
    else:
        _say(f"第 {answer['error']['column']} 列：{answer['error']['message']}")
    return bool(answer["valid"])


def _say(sentence: str) -> None:
    typer.echo(sentence.encode("utf-8", "backslashreplace").decode(), err=True)


def print_completion(found: Completion, *, as_json: bool) -> None:
    """As JSON, or a line a suggestion: what to write, what it is, in how many signals."""
    if as_json:
        suggestions = [
            {"text": one.text, "kind": one.kind, "label": one.label, "note": one.note, "count": one.count}
            for one in found.suggestions
        ]
        print_json({"start": found.start, "end": found.end, "suggestions": suggestions})
        return
    for one in found.suggestions:
        count = "" if one.count is None else f"{one.count} 件"
        print("  ".join(filter(None, (one.text, one.note, count))))
