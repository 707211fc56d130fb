"""How long the steps of a ledger entry may take and what closing one needs: config/ledger.yml."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from config.mistakes import mistakes_of
from config.yaml_text import yaml_of
from core.errors import ConfigError
from core.records import LEVEL_IDS

FILE = "ledger.yml"
LevelId = Literal["red", "orange", "yellow", "blue"]
Origin = Literal["self", "check", "spotcheck", "complaint", "opinion", "recall"]
ProofType = Literal["pdf", "jpg", "png", "docx", "xlsx", "ofd"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(_Part):
    """working: working days; otherwise calendar days whose last one moves on to a working day."""

    days: int = Field(ge=1, le=365)
    working: bool = False


class Steps(_Part):
    """Working days for the next step."""

    receive: int = Field(default=1, ge=1, le=60)
    visit: int = Field(default=3, ge=1, le=60)
    decide: int = Field(default=3, ge=1, le=60)


class Extend(_Part):
    """How far a due date may be moved."""

    most_days: int = Field(default=60, ge=1, le=365)
    most_times: int = Field(default=2, ge=0, le=20)


class Retest(_Part):
    """Where a passed re-test is needed: a key product at this level or above, or one of these issues."""

    key_products: bool = True
    from_level: LevelId = "yellow"
    issues: tuple[str, ...] = ("fire", "explosion")


class Goods(_Part):
    """Where goods must be traced, sealed or recalled: from a level on, or where it was found by one of these ways."""

    from_level: LevelId = "orange"
    origins: tuple[Origin, ...] = ("recall",)


class Close(_Part):
    """What closing an entry needs. above_from: from this level on an office above the one that did the work decides."""

    above_from: LevelId = "orange"
    quiet_days: int = Field(default=30, ge=0, le=365)
    retest: Retest = Retest()
    goods: Goods = Goods()


class LookBack(_Part):
    """Which closed entries are looked at again, and when."""

    from_level: LevelId = "orange"
    share: float = Field(default=0.2, ge=0, le=1)
    after_days: int = Field(default=30, ge=1, le=365)


class Overdue(_Part):
    """After how many days past due the next office above is told."""

    steps: tuple[int, ...] = (1, 5, 10)

    @field_validator("steps")
    @classmethod
    def _rising(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if any(step < 1 for step in steps) or list(steps) != sorted(set(steps)):
            raise ValueError("do not rise (accepted: days past due, each more than the one before, from 1 on)")
        return steps


class Supervise(_Part):
    """overdue: so many overdue entries of a territory or firm make a proposal."""

    overdue: int = Field(default=3, ge=1, le=1000)


class SpotCheck(_Part):
    """Days of a failed supervised spot check: from the report's delivery, the order, the announcement."""

    objection: int = Field(default=15, ge=1, le=365)
    rectify: int = Field(default=60, ge=1, le=365)
    recheck: int = Field(default=75, ge=1, le=365)
    again_from: int = Field(default=60, ge=1, le=365)
    again_to: int = Field(default=90, ge=1, le=365)
    next_workday: bool = True


class Proofs(_Part):
    """Files that are taken."""

    most_megabytes: int = Field(default=20, ge=1, le=100)
    types: tuple[ProofType, ...] = ("pdf", "jpg", "png", "docx", "xlsx", "ofd")

    @property
    def most_bytes(self) -> int:
        """The same as a number of bytes."""
        return self.most_megabytes << 20


USUAL: Mapping[LevelId, Span] = {
    "red": Span(days=3),
    "orange": Span(days=7),
    "yellow": Span(days=15),
    "blue": Span(days=30),
}
_LEVEL_ID: Mapping[int, LevelId] = {1: "blue", 2: "yellow", 3: "orange", 4: "red"}


class LedgerRules(_Part):
    """The whole file."""

    rectify: Mapping[LevelId, Span] = USUAL
    step: Steps = Steps()
    extend: Extend = Extend()
    close: Close = Close()
    look_back: LookBack = LookBack()
    overdue: Overdue = Overdue()
    supervise: Supervise = Supervise()
    spotcheck: SpotCheck = SpotCheck()
    proofs: Proofs = Proofs()

    @field_validator("rectify")
    @classmethod
    def _whole(cls, given: Mapping[LevelId, Span]) -> Mapping[LevelId, Span]:
        return {**USUAL, **given}

    def span_of(self, level: int) -> Span:
        """How long a hazard of a level (1 to 4) may stand."""
        return self.rectify[_LEVEL_ID[level]]

    @property
    def quiet(self) -> timedelta:
        """How long nothing new may be told of a firm and product before an entry is closed."""
        return timedelta(days=self.close.quiet_days)


def at_least(level: int, floor: LevelId) -> bool:
    """Whether a level (1 to 4) reaches one of the file."""
    return level >= LEVEL_IDS[floor]


def load_ledger_rules(config_dir: Path) -> LedgerRules:
    """Reads <config_dir>/ledger.yml; without it all is as usual.

    Raises ConfigError with all mistakes, each with file and key.
    """
    path = config_dir / FILE
    try:
        given = yaml_of(path.read_text(encoding="utf-8")) if path.exists() else {}
        return LedgerRules.model_validate(given or {})
    except ValidationError as error:
        raise ConfigError(mistakes_of(FILE, error, LedgerRules)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{FILE}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
