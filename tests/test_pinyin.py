"""Characters by their sound: what is quick and small says the same as the library."""

import sys

import pytest
from pypinyin import lazy_pinyin
from pypinyin.pinyin_dict import pinyin_dict

from nlp.pinyin import phrases_given_back, sound_of, spelt


def test_each_character_sounds_as_in_the_library():
    signs = list(map(chr, pinyin_dict))
    assert list(map(sound_of, signs)) == [lazy_pinyin(sign)[0] for sign in signs]


@pytest.mark.parametrize("sign", ["A", "1", " ", "，", "🔥", "の", "\ud800", "\U0010ffff"])
def test_what_is_no_chinese_character_stays(sign):
    assert sound_of(sign) == sign


def test_a_known_phrase_sounds_as_it_is_spoken():
    assert spelt("重庆A区") == "chongqingaqu"


def test_phrases_are_not_kept_by_who_spells_once():
    with phrases_given_back():
        assert spelt("铅山") == "yanshan"
    assert not [name for name in sys.modules if name.startswith("pypinyin")]
    assert spelt("铅山") == "yanshan"
