"""One YAML file of config/lexicons while it is read, and every mistake that was found in it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from config.yaml_text import yaml_of
from core.patterns import PatternRefused, bounded


class LexiconFile:
    """One YAML file with the mistakes found in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mistakes: list[str] = []
        self.content: dict[str, Any] = {}
        try:
            loaded = yaml_of(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.mistakes.append(f"{path}: file is missing")
            return
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            self.mistakes.append(f"{path}: not readable as UTF-8 YAML: {' '.join(str(error).split())}")
            return
        if isinstance(loaded, dict):
            self.content = loaded
        else:
            self.mistakes.append(f"{path}: expected a mapping at the top")

    def wrong(self, key: str, what: str) -> None:
        """Note a mistake."""
        self.mistakes.append(f"{self.path.name}: {key}: {what}")

    def rows(self, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The mappings of the list `key`, each with a name for messages; rows of another shape are mistakes."""
        rows = self.content.get(key, [])
        if not isinstance(rows, list):
            self.wrong(key, "expected a list")
            return
        for number, row in enumerate(rows, start=1):
            if not isinstance(row, dict) or not isinstance(row.get("id"), str):
                self.wrong(f"{key}[{number}]", "expected a mapping with an id")
                continue
            yield f"{key}.{row['id']}", row

    def words(self, where: str, row: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = row.get(key, [])
        if not isinstance(value, list) or not all(isinstance(word, str | int | float) for word in value):
            self.wrong(f"{where}.{key}", "expected a list of words")
            return ()
        return tuple(str(word).strip() for word in value if str(word).strip())

    def patterns(self, where: str, row: Mapping[str, Any]) -> tuple[str, ...]:
        """Its regular expressions; one that could take for ever on some text is a mistake (core/patterns.py)."""
        found = self.words(where, row, "patterns")
        for pattern in found:
            try:
                bounded(pattern)
            except PatternRefused as problem:
                self.wrong(f"{where}.patterns", str(problem))
        return found

    def number(self, where: str, row: Mapping[str, Any], key: str, low: float, high: float) -> float:
        value = row.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
            self.wrong(f"{where}.{key}", f"{value!r} is not a number from {low:g} to {high:g}")
            return low
        return float(value)


def check_headlines(file: LexiconFile, issues: Collection[str], sides: Sequence[str]) -> None:
    """What the card of headlines refers to must exist."""
    parts = {part: file.content.get(part, {}) for part in ("subjects", "happenings", "against", "pairs")}
    for part, rows in parts.items():
        if not isinstance(rows, dict) or not all(isinstance(row, dict) or part == "pairs" for row in rows.values()):
            file.wrong(part, "expected a mapping of mappings")
            return
        for kind, row in rows.items():
            for key in ("words", "strong") if part != "pairs" else ():
                file.words(f"{part}.{kind}", row, key)
    for kind, row in parts["happenings"].items():
        if row.get("issue") not in issues:
            file.wrong(f"happenings.{kind}.issue", f"{row.get('issue')!r} (accepted: {', '.join(issues)})")
    for kind, row in parts["against"].items():
        file.number(f"against.{kind}", row, "points", 0, 10)
        for subject in file.words(f"against.{kind}", row, "except"):
            if subject not in parts["subjects"]:
                file.wrong(f"against.{kind}.except", f"{subject!r} (accepted: {', '.join(parts['subjects'])})")
    for key in ("only_beside", "wares"):
        for subject in file.content.get(key, {}):
            if subject not in parts["subjects"]:
                file.wrong(f"{key}.{subject}", f"unknown subject (accepted: {', '.join(parts['subjects'])})")
    for subject in file.content.get("named", ()):
        if subject not in parts["subjects"]:
            file.wrong("named", f"unknown subject {subject!r} (accepted: {', '.join(parts['subjects'])})")
    for subject, kinds in file.content.get("only_beside", {}).items():
        for kind in (kind for kind in kinds if kind not in parts["happenings"]):
            file.wrong(
                f"only_beside.{subject}", f"unknown happening {kind!r} (accepted: {', '.join(parts['happenings'])})"
            )
    for kind, subjects in parts["pairs"].items():
        if kind not in (*parts["happenings"], *sides):
            file.wrong(f"pairs.{kind}", f"unknown happening (accepted: {', '.join((*parts['happenings'], *sides))})")
        for subject in subjects:
            if subject not in parts["subjects"]:
                file.wrong(f"pairs.{kind}", f"unknown subject {subject!r} (accepted: {', '.join(parts['subjects'])})")
