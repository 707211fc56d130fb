"""The clean material our own model learns from: `python -m training.material SILVER OUT`.

Three kinds, none of them anybody else's labels: sentences of our sample pack, their firms found with the demo register
and then RENAMED, so that no firm of the register is learned; sentences from templates with invented firms; sentences of
the hot lists with the organisations `lac` saw (training/silver.py), sieved to firms. The gold texts are never read.
"""

import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from config.lexicon import Lexicon, load_lexicon, load_registry_csv
from nlp.analyze import Analyzer
from nlp.normalize import normalize
from training.examples import Example
from training.names import WORDS, Firm, invent

SEED = 4
GENERATED, PLAIN, PAIRED = 40, 40, 60  # sentences a template, one without firms, an end of a sentence
SILENT = 9_000  # hot-list sentences without any organisation
PROJECT = Path(__file__).resolve().parent.parent
PACK = ("demo/pack/part1.jsonl", "demo/pack/part2.jsonl")
_SLOT = re.compile(r"\{(\w+)\}")
_COMPANY = re.compile(r"公司$|厂$|店$|集团$")
FIRM_END = re.compile(
    r"(?:公司|集团|厂|银行|汽车|科技|电器|证券|药业|航空|食品|餐饮|咖啡|超市|股份|实业|煤业|燃气|石化|石油|酒店|商城|资本|地产|置业|保险|"
    r"基金|游戏|影业|矿业|钢铁|重工|通讯|物流|快递|制药|医药|能源|电力|电信|移动|联通|乳业|酒业|服饰|数码|软件|网络|传媒|娱乐|控股|电子)$"
)
OTHER_END = re.compile(
    r"(?:[部局委院会社台队军党厅署府盟组校联]|大学|高中|中学|小学|幼儿园|政府|组织|学院|医院|卫视|日报|晚报|时报|早报|新闻|央行|法院|"
    r"中心|海关|男篮|女篮|男足|女足|女排|男排|研究所|博物馆|解放军|联盟|战队|办公室|海警|舰|北大|清华|NBA|NATO|WTO|FIFA|CCTV)$"
)
KNOWN = set(WORDS["known_firms"].split())
TEMPLATES, NEGATIVES, LEFT, RIGHT = (WORDS[name] for name in ("templates", "negatives", "left", "right"))
ISSUES, GENERIC = WORDS["issues"].split(), WORDS["generic"].split()
NAMED = ("{full}", "{short}", "{short}", "{short}", "{placed}", "{own}")  # short names are the ones a grammar misses


def main(silver: Path, out: Path) -> None:
    """Write the material as JSON lines."""
    chance = random.Random(SEED)
    lexicon = load_lexicon(PROJECT / "config")
    examples = [*own(lexicon, chance), *generated(lexicon, chance), *sieved(silver, chance)]
    with out.open("w", encoding="utf-8") as file:
        for example in examples:
            file.write(json.dumps(asdict(example), ensure_ascii=False) + "\n")


def load(path: Path) -> list[Example]:
    """The material as it was written."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Example(r["text"], tuple((s, e) for s, e in r["spans"]), r["group"], r["source"]) for r in rows]


# -- our own texts ---------------------------------------------------------------------------------------------------


def own(lexicon: Lexicon, chance: random.Random) -> Iterator[Example]:
    """Sentences of the sample pack, each document's firms renamed; brands and bare own names lose their meaning too."""
    analyzer = Analyzer(lexicon, load_registry_csv(PROJECT / "config/lexicons/enterprises_demo.csv"))
    places = _places(lexicon)
    for name in PACK:
        for line in (PROJECT / name).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield from _renamed(row, analyzer, places, chance)


def _renamed(row: dict[str, Any], analyzer: Analyzer, places: Sequence[str], chance: random.Random) -> list[Example]:
    reading = analyzer.read(row["title"] or "", row["text"] or "")[1]
    new: dict[str, Firm] = {}
    text, spans, place = "", [], 0
    for firm in reading.firms:
        key = firm.id or firm.candidates[0]
        text += reading.text[place : firm.start]
        word = _other_name(reading.text[firm.start : firm.end], new.setdefault(key, invent(places, chance)))
        if not firm.brand:
            spans.append((len(text), len(text) + len(word)))
        text += word
        place = firm.end
    text += reading.text[place:]
    return list(_sentences(text, spans, f"pack {row['id']}"))


def _other_name(old: str, firm: Firm) -> str:
    if _COMPANY.search(old) and len(old) > 5:
        return firm.full
    return firm.own if len(old) <= 3 else firm.short


def _sentences(text: str, spans: Sequence[tuple[int, int]], group: str) -> Iterator[Example]:
    start = 0
    for match in re.finditer(r"[。！？!?\n;；]+|$", text):
        end = match.end()
        if end - start > 3:
            inside = tuple((s - start, e - start) for s, e in spans if start <= s and e <= end)
            yield Example(text[start:end], inside, group, "pack")
        start = end


# -- templates -------------------------------------------------------------------------------------------------------


def generated(lexicon: Lexicon, chance: random.Random) -> Iterator[Example]:
    """Every template filled many times; a template is never split over folds."""
    places = _places(lexicon)
    products = sorted({word for product in lexicon.products.values() for word in (product.name, *product.terms[:6])})
    for count, templates in ((GENERATED, TEMPLATES), (PLAIN, NEGATIVES)):
        for template in templates:
            for _ in range(count):
                yield _fill(template, places, products, chance)
    for right in RIGHT:
        for _ in range(PAIRED):
            template = chance.choice(LEFT) + chance.choice(NAMED) + right
            yield replace(_fill(template, places, products, chance), group=f"template {right}")


def _fill(template: str, places: Sequence[str], products: Sequence[str], chance: random.Random) -> Example:
    first, second = invent(places, chance), invent(places, chance)
    text, spans, place = "", [], 0
    values = {
        "full": first.full, "short": first.short, "own": first.own, "placed": (first.place or "江西") + first.own,
        "full2": second.full, "short2": second.short,
    }  # fmt: skip
    for match in _SLOT.finditer(template):
        text += template[place : match.start()]
        slot = match.group(1)
        if slot in values:
            spans.append((len(text), len(text) + len(values[slot])))
            text += values[slot]
        else:
            text += {
                "product": chance.choice(products), "issue": chance.choice(ISSUES), "county": chance.choice(places),
                "generic": chance.choice(GENERIC),
                "n": str(chance.randint(1, 500)),
            }[slot]  # fmt: skip
        place = match.end()
    return Example(text + template[place:], tuple(spans), f"template {template}", "template")


def _places(lexicon: Lexicon) -> list[str]:
    return sorted({name for region in lexicon.regions for name in (region.name, region.short_name) if len(name) > 1})


# -- the hot lists ---------------------------------------------------------------------------------------------------


def sieved(silver: Path, chance: random.Random) -> list[Example]:
    """Sentences whose organisations are all surely firms or surely none, and some with no organisation."""
    kept: list[Example] = []
    silent: list[Example] = []
    for line in silver.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        text = normalize(row["text"]).text
        if len(text) != len(row["text"]):
            continue
        names = [row["text"][start:end] for start, end in row["spans"]]
        if not all(is_firm(name) or OTHER_END.search(name) for name in names):
            continue
        spans = tuple((s, e) for (s, e), name in zip(row["spans"], names, strict=True) if is_firm(name))
        example = Example(text, spans, f"hot {row['text']}", "silver")
        (kept if names else silent).append(example)
    return kept + chance.sample(silent, min(SILENT, len(silent)))


def is_firm(name: str) -> bool:
    """Whether an organisation that `lac` saw is surely a firm."""
    return name in KNOWN or bool(FIRM_END.search(name) and len(name) > 2)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
