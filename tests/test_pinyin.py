"""Characters by their sound: what is quick and small says the same as the library."""

import pytest
from pypinyin import lazy_pinyin
from pypinyin.pinyin_dict import pinyin_dict

from nlp.pinyin import sound_of, spelt


def test_each_character_sounds_as_in_the_library():
    signs = list(map(chr, pinyin_dict))
    assert list(map(sound_of, signs)) == [lazy_pinyin(sign)[0] for sign in signs]


@pytest.mark.parametrize("sign", ["A", "1", " ", "，", "🔥", "の", "\ud800", "\U0010ffff"])
def test_what_is_no_chinese_character_stays(sign):
    assert sound_of(sign) == sign


def test_a_known_phrase_sounds_as_it_is_spoken():
    assert spelt("重庆A区") == "chongqingaqu"
