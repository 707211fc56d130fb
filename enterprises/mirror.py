"""召回镜像: which firm of the registry a recall abroad may mean. Scores with reasons; a person decides.

A firm comes into question by its English name, the sound of its name, a brand or a model; place, trade and product
raise or lower it. The points were set on the made-up registry of `python -m benchmarks.recall_mirror`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from core.facts import Recall
from core.records import Analysis, Document, RegistryEntry
from core.told import plain
from enterprises.latin_names import (
    HanName,
    LatinName,
    LatinReader,
    names_of_makers,
    overlap,
    plain_latin,
    shortened,
    sounds,
)
from store.mirror import Candidate

ENGLISH, SOUND, NEAR, CUT, BRAND, MODEL, HAN = 0.85, 0.6, 0.42, 0.36, 0.3, 0.5, 0.9
COUNTY, PREFECTURE, PROVINCE, ELSEWHERE = 0.22, 0.2, 0.1, -0.35
TRADE, OTHER_TRADE, PRODUCT = 0.12, -0.18, 0.06
LEAST, STRONG = 0.45, 0.75
"""Below LEAST nothing is shown; from STRONG on the candidate stands first in the queue."""
LEAD = 0.15
"""So far the second must be behind for a match to be called exact, or told as 待核."""
SHORTEST = 4
"""Letters of a sound that may be looked for; shorter ones fit too many names."""
NEAR_FROM = 6
"""Letters from which one wrong letter is allowed."""
MOST = 5
COMPANY = re.compile(r"(?i)\b(?:co|ltd|limited|company|corp|factory|inc|llc)\b|[\u4e00-\u9fff]")
SAYS_CHINA = re.compile(r"\b(?:China|Chinese|P\.?R\.?C)\b|中国")
CHINA = ("china", "中国", "cn", "chine", "kina", "prc")


@dataclass(frozen=True)
class Mirrored:
    """A recall and who it may mean, best first. maker: as the recall names it.

    exact: name and place (or a registered English name) agree with one firm only. It still needs a person.
    """

    document: str
    day: date | None
    number: str
    maker: str
    product: str
    models: tuple[str, ...]
    chinese: bool
    candidates: tuple[Candidate, ...]
    exact: bool


def strong_one(candidates: Sequence[Candidate]) -> Candidate | None:
    """The candidate that may be told as 待核 before a person looked: STRONG or more, and the second LEAD behind."""
    second = candidates[1].score if len(candidates) > 1 else 0.0
    strong = bool(candidates) and candidates[0].score >= STRONG and candidates[0].score - second >= LEAD
    return candidates[0] if strong else None


@dataclass
class _Asked:
    """A recall while firms are looked through. made: by models, firm id to model."""

    document: Document
    recall: Recall
    product: str | None
    names: tuple[tuple[str, LatinName], ...]
    brand: str
    chinese: bool
    made: dict[str, str]
    found: dict[str, tuple[Candidate, bool]] = field(default_factory=dict)


class Mirror:
    """Takes recalls in, is shown the registry once, and says who each may mean."""

    def __init__(self, reader: LatinReader) -> None:
        self.reader = reader
        self._asked: list[_Asked] = []
        self._by: dict[str, list[tuple[_Asked, str, LatinName | None]]] = {}
        """Key (`e:` English name, `s:` sound, `n:` sound less a letter, `b:` brand, `h:` Chinese name) to recalls."""

    def ask(self, document: Document, recall: Recall, analysis: Analysis | None, made: dict[str, str]) -> None:
        """made: firm id to the model of the recall that it is known to make."""
        # Whoever a title begins with is often the product: `Plush toy - ... - Risk: Choking`.
        named = [
            firm.name for firm in recall.firms if firm.role not in ("retailer", "recaller") or COMPANY.search(firm.name)
        ]
        found = [*named, *names_of_makers(f"{document.title}\n{document.text}")]
        names = tuple((name, self.reader.latin(name)) for name in dict.fromkeys(found) if 2 < len(name) < 160)
        origin = recall.origin_country.lower()
        chinese = any(word in origin for word in CHINA) or any(latin.places for _, latin in names)
        chinese = chinese or SAYS_CHINA.search(document.text[:20_000]) is not None
        product = analysis.primary_product if analysis else None
        one = _Asked(document, recall, product, names, plain(recall.brand), chinese, made)
        self._asked.append(one)
        for name, latin in names:
            self._add(f"e:{latin.plain}", one, name, latin)
            self._add(f"h:{plain(name)}", one, name, latin)
            if chinese:
                for core in latin.cores:
                    self._by_sound(core, one, name, latin)
        if len(one.brand) >= SHORTEST or (one.brand and not one.brand.isascii()):
            self._add(f"b:{one.brand}", one, recall.brand, None)

    def look_through(self, entries: Iterable[RegistryEntry]) -> None:
        """Hold every firm against the recalls. Costs about 50 µs a firm."""
        made = {firm for one in self._asked for firm in one.made}
        for entry in entries:
            han = self.reader.han(entry.name, entry.region_code)
            for key, how, points in _keys(entry, han):
                for one, name, latin in self._by.get(key, ()):
                    self._offer(one, entry, han, name, latin, how, points)
            if entry.id in made:
                for one in self._asked:
                    if entry.id in one.made:
                        self._offer(one, entry, han, "", None, f"型号 {one.made[entry.id]} 由其生产", MODEL)

    def answers(self) -> list[Mirrored]:
        """One for each recall, in the order they were asked."""
        return [_answer(one) for one in self._asked]

    def _by_sound(self, core: str, one: _Asked, name: str, latin: LatinName) -> None:
        if len(core) < SHORTEST:
            return
        self._add(f"s:{core}", one, name, latin)
        if len(core) >= NEAR_FROM:
            for less in shortened(core):
                self._add(f"n:{less}", one, name, latin)

    def _add(self, key: str, one: _Asked, name: str, latin: LatinName | None) -> None:
        if len(key) > 2 + 2:
            self._by.setdefault(key, []).append((one, name, latin))

    def _offer(
        self, one: _Asked, entry: RegistryEntry, han: HanName, name: str, latin: LatinName | None, how: str,
        points: float,
    ) -> None:  # fmt: skip
        reasons = [f"{how}：{name}" if name else how]
        places = latin.places if latin else tuple(code for _, other in one.names for code in other.places)
        more, why, agreed = self._place(places, entry.region_code)
        certain = bool(agreed) and (latin is None or agreed not in latin.doubtful)
        points += more
        reasons += why
        trades = latin.trades if latin else frozenset()
        agree = overlap(trades, han.trades)
        if trades and han.trades:
            points += TRADE if agree else OTHER_TRADE
            reasons.append("行业相符" if agree else f"行业不同（{'、'.join(sorted(han.trades))}）")
        if one.product and one.product in entry.products:
            points += PRODUCT
            reasons.append("产品相符")
        if how != BY_BRAND and one.brand and one.brand in {plain(brand) for brand in entry.brands}:
            points += BRAND
            reasons.append(f"品牌相符：{one.recall.brand}")
        if entry.id in one.made and not how.startswith("型号"):
            points += MODEL
            reasons.append(f"型号 {one.made[entry.id]} 由其生产")
        sure = how in (BY_ENGLISH, BY_HAN) or (how == BY_SOUND and more >= PREFECTURE and certain and agree)
        score = round(min(0.99, max(0.0, points)), 3)
        known = one.found.get(entry.id)
        if known is None or known[0].score < score:
            candidate = Candidate(entry.id, entry.name, entry.region_code, score, tuple(reasons))
            one.found[entry.id] = (candidate, sure)

    def _place(self, places: Sequence[str], code: str) -> tuple[float, list[str], str]:
        """Points, why, and the place that agrees."""
        if not places or not code:
            return 0.0, [], ""
        regions = self.reader.regions
        best = (ELSEWHERE, f"地名不符（{regions.name_of(places[0])}）", "")
        mine = regions.chain(code)
        for place in places:
            word = regions.name_of(place)
            if place == code and regions.county_of(code):
                best = max(best, (COUNTY, f"地名相符：{word}", place))
            elif place in mine and place.endswith("0000"):
                best = max(best, (PROVINCE, f"省份相符：{word}", place))
            elif place in mine or regions.prefecture_of(place) == regions.prefecture_of(code):
                best = max(best, (PREFECTURE, f"地名相符：{word}", place))
        return best[0], [best[1]], best[2]


BY_ENGLISH, BY_SOUND, BY_NEAR, BY_CUT, BY_BRAND, BY_HAN = (
    "英文名相同", "读音相同", "读音差一个字母", "与名称前两字读音相同", "品牌相同", "名称相同",
)  # fmt: skip


def _keys(entry: RegistryEntry, han: HanName) -> Iterable[tuple[str, str, float]]:
    for name in entry.english_names:
        yield f"e:{plain_latin(name)}", BY_ENGLISH, ENGLISH
    for name in (entry.name, *entry.former_names):
        yield f"h:{plain(name)}", BY_HAN, HAN
    own = dict.fromkeys((*han.sounds, *(way for short in entry.short_names if len(short) > 1 for way in sounds(short))))
    for sound in own:
        yield f"s:{sound}", BY_SOUND, SOUND
    for sound in han.sounds:
        if len(sound) >= NEAR_FROM:
            for less in shortened(sound):
                yield f"n:{less}", BY_NEAR, NEAR
    for sound in han.short:
        if len(sound) >= SHORTEST + 1:
            yield f"s:{sound}", BY_CUT, CUT
    for brand in entry.brands:
        yield f"b:{plain(brand)}", BY_BRAND, BRAND
        if not brand.isascii():
            for way in sounds(brand):
                yield f"b:{way.upper()}", BY_BRAND, BRAND - 0.05


def _answer(one: _Asked) -> Mirrored:
    ranked = sorted(one.found.values(), key=lambda pair: (-pair[0].score, pair[0].firm))
    kept = [candidate for candidate, _ in ranked if candidate.score >= LEAST][:MOST]
    second = ranked[1][0].score if len(ranked) > 1 else 0.0
    exact = bool(kept) and ranked[0][1] and ranked[0][0].score >= STRONG and ranked[0][0].score - second >= LEAD
    named = [name for name, latin in one.names if latin.places] or [name for name, _ in one.names]
    return Mirrored(
        document=one.document.id,
        day=one.recall.recall_date,
        number=one.recall.recall_no,
        maker=named[0] if named else "",
        product=one.recall.product_name or one.document.title,
        models=one.recall.models,
        chinese=one.chinese,
        candidates=tuple(kept),
        exact=exact,
    )
