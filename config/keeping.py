"""What is backed up when, and how what is kept is checked: config/keeping.yml."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from config.mistakes import mistakes_of
from config.yaml_text import yaml_of
from core.durations import Duration
from core.errors import ConfigError
from core.records import Kind

FILE = "keeping.yml"
LEAST_DAYS = 30
"""Pages are looked at again for so long, and reposts are recognised."""
Hour = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""In quotes: without them YAML reads a number of minutes."""

Days = Annotated[int, Field(ge=LEAST_DAYS, le=36_500)]


def parts_of(hour: str) -> tuple[int, int]:
    """Hour and minute."""
    return int(hour[:2]), int(hour[3:])


class BackupRules(BaseModel):
    """to: folder, outside of the data folder; empty: no backup by itself.  at: Beijing.  late: older is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: str = ""
    at: Hour = "02:30"
    keep: int = Field(default=7, ge=1, le=1000)
    late: Duration = timedelta(hours=36)
    verify: bool = True

    @property
    def hour_minute(self) -> tuple[int, int]:
        """When it is made, Beijing time."""
        return parts_of(self.at)


class CheckRules(BaseModel):
    """The nightly look at what is kept. at: Beijing.  pages: of the archive a night, at most.  minutes: all of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: Hour = "03:10"
    pages: int = Field(default=20_000, ge=1, le=10_000_000)
    minutes: float = Field(default=10, gt=0, le=600)

    @property
    def hour_minute(self) -> tuple[int, int]:
        """When it begins, Beijing time."""
        return parts_of(self.at)


class KindRule(BaseModel):
    """Documents of these kinds (None: any), with or without a risk (None: both), for so many days; None: for ever."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kinds: tuple[Kind, ...] | None = None
    risk: bool | None = None
    days: Days | None = None

    def fits(self, kind: str, risk: bool) -> bool:
        """Whether a document is one of these."""
        return (self.kinds is None or kind in self.kinds) and self.risk in (None, risk)


class RetentionRules(BaseModel):
    """How long what is kept, in days since it was stored; None: for ever. daily: whether anything goes by itself.

    documents: the first rule that fits counts; what none fits stays.  raw: what was fetched as it was fetched, with
    personal data, beside the masked text.  closed_alerts: so long after its end an alert holds its documents.
    pages: of the archive that no document leads to (lists, robots.txt).  deliveries: their texts.  handed: files that
    were handed in or dropped and read (what was taken of them is in the archive), and those that were refused.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    daily: bool = False
    at: Hour = "04:10"
    minutes: float = Field(default=20, gt=0, le=600)
    documents: tuple[KindRule, ...] = ()
    raw: Days | None = None
    closed_alerts: Days = 1095
    pages: Days | None = None
    deliveries: Days | None = None
    handed: Days | None = None
    runs: Days = 30
    sessions: Days | None = None
    logs: Days | None = None

    @property
    def hour_minute(self) -> tuple[int, int]:
        """When it begins, Beijing time."""
        return parts_of(self.at)

    def days_of(self, kind: str, risk: bool) -> int | None:
        """How long a document stays; None: for ever."""
        rule = next((one for one in self.documents if one.fits(kind, risk)), None)
        return rule.days if rule else None

    @property
    def least_days(self) -> int | None:
        """Below this age nothing about documents goes."""
        told = [*(rule.days for rule in self.documents), self.raw]
        return min((days for days in told if days is not None), default=None)


class KeepingRules(BaseModel):
    """All of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backup: BackupRules = BackupRules()
    check: CheckRules = CheckRules()
    retention: RetentionRules = RetentionRules()


def load_keeping(config_dir: Path) -> KeepingRules:
    """Reads <config_dir>/keeping.yml; without it nothing happens by itself. Raises ConfigError with all mistakes."""
    path = config_dir / FILE
    try:
        given = yaml_of(path.read_text(encoding="utf-8")) if path.exists() else {}
        return KeepingRules.model_validate(given or {})
    except ValidationError as error:
        raise ConfigError(mistakes_of(FILE, error, KeepingRules)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{FILE}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
