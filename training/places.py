"""Writes config/lexicons/towns.csv and outside_places.csv: `python -m training.places DIVISIONS`.

DIVISIONS: a folder with china_pca_plus_jiangxi_towns.csv and streets_all.csv.gz (public facts of the National Bureau of
Statistics, 2023, in a collection under the WTFPL). For another province give a file of the same columns.
"""

import csv
import gzip
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from config.lexicon import load_lexicon

LEXICONS = Path(__file__).resolve().parent.parent / "config" / "lexicons"
# County-level cities known for making things, whose short name begins the names of their firms. From general
# knowledge; short names that are as well own names of firms (东阳, 江山, 新泰) are left out.
MAKERS = frozenset(
    re.findall(
        r"\w+",
        """
        义乌 永康 慈溪 余姚 昆山 晋江 石狮 温岭 瑞安 乐清 海宁 桐乡 诸暨 嵊州 兰溪 常熟
        张家港 江阴 宜兴 丹阳 太仓 靖江 溧阳 扬中 启东 如皋 南安 福清 福鼎 普宁 开平 鹤山
        台山 恩平 四会 廉江 陆丰 浏阳 醴陵 霸州 任丘 高碑店 辛集 遵化 迁安 寿光 诸城 邹城
        滕州 肥城 龙口 招远 莱州 荣成 乳山 胶州 平度 莱西 偃师 巩义 荥阳 新密 新郑 登封
        长葛 禹州 桐城 天长 界首 大冶 枝江 宜都 松滋 枣阳 崇州 邛崃 都江堰 绵竹 什邡 简阳
        峨眉山
        """,
    )
)


def towns(rows: Iterable[dict[str, str]], all_names: Counter[str]) -> list[tuple[str, str, str, int]]:
    """(code, name, county code, how many towns of the country are called so)."""
    return [
        (row["code"], row["name"], row["parent_code"], all_names[row["name"]])
        for row in rows
        if row["level"] == "town" and row["name"].endswith(("镇", "乡", "街道"))
    ]


def outside(rows: Iterable[dict[str, str]], home: str, known: set[str]) -> list[tuple[str, str]]:
    """(name, prefecture code) of counties elsewhere whose name, full or short, means one prefecture only."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        prefecture = f"{row['parent_code']:0<6}"
        if row["level"] != "county" or prefecture.startswith(home) or row["city"] in ("市辖区", "县"):
            continue
        if len(row["name"]) > 2 and row["name"].endswith(("市", "县", "区", "旗")):
            found[row["name"]].add(prefecture)
        if row["name"].removesuffix("市") in MAKERS:
            found[row["name"].removesuffix("市")].add(prefecture)
    return sorted((name, *codes) for name, codes in found.items() if len(codes) == 1 and name not in known)  # type: ignore[misc]


def main(divisions: Path) -> None:
    """Write both files."""
    with (divisions / "china_pca_plus_jiangxi_towns.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    with gzip.open(divisions / "streets_all.csv.gz", "rt", encoding="utf-8-sig", newline="") as file:
        all_names = Counter(row["name"] for row in csv.DictReader(file))
    regions = load_lexicon(LEXICONS.parent).regions
    known = {name for region in regions for name in (region.name, region.short_name, *region.aliases)}
    _write("towns.csv", ("code", "name", "county", "namesakes"), towns(rows, all_names))
    _write("outside_places.csv", ("name", "prefecture"), outside(rows, regions.home[:2], known))


def _write(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with (LEXICONS / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
