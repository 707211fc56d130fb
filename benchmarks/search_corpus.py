"""Signals shaped like real ones, any number of them: titles and sentences of collected streams, put together with the
sentences of our own pack (demo/pack), fields as frequent as there. Signal `number` is always the same.

Lengths: titles as collected (mean 21 characters), bodies 100 to 1,500 characters, mean 385; `short` 40 to 300, mean 97.
"""

import gzip
import hashlib
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from config.lexicon import Lexicon
from config.settings import PROJECT
from core.records import Analysis, Document, Kind, Signal

PACK = PROJECT / "demo" / "pack"
NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
SPAN = timedelta(days=730)
"""Signals lie evenly in the two years before NOW; those that arrive during a measurement come after it."""

TITLE_FILES = ("weibo_hot/*.tsv.gz", "wechat_titles/*.tsv.gz")
FIRMS = 2_000
OURS = 0.3
"""Share of signals about products: they hold sentences of the pack and carry a level, a product and a territory."""


class NoStreams(Exception):
    """The folder with the collected streams is not there."""


@dataclass(frozen=True)
class Texts:
    """What signals are put together of."""

    titles: Sequence[str]
    sentences: Sequence[str]
    our_titles: Sequence[str]
    our_sentences: Sequence[str]


def read_texts(streams: Path) -> Texts:
    """The texts of the folder `streams` (weibo_hot, wechat_titles, zhihu_hot, xwlb) and of the pack."""
    titles = [
        line.rstrip("\n").rsplit("\t", 1)[-1]
        for form in TITLE_FILES
        for file in sorted(streams.glob(form))
        for line in _lines(file)
    ]
    rows = [json.loads(line) for line in _lines(streams / "zhihu_hot" / "zhihu_hot_2023.jsonl.gz")]
    rows += [json.loads(line) for line in _lines(streams / "xwlb" / "xwlb_2022.jsonl.gz")]
    pack = [json.loads(line) for part in ("part1", "part2") for line in _lines(PACK / f"{part}.jsonl")]
    return Texts(
        [title for title in titles if 16 <= len(title) <= 60],
        list(_sentences(row.get("body") or row["excerpt"] for row in rows)),
        [row["title"] for row in pack if row["title"] and row["truth"]["is_risk"]],
        list(_sentences(row["text"] for row in pack)),
    )


def _lines(file: Path) -> Iterator[str]:
    if not file.exists():
        raise NoStreams(f"{file} is not there: the collected streams are needed")
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
        yield from lines


def _sentences(texts: Iterator[str]) -> Iterator[str]:
    for text in texts:
        pieces = map(str.strip, re.split(r"(?<=[。！？])", text))
        yield from (piece for piece in pieces if 6 < len(piece) < 200)


class Corpus:
    """Signals by number."""

    def __init__(self, texts: Texts, lexicon: Lexicon, *, count: int, short: bool = False) -> None:
        """count: signals before NOW; higher numbers arrive after it, a second apart."""
        self._texts = texts
        self._count = count
        self._short = short
        self._products = list(lexicon.products)
        self._issues = list(lexicon.issues)
        self._counties = [place.code for place in lexicon.regions if place.code.startswith("36")]
        self._elsewhere = [place.code for place in lexicon.regions if not place.code.startswith("36")]

    def signal(self, number: int) -> Signal:
        """Signal `number`, from 0."""
        chance = random.Random(number)
        ours = chance.random() < OURS
        at = NOW - SPAN * (1 - (number * 7919 % self._count + chance.random()) / self._count)
        if number >= self._count:
            at = NOW + timedelta(seconds=number - self._count)
        title = chance.choice(self._texts.our_titles if ours else self._texts.titles)
        if ours:
            title = f"{title} {chance.randint(1, 900)}"
        known = _id(number)
        document = Document(
            id=known, source=f"source_{_rank(chance, 60):02d}", kind=chance.choices(list(Kind), KIND_WEIGHTS)[0],
            url=f"https://news{_rank(chance, 60):02d}.example.org/{at:%Y/%m/%d}/{number}.html", canonical_url="",
            title=title, text="", event_time=at, published=at, fetched_at=at, stored_at=at + timedelta(minutes=3),
            revision=1, content_hash=known, flags=("date_guessed",) if chance.random() < 0.05 else (),
            repost_of=_id(number // 2) if chance.random() < 0.2 else None,
        )  # fmt: skip
        return Signal(document, self._analysis(chance, title, self._body(chance, ours=ours), ours=ours))

    def _body(self, chance: random.Random, *, ours: bool) -> str:
        mean, least, most = (4.4, 40, 300) if self._short else (5.7, 100, 1500)
        length = min(most, max(least, chance.lognormvariate(mean, 0.6)))
        body, texts = "", self._texts
        while len(body) < length:
            body += chance.choice(texts.our_sentences if ours and chance.random() < 0.7 else texts.sentences)
        return body[: int(length) + 1]

    def _analysis(self, chance: random.Random, title: str, body: str, *, ours: bool) -> Analysis:
        level = chance.choices((0, 1, 2, 3, 4), (20, 35, 30, 12, 3))[0] if ours else 0
        products = _some(chance, self._products, 2) if ours else ()
        firms = tuple(f"ENT{_rank(chance, FIRMS):04d}" for _ in range(chance.choice((0, 1, 1, 2)))) if ours else ()
        place = chance.choice(self._counties if chance.random() < 0.8 else self._elsewhere) if ours else None
        values: dict[str, Any] = {
            "primary_product": products[0] if products else None,
            "primary_enterprise": firms[0] if firms else None,
            "jurisdiction_code": place,
            "issues": _some(chance, self._issues, 3) if ours else (),
            "regions": (place,) if place else (),
            "stance": chance.choices(("none", "denial", "apology"), (94, 4, 2))[0],
        }
        return Analysis(
            is_risk=level > 0, level=level, score=round(chance.random(), 3), mentions=(), title_mentions=(),
            products=products, enterprises=tuple(dict.fromkeys(firms)), reasons=(), masked_title=title,
            masked_text=body, **values,
        )  # fmt: skip


FEW = (Kind.SOCIAL, Kind.FORUM, Kind.COMPLAINT)
KIND_WEIGHTS = [8 if kind is Kind.NEWS else 2 if kind in FEW else 1 for kind in Kind]


def _id(number: int) -> str:
    """As real ones: a hash, which no index can squeeze."""
    return f"d{hashlib.sha256(str(number).encode()).hexdigest()[:15]}"


def _rank(chance: random.Random, count: int) -> int:
    """0 to count - 1, small ones often, as firms and sources are: the first tenth gets about half."""
    return int(count ** chance.random()) - 1


def _some(chance: random.Random, values: Sequence[str], most: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values[_rank(chance, len(values))] for _ in range(chance.randint(1, most))))
