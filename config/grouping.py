"""How signals are brought together to one matter: config/grouping.yml."""

from datetime import timedelta
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from config.yaml_text import yaml_of
from core.durations import Duration
from core.errors import ConfigError


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Idle(_Part):
    """So long without a word, and what comes next is a new matter. unlisted: a firm or brand that is in no list.
    ware: a word for something of a wide product."""

    firm: Duration = timedelta(days=14)
    unlisted: Duration = timedelta(days=5)
    model: Duration = timedelta(days=14)
    ware: Duration = timedelta(days=2)
    place: Duration = timedelta(days=5)


class Join(_Part):
    """How far apart a text without a firm and the text that names one may lie.

    before, after: the naming text that much earlier or later, same place.  model: same number on the label.
    anywhere: no place known, and one firm only is talked about.
    """

    before: Duration = timedelta(days=3)
    after: Duration = timedelta(days=7)
    model: Duration = timedelta(days=45)
    anywhere: Duration = timedelta(days=2)


class Grouping(_Part):
    """families: products that are the same thing to the people who report it.

    wide: products so wide that two texts about them need not be about one thing; only the same word for it brings them
    together.
    longest: a matter that was never silent for so long goes on as a new one at the end of the month (of 30 days).
    """

    families: tuple[tuple[str, ...], ...] = ()
    wide: tuple[str, ...] = ()
    idle: Idle = Idle()
    join: Join = Join()
    longest: Duration = timedelta(days=60)

    def family_of(self, product: str | None) -> str | None:
        """The first product of its family; the product itself where it has none; None for a wide one."""
        if product in self.wide:
            return None
        for family in self.families:
            if product in family:
                return family[0]
        return product


def load_grouping(config_dir: Path) -> Grouping:
    """Reads <config_dir>/grouping.yml. Raises ConfigError with all mistakes."""
    path = config_dir / "grouping.yml"
    try:
        return Grouping.model_validate(yaml_of(path.read_text(encoding="utf-8")) or {})
    except FileNotFoundError:
        raise ConfigError([f"{path}: file is missing"]) from None
    except yaml.YAMLError as error:
        raise ConfigError([f"{path.name}: not readable as YAML: {' '.join(str(error).split())}"]) from None
    except ValidationError as error:
        lines = [f"{path.name}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise ConfigError(lines) from None
