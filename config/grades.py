"""The points table of the risk grades: config/grades.yml."""

from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from config.mistakes import mistakes_of
from config.yaml_text import yaml_of
from core.errors import ConfigError

FILE = "grades.yml"
GRADES = ("A", "B", "C", "D")


class Row(BaseModel):
    """What each kind of record is worth, in points; what falls with time is named in docs/grades.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: float = 5
    sampling_failed: float = 15
    sampling_passed: float = -3
    check_failed: float = 8
    check_passed: float = -2
    penalty: float = 15
    recall: float = 12
    complaints: float = 1
    complaints_most: float = Field(default=10, ge=0)
    opinion: float = 6
    opinion_most: float = Field(default=18, ge=0)
    ledger_open: float = 15
    ledger_closed: float = 8
    paper_lapsed: float = 20
    paper_suspended: float = 25
    paper_withdrawn: float = 30
    credit: Mapping[str, float] = Field(default_factory=dict)


class Bounds(BaseModel):
    """From how many points on a grade begins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    B: float
    C: float
    D: float

    @model_validator(mode="after")
    def _rising(self) -> "Bounds":
        if not 0 < self.B < self.C < self.D:
            raise ValueError("must rise (accepted: 0 < B < C < D)")
        return self


class GradeTable(BaseModel):
    """half_life, forget: days.  products: by product id, only the rows that differ from `default`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bounds: Bounds
    half_life: float = Field(default=365, gt=0)
    forget: int = Field(default=1095, gt=0)
    default: Row = Row()
    products: Mapping[str, Row] = Field(default_factory=dict)

    @cached_property
    def rows(self) -> Mapping[str, Row]:
        """The whole row of each product that has one."""
        own = {name: row.model_dump(exclude_unset=True) for name, row in self.products.items()}
        return {name: self.default.model_copy(update=values) for name, values in own.items()}

    def row(self, products: Collection[str]) -> tuple[str, Row]:
        """The product whose row counts, the one with the most points of its own, and that row; "" is the default."""
        found = [(name, self.rows[name]) for name in products if name in self.rows]
        return max(found, key=lambda one: (one[1].product, one[0]), default=("", self.default))

    def grade(self, points: float) -> str:
        """The grade of so many points."""
        edges = (self.bounds.B, self.bounds.C, self.bounds.D)
        return GRADES[sum(points >= edge for edge in edges)]


def load_grades(config_dir: Path, *, products: Collection[str]) -> GradeTable:
    """Reads <config_dir>/grades.yml. products: ids that are known. Raises ConfigError with all mistakes."""
    try:
        given = yaml_of((config_dir / FILE).read_text(encoding="utf-8"))
        table = GradeTable.model_validate(given or {})
    except ValidationError as error:
        raise ConfigError(mistakes_of(FILE, error, GradeTable)) from None
    except OSError as error:
        raise ConfigError([f"{FILE}: cannot be read: {error.strerror}"]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{FILE}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
    unknown = [name for name in table.products if name not in products]
    if unknown:
        raise ConfigError(
            [f"{FILE}: products.{name}: no product (accepted: {', '.join(products)})" for name in unknown]
        )
    return table
