"""Texts as the streams bring them, for benchmarks of the whole: real titles and news, and the sample pack told anew.

`made(count, shared)` gives the same texts each time. Of ten full texts three are the sample pack's with other places,
firms and numbers on labels, four are questions with an excerpt (streams/zhihu_hot) and three are news in full
(streams/xwlb). Where more are asked for than there are, the rest are headlines (streams/weibo_hot), as a crawler that
reads hot lists sees them; where those end, some 265,000, more of the sample pack. The mix is the same from the first
text to the last, so that what a text costs can be compared along the way.
"""

import csv
import gzip
import itertools
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from benchmarks.alert_latency import SYLLABLES
from benchmarks.pipeline_slope import round_of
from benchmarks.story import DAY_ZERO, ingest_lines
from config.lexicon import load_lexicon
from config.settings import PROJECT
from demo.story import PACK, read_pack

SHARED = PROJECT.parent / "shared" / "data"
OF_TEN = (3, 4, 3)
SHORT = 30
_LABEL = re.compile(r"([A-Z]{2,}-?)(\d{3,})")


@dataclass(frozen=True)
class Text:
    """One document as a page tells it."""

    title: str
    text: str


def made(count: int, shared: Path = SHARED, *, full: float = 1.0) -> Iterator[Text]:
    """So many texts, that share of them full ones; no title twice among the news."""
    pack = filter(_full, pack_texts())
    kinds = (
        pack,
        _kept(shared / "streams/zhihu_hot", "excerpt"),
        _kept(shared / "streams/xwlb", "body"),
    )
    parts = [
        list(itertools.islice(kind, int(count * full) * share // 10)) for kind, share in zip(kinds, OF_TEN, strict=True)
    ]
    rest = list(itertools.islice(headlines(shared), count - sum(map(len, parts))))
    parts[0] += itertools.islice(pack, count - sum(map(len, parts)) - len(rest))
    return spread(*parts, rest)


def spread(*parts: Sequence[Text]) -> Iterator[Text]:
    """Everything, each part evenly over the whole."""
    placed = ((((at + 0.5) / len(part), kind), text) for kind, part in enumerate(parts) for at, text in enumerate(part))
    return (text for _, text in sorted(placed, key=itemgetter(0)))


def everyday(shared: Path = SHARED) -> Iterator[Text]:
    """A stream as a province has it: of forty texts two from the sample pack, the rest questions, news in full and
    headlines; headlines alone when the others are used up."""
    parts = {
        "pack": filter(_full, pack_texts()),
        "asked": _kept(shared / "streams/zhihu_hot", "excerpt"),
        "news": _kept(shared / "streams/xwlb", "body"),
    }
    short, turns = headlines(shared), ["asked", "", "news", "asked", "", "asked", "asked", ""] * 5
    turns[0] = turns[20] = "pack"
    for turn in itertools.cycle(turns):
        text = next(parts[turn], None) if turn else None
        text = text or next(short, None)
        if text is None:
            return
        yield text


def pack_texts() -> Iterator[Text]:
    """The sample pack without end, each time with other places, firms and numbers on labels."""
    lexicon = load_lexicon(PROJECT / "config")
    pack = list(ingest_lines(read_pack(PACK), DAY_ZERO))
    for number in itertools.count():
        others = of_others(number)
        for line in round_of(pack, number, lexicon.regions):
            told = json.loads(line)
            yield Text(others(told["title"]), others(told["text"]))


def of_others(number: int) -> Callable[[str], str]:
    """Puts another name for each of a firm of the sample, and another number for each on a label; 0: as it is.

    Three hundred thousand documents of a province tell of many firms. The same few told of again and again would be
    matters that grow as long as the benchmark runs.
    """
    if not number:
        return lambda text: text
    chance, renamed = random.Random(number), {}
    for name in _brands():
        renamed[name] = "".join(chance.sample(SYLLABLES, max(2, len(name))))
    names = re.compile("|".join(sorted(map(re.escape, renamed), key=len, reverse=True)))
    return lambda text: _LABEL.sub(rf"\g<1>{number:02d}\g<2>", names.sub(lambda found: renamed[found[0]], text))


def _brands() -> list[str]:
    """What is a firm's own in its name, of the firms of the sample."""
    with (PROJECT / "config/lexicons/enterprises_demo.csv").open(encoding="utf-8", newline="") as file:
        words = {word for row in csv.DictReader(file) for word in row["short_names"].split(";")[1:]}
    return sorted(word for word in words if len(word) >= 2)


def headlines(shared: Path = SHARED) -> Iterator[Text]:
    """Titles of hot lists, each once."""
    seen: set[str] = set()
    for file in sorted((shared / "streams/weibo_hot").glob("*.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                title = line.rstrip("\n").split("\t")[-1]
                if title not in seen:
                    seen.add(title)
                    yield Text(title, "")


def _kept(folder: Path, field: str) -> Iterator[Text]:
    seen: set[str] = set()
    for file in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                text = Text(row["title"], row.get(field) or "")
                if text.title not in seen and _full(text):
                    seen.add(text.title)
                    yield text


def _full(text: Text) -> bool:
    return len(text.text) >= SHORT
