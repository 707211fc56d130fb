"""Chinese firms as foreigners write them: `Shenzhen Xinweili Technology Co., Ltd.` and 深圳鑫威力科技有限公司 alike."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from config.regions import Regions
from enterprises.english_trades import TRADES, trades_of
from nlp.pinyin import sound_of, spelt

LEGAL = frozenset(
    (
        "co", "ltd", "limited", "inc", "incorporated", "company", "corp", "corporation", "llc", "gmbh", "factory",
        "plant", "works", "the", "and", "of", "china", "prc", "cn", "p", "r",
    )
)  # fmt: skip
_HAN_TRADES = frozenset(word for words in TRADES.values() for word in words)
MOST_OF_A_TRADE = max(map(len, _HAN_TRADES))
_HAN_LEGAL = re.compile(r"(?:股份|集团)?(?:有限责任公司|有限公司|公司|总厂|分厂|工厂|厂|商行|经营部|合作社)$")
_BRACKETS = re.compile(r"[（(][^（()）]*[）)]")
HETERONYMS = {
    "乐": ("le", "yue"), "长": ("chang", "zhang"), "重": ("zhong", "chong"), "行": ("xing", "hang"),
    "朝": ("chao", "zhao"), "曾": ("zeng", "ceng"), "盛": ("sheng", "cheng"), "厦": ("xia", "sha"),
    "单": ("dan", "shan"), "贾": ("jia", "gu"), "会": ("hui", "kuai"), "大": ("da", "dai"), "都": ("dou", "du"),
    "传": ("chuan", "zhuan"), "调": ("tiao", "diao"), "万": ("wan", "mo"), "六": ("liu", "lu"), "兴": ("xing",),
}  # fmt: skip
"""Characters of names with two sounds; a character by itself has only its usual one elsewhere."""


@dataclass(frozen=True)
class LatinName:
    """A name in Latin letters. plain: without legal forms.  cores: the name proper, first without places and trades.

    places: region codes that may be named in it, the closest first.  doubtful: those of them that are spelt as a place
    of another prefecture.  trades: Chinese words that its trades may stand for.
    """

    plain: str
    cores: tuple[str, ...]
    places: tuple[str, ...]
    trades: frozenset[str]
    doubtful: frozenset[str] = frozenset()


@dataclass(frozen=True)
class HanName:
    """A registered name. sounds: of the name proper, more than one where a character has two.  short: of its first two
    characters where it is longer."""

    core: str
    sounds: tuple[str, ...]
    short: tuple[str, ...]
    trades: frozenset[str]


class LatinReader:
    """Reads both sorts of names with the places of the lexicon."""

    def __init__(self, regions: Regions) -> None:
        self.regions = regions
        found: dict[str, set[str]] = {"shaanxi": {"610000"}}
        for region in regions:
            for name in {region.short_name, region.name} - {""}:
                found.setdefault(_letters(spelt(name)), set()).add(region.code)
        for outside, code in regions.outside.items():
            found.setdefault(_letters(spelt(outside)), set()).add(code)
        self._places = {name: tuple(sorted(codes)) for name, codes in found.items()}
        self._heads = dict(_heads(regions))
        self._lengths = sorted({len(head) for head in self._heads}, reverse=True)

    def latin(self, text: str) -> LatinName:
        """Read a name; what follows `, of` is its place."""
        named, _, seat = re.sub(r"(?i)[,，]?\s+of\s+", "\0", text, count=1).partition("\0")
        words = _words(named)
        plain = "".join(word for word in words if word not in LEGAL)
        spans = list(self._place_spans(words))
        named_places = [codes for _, _, codes in (*spans, *self._place_spans(_words(seat)))]
        places = {code for codes in named_places for code in codes}
        doubtful = {code for codes in named_places if self._far_apart(codes) for code in codes}
        taken = {place for start, end, _ in spans for place in range(start, end)}
        trades: set[str] = set()
        core, whole = [], []
        for place, word in enumerate(words):
            if word in LEGAL:
                continue
            known = trades_of(word)
            if known:
                trades.update(known)
                continue
            whole.append(word)
            if place not in taken:
                core.append(word)
        cores = tuple(dict.fromkeys(filter(None, ("".join(core), "".join(whole)))))
        ordered = tuple(sorted(places, key=self._closest))
        return LatinName(plain, cores, ordered, frozenset(trades), frozenset(doubtful))

    def han(self, name: str, region_code: str) -> HanName:
        """Read a registered name: place, name proper, trade, legal form."""
        text = _HAN_LEGAL.sub("", _BRACKETS.sub("", name))
        text = self._without_second_place(self._without_place(text, least=2, shortest=2))
        trades = set()
        ways: list[str] = []
        while True:
            sizes = range(min(MOST_OF_A_TRADE, len(text) - 1), 1, -1)
            word = next((text[-size:] for size in sizes if text[-size:] in _HAN_TRADES), "")
            if not word:
                break
            trades.add(word)
            text = text[: -len(word)]
            ways.append(text)
        if len(text) < 2 and trades:  # the name proper was taken for a trade
            text = _HAN_LEGAL.sub("", _BRACKETS.sub("", name))[-4:]
        whole = ways[:1]  # 恒基集团 as it is spoken, beside 恒基
        spoken = tuple(dict.fromkeys(sound for way in (text, *whole) for sound in sounds(way)))
        return HanName(text, spoken, sounds(text[:2]) if len(text) > 2 else (), frozenset(trades))

    def _without_place(self, text: str, *, least: int, shortest: int) -> str:
        """least: characters that must be left; shortest: of the place."""
        for size in self._lengths:
            if shortest <= size <= len(text) - least and text[:size] in self._heads:
                return text[size:]
        return text

    def _without_second_place(self, text: str) -> str:
        return self._without_place(text, least=4, shortest=3)

    def _place_spans(self, words: Sequence[str]) -> Iterator[tuple[int, int, tuple[str, ...]]]:
        start = 0
        while start < len(words):
            for size in (3, 2, 1):
                codes = self._places.get("".join(words[start : start + size]))
                if codes and start + size <= len(words):
                    yield start, start + size, codes
                    start += size - 1
                    break
            start += 1

    def _far_apart(self, codes: Sequence[str]) -> bool:
        return len({self.regions.prefecture_of(code) or code for code in codes}) > 1

    def _closest(self, code: str) -> tuple[bool, bool, bool, str]:
        home = code[:2] == self.regions.home[:2]
        return code.endswith("0000"), code.endswith("00"), not home, code


def sounds(text: str) -> tuple[str, ...]:
    """The ways a Chinese word is spelt without tones, at most four; what is no character stays."""
    ways = [HETERONYMS.get(char) or (_sound(char),) for char in text]
    return tuple(dict.fromkeys(_letters("".join(way)) for way, _ in zip(product(*ways), range(4), strict=False)))


@lru_cache(maxsize=10_000)
def _sound(char: str) -> str:
    return sound_of(char)


def shortened(text: str) -> Iterator[str]:
    """A spelling and what is left of it when one letter is dropped: two spellings that share one differ by a letter."""
    yield text
    for place in range(len(text)):
        yield text[:place] + text[place + 1 :]


def plain_latin(text: str) -> str:
    """Letters and digits of a name without legal forms."""
    return "".join(word for word in _words(text) if word not in LEGAL)


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text)
    plain = re.sub(r"['’`´]", "", "".join(char for char in plain if not unicodedata.combining(char)))
    return [_letters(word) for word in re.findall(r"[A-Za-z0-9]+", plain)]


def _letters(text: str) -> str:
    """ü is written v, u or yu."""
    return re.sub(r"(?<=[ln])(?:v|yu(?=$|[^aeiou]))", "u", text.lower())


def _heads(regions: Regions) -> Iterator[tuple[str, str]]:
    for region in regions:
        for name in {region.name, region.short_name, *region.aliases}:
            if len(name) > 1:
                yield name, region.code


def names_of_makers(text: str) -> Iterator[str]:
    """Companies that a notice in English names as makers or exporters."""
    for match in _MAKER.finditer(text[:20_000]):
        yield match[1].strip(" ,.")


_NAME = r"[A-Z][\w'’&.-]*(?:[ ,]+(?:[A-Z(&][\w'’&.)-]*|and|of))*"
_MAKER = re.compile(
    rf"(?:[Mm]anufactur(?:er|ed by)|[Mm]ade by|[Pp]roduced by|[Ee]xport(?:er|ed by)|[Ss]upplier|[Ff]actory)"
    rf"(?: as (?:marked|stated)[^:]{{0,40}})?\s*(?:name)?\s*[:：]?\s+({_NAME})"
)


def overlap(one: Collection[str], other: Collection[str]) -> bool:
    """Whether two sets of trades have a word or a part of one in common."""
    return any(a in b or b in a for a in one for b in other)
