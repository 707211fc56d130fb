"""Finding a firm by a full, short, former, misspelt, traditional, English or pinyin name, initials, a brand or a code.

Names that may be meant come from postings (`match_index`): those that share a key with the question, and those that
hold most of its pairs of characters and syllables, the rare ones first. The best of them are compared part by part
(`match_score`).
"""

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from rapidfuzz.distance import OSA

from core.credit_code import clean_code
from core.records import RegistryEntry
from enterprises.english_trades import trades_of
from enterprises.match_index import CODE, Array, MatchIndex, build_index
from enterprises.match_score import asked_of, fit
from enterprises.name_keys import code_keys, gram_text, key, pairs_of, sound_pairs
from enterprises.name_parts import NameParts, squeeze, without_label

FORMS = ("股份有限公司", "有限责任公司", "有限公司", "总厂", "公司", "厂")
MIN_SCORE = 0.55  # below this a candidate is noise: seen on the 300 demo names with two characters changed
COMPARED = 50
"""Names that are compared part by part."""
TIMES = 12
"""How often a name may stand among those that pairs lead to."""
ROWS = 60_000
"""Postings that a question adds up, the rarest pairs first."""
LONGEST_LIST = 150_000
"""A pair that more names hold is left out, unless nothing rarer was found."""
EQUAL = 0.015
"""Scores that lie so near are of namesakes."""
HERE = 0.05
"""What sitting in the region that was asked for is worth."""
OF_THE_TRADE = 0.03
"""What the whole trade is worth among firms that fit equally well by a name without one."""
SURE = 0.96
UNSURE = 0.8
"""Below this letters beside characters are taken for a mark that no list has."""
_LONG_OWN = 3
CODE_SHAPE = re.compile(r"[0-9A-Z]{16,20}")
_LETTERS = re.compile(r"[a-z]+")
_HAN = re.compile(r"[\u3400-\u9fff]")
_RUN = re.compile(r"[A-Za-z]{3,}")
_LATIN_BESIDE = re.compile(r"[A-Za-z]{2,}[A-Za-z0-9&.·-]*")
PASSED = 100
"""What passing over a letter costs beside a syllable."""


@dataclass(frozen=True)
class Candidate:
    """A firm that may be meant. score: 0-1.  why: what agreed, in words.  region: its code, empty where unknown.

    namesakes: other firms that what was asked for fits as well.
    """

    id: str
    name: str
    score: float
    why: str
    region: str = ""
    namesakes: int = 0


def match_of(query: str, found: Sequence[Candidate]) -> dict[str, Any]:
    """What is told of one question, as JSON. namesakes: how many other firms it fits as well as the first."""
    alike = found[0].namesakes if found else 0
    return {"query": query, "candidates": [asdict(one) for one in found], "namesakes": alike}


class Matcher:
    """Looks names up in one registry; used by many threads at once."""

    def __init__(self, entries: Iterable[RegistryEntry]) -> None:
        self._entries: Iterable[RegistryEntry] | None = entries
        self._local = threading.local()

    @classmethod
    def over(cls, index: MatchIndex) -> "Matcher":
        """Looks up in a compiled index."""
        made = cls(())
        made.__dict__["index"] = index
        return made

    @cached_property
    def index(self) -> MatchIndex:
        """Built when the first name is asked for."""
        return build_index(self._entries or ())

    def match(self, query: str, *, region: str = "", limit: int = 5) -> list[Candidate]:
        """The firms `query` may mean, best first; a region code raises those that sit there."""
        text = without_label(query.strip()[:200])
        code = clean_code(text)
        if CODE_SHAPE.fullmatch(code) and sum(sign.isdigit() for sign in code) > 4:
            found = self._by_code(code)
        elif text:
            found = self._by_name(text, region)
            if (characters := _without_letters(text)) and _first(found) < UNSURE:
                other = self._by_name(characters, region)
                found = other if _first(other) > _first(found) else found
        else:
            found = {}
        return self._ranked(found, region, limit)

    def _ranked(self, found: dict[int, tuple[float, str]], region: str, limit: int) -> list[Candidate]:
        asked = region.rstrip("0")
        rows = []
        for firm, (score, why) in found.items():
            code = int(self.index.arrays["region"][firm])
            place = f"{code:06d}" if code else ""
            here = bool(asked) and place.startswith(asked)
            rows.append((score + HERE * here, score, firm, place, f"{why}；属地相符" if here else why))
        rows.sort(key=lambda row: (-row[0], self.index.full_name(row[2]) if row[0] > 0.9 else "", row[2]))
        best = max((row[1] for row in rows), default=0.0)
        alike = sum(row[1] >= best - EQUAL for row in rows) - 1
        return [
            Candidate(
                self.index.id(firm), self.index.full_name(firm), round(min(raised, 1.0), 4), why, place,
                alike if score >= best - EQUAL else 0,
            )
            for raised, score, firm, place, why in rows[:limit]
        ]  # fmt: skip

    def _by_name(self, text: str, region: str) -> dict[int, tuple[float, str]]:
        index = self.index
        parts = index.splitter.split(index.splitter.place_first(self._in_characters(text)))
        if not parts.text:
            return {}
        asked = asked_of(parts, index.sounds, index.english(parts))
        firms, kinds, regions = index.arrays["firm"], index.arrays["kind"], index.arrays["region"]
        found: dict[int, tuple[float, str]] = {}
        for number in self._candidates(parts, region):
            kind, firm = int(kinds[number]), int(firms[number])
            if kind == CODE:
                continue
            name = index.name(number)
            code = int(regions[firm])
            score, why = fit(asked, index.splitter.split(name), kind, f"{code:06d}" if code else "", index.sounds)
            known = found.get(firm)
            if score >= MIN_SCORE and (known is None or score > known[0]):
                found[firm] = (score, why.replace("{name}", name))
        return self._by_trade(parts, found) if parts.trade or len(parts.own) > _LONG_OWN else found

    def _by_trade(self, parts: NameParts, found: dict[int, tuple[float, str]]) -> dict[int, tuple[float, str]]:
        """Of firms that share a brand those first whose registered name has the trade that was asked for."""
        first = _first(found)
        for firm, (score, why) in found.items() if first < SURE else ():
            if score > first - EQUAL:
                full = self.index.splitter.split(self.index.full_name(firm))
                raised = score + OF_THE_TRADE * OSA.normalized_similarity(parts.core, full.core)
                found[firm] = (max(score, min(raised, SURE)), why)
        return found

    def _in_characters(self, text: str) -> str:
        """Pinyin amid characters as characters of that sound: 赣州yunzhui科技 is misspelt and is no Latin name."""
        if not _HAN.search(text):
            return text
        known, written = self._known_syllables, self._signs

        def spelt(run: re.Match[str]) -> str:
            syllables = spelled(run[0].lower(), known)
            return "".join(written[one] for one in syllables) if all(one in written for one in syllables) else run[0]

        return _RUN.sub(lambda run: spelt(run) or run[0], text)

    @cached_property
    def _signs(self) -> dict[str, str]:
        """A rare character of each syllable, which is no part of a word for a trade or a place."""
        sounds = self.index.sounds
        points = np.flatnonzero(sounds.of)[::-1].tolist()
        found: dict[str, str] = {}
        for point in points:
            sign = chr(point)
            syllable = sounds.syllables[sounds.of[point]]
            if syllable not in found and squeeze(sign) == sign:
                found[syllable] = sign
        return found

    def _candidates(self, parts: NameParts, region: str) -> list[int]:
        """The names that are worth comparing."""
        sums = self._sums()
        touched: list[Array] = []
        for ids, worth in (*self._shared(parts), *self._held(parts)):
            sums[ids] += worth
            touched.append(ids)
        if not touched:
            return []
        ids = np.concatenate(touched)
        values = sums[ids]
        sums[ids] = 0.0
        if region:
            values += 3.0 * self._inside(ids, region)
        ids, values = _best(ids, values, COMPARED * TIMES)  # a name stands there once for each pair it holds
        ids, first = np.unique(ids, return_index=True)
        ids, _values = _best(ids, values[first], COMPARED)
        return [int(number) for number in ids]

    def _shared(self, parts: NameParts) -> list[tuple[Array, float]]:
        """Names with a key of the question. The more names have it, the less it says."""
        asked = [("t", parts.text, 100.0), ("t", parts.base, 60.0), ("c", parts.core, 40.0), ("o", parts.own, 12.0)]
        if parts.words:
            asked = [("t", parts.text, 100.0), ("p", parts.own, 60.0), ("i", parts.own, 40.0)]
            english = self.index.english(parts)
            asked += [("p", spelt, 30.0) for spelt in {english.own, english.whole} if spelt != parts.own]
        else:
            sounds = self.index.sounds
            asked += [
                ("p", "".join(sounds.spell(text)), worth) for text, worth in ((parts.base, 30.0), (parts.core, 20.0))
            ]
        return [(self.index.sharing(key(kind, text))[:ROWS], worth) for kind, text, worth in asked if text]

    def _held(self, parts: NameParts) -> list[tuple[Array, float]]:
        """Names with pairs of the question, the rarest first."""
        index = self.index
        if parts.words:
            buckets = np.concatenate(
                [
                    pairs_of([parts.text, *parts.words], index.sounds)[0],
                    sound_pairs(self._syllables(parts), index.sounds),
                ]
            )
        else:
            buckets = pairs_of([gram_text(parts)], index.sounds)[0]
        lists = sorted((index.having(int(bucket)) for bucket in set(buckets.tolist())), key=len)
        total, kept, names = 0, list[tuple[Array, float]](), len(index.arrays["firm"])
        for ids in lists:
            if not len(ids):
                continue
            if kept and (total + len(ids) > ROWS or len(ids) > LONGEST_LIST):
                break
            total += len(ids)
            kept.append((ids, float(np.log1p(names / len(ids)))))
        return kept

    def _syllables(self, parts: NameParts) -> list[str]:
        """What the words of a question spell, as far as they are pinyin."""
        known = self._known_syllables
        return [syllable for word in parts.words if not trades_of(word) for syllable in spelled(word, known)]

    @cached_property
    def _known_syllables(self) -> frozenset[str]:
        return frozenset(self.index.sounds.syllables) - {""}

    def _inside(self, ids: Array, region: str) -> Array:
        """1 for names of firms in the region."""
        prefix = region.rstrip("0")
        if not prefix.isdecimal() or len(prefix) > 6:
            return np.zeros(len(ids), np.float32)
        width = 10 ** (6 - len(prefix))
        codes = self.index.arrays["region"][self.index.arrays["firm"][ids]]
        inside: Array = (codes // width == int(prefix)).astype(np.float32)
        return inside

    def _by_code(self, code: str) -> dict[int, tuple[float, str]]:
        index = self.index
        numbers = np.unique(np.concatenate([index.sharing(one) for one in code_keys(code)]))
        at = index.arrays["name_at"]
        numbers = numbers[(index.arrays["kind"][numbers] == CODE) & (at[numbers + 1] - at[numbers] == 18)]
        if not len(numbers):
            return {}
        signs = index.arrays["names"][at[numbers][:, None] + np.arange(18)]
        wrong = _distance(signs, code)
        found: dict[int, tuple[float, str]] = {}
        for place in np.argsort(wrong, kind="stable")[:COMPARED]:
            count = int(wrong[place])
            if count > 2:
                break
            firm = int(index.arrays["firm"][numbers[place]])
            said = "统一社会信用代码相同" if not count else f"统一社会信用代码仅{'一二'[count - 1]}位不同"
            found[firm] = ((1.0, 0.9, 0.7)[count], said)
        return found

    def _sums(self) -> Array:
        """A zero for each name, of this thread."""
        size = len(self.index.arrays["firm"])
        sums: Any = getattr(self._local, "sums", None)
        if sums is None or len(sums) != size:
            sums = self._local.sums = np.zeros(size, np.float32)
        made: Array = sums
        return made


def _first(found: Mapping[int, tuple[float, str]]) -> float:
    """The best score, 0 where nothing was found."""
    return max((score for score, _why in found.values()), default=0.0)


def _without_letters(text: str) -> str:
    """`CATL 宁德时代` without the letters that stand beside its characters; empty where nothing is gained."""
    characters = _LATIN_BESIDE.sub("", text).strip()
    return characters if characters != text and len(_HAN.findall(characters)) > 1 else ""


def _best(ids: Array, values: Array, count: int) -> tuple[Array, Array]:
    """Those with the highest values."""
    if len(ids) <= count:
        return ids, values
    best = np.argpartition(-values, count)[:count]
    return ids[best], values[best]


def _distance(signs: Array, code: str) -> Array:
    """Signs that differ between each row and the code, or are missing or added at one place."""
    asked = np.frombuffer(code.encode("ascii", "replace"), np.uint8)
    if len(asked) == 18:
        differ: Array = (signs != asked).sum(axis=1)
        return differ
    short = min(18, len(asked))
    before = (signs[:, :short] == asked[:short]).cumprod(axis=1).sum(axis=1)
    behind = (signs[:, ::-1][:, :short] == asked[::-1][:short]).cumprod(axis=1).sum(axis=1)
    gap: Array = np.where(before + behind >= short, abs(18 - len(asked)), 9)
    return gap


def spelled(word: str, known: frozenset[str]) -> list[str]:
    """The fewest syllables that make up a word in letters; a letter that belongs to none is passed over, one in eight
    at most. Empty where it is no pinyin.
    """
    if not _LETTERS.fullmatch(word) or len(word) > 60:
        return []
    best: list[tuple[int, list[str]]] = [(0, [])]
    for end in range(1, len(word) + 1):
        ways = [(best[end - 1][0] + PASSED, best[end - 1][1])]
        for length in range(min(6, end), 0, -1):
            cost, before = best[end - length]
            if (part := word[end - length : end]) in known:
                ways.append((cost + 1, [*before, part]))
        best.append(min(ways, key=lambda way: way[0]))
    cost, syllables = best[-1]
    return syllables if cost // PASSED <= len(word) // 8 else []
