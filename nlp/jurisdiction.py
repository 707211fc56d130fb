"""Whose territory a signal is, by the rules of ANNOTATION.md (jurisdiction_code)."""

import re
from collections import Counter
from collections.abc import Mapping

from config.regions import ABROAD, Regions
from core.records import RegistryEntry
from nlp.firm_names import NameGrammar
from nlp.reading import Reading

_MADE_IN = re.compile(r"产地|制造|生产|made in|manufactur", re.IGNORECASE)
_NEWSROOM = re.compile(r"(?:[\u4e00-\u9fff]{2,4}社|本报|本网)$")
_SOLD_HERE_TOO = re.compile(r"国外|境外|海外|出口")
_TELEGRAM = re.compile(r"电(?=[\s 　])")


def jurisdiction(
    reading: Reading, firm: str | None, *, several: bool, registry: Mapping[str, RegistryEntry], regions: Regions,
    grammar: NameGrammar, made_in: str | None,
) -> tuple[str, str]:  # fmt: skip
    """The code and the rule that gave it.

    firm: the primary firm.  several: a list of firms without a single one.  made_in: the maker's place of a foreign
    notice, by its pinyin.
    """
    entry = registry.get(firm) if firm else None
    if entry is not None and entry.region_code:
        return entry.region_code, f"{entry.name}所在地"
    scene = scene_of(reading, regions)
    if firm and firm.startswith("NIL:"):
        place = _place_of_unlisted(firm[4:], reading, grammar)
        if place and place.endswith("0000") and scene and scene != place and scene[:2] == place[:2]:
            return scene, f"“{firm[4:]}”在{regions.name_of(place)}，事发或销售地{regions.name_of(scene)}"
        if place:
            return place, f"“{firm[4:]}”名称中的地名"
    if made_in:
        return made_in, "通报所写产地"
    if not scene and (reading.foreign or _happened_abroad(reading)):
        return ABROAD, "涉外且无中国主体"
    if several and not (
        scene
        and not scene.endswith("0000")
        and regions.province_of(scene) == regions.home
        and _one_prefecture(reading, regions)
    ):
        return regions.home, "多地多企业名单"
    if scene:
        return scene, f"事发或销售地{regions.name_of(scene)}"
    return regions.home, "文中没有地名"


def _happened_abroad(reading: Reading) -> bool:
    """Whether a text without any firm tells of another country; a customer who heard of a recall abroad does not."""
    told = reading.genre.get("abroad", 0.0) >= 1 and not reading.genre.get("witness", 0.0)
    return told and not reading.firms and not _SOLD_HERE_TOO.search(reading.text)


def _place_of_unlisted(name: str, reading: Reading, grammar: NameGrammar) -> str | None:
    """The place a firm's name begins with; a short name takes the place of the full name that contains it."""
    code = grammar.place_of(name)
    if code:
        return code
    for firm in reading.firms:
        full = reading.text[firm.start : firm.end]
        if firm.id and firm.id.startswith("NIL:") and len(full) > len(name) and name[:2] in full:
            code = grammar.place_of(full)
            if code:
                return code
    return None


def _one_prefecture(reading: Reading, regions: Regions) -> bool:
    return len({regions.prefecture_of(code) for _, _, code in reading.regions if not code.endswith("0000")}) <= 1


def scene_of(reading: Reading, regions: Regions) -> str | None:
    """The most specific place that the text keeps coming back to, the first named winning a tie."""
    votes: Counter[str] = Counter()
    order: dict[str, int] = {}
    for start, end, code in reading.regions:
        if _TELEGRAM.match(reading.text, end) and _NEWSROOM.search(reading.text, max(0, start - 6), start):
            continue  # 国讯社南昌电: where the paper sits
        weight = 3 if end <= reading.title_end else 2 if reading.near_issue(start) else 1
        votes[code] += weight
        order.setdefault(code, len(order))
    for start, end, code in reading.outside:
        votes[code] += 3 if end <= reading.title_end else 2 if reading.near_issue(start) else 1
        order.setdefault(code, len(order))
    for span in reading.towns:
        if span.county and (span.county in votes or not reading.outside):
            votes[span.county] += 2 if reading.near_issue(span.start) else 1
            order.setdefault(span.county, len(order))
    if not votes:
        return None
    for code in list(votes):
        for parent in regions.chain(code)[1:]:
            if parent in votes:
                votes[code] += votes[parent]
    home = [code for code in votes if code.startswith(regions.home[:2])]
    pool = home or list(votes)
    fine = (
        [code for code in pool if not code.endswith("00")]
        or [code for code in pool if not code.endswith("0000")]
        or pool
    )
    return max(fine, key=lambda code: (votes[code], -order[code]))
