"""Family `xml_report`: an index of reports, one XML file each, with repeated elements as records."""

from collections.abc import Iterator
from typing import Any

from lxml import etree
from scrapy import Request
from scrapy.http import Response

from config.sources import XmlReportSource
from core.errors import SourceChanged
from crawlers.base import Items
from crawlers.families.records import RecordsSpider
from crawlers.pick import first_at, parse_xml, xml_record


class XmlReportSpider(RecordsSpider[XmlReportSource]):
    """The newest reports of the index, or the address itself as the one report."""

    def list_requests(self) -> Iterator[Request]:
        for url in self.source.list_url:
            if self.source.index is None:
                yield self.ask_list(url)
            else:
                yield self.ask_list(url, callback=self.read_index, meta={"rows": False})

    async def read_index(self, response: Response) -> Items:
        """Ask for the newest reports; one that is as last time answers nothing."""
        index = self.source.index
        if index is None:
            return
        reports = []
        for element in elements(self._root(response), (index.item,)):
            record = xml_record(element)
            url = self.link(response, first_at(record, index.url), same_host=False)
            if url is not None:
                dated = self.date(first_at(record, index.date)) if index.date else None
                reports.append((dated.timestamp() if dated else 0.0, url))
        if not reports:
            raise SourceChanged(f"{response.url}: no report in the index (element {index.item!r})")
        for _, url in sorted(reports, reverse=True)[: self.source.reports]:
            yield self.ask_list(url, meta={"page": 1})

    async def read_list(self, response: Response) -> Items:
        root = self._root(response)
        above = {name: value for name, value in _as_dict(xml_record_shallow(root)).items() if isinstance(value, str)}
        found = elements(root, self.source.items)
        if not found:
            raise SourceChanged(f"{response.url}: no element {' or '.join(self.source.items)}")
        records = [{**above, **_as_dict(xml_record(element))} for element in found]
        async for item in self.handle(await self.documents_of(records, self.source.map, self.origin(response))):
            yield item

    def _root(self, response: Response) -> etree._Element:
        try:
            return parse_xml(response.body)
        except ValueError as error:
            raise SourceChanged(f"{response.url}: {error}") from error


def elements(root: etree._Element, names: tuple[str, ...]) -> list[etree._Element]:
    """Elements of the first name that occurs, whatever their namespace."""
    for name in names:
        found = list(root.iter(f"{{*}}{name}"))
        if found:
            return found
    return []


def xml_record_shallow(root: etree._Element) -> dict[str, Any]:
    """The report's own facts: children without children."""
    leaves = (child for child in root if isinstance(child.tag, str) and len(child) == 0)
    return {etree.QName(child).localname: (child.text or "").strip() for child in leaves}


def _as_dict(record: Any) -> dict[str, Any]:
    return record if isinstance(record, dict) else {"#text": record}
