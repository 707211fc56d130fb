"""Reads an unknown JSON answer: a known hot list, or records with a field map guessed from names and values."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import mean
from typing import Any

from config.source_parts import Pick
from crawlers.dates import read_date
from crawlers.families.hotlist import GOOD_NEWSNOW, SHAPES
from crawlers.families.records import members
from crawlers.markup import html_to_text
from crawlers.pick import json_of, opened, pick_one, texts_at

MAX_DEPTH = 6
MAX_RECORDS = 30
MAX_PATHS = 200
TITLE_NAMES = ("title", "titlename", "headline", "subject", "name", "product", "biaoti", "bt", "lybt", "word", "标题")
DATE_NAMES = re.compile(r"pub|date|time|issue|release|created|dateline|lysj|日期|时间", re.IGNORECASE)
NO_TITLE = re.compile(r"[\d.]*$|https?://|\d{4}[-/.年]\d")
FIRST_DATES = re.compile(r"pub|release|issue|发布", re.IGNORECASE)
LATER_DATES = re.compile(r"last|updat|modif|edit|end|expir", re.IGNORECASE)
URL_NAMES = re.compile(r"url|link|href|address", re.IGNORECASE)
TEXT_NAMES = re.compile(r"content|body|text|desc|summary|abstract|detail|intro|lynr|内容", re.IGNORECASE)
ID_NAMES = ("id", "docid", "articleid", "contentid", "newsid", "uuid", "guid", "sn", "tid", "no", "code", "编号")
ENDS_LIKE_ID = re.compile(r"(?:Id|ID|_id|No|_no|[Nn]umber|NUMBER|编号)$")
SKIPPED = re.compile(r"mobile|wap|author|user|nick|avatar|phone|img|image|pic|icon", re.IGNORECASE)
"""What never becomes a title, text or link: pictures, the mobile twin, people."""


@dataclass(frozen=True)
class HotShape:
    """A hot list of a known form. lines: how many it has."""

    shape: str
    platform: str
    lines: int


@dataclass(frozen=True)
class RecordShape:
    """items: path to the records.  map: parts of a document by path.  dated: share of records with a date.

    newest: the youngest.  identities: what tells the records apart (id, address or title), to see whether page 2 is
    another one.  titles: of the records.
    """

    items: str
    map: dict[str, Any]
    count: int
    dated: float
    newest: datetime | None
    identities: frozenset[str]
    titles: tuple[str, ...]


def hot_shape(text: str) -> HotShape | None:
    """The known hot list that `text` is, if any."""
    for name, told in HOT_SIGNS.items():
        shape = SHAPES[name]
        try:
            answer = json_of(text, shape.unwrap)
        except (ValueError, RecursionError):
            continue
        if not isinstance(answer, Mapping) or not told(answer):
            continue
        lines = members(answer, shape.items)
        titled = [line for line in lines if pick_one(shape.map.title, line)]
        if lines and len(titled) * 2 > len(lines):
            platform = str(answer.get("id") or answer.get("name") or name)
            return HotShape(name, re.sub(r"[^\w-]", "", platform)[:40] or name, len(titled))
    return None


HOT_SIGNS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "newsnow": lambda answer: answer.get("status") in GOOD_NEWSNOW and "items" in answer and "id" in answer,
    "dailyhot": lambda answer: answer.get("code") == 200 and "data" in answer and "fromCache" in answer,
    "baidu": lambda answer: "cards" in (answer.get("data") or ()),
    "toutiao": lambda answer: any("ClusterIdStr" in line for line in members(answer, "data[]") if line),
    "thepaper": lambda answer: "hotNews" in (answer.get("data") or ()),
}


def record_shape(answer: Any, *, now: datetime, day_first: bool = False) -> RecordShape | None:
    """The list of records in an answer that looks most like publications; None when no list has titles."""
    shapes = (_shape(path, records, now, day_first) for path, records in _lists(answer, "", 0))
    found = [shape for shape in shapes if shape is not None]
    return max(found, key=lambda one: (("published" in one.map) + ("url" in one.map), one.count), default=None)


def identities(answer: Any, items: str, fields: Mapping[str, Any]) -> frozenset[str]:
    """What tells the records of an answer apart."""
    pick = Pick.model_validate(fields.get("id") or fields.get("url") or fields["title"])
    return frozenset(filter(None, (pick_one(pick, record) for record in members(answer, items))))


def _lists(value: Any, path: str, depth: int) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Every list of objects with its path."""
    if depth > MAX_DEPTH:
        return
    value = opened(value)
    if isinstance(value, list):
        records = [record for record in value if isinstance(record, Mapping)]
        if records and len(records) * 2 > len(value):
            yield path, records[:MAX_RECORDS]
        for record in records[:1]:
            yield from _lists(record, f"{path}[]" if path else "", depth + 1)
    elif isinstance(value, Mapping):
        for name, part in list(value.items())[:MAX_PATHS]:
            if isinstance(opened(part), list | Mapping) and "." not in str(name):
                yield from _lists(part, f"{path}.{name}" if path else str(name), depth + 1)


def _shape(path: str, records: Sequence[Mapping[str, Any]], now: datetime, day_first: bool) -> RecordShape | None:
    texts = {name: [next(texts_at(record, name), "") for record in records] for name in _leaves(records[0], "", 0)}
    title = _title(texts)
    if title is None:
        return None
    dates = {name: _dates(name, values, now, day_first) for name, values in texts.items()}
    published = _best_date(dates, len(records))
    fields: dict[str, Any] = {}
    if own := _identity(texts):
        fields["id"] = own
    fields["title"] = title
    if url := _url(records, texts):
        fields["url"] = url
    if text := _text(texts, title):
        fields["text"] = text
    if published is not None:
        fields["published"] = published
    read = [date for date in dates.get(published or "", ()) if date is not None]
    return RecordShape(
        items=path,
        map=fields,
        count=len(records),
        dated=len(read) / len(records),
        newest=max(read, default=None),
        identities=identities(list(records), "", fields),
        titles=tuple(texts[title]),
    )


def _leaves(value: Any, path: str, depth: int) -> Iterator[str]:
    """Paths of the texts and numbers below a record; lists are left out."""
    if isinstance(value, Mapping) and depth < MAX_DEPTH:
        for name, part in list(value.items())[:MAX_PATHS]:
            if "." not in str(name):
                yield from _leaves(part, f"{path}.{name}" if path else str(name), depth + 1)
    elif not isinstance(value, list | Mapping | bool):
        yield path


def _last(path: str) -> str:
    return path.rpartition(".")[2].lower()


def _title(texts: Mapping[str, Sequence[str]]) -> str | None:
    """By name, else the text that is of a headline's length and different in every record."""
    fit = [
        path
        for path, values in texts.items()
        if not SKIPPED.search(path) and not URL_NAMES.search(_last(path)) and 4 <= mean(map(len, values)) <= 120
        and not all(NO_TITLE.match(value) for value in values)
    ]  # fmt: skip
    for name in TITLE_NAMES:
        for path in fit:
            if _last(path) == name:
                return path
    for path in fit:
        if "title" in _last(path):
            return path
    different = [
        path
        for path in fit
        if len(set(texts[path])) == len(texts[path]) > 1 and mean(map(len, texts[path])) >= 8
        and _last(path) not in ID_NAMES and not DATE_NAMES.search(_last(path))
    ]  # fmt: skip
    return different[0] if different else None


def _dates(path: str, values: Sequence[str], now: datetime, day_first: bool) -> list[datetime | None]:
    if not DATE_NAMES.search(_last(path)) and not any(re.search(r"\d{4}[-/.年]\d", value) for value in values):
        return []
    return [read_date(value, now=now, day_first=day_first) if len(value) <= 40 else None for value in values]


def _best_date(dates: Mapping[str, Sequence[datetime | None]], count: int) -> str | None:
    good = [path for path, read in dates.items() if sum(1 for one in read if one is not None) >= 0.8 * count]
    return min(good, key=_date_rank, default=None)


def _date_rank(path: str) -> int:
    """When it was published goes before any other date, when it was last changed behind."""
    name = _last(path)
    return 2 if LATER_DATES.search(name) else 0 if FIRST_DATES.search(name) else 1


def _identity(texts: Mapping[str, Sequence[str]]) -> str | None:
    """By name, else what is called a number and is another one in every record."""
    own = [path for path, values in texts.items() if all(values) and len(set(values)) == len(values)]
    for name in ID_NAMES:
        for path in own:
            if _last(path).replace("_", "") == name:
                return path
    return next((path for path in own if ENDS_LIKE_ID.search(path) and not SKIPPED.search(path)), None)


def _url(records: Sequence[Mapping[str, Any]], texts: Mapping[str, Sequence[str]]) -> str | dict[str, str] | None:
    """An address by name or form; a JSON text with the addresses of desk and phone inside is looked into."""
    for path, values in texts.items():
        if SKIPPED.search(path) or not any(values):
            continue
        addresses = [value for value in values if re.match(r"https?://|//\w|/[\w-]", value)]
        if len(addresses) * 2 > len(values):
            return path
        if URL_NAMES.search(_last(path)) and all(value.startswith("{") for value in values if value):
            pick = Pick(path=(path,), json_path="pc")
            if pick_one(pick, records[0]):
                return {"path": path, "json_path": "pc"}
    return None


def _text(texts: Mapping[str, Sequence[str]], title: str) -> str | None:
    named = [path for path in texts if TEXT_NAMES.search(_last(path)) and path != title and not SKIPPED.search(path)]
    lengths = {path: mean(len(html_to_text(value)) for value in texts[path]) for path in named}
    best = max(lengths, key=lambda path: lengths[path], default=None)
    return best if best is not None and lengths[best] >= 10 else None
