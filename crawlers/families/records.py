"""What families of records share: from the records of an answer to documents, or to the pages behind them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from scrapy.http import Response

from config.source_parts import FieldMap
from config.sources import WebSource
from core.ids import content_hash, digest
from core.records import RawDocument
from crawlers.base import BREATH, Items, Row, SourceSpider
from crawlers.pick import opened, values_at
from crawlers.records import Origin, read_record

WebT = TypeVar("WebT", bound=WebSource)


class RecordsSpider(SourceSpider[WebT]):
    """Records of JSON answers and XML reports."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # scrapy hands on what the runner gave
        self.pages_read: dict[tuple[str, str], int] = {}

    def origin(self, response: Response) -> Origin:
        """Where the records of an answer come from."""
        meta = response.meta
        return Origin(response.url, meta["fetched_at"], meta.get("archive"), meta.get("encoding"))

    async def documents_of(self, records: Sequence[Any], fields: FieldMap, origin: Origin) -> list[RawDocument]:
        """The documents of records; what is none is left out and counted."""
        found = []
        for number, record in enumerate(records, 1):
            if number % BREATH == 0:
                await asyncio.sleep(0)
            raw = read_record(self.source, fields, record, origin, now=self.now)
            if raw is None:
                self.run.skip("a record without title and text was left out")
                continue
            if not raw.external_id and not raw.url:
                facts = "\n".join((raw.text, *raw.fields.values()))
                raw = replace(raw, external_id=content_hash(raw.title, facts))
            found.append(raw)
        return found

    async def handle(self, records: Sequence[RawDocument]) -> Items:
        """Save records as they are, with the tables of their files; follow: ask for the pages behind them."""
        follow = self.source.follow
        rows = [
            Row(raw.url, raw.title, raw.published, raw.text, raw.author, raw.origin, raw.external_id, raw.fields)
            for raw in records
            if follow and raw.url
        ]
        for request in self.follow_rows(rows):
            yield request
        async for raw in self.wanted([raw for raw in records if not (follow and raw.url)]):
            yield await self.with_attached(raw) if raw.attachments else raw

    def repeats(self, records: Sequence[RawDocument], *, address: str, page: int) -> bool:
        """Whether a page of this address held the same records before: the paging has ended, or is not understood."""
        names = digest(*(raw.external_id or raw.url or raw.title for raw in records))
        before = self.pages_read.setdefault((address, names), page)
        if before == 1 and page > 1 and records:
            self.run.problem(f"page {page} of {address} repeats page 1: the paging is not understood")
        return before < page


def members(answer: Any, path: str) -> list[Any]:
    """The records at `path` ('' or '$': the answer itself); a list, or a record, may be packed into JSON text."""
    found = [answer] if path in ("", "$") else [opened(value) for value in values_at(answer, path)]
    return [opened(record) for value in found for record in (value if isinstance(value, list) else [value])]


def with_attachments(raw: RawDocument, links: tuple[str, ...]) -> RawDocument:
    """`raw` with further attachments."""
    return replace(raw, attachments=tuple(dict.fromkeys((*raw.attachments, *links))))
