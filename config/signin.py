"""How people sign in: config/signin.yml."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from config.mistakes import mistakes_of
from core.errors import ConfigError

FILE = "signin.yml"
RoleId = Literal["viewer", "officer", "supervisor", "admin"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SignIn(_Part):
    """two_step_for: roles that see nothing but their account page until a second step is set up."""

    two_step_for: tuple[RoleId, ...] = ()


def load_sign_in(config_dir: Path) -> SignIn:
    """The file; none is the same as an empty one. Raises ConfigError with every mistake."""
    path = config_dir / FILE
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
        return SignIn.model_validate(given or {})
    except ValidationError as error:
        raise ConfigError(mistakes_of(FILE, error, SignIn)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{FILE}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
