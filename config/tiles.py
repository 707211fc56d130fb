"""Where the territories stand on the desk's map of tiles: config/tiles.yml."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from config.regions import Regions
from config.yaml_text import yaml_of
from core.errors import ConfigError

FILE = "tiles.yml"
COLUMNS, ROWS = 8, 10
"""As many as desk.css has classes for (.tc1 ..., .tr1 ...)."""
Place = tuple[Annotated[int, Field(ge=1, le=COLUMNS, strict=True)], Annotated[int, Field(ge=1, le=ROWS, strict=True)]]
_FORM: TypeAdapter[dict[str, Place]] = TypeAdapter(dict[str, Place])


def load_tiles(config_dir: Path, regions: Regions) -> Mapping[str, Place]:
    """Region code to (column, row); empty without the file.

    Raises ConfigError with every mistake: `tiles.yml: 360499: is no region of regions.csv (accepted: ...)`.
    """
    path = config_dir / FILE
    try:
        given = yaml_of(path.read_text(encoding="utf-8")) if path.exists() else {}
        tiles = _FORM.validate_python(given or {})
    except ValidationError as error:
        accepted = f"accepted: code in quotes: [column 1 to {COLUMNS}, row 1 to {ROWS}]"
        raise ConfigError([f"{FILE}: {item['loc'][0] if item['loc'] else '(whole file)'}: {item['msg']} ({accepted})"
                           for item in error.errors()]) from None  # fmt: skip
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{FILE}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
    mistakes = list(_mistakes(tiles, regions))
    if mistakes:
        raise ConfigError(mistakes)
    return tiles


def _mistakes(tiles: Mapping[str, Place], regions: Regions) -> Iterator[str]:
    taken = Counter(tiles.values())
    for code, place in tiles.items():
        if regions.get(code) is None:
            yield f"{FILE}: {code}: is no region of regions.csv (accepted: codes of lexicons/regions.csv)"
        if taken[place] > 1:
            yield f"{FILE}: {code}: {list(place)} is taken twice (accepted: a place of its own)"
