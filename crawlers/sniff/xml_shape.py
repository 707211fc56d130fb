"""Reads unknown XML that is no feed: which element repeats, and where title, date, text or a report's address stand."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lxml import etree

from crawlers.dates import read_date
from crawlers.pick import first_at, parse_xml, xml_record
from crawlers.sniff.json_shape import RecordShape, record_shape

MAX_ELEMENTS = 20_000
MAX_RECORDS = 30
MOST_NAMES = 8
DAY_FIRST = r"\b(1[3-9]|2\d|3[01])/\d{1,2}/\d{4}\b"
EXSLT = {"re": "http://exslt.org/regular-expressions"}


@dataclass(frozen=True)
class XmlShape:
    """element: local name of the repeated one.  day_first: dates like 17/11/2026 occur."""

    element: str
    records: RecordShape
    day_first: bool


@dataclass(frozen=True)
class XmlIndexShape:
    """A list of reports: the repeated element, names of its address and date.  urls: as they stand there."""

    element: str
    url: str
    date: str | None
    urls: tuple[str, ...]
    day_first: bool


def xml_shape(body: bytes, *, now: datetime, least: int = 2) -> XmlShape | str:
    """The repeated element that looks most like publications, or why there is none. least: how often it must occur."""
    try:
        root = parse_xml(body)
    except ValueError as error:
        return f"XML 读不了：{error}"
    day_first = _is_day_first(root)
    seen = []
    for name, count, records in _repeated(root):
        seen.append(f"{name}×{count}")
        shape = record_shape(records, now=now, day_first=day_first) if count >= least else None
        if shape is not None and shape.items == "":
            return XmlShape(name, shape, day_first)
    told = "、".join(seen) or etree.QName(root).localname
    return f"是 XML，不是订阅源，也没有带标题的重复元素（看到 {told}）；按 xml_report 手写"


def xml_index(body: bytes, *, now: datetime) -> XmlIndexShape | None:
    """The list of reports that the XML is, if each record holds a web address."""
    try:
        root = parse_xml(body)
    except ValueError:
        return None
    day_first = _is_day_first(root)
    for name, _, records in _repeated(root):
        leaves = [leaf for leaf, value in records[0].items() if isinstance(value, str) and leaf != "#text"]
        url = next((leaf for leaf in leaves if all(first_at(one, leaf).startswith("http") for one in records)), None)
        if url is None:
            continue
        dates = (leaf for leaf in leaves if read_date(first_at(records[0], leaf), now=now, day_first=day_first))
        date = next((leaf for leaf in dates if leaf != url), None)
        return XmlIndexShape(name, url, date, tuple(first_at(record, url) for record in records), day_first)
    return None


def _repeated(root: etree._Element) -> Iterator[tuple[str, int, list[dict[str, Any]]]]:
    """Elements with children, the most frequent first: name, how many, the first records."""
    names: Counter[str] = Counter()
    for place, element in enumerate(root.iter(etree.Element)):
        if place >= MAX_ELEMENTS:
            break
        if place and len(element) >= 2:
            names[etree.QName(element).localname] += 1
    for name, count in names.most_common(MOST_NAMES):
        records = [
            xml_record(element) for element, _ in zip(root.iter(f"{{*}}{name}"), range(MAX_RECORDS), strict=False)
        ]
        yield name, count, [record for record in records if isinstance(record, dict)]


def _is_day_first(root: etree._Element) -> bool:
    return bool(root.xpath("//text()[re:test(., $form)]", namespaces=EXSLT, form=DAY_FIRST))
