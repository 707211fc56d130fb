"""How well recalls abroad find the firm of the registry they mean.

python -m benchmarks.recall_mirror [DIR] [--firms 20000]   (DIR: us_recalls_2013_2015.jsonl; the shared data by default)

Real recalls; into a part of them the name of a firm of a made-up registry is written as foreigners write it, in twelve
ways, so that the truth is known. Into the others made in China goes the name of a firm that the registry has not. The
rest keep their own makers, mostly importers: whatever is found for them or for absent firms is wrong.
A first table says how many first candidates are right and wrong from a score on, all and those well before the second.
Exit 1 when a match called exact is wrong; a missing file is told and skipped.
"""

import argparse
import gzip
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from config.lexicon import load_lexicon
from config.regions import Regions
from config.settings import PROJECT
from core.facts import Firm, Recall
from core.records import Document, Kind, RegistryEntry
from enterprises.english_trades import TRADES
from enterprises.latin_names import LatinReader
from enterprises.mirror import LEAD, Mirror
from nlp.pinyin import spelt

SHARED = PROJECT.parent.parent / "shared" / "data"
ENGLISH = {words[0]: english for english, words in reversed(list(TRADES.items()))}
SEED = 20261126
NOW = datetime(2026, 11, 26, tzinfo=UTC)
ABSENT = "absent firms"
PLAIN_TRADES = (
    "科技",
    "电子",
    "电器",
    "玩具",
    "照明",
    "家具",
    "五金",
    "电池",
    "服装",
    "体育",
    "智能",
    "贸易",
    "实业",
    "工艺品",
)


@dataclass(frozen=True)
class Made:
    """A firm with the parts of its name. english: of its trade."""

    entry: RegistryEntry
    place: str
    province: str
    core: str
    english: str


def registry(regions: Regions, names: Sequence[str], count: int, dice: random.Random) -> list[Made]:
    """Made-up firms: a place, a real short name, a trade. Every twentieth is called as another one elsewhere."""
    places = [one for one in regions if one.level in ("prefecture", "county") and one.short_name]
    made: list[Made] = []
    for number in range(count):
        place = dice.choice(places)
        core = made[-1].core if number % 20 == 1 else dice.choice(names)
        trade = dice.choice(PLAIN_TRADES)
        entry = RegistryEntry(
            id=f"M{number:06d}",
            name=f"{place.short_name}{core}{trade}有限公司",
            brands=(core,) if number % 3 == 0 else (),
            region_code=place.code,
        )
        province = regions.name_of(regions.province_of(place.code) or "")
        made.append(Made(entry, place.short_name, province.removesuffix("省"), core, ENGLISH.get(trade, "technology")))
    return made


def _title(text: str) -> str:
    return spelt(text).capitalize()


def _core(one: Made) -> str:
    return _title(one.core)


def _typo(one: Made, dice: random.Random) -> str:
    core = _core(one)
    place = dice.randrange(1, len(core))
    return core[:place] + core[place + 1 :]


WAYS: dict[str, Callable[[Made, random.Random], str]] = {
    "place core trade": lambda m, _: f"{_title(m.place)} {_core(m)} {m.english.title()} Co., Ltd.",
    "syllables apart": lambda m, _: f"{_title(m.place)} {' '.join(map(_title, m.core))} {m.english.title()} Co., Ltd.",
    "capitals": lambda m, _: f"{_title(m.place)} {_core(m)} {m.english} CO LTD".upper(),
    "seat behind": lambda m, _: f"{_core(m)} {m.english.title()} Co., Ltd., of {_title(m.place)}, China",
    "no trade": lambda m, _: f"{_title(m.place)} {_core(m)} Co., Ltd.",
    "no place": lambda m, _: f"{_core(m)} {m.english.title()} Co., Ltd.",
    "province only": lambda m, _: f"{_title(m.province)} {_core(m)} {m.english.title()} Co., Ltd.",
    "a letter lost": lambda m, dice: f"{_title(m.place)} {_typo(m, dice)} {m.english.title()} Co., Ltd.",
    "other trade": lambda m, _: f"{_title(m.place)} {_core(m)} Import & Export Co., Ltd.",
    "two characters": lambda m, _: f"{_title(m.place)} {_title(m.core[:2])} {m.english.title()} Co., Ltd.",
    "core only": lambda m, _: f"{_core(m)} Limited",
    "trade plural": lambda m, _: f"{_title(m.place)} {_core(m)} {m.english.title()}s Factory",
}


def recalls_of(folder: Path) -> Iterator[Recall]:
    """The real ones, as far as they matter here."""
    for line in (folder / "us_recalls_2013_2015.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        makers = row.get("manufacturers") or [row.get("manufacturer") or row.get("company") or ""]
        yield Recall(
            recall_no=str(row.get("recall_number") or ""),
            agency=row.get("organization") or "",
            product_name="; ".join(row.get("descriptions") or ()),
            firms=tuple(Firm(name, "manufacturer") for name in makers if name),
            origin_country="; ".join(row.get("countries") or ()),
        )


def document(number: int, recall: Recall) -> Document:
    """A stored recall."""
    return Document(
        id=f"d{number}", source="cpsc", kind=Kind.RECALL_FOREIGN, url="", canonical_url="", title=recall.product_name,
        text="", event_time=NOW, published=NOW, fetched_at=NOW, stored_at=NOW, revision=1, content_hash="",
    )  # fmt: skip


def main() -> int:
    """Run it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", nargs="?", type=Path, default=SHARED / "recalls")
    options.add_argument("--firms", type=int, default=20_000)
    options.add_argument("--missed", action="store_true", help="print what was not found")
    asked = options.parse_args()
    names_file = asked.folder.parent / "companies" / "company_short_names_28w.txt.gz"
    for needed in (asked.folder / "us_recalls_2013_2015.jsonl", names_file):
        if not needed.exists():
            print(f"skipped: {needed.name} is not there")
            return 0
    dice = random.Random(SEED)
    regions = load_lexicon(PROJECT / "config").regions
    with gzip.open(names_file, "rt", encoding="utf-8") as file:
        names = [line.strip() for line in file]
    names = [name for name in names if 2 <= len(name) <= 4 and all("\u4e00" <= char <= "\u9fff" for char in name)]
    made = registry(regions, names, asked.firms, dice)
    recalls = list(recalls_of(asked.folder))
    ours = [number for number, one in enumerate(recalls) if "China" in one.origin_country]
    truth: dict[int, tuple[str, Made]] = {}
    absent: dict[int, tuple[str, Made]] = {}
    dice.shuffle(ours)
    for turn, number in enumerate(ours[:360]):
        truth[number] = (list(WAYS)[turn % len(WAYS)], dice.choice(made))
    for turn, (number, stranger) in enumerate(zip(ours[360:], registry(regions, names, len(ours), dice), strict=False)):
        absent[number] = (list(WAYS)[turn % len(WAYS)], stranger)
    mirror = Mirror(LatinReader(regions))
    for number, recall in enumerate(recalls):
        if number in truth or number in absent:
            way, one = truth.get(number) or absent[number]
            written = Firm(WAYS[way](one, dice), "manufacturer")
            recall = Recall(**{**recall.__dict__, "firms": (written,)})
        mirror.ask(document(number, recall), recall, None, {})
    began = time.process_time()
    mirror.look_through(one.entry for one in made)
    spent = time.process_time() - began
    _by_score(mirror, truth)
    return _told(mirror, truth, frozenset(absent), len(recalls), spent, asked)


def _by_score(mirror: Mirror, truth: dict[int, tuple[str, Made]]) -> None:
    """How many first candidates reach a score and mean the maker or not; the same where the second is LEAD behind."""
    print(f"{'score from':18}{'right':>9}{'wrong':>9}{'led, right':>12}{'led, wrong':>12}")
    for least in (0.45, 0.55, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9):
        every, led = [], []
        for number, answer in enumerate(mirror.answers()):
            if not answer.candidates or answer.candidates[0].score < least:
                continue
            right = number in truth and truth[number][1].entry.id == answer.candidates[0].firm
            every.append(right)
            second = answer.candidates[1].score if len(answer.candidates) > 1 else 0.0
            if answer.candidates[0].score - second >= LEAD:
                led.append(right)
        counts = (sum(every), len(every) - sum(every), sum(led), len(led) - sum(led))
        print(f"{least:<18}{counts[0]:9}{counts[1]:9}{counts[2]:12}{counts[3]:12}")


def _told(
    mirror: Mirror, truth: dict[int, tuple[str, Made]], absent: frozenset[int], count: int, spent: float,
    asked: argparse.Namespace,
) -> int:  # fmt: skip
    firms = asked.firms
    rows: dict[str, Counter[str]] = {way: Counter() for way in (*WAYS, ABSENT, "own makers")}
    wrong: list[str] = []
    for number, answer in enumerate(mirror.answers()):
        way, one = truth.get(number, (ABSENT if number in absent else "own makers", None))
        row = rows[way]
        row["recalls"] += 1
        first = answer.candidates[0].firm if answer.candidates else ""
        right = one.entry.id if one else ""
        row["queued"] += bool(first)
        row["first right"] += bool(right) and first == right
        row["among five"] += bool(right) and right in [candidate.firm for candidate in answer.candidates]
        if asked.missed and bool(right) != bool(first):
            print(f"{way}: {answer.maker} | {one.entry.name if one else answer.candidates[0]}")
        row["exact"] += answer.exact
        if answer.exact and first != right:
            row["exact wrong"] += 1
            wrong.append(f"{answer.maker} -> {answer.candidates[0].name}, not {one.entry.name if one else 'anybody'}")
    columns = ("recalls", "queued", "first right", "among five", "exact", "exact wrong")
    print(f"{'written as':18}" + "".join(f"{name:>13}" for name in columns))
    for way, row in rows.items():
        print(f"{way:18}" + "".join(f"{row[name]:13}" for name in columns))
    total: Counter[str] = sum(rows.values(), Counter())
    print(f"{'all':18}" + "".join(f"{total[name]:13}" for name in columns))
    print(f"{count} recalls against {firms} firms: {spent:.1f} s of CPU, {spent / firms * 1e6:.0f} us a firm")
    for line in wrong:
        print(f"exact and wrong: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
