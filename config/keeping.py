"""What is backed up when, and how what is kept is checked: config/keeping.yml."""

import re
from datetime import timedelta
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from config.mistakes import mistakes_of
from core.durations import Duration
from core.errors import ConfigError

FILE = "keeping.yml"
HOUR = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)$")


class BackupRules(BaseModel):
    """to: folder, outside of the data folder; empty: no backup by itself.  at: Beijing.  late: older is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: str = ""
    at: str = "02:30"
    keep: int = Field(default=7, ge=1, le=1000)
    late: Duration = timedelta(hours=36)
    verify: bool = True

    @field_validator("at")
    @classmethod
    def _an_hour(cls, at: str) -> str:
        if not HOUR.match(at):
            raise ValueError(f"{at!r} is no hour (accepted: 00:00 to 23:59, in quotes)")
        return at

    @property
    def hour_minute(self) -> tuple[int, int]:
        """When it is made, Beijing time."""
        hour, _, minute = self.at.partition(":")
        return int(hour), int(minute)


class KeepingRules(BaseModel):
    """All of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backup: BackupRules = BackupRules()


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
