"""How clusters are counted: config/clusters.yml."""

import hashlib
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from config.mistakes import mistakes_of
from config.yaml_text import yaml_of
from core.errors import ConfigError

FILE = "clusters.yml"
Word = Annotated[str, StringConstraints(min_length=2, max_length=20, strip_whitespace=True)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{1,30}$")]


class WeakSpot(BaseModel):
    """A sort of place that a notice names, and the words by which documents tell of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=2, max_length=20)
    words: tuple[Word, ...] = Field(min_length=1, max_length=200)


class ClusterRules(BaseModel):
    """least_expected: below it no cell glows.  interval: its credibility.  extra_firms: added to each place."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weak_spots: dict[Key, WeakSpot] = {}
    least_expected: float = Field(default=0.5, ge=0, le=100)
    interval: float = Field(default=0.9, ge=0.5, le=0.99)
    extra_firms: float = Field(default=0.5, gt=0, le=100)

    @property
    def version(self) -> str:
        """Changes with the words: what was read with others is read again."""
        told = repr(sorted((key, spot.words) for key, spot in self.weak_spots.items()))
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def spots_in(self, text: str) -> tuple[str, ...]:
        """The weak spots that a text tells of."""
        return tuple(key for key, spot in self.weak_spots.items() if any(word in text for word in spot.words))


def load_clusters(config_dir: Path) -> ClusterRules:
    """Reads <config_dir>/clusters.yml; without it there are no weak spots. Raises ConfigError with all mistakes."""
    path = config_dir / FILE
    try:
        given = yaml_of(path.read_text(encoding="utf-8")) if path.exists() else {}
        return ClusterRules.model_validate(given or {})
    except ValidationError as error:
        raise ConfigError(mistakes_of(FILE, error, ClusterRules)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{FILE}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
