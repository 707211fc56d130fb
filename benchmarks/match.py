"""Matching on a registry of made-up firms: `python -m benchmarks.match --firms 1000000 --data FOLDER`.

Names are a county + a real short name + trades + a legal form (../shared/data/companies, SOURCE.md). Each kind of
disturbance is drawn from a seed; `--half dev` is for tuning, `--half test` (the default) for the figures. Strict: the
one firm the question was made from. Fair: without questions that fit other firms just as well. Beside it, on some of
the questions: a rapidfuzz scan of all names, and an n-gram search (tantivy, pairs of characters).

`--unseen` asks by other disturbances, written when the matcher was done (benchmarks/match_unseen.py); what was done
about them since stands in docs/enterprises.md.
"""

import argparse
import csv
import gzip
import random
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import tantivy
from opencc import OpenCC
from rapidfuzz import fuzz, process

from benchmarks.match_unseen import unseen_kinds
from core.credit_code import SIGNS, check_sign
from core.records import RegistryEntry
from enterprises.match import Matcher
from enterprises.match_file import FILE
from enterprises.match_index import build_index, open_index, write_index
from enterprises.name_keys import numbered_sounds

TRADES_TOLD = (
    "科技 电子 电器 电缆 食品 贸易 实业 建材 化工 机械 塑料 包装 服饰 家具 照明 新能源 "
    "汽车配件 农业开发 生物科技 医疗器械 环保科技 装饰工程 物流 电子商务 五金制品 陶瓷 纸业 "
    "玩具 消防设备 锂电 电动车 燃气具 烟花 粮油 水泥 钢铁 涂料 纺织 鞋业 门窗"
)
TRADES = TRADES_TOLD.split()
FORMS = ("有限公司", "有限公司", "有限公司", "有限责任公司", "股份有限公司", "厂")
ALIKE_TOLD = (
    "未末 土士 己已 日曰 大太 天夫 人入 干千 万方 王玉 木本 石右 田由 甲申 牛午 贝见 令今 "
    "壮状 晴睛 清请 候侯 戴载 辛幸 恒桓 泰秦 金全 华毕 兴共 安按 瑞端 宏宠 达运 明朋 龙尤 "
    "广厂 顺须 丰丹 鑫淼 盛盈 源原 佳挂 嘉喜 隆降 海每 洋样 光先 亿忆 禾木 正止 中申 东车 "
    "西酉 南楠 北比 新亲 科料 诚城 信住 博搏 创仓 鸿鸣 旺汪 康庚 美羊 星皇 福富 祥详 昌冒 "
    "利和 百白 云去 春舂 江红 河何 湖胡 山出 川州 林材 凤风 鹏棚 飞气 腾滕 翔羚 雅稚 思恩 "
    "智知 优忧 联职 通适 力刀 强张 伟纬"
)
ALIKE = ALIKE_TOLD.split()
TO_TRADITIONAL = OpenCC("s2t")
SEEDS = {"dev": 11, "test": 47}


@dataclass(frozen=True)
class MadeFirm:
    """A firm by its parts."""

    entry: RegistryEntry
    place: str
    own: str
    trade: str
    form: str


@dataclass(frozen=True)
class Question:
    """What is asked, of which kind, and the firm it was made from. shared: what other firms must share to fit too."""

    kind: str
    text: str
    firm: int
    shared: str


def places_of(data: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Code and name of the counties and cities of Jiangxi, and of the cities elsewhere."""
    home, away = [], []
    with (data / "divisions" / "china_pca_plus_jiangxi_towns.csv").open(encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            name, code = row["name"], row["code"].ljust(6, "0")[:6]
            if row["level"] in ("city", "county") and len(name) > 2 and name not in ("市辖区", "省直辖县级行政区划"):
                if row["code"].startswith("36"):
                    home.append((code, name))
                elif row["level"] == "city":
                    away.append((code, name))
    return home, away


def made_firms(count: int, data: Path) -> Iterator[MadeFirm]:
    """Firms with different names, the same ones each time."""
    draw = random.Random(5)
    with gzip.open(data / "companies" / "company_short_names_28w.txt.gz", "rt", encoding="utf-8") as file:
        owns = [own for line in file if 2 <= len(own := line.strip()) <= 4 and all("一" <= c <= "鿿" for c in own)]
    home, away = places_of(data)
    seen: set[str] = set()
    while len(seen) < count:
        code, place = draw.choice(home if draw.random() < 0.7 else away)
        own, trade = draw.choice(owns), draw.choice(TRADES)
        if draw.random() < 0.2:
            trade = draw.choice(TRADES[:12]) + trade
        form, said = draw.choice(FORMS), place if draw.random() < 0.5 else _bare(place)
        name = said + own + trade + form
        if name in seen:
            continue
        seen.add(name)
        base = f"91{code}MA" + "".join(draw.choices(SIGNS, k=7))
        short, brand = (own + trade,) if draw.random() < 0.4 else (), (own,) if draw.random() < 0.2 else ()
        former = (f"{said}{draw.choice(owns)}{trade}{form}",) if draw.random() < 0.1 else ()
        entry = RegistryEntry(f"M{len(seen):07d}", name, short, brand, former, code, uscc=base + check_sign(base))
        yield MadeFirm(entry, said, own, trade, form)


def _bare(place: str) -> str:
    return place[:-1] if place[-1] in "市县区" and len(place) > 2 else place


class Disturber:
    """Makes questions from firms."""

    def __init__(self, firms: Sequence[MadeFirm], seed: int) -> None:
        self.firms, self.draw = firms, random.Random(seed)
        self.sounds = numbered_sounds()
        chars = Counter(char for firm in firms[:50_000] for char in firm.own)
        self.common = [char for char, _count in chars.most_common(2500)]
        self.by_sound: dict[str, list[str]] = defaultdict(list)
        for char in self.common:
            self.by_sound[self.sounds.spell(char)[0]].append(char)
        self.alike = {pair[0]: pair[1] for pair in ALIKE} | {pair[1]: pair[0] for pair in ALIKE}
        self.kinds: dict[str, Callable[[MadeFirm], tuple[str, str] | None]] = {
            "full": lambda f: (f.entry.name, "name"),
            "homophone": lambda f: self._changed(f, self._homophone),
            "look-alike": lambda f: self._changed(f, lambda char: self.alike.get(char, "")),
            "dropped": self._dropped,
            "added": self._added,
            "swapped": self._swapped,
            "short": lambda f: (f.entry.short_names[0], "core") if f.entry.short_names else None,
            "brand": lambda f: (f.own, "own") if f.entry.brands else None,
            "former": lambda f: (f.entry.former_names[0], "former") if f.entry.former_names else None,
            "pinyin": lambda f: ("".join(self.sounds.spell(f.entry.name)), "name"),
            "pinyin of own and trade": lambda f: (" ".join(self.sounds.spell(f.own + f.trade)), "core sound"),
            "initials": lambda f: ("".join(s[0] for s in self.sounds.spell(f.entry.name)), "initials"),
            "traditional": lambda f: (TO_TRADITIONAL.convert(f.entry.name), "name"),
            "no region": lambda f: (f.own + f.trade + f.form, "core"),
            "wrong region": self._elsewhere,
            "brackets": lambda f: (f"{f.place}{f.own}【{f.trade}】（{f.form}）", "name"),
            "branch": lambda f: (
                f.entry.name + self.draw.choice(("南昌分公司", "第二分公司", "赣州门店", "城南店")),
                "name",
            ),
            "group": lambda f: (f.place + f.own + "集团", "place own"),
            "code, one wrong": self._wrong_code,
        }

    def questions(self, of_each: int) -> list[Question]:
        """So many of each kind."""
        found = []
        for kind, make in self.kinds.items():
            count = 0
            while count < of_each:
                number = self.draw.randrange(len(self.firms))
                made = make(self.firms[number])
                if made is not None:
                    found.append(Question(kind, made[0], number, made[1]))
                    count += 1
        return found

    def _homophone(self, char: str) -> str:
        others = [other for other in self.by_sound.get(self.sounds.spell(char)[0], ()) if other != char]
        return self.draw.choice(others) if others else ""

    def _changed(self, firm: MadeFirm, change: Callable[[str], str]) -> tuple[str, str] | None:
        places = list(range(len(firm.own)))
        self.draw.shuffle(places)
        for place in places:
            if other := change(firm.own[place]):
                return firm.place + firm.own[:place] + other + firm.own[place + 1 :] + firm.trade + firm.form, "name"
        return None

    def _dropped(self, firm: MadeFirm) -> tuple[str, str]:
        text = firm.own + firm.trade
        place = self.draw.randrange(len(text))
        return firm.place + text[:place] + text[place + 1 :] + firm.form, "name"

    def _added(self, firm: MadeFirm) -> tuple[str, str]:
        text = firm.own + firm.trade
        place = self.draw.randrange(len(text) + 1)
        return firm.place + text[:place] + self.draw.choice(self.common) + text[place:] + firm.form, "name"

    def _swapped(self, firm: MadeFirm) -> tuple[str, str]:
        text = firm.own + firm.trade
        place = self.draw.randrange(len(text) - 1)
        return firm.place + text[:place] + text[place + 1] + text[place] + text[place + 2 :] + firm.form, "name"

    def _elsewhere(self, firm: MadeFirm) -> tuple[str, str]:
        return self.draw.choice(self.firms).place + firm.own + firm.trade + firm.form, "core"

    def _wrong_code(self, firm: MadeFirm) -> tuple[str, str]:
        place = self.draw.randrange(2, 18)
        code = firm.entry.uscc
        return code[:place] + self.draw.choice([s for s in SIGNS if s != code[place]]) + code[place + 1 :], "code"


def fitting(firms: Sequence[MadeFirm], disturber: Disturber) -> Callable[[Question], bool]:
    """Whether a question fits no other firm just as well: by what is left of the name in it."""
    spell = disturber.sounds.spell
    keys: dict[str, Callable[[MadeFirm], str]] = {
        "core": lambda f: f.own + f.trade,
        "own": lambda f: f.own,
        "core sound": lambda f: "".join(spell(f.own + f.trade)),
        "initials": lambda f: "".join(s[0] for s in spell(f.entry.name)),
        "place own": lambda f: f.place.rstrip("市区县") + f.own,
        "former": lambda f: f.entry.former_names[0] if f.entry.former_names else f.entry.id,
    }
    counts = {name: Counter(map(key, firms)) for name, key in keys.items()}
    return lambda q: q.shared not in keys or counts[q.shared][keys[q.shared](firms[q.firm])] == 1


def measure(name: str, find: Callable[[str], Sequence[str]], asked: Sequence[Question], firms: Sequence[MadeFirm],
            alone: Callable[[Question], bool]) -> None:  # fmt: skip
    """Prints figures by kind."""
    rows: dict[str, list[tuple[int, bool, float]]] = defaultdict(list)
    begin = time.process_time()
    for question in asked:
        start = time.perf_counter()
        ids = find(question.text)
        wanted = firms[question.firm].entry.id
        place = list(ids).index(wanted) if wanted in ids else 99
        rows[question.kind].append((place, alone(question), time.perf_counter() - start))
    spent = time.process_time() - begin
    print(f"\n{name}: {len(asked)} questions, {len(asked) / spent:,.0f} a second of processor time")
    print(
        "| kind | top-1 strict | top-1 fair | recall@5 strict | fair | p50 ms | p95 ms |\n|---|---|---|---|---|---|---|"
    )
    for kind, found in [*rows.items(), ("all", [row for each in rows.values() for row in each])]:
        fair, times = [row for row in found if row[1]], sorted(row[2] * 1000 for row in found)
        first, five = _share(found, 1), _share(found, 5)
        middle, late = times[len(times) // 2], times[int(len(times) * 0.95)]
        print(f"| {kind} | {first} | {_share(fair, 1)} | {five} | {_share(fair, 5)} | {middle:.1f} | {late:.1f} |")


def _share(rows: Sequence[tuple[int, bool, float]], within: int) -> str:
    return f"{sum(place < within for place, _alone, _time in rows) / len(rows):.3f}" if rows else "-"


def scanner(firms: Sequence[MadeFirm]) -> Callable[[str], Sequence[str]]:
    """rapidfuzz over all full names."""
    names = [firm.entry.name for firm in firms]

    def find(text: str) -> list[str]:
        found = process.extract(text, names, scorer=fuzz.ratio, limit=5, score_cutoff=40)
        return [firms[place].entry.id for _name, _score, place in found]

    return find


def searcher(firms: Sequence[MadeFirm], folder: Path) -> Callable[[str], Sequence[str]]:
    """tantivy over pairs of characters, ranked by BM25."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw")
    builder.add_text_field("grams", tokenizer_name="whitespace")
    folder.mkdir(exist_ok=True)
    index = tantivy.Index(builder.build(), path=str(folder))
    writer = index.writer(200_000_000, 1)
    for firm in firms:
        names = (firm.entry.name, *firm.entry.short_names, *firm.entry.brands, *firm.entry.former_names)
        writer.add_document(tantivy.Document(id=firm.entry.id, grams=" ".join(_grams(name) for name in names)))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    search = index.searcher()

    def find(text: str) -> list[str]:
        query = index.parse_query(_grams(text) or "x", ["grams"])
        return [str(search.doc(place)["id"][0]) for _score, place in search.search(query, 5).hits]

    return find


def _grams(text: str) -> str:
    plain = "".join(char for char in text if char.isalnum())
    return " ".join(plain[place : place + 2] for place in range(len(plain) - 1))


def main() -> None:
    """Build, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--firms", type=int, default=1_000_000)
    parser.add_argument("--each", type=int, default=200, help="questions of each kind")
    parser.add_argument("--half", choices=SEEDS, default="test")
    parser.add_argument(
        "--beside", type=int, default=5, help="questions of each kind for scan and n-gram search; 0: none"
    )
    parser.add_argument("--wrong", type=int, default=0, help="wrong answers to print")
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--data", type=Path, help="folder of the compiled file; kept")
    parser.add_argument("--unseen", action="store_true", help="ten disturbances that nothing was tuned for")
    options = parser.parse_args()
    firms = list(made_firms(options.firms, options.shared))
    with TemporaryDirectory() as temporary:
        folder = options.data or Path(temporary)
        folder.mkdir(exist_ok=True)
        begin = time.process_time()
        write_index(build_index(firm.entry for firm in firms), folder / FILE)
        size = (folder / FILE).stat().st_size
        print(f"{len(firms):,} firms compiled: {time.process_time() - begin:.0f} s, {size / 1e6:,.0f} MB")
        begin = time.perf_counter()
        matcher = Matcher.over(open_index(folder / FILE))
        matcher.match("云骓")
        print(f"opened and first answer: {time.perf_counter() - begin:.2f} s")
        disturber = Disturber(firms, SEEDS[options.half])
        if options.unseen:
            disturber.kinds = unseen_kinds(disturber.draw, disturber.sounds, options.shared)
        asked, alone = disturber.questions(options.each), fitting(firms, disturber)
        measure("matcher", lambda text: [one.id for one in matcher.match(text)], asked, firms, alone)
        for question in _wrong(matcher, asked, firms, alone, options.wrong):
            print(question)
        if options.beside:
            few = disturber.questions(options.beside)
            measure("rapidfuzz scan", scanner(firms), few, firms, alone)
            measure("tantivy pairs", searcher(firms, folder / "tantivy"), few, firms, alone)
    print(f"\npeak memory of the whole run: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def _wrong(matcher: Matcher, asked: Sequence[Question], firms: Sequence[MadeFirm],
           alone: Callable[[Question], bool], most: int) -> Iterator[str]:  # fmt: skip
    for question in asked:
        if most <= 0:
            return
        found = matcher.match(question.text)
        wanted = firms[question.firm].entry
        if alone(question) and (not found or found[0].id != wanted.id):
            most -= 1
            told = "; ".join(f"{one.name} {one.score} {one.why}" for one in found[:2])
            yield f"{question.kind}: {question.text} is {wanted.name}, found {told or 'nothing'}"


if __name__ == "__main__":
    main()
