"""The map of tiles: open alerts by prefecture, each at the place that config/tiles.yml gives it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.regions import Regions
from core.records import Alert
from store.users import EVERYWHERE

STEPS = (0, 1, 2, 4, 6)
"""From so many open alerts on a tile is tinted one step deeper."""


@dataclass(frozen=True)
class Tile:
    """A prefecture on the map. step: tint 0 to 5.  column, row: from 1; 0 where it follows after the others."""

    code: str
    name: str
    count: int
    level: int
    step: int
    column: int = 0
    row: int = 0


def tiles_of(
    still_open: Sequence[Alert], regions: Regions, places: Mapping[str, tuple[int, int]], territory: str = EVERYWHERE
) -> list[Tile]:
    """What lies in a viewer's territory, one tile each: of the province its prefectures, of a prefecture its counties.

    In the order of their codes; those without a place last.
    """
    root = regions.home if territory == EVERYWHERE else territory
    below = [code for code in regions.children.get(root, ()) if root != regions.home or _is_prefecture(regions, code)]
    tiles = []
    for code in below or [root]:
        region = regions.get(code)
        if region is None:
            continue
        here = [alert for alert in still_open if regions.is_within(code, alert.territory)]
        step = max((i for i, least in enumerate(STEPS) if len(here) >= least), default=0)
        level = max((alert.level for alert in here), default=0)
        tiles.append(Tile(code, region.short_name, len(here), level, step, *places.get(code, (0, 0))))
    return sorted(tiles, key=lambda tile: tile.column == 0)


def _is_prefecture(regions: Regions, code: str) -> bool:
    region = regions.get(code)
    return region is not None and region.level in ("prefecture", "national_new_area")
