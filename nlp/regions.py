"""Places named in a text, to the county; short names that are also words need a neighbour that says they are places."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from config.regions import Region, Regions, Town
from nlp.dictionary import Dictionary, Hit, longest
from nlp.normalize import normalize_word
from nlp.spans import Cover

_NOT_A_PLACE_AFTER = re.compile(
    r"(?:东|西|南|北|中|新)?(?:路|大道|街|巷|镇|村|乡(?!镇)|湖|河(?!段)|大桥|牌|酒|菜|话|味|大学|中学|饭店|站\b|号|特产|舰|籍)"
)
_PLACE_AFTER = re.compile(
    r"市监|市场监|局|县|市(?!场)|区|公安|交警|消防|应急|住建|法院|警方|当地|境内|一|某|的|人|老|这边|那边|这儿|那儿|这里|籍|产|方面|城|本地|、|查|开展|启动|通报"
)


@dataclass(frozen=True)
class TownSpan:
    """A span that names a town; more than one where the text does not tell which."""

    start: int
    end: int
    towns: tuple[Town, ...]

    @property
    def county(self) -> str | None:
        """The county, where all candidates lie in one."""
        counties = {town.county for town in self.towns}
        return counties.pop() if len(counties) == 1 else None


class RegionFinder:
    """Finds region mentions in normalised text."""

    def __init__(self, regions: Regions, cues: Mapping[str, Any]) -> None:
        """cues: `places` of cues.yaml. words: short names that are words of their own and need an administration behind
        them; names: places that are also something else and need free standing."""
        self._regions = regions
        places = cues.get("places", {})
        self._words = frozenset(places.get("words", ()))
        self._names = frozenset(places.get("names", ()))
        pairs: list[tuple[str, tuple[str, bool]]] = []
        for region in regions:
            for name in self._full_names(region):
                pairs.append((normalize_word(name), (region.code, True)))
            for name in self._short_names(region):
                pairs.append((normalize_word(name), (region.code, False)))
        self._dictionary: Dictionary[tuple[str, bool]] = Dictionary(pairs)
        self._towns: Dictionary[Town] = Dictionary((normalize_word(town.name), town) for town in regions.towns)
        self._outside: Dictionary[str] = Dictionary(
            (normalize_word(name), code) for name, code in regions.outside.items()
        )

    def _full_names(self, region: Region) -> Iterable[str]:
        yield region.name
        for alias in region.aliases:
            if len(alias) > 2 and alias[-1] in "省市县区":
                yield alias

    def _short_names(self, region: Region) -> Iterable[str]:
        outside_county = region.level == "county" and not region.code.startswith(self._regions.home[:2])
        if outside_county:
            return
        if len(region.short_name) >= 2 and region.short_name != region.name:
            yield region.short_name
        if region.level == "zone":
            yield from (alias for alias in region.aliases if len(alias) > 2)

    @property
    def words(self) -> Iterable[str]:
        """Every region name, for the segmenter."""
        return (entry.word for entry in self._dictionary.entries)

    @cached_property
    def by_name(self) -> dict[str, str]:
        """Code by full or short name, the province's own and the larger one first: how a firm's name begins.

        Counties elsewhere have the code of their prefecture (ANNOTATION.md, jurisdiction_code 4).
        """
        codes: dict[str, str] = {}
        for entry in self._dictionary.entries:
            codes[entry.word] = self._best(entry.meanings, ())
        return {**{normalize_word(name): code for name, code in self._regions.outside.items()}, **codes}

    def find(self, text: str, taken: Iterable[tuple[int, int]] = ()) -> list[tuple[int, int, str]]:
        """Spans with codes in order; none inside `taken` (firms, brands)."""
        hits = self._dictionary.find_all(text)
        if not hits:
            return []
        covered = Cover(taken)
        free = [hit for hit in hits if not covered.overlaps(hit.start, hit.end)]
        sure = {
            meaning[0]
            for hit in free
            for meaning in self._dictionary.entries[hit.word].meanings
            if meaning[1] and self._edge_ok(text, hit)
        }
        starts = {hit.start for hit in free if self._dictionary.entries[hit.word].meanings[0][1]}
        found: list[tuple[int, int, str]] = []
        end = 0
        for hit in sorted(free, key=lambda hit: (hit.start, -hit.end)):
            if hit.start < end or not self._edge_ok(text, hit):
                continue
            code = self._read(text, hit, found, sure, starts)
            if code:
                found.append((hit.start, hit.end, code))
                end = hit.end
        return found

    def towns(
        self, text: str, regions: Sequence[tuple[int, int, str]], taken: Iterable[tuple[int, int]]
    ) -> list[TownSpan]:
        """Towns of the home province named in full; regions: mentions of the same text, they decide between namesakes.

        A name that towns elsewhere bear too counts only where the text names a place of the home province.
        """
        covered = Cover(taken)
        named = {part for _, _, code in regions for part in self._regions.chain(code)}
        found = []
        for hit in longest(self._towns.find_all(text)):
            towns = self._towns.entries[hit.word].meanings
            if covered.overlaps(hit.start, hit.end) or text.startswith(("人", "企", "镇"), hit.end):
                continue
            near = [town for town in towns if town.county in named] or [
                town for town in towns if self._regions.prefecture_of(town.county) in named
            ]
            sure = towns[0].namesakes == 1 or named == {self._regions.home}
            fitting = near or (list(towns) if sure else [])
            if fitting:
                found.append(TownSpan(hit.start, hit.end, tuple(fitting)))
        return found

    def outside(self, text: str, taken: Iterable[tuple[int, int]]) -> list[tuple[int, int, str]]:
        """Counties of other provinces, as spans with the code of their prefecture."""
        covered = Cover(taken)
        return [
            (hit.start, hit.end, self._outside.entries[hit.word].meanings[0])
            for hit in longest(self._outside.find_all(text))
            if self._edge_ok(text, hit) and not covered.overlaps(hit.start, hit.end)
        ]

    def _edge_ok(self, text: str, hit: Hit) -> bool:
        """`樟树市` in `樟树市场监管局` and `贵溪市` in `贵溪市民` are short names with another word behind."""
        if text[hit.end - 1] == "市" and text[hit.end : hit.end + 1] in ("场", "民", "监", "值", "政", "集"):
            return False
        return not (text[hit.end - 1] == "区" and text[hit.end : hit.end + 1] in ("域", "间", "块"))

    def _read(
        self, text: str, hit: Hit, found: list[tuple[int, int, str]], sure: set[str], starts: set[int]
    ) -> str | None:
        entry = self._dictionary.entries[hit.word]
        full = any(meaning[1] for meaning in entry.meanings)
        before = found[-1] if found and found[-1][1] == hit.start else None
        if before and not self._below(before[2], entry.meanings):
            if before[2][:2] != self._regions.home[:2]:
                return None  # 杭州西湖区, 武汉东湖: a place of that city, not ours
            if not full:
                before = None
        code = self._best(entry.meanings, (before[2],) if before else tuple(sure))
        if full:
            return code
        if hit.end not in starts and _NOT_A_PLACE_AFTER.match(text, hit.end):
            return None
        if text[max(0, hit.start - 1) : hit.start] + text[hit.end : hit.end + 1] in ("“”", "《》", "「」"):
            return None
        if entry.word in self._words and not before and code not in sure:
            return code if self._vouched(text, hit) else None
        if entry.word in self._names and not before and code not in sure and not self._free_standing(text, hit):
            return None
        return code

    @staticmethod
    def _vouched(text: str, hit: Hit) -> bool:
        """Whether what follows a common word says that it is an administration (`樟树市场监管局`)."""
        return text.startswith(
            ("市场监", "市监", "局", "县", "市", "区", "公安", "警方", "法院", "这边", "那边", "这儿", "段", "、"),
            hit.end,
        ) and not (
            text.startswith("、", hit.end) and text[max(0, hit.start - 1) : hit.start] not in ("、", "在", "：", ":")
        )

    @staticmethod
    def _free_standing(text: str, hit: Hit) -> bool:
        return bool(_PLACE_AFTER.match(text, hit.end)) or text[max(0, hit.start - 1) : hit.start] in (
            "", "在", "来", "【", "#", "到", "往", "从", "\n", "，", "。", "、", "的", "是", " ", "(", "（",
        )  # fmt: skip

    def _below(self, parent: str, meanings: tuple[tuple[str, bool], ...]) -> bool:
        return any(code != parent and self._regions.is_within(parent, code) for code, _ in meanings)

    def _best(self, meanings: tuple[tuple[str, bool], ...], context: tuple[str, ...]) -> str:
        """Of namesakes: below a place of the context, else ours, else the larger one."""

        def rank(code: str) -> tuple[bool, bool, bool]:
            region = self._regions.get(code)
            level = region.level if region else ""
            below = any(
                code != place and self._regions.is_within(place, code) for place in context if place[2:] != "0000"
            )
            return (not below, not code.startswith(self._regions.home[:2]), level not in ("province", "prefecture"))

        return min((code for code, _ in meanings), key=rank)
