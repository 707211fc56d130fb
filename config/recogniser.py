"""Which model finds firms that no list has: `models/recogniser.yml` in the config folder."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from config.yaml_text import yaml_of
from core.errors import ConfigError

FILE = "models/recogniser.yml"


class RecogniserChoice(BaseModel):
    """model: a folder beside the file or an absolute path; null turns the model off."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str | None = None


def recogniser_folder(config: Path) -> Path | None:
    """The chosen model folder, None where there is no file or it says null. Raises ConfigError."""
    path = config / FILE
    if not path.exists():
        return None
    try:
        choice = RecogniserChoice.model_validate(yaml_of(path.read_text(encoding="utf-8")) or {})
    except yaml.YAMLError as problem:
        raise ConfigError([f"{path}: not YAML ({problem})"]) from problem
    except ValidationError as problem:
        raise ConfigError([f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in problem.errors()]) from None
    return path.parent / choice.model if choice.model else None
