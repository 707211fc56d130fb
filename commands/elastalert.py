"""For those who come from ElastAlert: rules replay."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from alerts.rule_cases import CaseRun, read_cases, run_case
from commands.options import JsonOption
from core.errors import UsageError

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes of a file of cases."""


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
