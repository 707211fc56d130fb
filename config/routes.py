"""Who is told of an alert: config/routes.yml."""

from datetime import timedelta
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.mistakes import mistakes_of
from core.durations import Duration
from core.errors import ConfigError


class Routes(BaseModel):
    """notify_within: age of the story (event time) up to which a change is sent.  digest_at: HH:MM, Beijing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notify_within: Duration = timedelta(days=3)
    mail_from_level: int = Field(default=1, ge=1, le=4)
    digest_at: str = Field(default="08:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    mail: tuple[str, ...] = ()


def load_routes(config_dir: Path) -> Routes:
    """The routes; defaults where there is no file. Raises ConfigError with every mistake."""
    path = config_dir / "routes.yml"
    if not path.exists():
        return Routes()
    try:
        return Routes.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except ValidationError as error:
        raise ConfigError(mistakes_of("routes.yml", error, Routes)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"routes.yml: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
