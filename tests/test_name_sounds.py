"""One brand, spelt as people heard it: complaints from several places come together by its sound."""

import pytest

from alerts.name_sounds import sound_of_name

PLACES = {"江西", "江西省", "乐平", "鄱阳", "信丰", "南昌", "红谷滩"}


@pytest.mark.parametrize(
    "name",
    ["捷烽加油站", "捷峰", "田畈街镇捷烽加油站", "江西捷烽油品有限公司", "乐平捷烽", "捷烽牌", "JieFeng"],
)
def test_every_way_to_write_a_name_sounds_the_same(name):
    assert sound_of_name(name, PLACES) == "jiefeng"


@pytest.mark.parametrize(("one", "other"), [("橙稼宝", "稼橙肥业"), ("云骓", "驮福"), ("光速侠玩具", "捷烽")])
def test_different_names_stay_apart(one, other):
    assert sound_of_name(one, PLACES) != sound_of_name(other, PLACES)


@pytest.mark.parametrize("name", ["", "宝", "123", "A1"])
def test_what_has_no_name_of_its_own_has_no_sound(name):
    assert sound_of_name(name, PLACES) == ""
