"""Tags organisations in the MIT-licensed hot lists with `lac` (Apache-2.0): `python training/silver.py STREAMS OUT`.

Runs in an environment of its own (training/requirements-silver.txt); nothing of it is needed to use a model.
STREAMS holds weibo_hot/*.tsv.gz and zhihu_hot/*.jsonl.gz. OUT: JSON lines {"text", "spans": [[start, end], ...]},
every organisation `lac` sees; `training/material.py` keeps the firms among them.
"""

import csv
import gzip
import importlib
import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SEED = 4
TITLES, SENTENCES = 24_000, 16_000
_END = re.compile(r"(?<=[。！？!?\n])")
LONGEST = 120


def tagger() -> Any:
    """`lac` under paddlepaddle 2.6: it asks for `paddle.fluid`, which is called `paddle.base` now."""
    paddle = importlib.import_module("paddle")
    for name, module in list(sys.modules.items()):
        if name == "paddle.base" or name.startswith("paddle.base."):
            sys.modules["paddle.fluid" + name.removeprefix("paddle.base")] = module
    vars(paddle)["fluid"] = paddle.base
    return importlib.import_module("LAC").LAC(mode="lac")


def titles(folder: Path) -> Iterator[str]:
    """The titles of the microblog hot list."""
    for path in sorted(folder.glob("weibo_hot/*.tsv.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield row["title"]


def sentences(folder: Path) -> Iterator[str]:
    """Titles and sentences of the excerpts of the question hot list."""
    for path in sorted(folder.glob("zhihu_hot/*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                yield row["title"]
                yield from (piece.strip() for piece in _END.split(row["excerpt"]))


def chosen(texts: Iterator[str], count: int, chance: random.Random) -> list[str]:
    """`count` different texts of usable length, at random."""
    pool = sorted({text for text in texts if 6 <= len(text) <= LONGEST})
    return chance.sample(pool, min(count, len(pool)))


def main(folder: Path, out: Path) -> None:
    """Tag and write."""
    chance = random.Random(SEED)
    texts = chosen(titles(folder), TITLES, chance) + chosen(sentences(folder), SENTENCES, chance)
    lac = tagger()
    with out.open("w", encoding="utf-8") as file:
        for at in range(0, len(texts), 200):
            batch = texts[at : at + 200]
            for text, (words, tags) in zip(batch, lac.run(batch), strict=True):
                if "".join(words) != text:
                    continue  # the tagger dropped blanks: places would not fit
                spans, place = [], 0
                for word, tag in zip(words, tags, strict=True):
                    if tag == "ORG":
                        spans.append([place, place + len(word)])
                    place += len(word)
                file.write(json.dumps({"text": text, "spans": spans}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
