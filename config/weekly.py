"""The weekly statistics table: its columns (lexicons/weekly_report.yaml), how it is filled and signed (weekly.yml)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from config.mistakes import mistakes_of
from config.yaml_text import yaml_of
from core.errors import ConfigError

FILE, COLUMNS_FILE = "weekly.yml", "lexicons/weekly_report.yaml"
Source = Literal["system", "mixed", "manual"]
Unit = Literal["count", "percent", "money", "text"]
TITLE = "重点工业产品质量安全排查治理专项行动情况统计表"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sign(_Part):
    """other_than_filler: who filled a cell cannot sign.  complete: nothing may be empty or unconfirmed."""

    other_than_filler: bool = True
    complete: bool = True


class Much(_Part):
    """What a change against the week before is marked from: at least so many, and times as much or as little."""

    least: int = Field(default=5, ge=1, le=100_000)
    times: float = Field(default=2, gt=1, le=100)


class WeeklyRules(_Part):
    """The file weekly.yml. due: hour of Wednesday, Beijing time.  hot: documents that make an event one of opinion."""

    since: date = date(2026, 1, 1)
    due: time = time(12)
    sign: Sign = Sign()
    much: Much = Much()
    hot: int = Field(default=20, ge=2, le=100_000)

    @field_validator("due")
    @classmethod
    def _plain(cls, due: time) -> time:
        if due.tzinfo is not None or due.second or due.microsecond:
            raise ValueError('is not a time of day (accepted: "12:00", Beijing time)')
        return due


class Column(BaseModel):
    """One column as the file has it. def: how it is counted.  basis: the paragraph of the notice."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    id: str = Field(pattern=r"^[a-z][a-z_]{1,40}$")
    name: str = Field(min_length=1, max_length=60)
    group: str = Field(min_length=1, max_length=10)
    source: Source
    how: str = Field(default="", alias="def")
    basis: str = ""
    caveat: str = ""
    note: str = ""
    lead: str = ""
    by_level: bool = False

    @property
    def short(self) -> str:
        """The name as the table's head has it: 检查生产企业数."""
        return re.sub(r"\(([^)]*)\)$", lambda found: " %" if found[1] == "%" else "", self.name)

    @cached_property
    def measure(self) -> str:
        """What it counts in: 家, 个, %; empty for a text."""
        found = re.search(r"\(([^)]*)\)$", self.name)
        return found[1] if found else ""

    @cached_property
    def unit(self) -> Unit:
        """What may be written into it."""
        if not self.measure:
            return "text"
        return "percent" if self.measure == "%" else "money" if self.measure == "万元" else "count"


@dataclass(frozen=True)
class WeeklyTable:
    """The table as configured."""

    columns: tuple[Column, ...] = ()
    rules: WeeklyRules = field(default_factory=WeeklyRules)

    def find(self, column: str) -> Column | None:
        """A column by id."""
        return next((one for one in self.columns if one.id == column), None)

    @property
    def groups(self) -> Mapping[str, tuple[Column, ...]]:
        """Columns by group, in the order of the file."""
        found: dict[str, list[Column]] = {}
        for column in self.columns:
            found.setdefault(column.group, []).append(column)
        return {group: tuple(columns) for group, columns in found.items()}


def load_weekly(config_dir: Path) -> WeeklyTable:
    """Reads both files; without weekly.yml all is as usual. Raises ConfigError with all mistakes."""
    mistakes: list[str] = []
    rules = WeeklyRules()
    try:
        rules = WeeklyRules.model_validate(_read(config_dir, FILE) or {})
    except ValidationError as error:
        mistakes += mistakes_of(FILE, error, WeeklyRules)
    columns: list[Column] = []
    given = _read(config_dir, COLUMNS_FILE) or {}
    for number, one in enumerate(given.get("columns") or () if isinstance(given, dict) else (), start=1):
        try:
            columns.append(Column.model_validate(one))
        except ValidationError as error:
            mistakes += mistakes_of(f"{COLUMNS_FILE}: columns.{number}", error, Column)
    ids = [column.id for column in columns]
    mistakes += [
        f"{COLUMNS_FILE}: columns: id {one!r} is given twice" for one in sorted(set(ids)) if ids.count(one) > 1
    ]
    if not columns and not mistakes:
        mistakes.append(f"{COLUMNS_FILE}: columns: is missing (a list of columns)")
    if mistakes:
        raise ConfigError(mistakes)
    return WeeklyTable(tuple(columns), rules)


def _read(config_dir: Path, name: str) -> Any:
    path = config_dir / name
    try:
        return yaml_of(path.read_text(encoding="utf-8")) if path.exists() else None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{name}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
