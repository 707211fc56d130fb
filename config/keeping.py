"""What is backed up when, and how what is kept is checked: config/keeping.yml."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from config.mistakes import mistakes_of
from core.durations import Duration
from core.errors import ConfigError

FILE = "keeping.yml"
Hour = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""In quotes: without them YAML reads a number of minutes."""


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


class KeepingRules(BaseModel):
    """All of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backup: BackupRules = BackupRules()
    check: CheckRules = CheckRules()


def load_keeping(config_dir: Path) -> KeepingRules:
    """Reads <config_dir>/keeping.yml; without it nothing happens by itself. Raises ConfigError with all mistakes."""
    path = config_dir / FILE
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
        return KeepingRules.model_validate(given or {})
    except ValidationError as error:
        raise ConfigError(mistakes_of(FILE, error, KeepingRules)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{FILE}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
