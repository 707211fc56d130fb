"""Family `jx_querylist`: Jiangxi's provincial platform answers whole texts to a form."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from scrapy import Request
from scrapy.http import Response

from config.source_parts import FieldMap, Pick
from config.sources import JxQueryListSource
from core.errors import SourceChanged
from crawlers.base import Items
from crawlers.charset import decode_page
from crawlers.families.api import filled
from crawlers.families.records import RecordsSpider, members, with_attachments
from crawlers.pick import first_at, json_of
from crawlers.records import Origin
from crawlers.urls import absolute_url

FIELDS = FieldMap(
    id=Pick(path=("id",)),
    title=Pick(path=("title",)),
    url=Pick(path=("urls",), json_path="pc"),
    text=Pick(path=("content",)),
    published=Pick(path=("pubDate",)),
)


class JxQueryListSpider(RecordsSpider[JxQueryListSource]):
    """POST <site>/queryList (a GET is a 404). An answer without ids is a changed site: ids are never guessed."""

    def list_requests(self) -> Iterator[Request]:
        for url in self.source.list_url:
            yield self._ask(url, 1)

    async def read_list(self, response: Response) -> Items:
        try:
            answer = json_of(decode_page(response.body).text)
        except (ValueError, RecursionError) as error:
            raise SourceChanged(f"{response.url}: the answer is no JSON: {error}") from error
        page = int(response.meta["page"])
        told = members(answer, "data.results[]")
        records = list(self._records(told))
        if told and not records:
            raise SourceChanged(f"{response.url}: no record has an id")
        column = self.source.column or response.url
        origin = Origin(column, response.meta["fetched_at"], response.meta.get("archive"))
        files = {first_at(record, "id"): _files(record, column) for record in records}
        found = [
            with_attachments(raw, files.get(raw.external_id, ()))
            for raw in await self.documents_of(records, FIELDS, origin)
        ]
        if self.repeats(found, address=response.url, page=page):
            return
        async for item in self.handle(found):
            yield item
        total, seen = first_at(answer, "data.total"), int(response.meta["seen"]) + len(told)
        more = not (total.isdecimal() and len(total) < 12) or seen < int(total)
        if told and more and page < self.source.pages and not self.run.counts["left"]:
            yield self._ask(response.url, page + 1, seen)

    def _records(self, told: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
        """The records that have an id; ids are never guessed."""
        for record in told:
            record = record.get("source", record) if isinstance(record, Mapping) else record
            if isinstance(record, Mapping) and first_at(record, "id"):
                yield record
            else:
                self.run.skip("a record without an id was left out")

    def _ask(self, url: str, page: int, seen: int = 0) -> Request:
        form = {name: filled(value, {"page": str(page)}) for name, value in self.source.form.items()}
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "X-Requested-With": "XMLHttpRequest",
            "Referer": self.source.column or url,
        }
        meta = {"page": page, "seen": seen, "conditional": page == 1}
        return self.ask_list(url, meta=meta, method="POST", body=urlencode(form).encode(), headers=headers)


def _files(record: Mapping[str, Any], column: str) -> tuple[str, ...]:
    """Addresses of the attached files, which stand as JSON in a JSON string."""
    try:
        files = json.loads(first_at(record, "articleFiles") or "[]")
    except (ValueError, RecursionError):
        return ()
    links = (
        absolute_url(column, f"{file.get('domainName') or ''}{file.get('filePath') or ''}")
        for file in (files if isinstance(files, list) else [])
        if isinstance(file, dict) and file.get("filePath")
    )
    return tuple(link for link in links if link)
