"""What sampling and the campaign are held against, and how sampling targets are weighed: config/progress.yml."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.mistakes import mistakes_of
from config.yaml_text import yaml_of
from core.errors import ConfigError

FILE = "progress.yml"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Points(_Part):
    """What each reason weighs."""

    level: int = Field(default=10, ge=0, le=100)
    origin: int = Field(default=2, ge=0, le=100)
    official: int = Field(default=6, ge=0, le=100)
    key: int = Field(default=5, ge=0, le=100)
    failed: int = Field(default=8, ge=0, le=100)
    sampled: int = Field(default=-12, ge=-100, le=0)


class Targets(_Part):
    """days, sampled: how far back events and batches are looked at."""

    days: int = Field(default=30, ge=1, le=365)
    sampled: int = Field(default=90, ge=1, le=730)
    most: int = Field(default=40, ge=1, le=200)
    points: Points = Points()


class ProgressRules(_Part):
    """The file. floor: percent of a year's batches."""

    floor: float = Field(default=30, ge=0, le=100)
    targets: Targets = Targets()


def load_progress(config_dir: Path) -> ProgressRules:
    """Reads <config_dir>/progress.yml; without it all is as usual. Raises ConfigError with every mistake."""
    path = config_dir / FILE
    try:
        given = yaml_of(path.read_text(encoding="utf-8")) if path.exists() else {}
        return ProgressRules.model_validate(given or {})
    except ValidationError as error:
        raise ConfigError(mistakes_of(FILE, error, ProgressRules)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{FILE}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
