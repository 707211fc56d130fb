"""Safety Gate: an index of reports, one XML report for each day with alerts, one `notifications` element an alert."""

import re
from collections.abc import Iterator, Sequence
from html import escape

from core.clock import beijing
from demo.render.labels import split_labels
from demo.render.page import Reply, Request, find, landing, newest
from demo.sources import SampleSource
from demo.story import Item

FOLDER = "/api/download/weeklyReport"
REPORT = re.compile(rf"{FOLDER}/(\d{{8}})/xml/en")
ALERT = re.compile(r"/alertDetail/(\d{9})")
ELEMENTS = {
    "Alert number": "caseNumber",
    "Category": "category",
    "Product": "product",
    "Brand": "brand",
    "Type / number of model": "type_numberOfModel",
    "Model": "type_numberOfModel",
    "Batch number": "batchNumber",
    "Batch": "batchNumber",
    "Barcode": "barcode",
    "Risk type": "riskType",
    "Risk level": "level",
    "Risk": "danger",
    "Measures ordered by public authorities": "measures",
    "Measures taken by economic operators": "measures",
    "Measures ordered": "measures",
    "Measures": "measures",
    "Country of origin": "countryOfOrigin",
    "Notifying country": "notifyingCountry",
    "Alert submitted by": "notifyingCountry",
}


def answer(source: SampleSource, items: Sequence[Item], request: Request) -> Reply | None:
    """The index, a report or the page of an alert; None for anything else."""
    if request.path == f"{FOLDER}/list/{source.channel}":
        return _index(source, items, request.base)
    if match := REPORT.fullmatch(request.path):
        of_day = [item for item in items if _report(item) == match[1]]
        return _report_xml(source, of_day, request.base) if of_day else None
    if (match := ALERT.fullmatch(request.path)) and (item := find(items, match[1])):
        return landing(source, items, item, lambda other: f"{source.root}/alertDetail/{other.token}")
    return None


def _report(item: Item) -> str:
    return f"{beijing(item.first_published):%Y%m%d}"


def _index(source: SampleSource, items: Sequence[Item], base: str) -> Reply:
    days = dict.fromkeys(_report(item) for item in items)
    reports = "\n".join(
        f"<weeklyReport><reference>Report-{name}</reference>"
        f"<publicationDate>{name[6:]}/{name[4:6]}/{name[:4]}</publicationDate>"
        f"<URL> {base}{source.root}{FOLDER}/{name}/xml/en </URL></weeklyReport>"
        for name in days
    )
    xml = f'<?xml version="1.0" encoding="UTF-8"?>\n<weeklyReports>\n{reports}\n</weeklyReports>\n'
    return Reply(xml.encode(), "application/xml;charset=UTF-8", newest(items))


def _report_xml(source: SampleSource, items: Sequence[Item], base: str) -> Reply:
    name = _report(items[0])
    alerts = "\n".join("".join(_notification(source, item, base)) for item in items)
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<weeklyReport>\n'
        f"<report_date>{name[6:]}/{name[4:6]}/{name[:4]}</report_date>\n"
        f"{alerts}\n</weeklyReport>\n"
    )
    return Reply(xml.encode(), "application/xml;charset=UTF-8", newest(items))


def _notification(source: SampleSource, item: Item, base: str) -> Iterator[str]:
    parts, loose = split_labels(item.text, tuple(ELEMENTS))
    named: dict[str, list[str]] = {}
    for label, value in parts:
        named.setdefault(ELEMENTS[label], []).append(value)
    named.setdefault("caseNumber", [f"SAMPLE/{item.token}"])
    yield "<notifications>"
    yield f"<reference>{base}{source.root}/alertDetail/{item.token}</reference><name>{escape(item.title)}</name>"
    for element in dict.fromkeys(ELEMENTS.values()):
        yield f"<{element}>{escape(' '.join(named.get(element, [])))}</{element}>"
    yield f"<description>{escape(loose)}</description></notifications>"
