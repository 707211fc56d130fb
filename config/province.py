"""Whose desk this is: config/province.yml."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from config.mistakes import mistakes_of
from config.regions import Regions
from config.yaml_text import yaml_of
from core.errors import ConfigError

FILE = "province.yml"


class Province(BaseModel):
    """code: of a province in lexicons/regions.csv."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str


def load_province(config_dir: Path, regions: Regions) -> Province:
    """The home province. Raises ConfigError."""
    path = config_dir / FILE
    try:
        province = Province.model_validate(yaml_of(path.read_text(encoding="utf-8")) or {})
    except ValidationError as error:
        raise ConfigError(mistakes_of(FILE, error, Province)) from None
    except FileNotFoundError:
        raise ConfigError([f"{FILE}: is missing (accepted: one line, such as code: '360000')"]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{FILE}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
    region = regions.get(province.code)
    if region is None or region.level != "province":
        provinces = ", ".join(f"'{one.code}'" for one in regions if one.level == "province")
        raise ConfigError([f"{FILE}: code: {province.code!r} is no province of regions.csv (accepted: {provinces})"])
    return province
