"""What other systems hand in: kinds and their columns (intake/*.yml), limits and the watched folder (intake.yml)."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from config.mistakes import mistakes_of
from config.registry_columns import Columns, plain_header
from config.yaml_text import yaml_of
from core.durations import Duration
from core.errors import ConfigError
from core.records import Kind

FILE, FOLDER = "intake.yml", "intake"
FOLDERS = (DONE, REFUSED) = ("done", "refused")
READ_AT = "%Y%m%d-%H%M%S"
"""Before the name of a file there: when it was read, Beijing time."""
"""Where files of the watched folder go."""
Type = Literal["text", "moment", "day", "count", "flag", "region", "product", "uscc", "outcome", "choice"]
Fact = Literal["sampling", "checks", "credit"]
SHAPES: Mapping[Type, Mapping[str, Any]] = {
    "text": {"type": "string"},
    "moment": {"type": "string", "description": "2026-11-23，或 2026-11-23 14:32（北京时间）"},
    "day": {"type": "string", "description": "2026-11-23"},
    "count": {"type": ["integer", "string"], "minimum": 0},
    "flag": {"type": ["boolean", "string"], "description": "true、false，或 是、否"},
    "region": {"type": "string", "description": "行政区划代码，或名称（不重名的）"},
    "product": {"type": "string", "description": "产品名称或类别"},
    "uscc": {"type": "string", "description": "18 位统一社会信用代码"},
    "outcome": {"type": "string", "description": "合格、不合格"},
    "choice": {"type": "string"},
}
"""How a value is written in JSON; a table has the same as text."""


TYPED: Mapping[str, Type] = {
    "at": "moment", "until": "day", "found": "count", "fixed": "count", "territory": "region", "outcome": "outcome",
    "firm_code": "uscc", "list": "choice", "site": "choice", "channel": "choice", "done": "flag", "rural": "flag",
}  # fmt: skip
"""Fields that are counted or looked up by name, and the type without which they cannot be."""


class Column(BaseModel):
    """A column. headers: what else it is called.  private: it is accepted and never kept.  values: of a choice, code to
    the words for it.  empty: what an empty cell says in a file that has the column (a tick or nothing).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1, max_length=40)
    type: Type = "text"
    required: bool = False
    headers: tuple[str, ...] = ()
    most: int = Field(default=500, ge=1, le=20_000)
    private: bool = False
    empty: str = ""
    values: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.type == "choice") != bool(self.values):
            raise ValueError("values belongs to type: choice (accepted: both or none)")
        return self


class IntakeKind(BaseModel):
    """One kind of rows. into: document: read, masked, indexed and judged as what is crawled; record: kept and counted.

    source: who says it where the caller does not; of a document its source.  headline, text: how it is composed.
    fact: what its rows say of a firm of the register.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")
    title: str = Field(min_length=1, max_length=40)
    into: Literal["document", "record"]
    kind: Kind = Kind.COMPLAINT
    source: str = Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")
    headline: str = ""
    text: tuple[str, ...] = ()
    fact: Fact | None = None
    fields: Mapping[str, Column]

    @model_validator(mode="after")
    def _composed(self) -> Self:
        for name in ("id", "at"):
            field = self.fields.get(name)
            if field is None or not field.required or field.private:
                raise ValueError(
                    f"fields: {name} is missing, not required or private (accepted: id and at in each kind)"
                )
        for name, type_ in TYPED.items():
            if name in self.fields and self.fields[name].type != type_:
                raise ValueError(f"fields.{name}.type: {self.fields[name].type!r} (accepted: {type_})")
        if self.into == "document" and (not self.headline or not self.text):
            raise ValueError("headline and text are needed (accepted for into: document)")
        try:
            asked = {name for _, name, _, _ in Formatter().parse(self.headline) if name is not None}
        except ValueError as error:
            raise ValueError(f"headline: {error} (accepted: words and names of fields in braces)") from None
        if lost := sorted(name for name in asked if name not in self.fields or self.fields[name].private):
            raise ValueError(f"headline: {', '.join(lost)} is no field that is kept (accepted: names of fields)")
        unknown = [name for name in self.text if name not in self.fields or self.fields[name].private]
        if unknown:
            raise ValueError(f"text: {', '.join(unknown)} is no field that is kept (accepted: names of fields)")
        return self

    @cached_property
    def columns(self) -> Columns:
        """How headers are read."""
        words: dict[str, str] = {}
        for name, field in self.fields.items():
            for word in (name, field.title, *field.headers):
                words.setdefault(plain_header(word), name)
        return Columns(self.id, tuple(self.fields), words)

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of one row as the API takes it."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.title,
            "type": "object",
            "properties": {name: _property(field) for name, field in self.fields.items()},
            "required": [name for name, field in self.fields.items() if field.required],
            "additionalProperties": False,
        }


class IntakeRules(BaseModel):
    """The file intake.yml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: str | None = "intake"
    settle: Duration = timedelta(seconds=10)
    api_rows: int = Field(default=500, ge=1, le=5000)
    file_rows: int = Field(default=200_000, ge=1, le=5_000_000)
    file_megabytes: int = Field(default=200, ge=1, le=4000)

    @property
    def place(self) -> str:
        """The folder, below the data folder where it is relative; where one is switched off, what it was."""
        return self.folder or "intake"


class Intake(BaseModel):
    """All of it."""

    model_config = ConfigDict(frozen=True)

    rules: IntakeRules = IntakeRules()
    kinds: Mapping[str, IntakeKind] = Field(default_factory=dict)

    @property
    def titles(self) -> Mapping[str, str]:
        """The titles of what is handed in, by the source of its documents."""
        return {kind.source: kind.title for kind in self.kinds.values()}


def load_intake(config_dir: Path) -> Intake:
    """Reads intake.yml and intake/*.yml; a file's name is its kind. Raises ConfigError with every mistake."""
    mistakes: list[str] = []
    rules = IntakeRules()
    try:
        rules = IntakeRules.model_validate(_read(config_dir, FILE) or {})
    except ValidationError as error:
        mistakes += mistakes_of(FILE, error, IntakeRules)
    kinds: dict[str, IntakeKind] = {}
    for path in sorted((config_dir / FOLDER).glob("*.yml")):
        name = f"{FOLDER}/{path.name}"
        try:
            given = _read(config_dir, name)
            told = given if isinstance(given, dict) else {}
            kinds[path.stem] = IntakeKind.model_validate({**told, "id": path.stem})
        except ValidationError as error:
            mistakes += mistakes_of(name, error, IntakeKind)
        except ConfigError as problem:
            mistakes += problem.mistakes
    mistakes += _clashes(kinds)
    if mistakes:
        raise ConfigError(mistakes)
    return Intake(rules=rules, kinds=kinds)


def _clashes(kinds: Mapping[str, IntakeKind]) -> Iterator[str]:
    """What two kinds cannot share: a folder of the watched one, a source under whose name the caller's ids are kept."""
    for name in sorted(kinds.keys() & set(FOLDERS)):
        yield f"{FOLDER}/{name}.yml: (file name): {name} is a folder of the watched one (accepted: another name)"
    by_source: dict[str, str] = {}
    for name, kind in sorted(kinds.items()):
        other = by_source.setdefault(kind.source, name)
        if other != name:
            yield (
                f"{FOLDER}/{name}.yml: source: {kind.source} is the source of {other} too, and two rows with one id "
                "would be taken for the same (accepted: a source of its own)"
            )


def _property(field: Column) -> dict[str, Any]:
    found = {"title": field.title, **SHAPES[field.type]}
    if field.type == "choice":
        found["enum"] = [word for code, words in field.values.items() for word in (code, *words)]
    elif found["type"] == "string":
        found |= {"maxLength": field.most, **({"minLength": 1} if field.required else {})}
    if field.private:
        found["description"] = "个人信息：接收后不保存"
        found["writeOnly"] = True
    return found


def _read(config_dir: Path, name: str) -> Any:
    path = config_dir / name
    try:
        return yaml_of(path.read_text(encoding="utf-8")) if path.exists() else None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{name}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
