"""The level card of config/lexicons/level_card.yaml: severity x likelihood x reach, typed and checked."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from config.lexicon_file import LexiconFile
from core.patterns import PatternRefused, bounded

FACTORS = ("severity", "likelihood", "reach")
GRADES = {"severity": 4, "likelihood": 3, "reach": 4}
PEOPLE = ("dead", "serious", "injured", "missing", "evacuated")
_KEYS = (*PEOPLE, "recalled", "floor", "issues", "lead_issues", "words", "key_words", "patterns")


@dataclass(frozen=True)
class Grade:
    """The conditions of one grade of a factor; one that holds is enough.

    people: least numbers by kind.  recalled, floor: 0 asks nothing.  lead_issues: asserted in the title or the first
    sentence: what a text is about, not what it says by the way.
    """

    grade: int
    people: Mapping[str, int] = field(default_factory=dict)
    recalled: int = 0
    floor: int = 0
    issues: tuple[str, ...] = ()
    lead_issues: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    key_words: tuple[str, ...] = ()
    patterns: tuple["re.Pattern[str]", ...] = ()


@dataclass(frozen=True)
class LevelTable:
    """grades: of each factor, the highest first.  names: of each grade.  table: level by the three grades.

    light_injury, needs_product, witness_only: which floors count less (level_card.yaml).
    """

    version: int = 0
    grades: Mapping[str, tuple[Grade, ...]] = field(default_factory=dict)
    names: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    table: Mapping[tuple[int, int, int], int] = field(default_factory=dict)
    light_injury: tuple[str, ...] = ()
    needs_product: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    witness_only: frozenset[str] = frozenset()


def read_level_card(file: LexiconFile, issues: Collection[str], products: Collection[str]) -> LevelTable:
    """The card of `file`; every mistake is noted there."""
    content = file.content
    if file.mistakes:
        return LevelTable()
    _known(file, "", content, ("version", "names", *FACTORS, "table", "light_injury", "needs_product", "witness_only"))
    needs = _mapping(file, "needs_product", content.get("needs_product", {}))
    card = LevelTable(
        version=int(file.number("", content, "version", 1, 10_000)),
        grades={factor: _grades(file, factor, issues) for factor in FACTORS},
        names={factor: _names(file, factor) for factor in FACTORS},
        table=_table(file),
        light_injury=file.words("", content, "light_injury"),
        needs_product={issue: file.words("needs_product", needs, issue) for issue in needs},
        witness_only=frozenset(file.words("", content, "witness_only")),
    )
    _exist(file, "needs_product", card.needs_product, issues)
    _exist(file, "witness_only", card.witness_only, issues)
    for issue, named in card.needs_product.items():
        _exist(file, f"needs_product.{issue}", named, products)
    return card


def _grades(file: LexiconFile, factor: str, issues: Collection[str]) -> tuple[Grade, ...]:
    found = []
    for grade, row in _mapping(file, factor, file.content.get(factor, {})).items():
        where = f"{factor}.{grade}"
        if grade not in range(2, GRADES[factor] + 1):
            file.wrong(where, f"unknown grade (accepted: 2 to {GRADES[factor]}; grade 1 is what remains)")
            continue
        found.append(_grade(file, where, grade, _mapping(file, where, row)))
        _exist(file, f"{where}.issues", found[-1].issues, issues)
        _exist(file, f"{where}.lead_issues", found[-1].lead_issues, issues)
    return tuple(sorted(found, key=lambda grade: -grade.grade))


def _grade(file: LexiconFile, where: str, grade: int, row: Mapping[str, Any]) -> Grade:
    _known(file, f"{where}.", row, _KEYS)
    patterns = []
    for pattern in file.words(where, row, "patterns"):
        try:
            patterns.append(bounded(pattern))
        except PatternRefused as problem:
            file.wrong(f"{where}.patterns", str(problem))

    def least(key: str, most: int) -> int:
        return int(file.number(where, row, key, 1, most)) if key in row else 0

    return Grade(
        grade=grade,
        people={kind: least(kind, 1_000_000) for kind in PEOPLE if kind in row},
        recalled=least("recalled", 1_000_000_000),
        floor=least("floor", 4),
        issues=file.words(where, row, "issues"),
        lead_issues=file.words(where, row, "lead_issues"),
        words=file.words(where, row, "words"),
        key_words=file.words(where, row, "key_words"),
        patterns=tuple(patterns),
    )


def _names(file: LexiconFile, factor: str) -> dict[int, str]:
    names = _mapping(file, "names", file.content.get("names", {})).get(factor)
    wanted = range(1, GRADES[factor] + 1)
    if not isinstance(names, dict) or set(names) != set(wanted):
        file.wrong(f"names.{factor}", f"expected a name for each grade 1 to {GRADES[factor]}")
        return {}
    return {int(grade): str(name) for grade, name in names.items()}


def _table(file: LexiconFile) -> dict[tuple[int, int, int], int]:
    table = _mapping(file, "table", file.content.get("table", {}))
    found: dict[tuple[int, int, int], int] = {}
    for severity in range(1, GRADES["severity"] + 1):
        rows = table.get(severity)
        for likelihood in range(1, GRADES["likelihood"] + 1):
            levels = rows.get(likelihood) if isinstance(rows, dict) else None
            if not isinstance(levels, list) or len(levels) != GRADES["reach"] or set(levels) - {1, 2, 3, 4}:
                file.wrong(f"table.{severity}.{likelihood}", f"expected {GRADES['reach']} levels from 1 to 4, by reach")
                continue
            found.update({(severity, likelihood, reach): level for reach, level in enumerate(levels, start=1)})
    return found


def _mapping(file: LexiconFile, where: str, value: Any) -> Mapping[Any, Any]:
    if isinstance(value, dict):
        return value
    file.wrong(where, "expected a mapping")
    return {}


def _known(file: LexiconFile, where: str, row: Mapping[str, Any], accepted: Collection[str]) -> None:
    for key in row:
        if key not in accepted:
            file.wrong(f"{where}{key}", f"unknown key (accepted: {', '.join(accepted)})")


def _exist(file: LexiconFile, where: str, used: Collection[str], accepted: Collection[str]) -> None:
    for name in used:
        if name not in accepted:
            file.wrong(where, f"{name!r} is not known (accepted: {', '.join(accepted)})")
