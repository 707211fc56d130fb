"""Rules that group by place or count places also where a county lies in no prefecture: Beijing, Shanghai, 仙桃."""

from collections.abc import Callable

import pytest

from config.lexicon import Lexicon
from tests.test_alert_book import complaint, crowd_desk, standing
from tests.test_alert_engine import Desk

__all__ = ["crowd_desk"]

DISTRICTS = ("110105", "110106", "110108")


@pytest.mark.parametrize(
    ("group", "places", "key"),
    [
        ("prefecture", DISTRICTS, "110000"),
        ("prefecture", ("110000", *DISTRICTS[:2]), "110000"),
        ("prefecture", ("429004",) * 3, "429004"),
        ("prefecture", ("330106", "330110", "330100"), "330100"),
        ("county", ("110105",) * 3, "110105"),
        ("county", ("429004",) * 3, "429004"),
    ],
)
def test_signals_of_a_place_are_counted_together(
    crowd_desk: Callable[..., Desk], group: str, places: tuple[str, ...], key: str
) -> None:
    desk = crowd_desk(near={"condition": {"type": "frequency", "window": "7d", "at_least": 3}, "group_by": [group]})
    desk.read(*(complaint(f"{place} 的投诉 {day}", day, place=place) for day, place in enumerate(places)))
    assert [row["key"] for row in standing(desk)] == [f"w:near|{key}"]


@pytest.mark.parametrize(("places", "fires"), [(DISTRICTS[:2], True), (("110105", "110105"), False)])
def test_districts_of_a_municipality_are_places_of_their_own(
    crowd_desk: Callable[..., Desk], places: tuple[str, ...], fires: bool
) -> None:
    condition = {"type": "frequency", "window": "7d", "at_least": 2, "places": 2}
    desk = crowd_desk(apart={"condition": condition, "group_by": ["product"]})
    desk.read(*(complaint(f"{place} 的投诉 {day}", day, place=place) for day, place in enumerate(places)))
    assert bool(standing(desk)) is fires


@pytest.mark.parametrize(
    ("jurisdiction", "mentioned", "told"),
    [
        ("360313", ("110000", "310115"), ("360313", "310115")),  # 本报北京讯
        ("310000", ("310000", "310115"), ("310000", "310115")),
        (None, ("360000", "500101"), ("500101",)),
        ("000000", ("360100",), ("360100",)),
    ],
)
def test_the_bare_name_of_a_municipality_is_a_place_only_where_the_matter_is_its_own(
    lexicon: Lexicon, jurisdiction: str | None, mentioned: tuple[str, ...], told: tuple[str, ...]
) -> None:
    assert lexicon.regions.places_told(jurisdiction, mentioned) == told
