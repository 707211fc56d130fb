"""Who is sent what: config/routes.yml."""

from datetime import time
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.mistakes import mistakes_of
from config.rules import Level
from core.errors import ConfigError
from core.records import LEVEL_IDS

MAIL_TO = "$mail_to"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Route(_Part):
    """One group of recipients. territories, products: none means all."""

    name: str = Field(min_length=1)
    channel: Literal["mail"] = "mail"
    to: tuple[str, ...] = Field(min_length=1)
    min_level: Level = "yellow"
    territories: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    digest: bool = False

    @property
    def rank(self) -> int:
        """The lowest level that is sent, 1 to 4."""
        return LEVEL_IDS[self.min_level]

    def recipients(self, mail_to: str) -> tuple[str, ...]:
        """The addresses, with $mail_to (comma separated) filled in."""
        given = [address for one in self.to for address in (mail_to.split(",") if one == MAIL_TO else [one])]
        return tuple(dict.fromkeys(address.strip() for address in given if address.strip()))


class DigestTime(_Part):
    """When the daily digest goes out, Beijing time."""

    at: time = time(7, 30)


class Routes(_Part):
    """The whole file."""

    routes: tuple[Route, ...] = ()
    digest: DigestTime = DigestTime()


def load_routes(config_dir: Path) -> Routes:
    """Reads <config_dir>/routes.yml. Raises ConfigError with all mistakes."""
    path = config_dir / "routes.yml"
    try:
        return Routes.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except FileNotFoundError:
        raise ConfigError([f"{path}: file is missing"]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path.name}: not readable as YAML: {' '.join(str(error).split())}"]) from None
    except ValidationError as error:
        raise ConfigError(mistakes_of(path.name, error, Routes)) from None
