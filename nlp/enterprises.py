"""Firms and brands named in a text, linked to the registry entry that fits, or kept as unlinked names.

Full and former names link by themselves. Short names and brands are shared, and some are everyday words: the place,
the product and other names in the same text decide; where they cannot, the link stays open with its candidates.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from config.regions import Regions
from core.records import RegistryEntry
from nlp.dictionary import Hit
from nlp.firm_names import NameGrammar, brand_pattern, core_of, trade_names
from nlp.normalize import normalize_word
from nlp.registry_names import FirmName, RegistryNames
from nlp.segment import Segmenter
from nlp.spans import Cover

_BRAND_AFTER = re.compile(r"[”」\"]?(?:牌(?!子上|照)|这个牌子|牌子|品牌|同款)")
_BRAND_BEFORE = re.compile(r"(?:商标|品牌|牌子|牌号|名字|就)(?:是|为|叫|[:：(（“\"])*$")
_FIRM_AFTER = re.compile(
    r"(?:公司|厂(?!家)|集团|方面|相关负责人|负责人|回应|声明|厂里|厂家|案|的厂|老板|客服|那批|官方|总部|股份|工作人员|车间|门店|展厅|合格报告|卖的|家卖|家的|送的)"
)
_USE_BEFORE = re.compile(
    r"(?:买|购|用|骑|换|装|使用|标称|是|叫|就是|品牌|牌子|说|查查这个|看了|感谢|恭喜|的|拿|家的)(?:了|的|过|台|个|一台|一辆|一组|辆)*$"
)
_MODEL_AFTER = re.compile(r"[”」\"]?(?:[A-Z]{1,4}-?\d|\d{2}V)")
_MODEL_BETWEEN = re.compile(r"[A-Za-z0-9-]{1,8}")
_QUOTES = ("“", "「", '"', "‘", "《")
_CELL_BORDERS = tuple("/|｜\t　 ,，、")
_QUOTED_OR_MARKED = re.compile(r"[“「\"]|牌|商标|品牌")
_NO_BRAND = re.compile(
    r"[有没看的了这那不什么别我你他她它谁哪很就都也还又再会让把被]|合格|质量|产品|品牌|国标|三无|无证|问题"
)
_ONLY_A_WORD = re.compile(r"(?:见|[,，。]|就|会|一定|的你|起|到|大道|路|街)")


_REMEMBERED = 50_000  # short names


@dataclass(frozen=True)
class FirmMention:
    """A span that names a firm or brand. id: registry id, `NIL:<text>`, or None with candidates."""

    start: int
    end: int
    brand: bool
    id: str | None
    candidates: tuple[str, ...]
    rule: str
    confidence: float = 1.0


@dataclass
class _Found:
    start: int
    end: int
    names: tuple[FirmName, ...]
    word: str
    evidence: float


class EnterpriseFinder:
    """Finds and links firms in normalised text. Immutable after construction."""

    def __init__(
        self, registry: RegistryNames, regions: Regions, places: dict[str, str], segmenter: Segmenter,
        product_words: Iterable[str], families: Iterable[Iterable[str]] = (),
    ) -> None:  # fmt: skip
        """places: names a firm's name may begin with, with codes.  product_words: behind a quote they make a brand.
        families: products that one firm may well make together (电热毯 and 小家电); they tell namesakes apart."""
        heads = "(?:" + "|".join(sorted(map(re.escape, product_words), key=len, reverse=True)) + ")"
        self._heads = re.compile(heads)
        self._brand_pattern = brand_pattern(heads)
        self._registry = registry
        self.entries = registry.entries
        self.grammar = NameGrammar(places)
        self._regions = regions
        self._segmenter = segmenter
        self._common: dict[str, bool] = {}
        self._related: dict[str, set[str]] = defaultdict(set)
        for family in families:
            for product in family:
                self._related[product].update(family)

    def _is_common(self, entry: RegistryEntry, word: str) -> bool:
        """Whether the name is an everyday word, by the dictionary or by the registry's tag on its shortest name."""
        if len(word) <= 4 and self._segmenter.knows(word):
            return True
        shortest = min(map(len, (*entry.short_names, *entry.brands)), default=0)
        if "common_word" not in entry.tags or len(word) > max(3, shortest):
            return False
        return any(len(piece) > 1 for piece in self._segmenter.cut(word))

    def _is_everyday(self, item: "_Found") -> bool:
        """Whether a short name or brand is an everyday word too; remembered by the word."""
        if item.word not in self._common:
            if len(self._common) > _REMEMBERED:
                self._common.clear()
            self._common[item.word] = any(
                self._is_common(self.entries[name.id], item.word) for name in item.names if name.kind != "full"
            )
        return self._common[item.word]

    def _tail(self, word: str, firm: str) -> str:
        """What follows the short name in the full one: 线缆有限公司."""
        name = normalize_word(self.entries[firm].name)
        place = name.find(word)
        return name[place + len(word) :] if place >= 0 else ""

    def find(
        self, text: str, *, products: Sequence[tuple[int, int, str]], regions: Sequence[tuple[int, int, str]]
    ) -> list[FirmMention]:
        """Firms and brands in order of place. products, regions: mentions of the same text."""
        found = self._names(text, products, regions)
        sure = {name.id for item in found for name in item.names if name.kind == "full"}
        product_ids = {product for _, _, product in products}
        places = {code for _, _, code in regions}
        mentions: list[FirmMention] = []
        for item in found:
            mention = self._link(text, item, sure, product_ids, places)
            if mention:
                mentions.append(mention)
        mentions = _without_overlap(mentions)
        mentions += self._unlisted(text, mentions)
        mentions = _without_overlap(mentions)
        if _QUOTED_OR_MARKED.search(text):
            mentions += _brands(text, mentions, self._heads, self._brand_pattern, self._plain_word)
        return sorted(_without_overlap(mentions), key=lambda mention: mention.start)

    # -- names of the registry ---------------------------------------------------------------------------------------

    def _names(
        self, text: str, products: Sequence[tuple[int, int, str]], regions: Sequence[tuple[int, int, str]]
    ) -> list[_Found]:
        hits = self._registry.find_all(text)
        if not hits:
            return []
        product_starts = {start for start, _, _ in products}
        region_ends = {end: start for start, end, _ in regions}
        found = [self._weigh(text, hit, product_starts, region_ends) for hit in hits]
        kept: list[_Found] = []
        end = 0
        for item in sorted(found, key=lambda item: (item.start, -item.end, -item.evidence)):
            if item.start >= end:
                kept.append(item)
                end = item.end
            elif item.end - item.start > kept[-1].end - kept[-1].start and item.start < kept[-1].end < item.end:
                kept[-1] = item
                end = item.end
        return kept

    def _weigh(self, text: str, hit: Hit, product_starts: set[int], region_ends: dict[int, int]) -> _Found:
        start, end, names, word = hit.start, hit.end, self._registry.names(hit), text[hit.start : hit.end]
        if any(name.kind == "full" for name in names):
            branch = re.match(r"[\u4e00-\u9fff]{2,4}分公司", text[end:])
            return _Found(start, end + (branch.end() if branch else 0), names, word, 8.5 if branch else 9.0)
        evidence = 0.0
        tails = {name.id: _common_prefix(text, end, self._tail(word, name.id)) for name in names}
        best = max(tails.values(), default=0)
        if best >= 2:
            names = tuple(name for name in names if tails[name.id] == best)
            names = tuple(replace(name, kind="short") if name.kind == "brand" else name for name in names)
            end += best
            evidence += 3
        if start in region_ends and not _BRAND_AFTER.match(text, end):
            agreeing = tuple(
                name
                for name in names
                if normalize_word(self.entries[name.id].name).startswith(text[region_ends[start] : start])
            )
            if agreeing and text[start - 1] not in "市县区省":
                start, names = region_ends[start], agreeing
                evidence += 3
        between = _MODEL_BETWEEN.match(text, end)
        after_product = (between.end() if between else end) in product_starts or (
            text[end : end + 1] in ("的", "”", "」") and end + 1 in product_starts
        )
        evidence += (
            2.0 * after_product + 2.0 * bool(_BRAND_AFTER.match(text, end)) + 1.5 * bool(_FIRM_AFTER.match(text, end))
        )
        evidence += 2.0 * bool(_BRAND_BEFORE.search(text, max(0, start - 6), start)) + 1.5 * bool(
            _MODEL_AFTER.match(text, end)
        )
        evidence += 1.0 * (text[start - 1 : start] in _QUOTES and start > 0)
        evidence += 0.5 * bool(_USE_BEFORE.search(text, max(0, start - 8), start))
        return _Found(start, end, names, word, evidence)

    def _link(
        self, text: str, item: _Found, sure: set[str], product_ids: set[str], places: set[str]
    ) -> FirmMention | None:
        names = item.names
        full = [name for name in names if name.kind == "full"]
        if full:
            return FirmMention(item.start, item.end, False, full[0].id, (), "registry full name")
        ids = list(dict.fromkeys(name.id for name in names))
        common = self._is_everyday(item)
        chosen = self._choose(ids, sure, product_ids, places)
        evidence = item.evidence
        if common:
            known = [one for one in ids if one in sure]
            fits = any(self._sells(one, product_ids) for one in ids)
            evidence += 1.0 * bool(known) + 1.0 * fits + 0.5 * any(self._at(one, places) for one in ids)
            if _ONLY_A_WORD.match(text, item.end) and item.evidence < 2:
                evidence -= 1.0
            if evidence < 2.5:
                return None
        brand = self._is_brand(text, item, chosen or ids[0], sure)
        if chosen:
            return FirmMention(item.start, item.end, brand, chosen, (), "registry name", 0.9)
        return FirmMention(item.start, item.end, brand, None, tuple(ids), "namesakes the text does not settle", 0.5)

    def _is_brand(self, text: str, item: _Found, firm: str, sure: set[str]) -> bool:
        kinds = {name.kind for name in item.names if name.id == firm}
        if item.word in {normalize_word(brand) for brand in self.entries[firm].brands} and item.end - item.start == len(
            item.word
        ):
            if kinds == {"brand"}:
                return True
            if _BRAND_AFTER.match(text, item.end) or _BRAND_BEFORE.search(text, max(0, item.start - 6), item.start):
                return True
            if _FIRM_AFTER.match(text, item.end):
                return False
            if (
                item.evidence >= 2
                or text[item.start - 1 : item.start] in _QUOTES
                or _is_cell(text, item.start, item.end)
            ):
                return True
            return firm not in sure and not text.startswith("的", item.end)
        return False

    def _choose(self, ids: list[str], sure: set[str], product_ids: set[str], places: set[str]) -> str | None:
        """The one firm that fits best; None where two fit equally well."""
        if len(ids) == 1:
            return ids[0]
        known = [one for one in ids if one in sure]
        if len(known) == 1:
            return known[0]
        scores: dict[str, float] = defaultdict(float)
        pool = known or ids
        heads = [one for one in pool if self.entries[one].parent_id not in pool]
        for one in pool:
            scores[one] += 0.4 * (len(heads) == 1 and one in heads)
            sells = 1.5 * self._sells(one, product_ids) or 1.0 * self._sells_like(one, product_ids)
            scores[one] += 2.0 * self._at(one, places) + sells
        ranked = sorted(scores.items(), key=lambda pair: -pair[1])
        if ranked[0][1] > 0 and ranked[0][1] > ranked[1][1]:
            return ranked[0][0]
        return None

    def _at(self, firm: str, places: set[str]) -> float:
        """1 where the text names the firm's county, 0.5 its prefecture, else 0."""
        code = self.entries[firm].region_code
        if code in places:
            return 1.0
        return 0.5 if self._regions.prefecture_of(code) in places else 0.0

    def _sells(self, firm: str, product_ids: set[str]) -> bool:
        return bool(product_ids & set(self.entries[firm].products))

    def _sells_like(self, firm: str, product_ids: set[str]) -> bool:
        return any(product_ids & self._related[product] for product in self.entries[firm].products)

    def _plain_word(self, word: str) -> bool:
        """Whether a supposed brand is only a word, or words of everyday speech."""
        return self._segmenter.knows(word) or bool(_NO_BRAND.search(word))

    # -- names in no list --------------------------------------------------------------------------------------------

    def _unlisted(self, text: str, known: list[FirmMention]) -> list[FirmMention]:
        taken = Cover((mention.start, mention.end) for mention in known if mention.rule == "registry full name")
        found: list[FirmMention] = []
        owns: list[str] = []
        for start, end in self.grammar.find(text):
            if taken.overlaps(start, end):
                continue
            inside = _between(known, start, end)
            linked = self._variant(text[start:end], inside)
            if linked:
                found.append(FirmMention(start, end, False, linked, (), "variant of a registry name", 0.8))
                continue
            if inside and text[start:end].endswith(("专卖店", "车行", "门店")):
                continue
            found.append(FirmMention(start, end, False, f"NIL:{text[start:end]}", (), "name grammar", 0.8))
            owns.append(self.grammar.own_name(text[start:end]))
        for start, end in trade_names(text):
            found.append(FirmMention(start, end, False, f"NIL:{text[start:end]}", (), "quoted trade name", 0.7))
            owns.append(text[start:end])
        spans = Cover((mention.start, mention.end) for mention in (*known, *found))
        for own in dict.fromkeys(owns):
            found += self._again(text, own, spans)
        return found

    def _variant(self, name: str, inside: list[FirmMention]) -> str | None:
        """The registry firm that a slightly different full name means: same place, same own name, like trade."""
        code = self.grammar.place_of(name)
        for mention in inside:
            entry = self.entries.get(mention.id or "")
            if entry is None or code is None or not entry.region_code:
                continue
            related = self._regions.is_within(code, entry.region_code) or self._regions.is_within(
                entry.region_code, code
            )
            trade = set(name) & set(self.grammar.own_name(entry.name)) - set("有限公司股份集团责任")
            if related and len(trade) >= 4 and self.grammar.own_name(name)[:2] == self.grammar.own_name(entry.name)[:2]:
                return entry.id
        return None

    def _again(self, text: str, own: str, spans: Cover) -> list[FirmMention]:
        """Further mentions of an unlisted firm by the beginning of its own name."""
        core = core_of(own)
        found: list[FirmMention] = []
        place = text.find(core) if len(core) >= 2 else -1
        while place >= 0:
            more = _common_prefix(text, place + len(core), own[len(core) :])
            end = place + len(core) + (more if more > 1 else 0)
            if not spans.overlaps(place, end):
                longer = end - place > len(core)
                if not longer and text.startswith("公司", end):
                    end, longer = end + 2, True
                quoted = place > 0 and text[place - 1 : place] in _QUOTES
                brand = bool(_BRAND_AFTER.match(text, end) or _BRAND_BEFORE.search(text, max(0, place - 6), place)) or (
                    not longer and (quoted or _is_cell(text, place, end))
                )
                if longer or brand or (len(core) > 2 or not self._segmenter.knows(core)):
                    found.append(FirmMention(place, end, brand, f"NIL:{text[place:end]}", (), "own name again", 0.7))
            place = text.find(core, end)
        return found


def _brands(
    text: str,
    known: list[FirmMention],
    heads: "re.Pattern[str]",
    brands: "re.Pattern[str]",
    plain_word: Callable[[str], bool],
) -> list[FirmMention]:
    """Brands in no list by their context, then wherever else they stand."""
    found: list[FirmMention] = []
    names: dict[str, None] = {}
    taken = Cover((mention.start, mention.end) for mention in known)
    for match in brands.finditer(text):
        name = match.group(match.lastindex or 0)
        if not plain_word(name) and not heads.search(name):
            names[name] = None
    for name in names:
        for match in re.finditer(re.escape(name), text):
            start, end = match.span()
            if not taken.overlaps(start, end):
                taken.add(start, end)
                found.append(FirmMention(start, end, True, f"NIL:{name}", (), "brand by its context", 0.6))
    return found


def _between(known: Sequence[FirmMention], start: int, end: int) -> list[FirmMention]:
    """The linked mentions inside a span; `known` is in order."""
    first = bisect_left(known, start, key=lambda mention: mention.start)
    inside = []
    for mention in known[first : first + (end - start)]:
        if mention.end > end:
            break
        if mention.id:
            inside.append(mention)
    return inside


def _is_cell(text: str, start: int, end: int) -> bool:
    """Whether the span fills a cell of a row (`/昊缆/`, `　新时代楼/8W`)."""
    return text[start - 1 : start] in _CELL_BORDERS and text[end : end + 1] in _CELL_BORDERS and start > 0


def _common_prefix(text: str, start: int, tail: str) -> int:
    length = 0
    for char in tail:
        if text[start + length : start + length + 1] != char:
            break
        length += 1
    return length


def _without_overlap(mentions: list[FirmMention]) -> list[FirmMention]:
    """The longer of two that overlap; of equal ones the first."""
    kept: list[FirmMention] = []
    end = -1
    for mention in sorted(mentions, key=lambda mention: (mention.start, -mention.end)):
        if mention.start >= end:
            kept.append(mention)
            end = mention.end
        elif mention.end - mention.start > kept[-1].end - kept[-1].start:
            kept[-1] = mention
            end = mention.end
    return kept
