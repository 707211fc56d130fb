"""How the names in a text sound: one brand is spelt differently by people who only heard it or mistype it.

A slow build-up of complaints on goods that no register knows is seen only where 捷烽加油站, 田畈街捷烽加油站 and
捷峰柴油 count as one name. What is compared is the end of the own name, without place, trade and legal form, by its
sound without tones. Different names may sound alike: a rule that groups by it asks for more than is usual.
"""

import re
from collections.abc import Collection

from core.records import NAMES_OF_FIRMS, Analysis
from nlp.firm_names import bare_name
from nlp.pinyin import sound_of

SYLLABLES = 2
"""The last two: places that no list has (田畈街) stand in front of them."""
MOST = 4
NIL = "NIL:"
_LATIN = re.compile(r"[A-Za-z]{4,20}")
_HANZI = re.compile(r"[\u4e00-\u9fff]+")


def sounds_of(analysis: Analysis, cleared: Collection[str], places: Collection[str]) -> tuple[str, ...]:
    """The sounds of the firms and brands that a signal names, at most four, in order; not of those it clears.

    A listed firm counts by the words it is called with, so that its right name and the wrong ones come together.
    """
    mentions = (*analysis.title_mentions, *analysis.mentions)
    called = [m.text for m in mentions if m.type in NAMES_OF_FIRMS and m.id_or_norm and m.id_or_norm not in cleared]
    called += [firm.removeprefix(NIL) for firm in analysis.enterprises if firm.startswith(NIL) and firm not in cleared]
    found = (sound_of_name(name, places) for name in dict.fromkeys(called))
    return tuple(dict.fromkeys(sound for sound in found if sound))[:MOST]


def sound_of_name(name: str, places: Collection[str]) -> str:
    """`jiefeng` of 田畈街镇捷烽加油站; letters (TUOFU) are taken for pinyin; empty where less than two
    characters are the name's own."""
    if _LATIN.fullmatch(name):
        return name.lower()
    own = "".join(_HANZI.findall(bare_name(name, places)))
    return "".join(sound_of(char) for char in own[-SYLLABLES:]) if len(own) >= SYLLABLES else ""
