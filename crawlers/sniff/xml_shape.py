"""Reads unknown XML that is no feed: which element repeats, and where title, date and text stand in it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from crawlers.pick import first_at, parse_xml, xml_record
from crawlers.sniff.json_shape import RecordShape, record_shape

MAX_ELEMENTS = 20_000
DAY_FIRST = r"\b(1[3-9]|2\d|3[01])/\d{1,2}/\d{4}\b"


@dataclass(frozen=True)
class XmlShape:
    """element: local name of the repeated one.  day_first: dates like 17/11/2026 occur.  urls: of the records."""

    element: str
    records: RecordShape
    day_first: bool
    urls: tuple[str, ...]


def xml_shape(body: bytes, *, now: datetime, least: int = 2) -> XmlShape | str:
    """The repeated element that looks most like publications, or why there is none. least: how often it must occur."""
    try:
        root = parse_xml(body)
    except ValueError as error:
        return f"XML 读不了：{error}"
    day_first = bool(root.xpath("//text()[re:test(., $form)]", namespaces=EXSLT, form=DAY_FIRST))
    names = Counter(
        etree.QName(element).localname
        for place, element in enumerate(root.iter(etree.Element))
        if 0 < place < MAX_ELEMENTS and len(element) >= 2
    )
    for name, count in names.most_common(8):
        records = [xml_record(element) for element in list(root.iter(f"{{*}}{name}"))[:30]]
        shape = record_shape(records, now=now, day_first=day_first) if count >= least else None
        if shape is not None and shape.items == "":
            address = shape.map.get("url")
            urls = tuple(first_at(record, address) for record in records) if isinstance(address, str) else ()
            return XmlShape(name, shape, day_first, urls)
    told = "、".join(f"{name}×{count}" for name, count in names.most_common(6)) or etree.QName(root).localname
    return f"是 XML，不是订阅源，也没有带标题的重复元素（看到 {told}）；按 xml_report 手写"


EXSLT = {"re": "http://exslt.org/regular-expressions"}
