"""Texts as the streams bring them, for benchmarks of the whole: real titles and news, and the sample pack told anew.

`made(count, shared)` gives the same texts each time. Of ten texts three are the sample pack's with other places, four
are questions with an excerpt (streams/zhihu_hot) and three are news in full (streams/xwlb). Where more are asked for
than there are, the rest are headlines (streams/weibo_hot), as a crawler that reads hot lists sees them.
"""

import gzip
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pipeline_slope import round_of
from benchmarks.story import DAY_ZERO, ingest_lines
from config.lexicon import load_lexicon
from config.settings import PROJECT
from demo.story import PACK, read_pack

SHARED = PROJECT.parent / "shared" / "data"
OF_TEN = (3, 4, 3)
SHORT = 30


@dataclass(frozen=True)
class Text:
    """One document as a page tells it."""

    title: str
    text: str


def made(count: int, shared: Path = SHARED) -> Iterator[Text]:
    """So many texts, no title twice among the news; each but a headline has a text of its own."""
    kinds = (
        filter(_full, pack_texts()),
        _kept(shared / "streams/zhihu_hot", "excerpt"),
        _kept(shared / "streams/xwlb", "body"),
    )
    parts = [itertools.islice(kind, count * share // 10) for kind, share in zip(kinds, OF_TEN, strict=True)]
    mixed = (one for group in itertools.zip_longest(*parts) for one in group if one is not None)
    return itertools.islice(itertools.chain(mixed, headlines(shared)), count)


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
    """The sample pack without end, each time with other places."""
    regions = load_lexicon(PROJECT / "config").regions
    pack = list(ingest_lines(read_pack(PACK), DAY_ZERO))
    for number in itertools.count():
        for line in round_of(pack, number, regions):
            told = json.loads(line)
            yield Text(told["title"], told["text"])


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
