"""Family `json_api`: records of a JSON answer, mapped by paths, paged by number, offset or cursor."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit, urlunsplit

from scrapy import Request
from scrapy.http import Response

from config.sources import JsonApiSource, WebSource
from core.clock import beijing
from core.errors import SourceChanged
from core.records import RawDocument
from crawlers.base import Items, Row, SourceSpider
from crawlers.charset import decode_page
from crawlers.pick import first_at, json_of, texts_at, values_at
from crawlers.records import Origin, read_record

WebT = TypeVar("WebT", bound=WebSource)


class RecordsSpider(SourceSpider[WebT]):
    """What families of records share: from mapped record to document or to the page behind it."""

    def origin(self, response: Response) -> Origin:
        """Where the records of an answer come from."""
        meta = response.meta
        return Origin(response.url, meta["fetched_at"], meta.get("archive"), meta.get("encoding"))

    async def handle(self, raw: RawDocument) -> Items:
        """Save a record as it is, with the tables of its files, or ask for the page behind it."""
        if self.source.follow and raw.url:
            row = Row(raw.url, raw.title, raw.published, raw.text, raw.author, raw.origin, raw.external_id, raw.fields)
            for request in self.follow_rows([row]):
                yield request
            return
        self.run.row(raw.published)
        yield await self.with_attached(raw) if raw.attachments else raw


class JsonApiSpider(RecordsSpider[JsonApiSource]):
    """One address, pages asked for by placeholders."""

    def list_requests(self) -> Iterator[Request]:
        for url in self.source.list_url:
            start = str(self.source.pager.start if self.source.pager else 1)
            yield self._ask(url, 1, {"page": start, "offset": start, "cursor": ""})

    async def read_list(self, response: Response) -> Items:
        answer = self.answer(response)
        records = [value for value in members(answer, self.source.items) if self._wanted(value)]
        if not isinstance(answer, list | Mapping):
            raise SourceChanged(f"{response.url}: the answer is no object and no list")
        if len(records) > self.source.max_items:
            self.run.problem(f"{len(records)} records, only the first {self.source.max_items} are read (max_items)")
        for record in records[: self.source.max_items]:
            raw = read_record(self.source, self.source.map, record, self.origin(response), now=self.now)
            if raw is None:
                self.run.problem("a record without title and text was left out")
                continue
            async for item in self.handle(raw):
                yield item
        request = self._next(response, answer, len(records))
        if request is not None:
            yield request

    def answer(self, response: Response) -> Any:
        """The JSON of an answer that says it is a good one. Raises SourceChanged."""
        text = decode_page(response.body, override=self.source.encoding).text
        try:
            value = json_of(text, self.source.unwrap)
        except (ValueError, RecursionError) as error:
            raise SourceChanged(f"{response.url}: the answer is no JSON: {error}") from error
        check_ok(value, self.source.ok, response.url)
        return value

    def _wanted(self, record: Any) -> bool:
        return all(
            any(re.search(pattern, text) for text in texts_at(record, path))
            for path, pattern in self.source.filter.items()
        )

    def _next(self, response: Response, answer: Any, count: int) -> Request | None:
        """The next page, unless this one was empty, a repetition or the last one wanted."""
        pager, page = self.source.pager, int(response.meta["page"])
        if pager is None or page >= self.source.pages or count == 0:
            return None
        cursor = first_at(answer, pager.cursor) if pager.cursor else ""
        if pager.by == "cursor" and not cursor:
            return None
        asked = {
            "page": str(pager.start + page),
            "offset": str(pager.start + page * pager.size),
            "cursor": cursor,
        }
        return self._ask(response.meta["address"], page + 1, asked)

    def _ask(self, address: str, page: int, asked: Mapping[str, str]) -> Request:
        source = self.source
        values = {**asked, "since": f"{beijing(self.now - source.since):{source.since_format}}"}
        url = filled(address, values)
        if source.params:
            url = with_query(url, {name: filled(str(value), values) for name, value in source.params.items()})
        meta = {"page": page, "address": address, "conditional": page == 1}
        if source.body is not None:
            body = json.dumps(filled_json(source.body, values), ensure_ascii=False)
            return self.ask_list(
                url, meta=meta, method="POST", body=body.encode(), headers={"Content-Type": "application/json"}
            )
        if source.form or source.method == "POST":
            return self.ask_form(url, {name: filled(value, values) for name, value in source.form.items()}, meta)
        return self.ask_list(url, meta=meta)

    def ask_form(self, url: str, form: Mapping[str, str], meta: Mapping[str, Any]) -> Request:
        """A form sent by POST."""
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return self.ask_list(url, meta=dict(meta), method="POST", body=urlencode(form).encode(), headers=headers)


def members(answer: Any, path: str) -> list[Any]:
    """The records at `path` ('' or '$': the answer itself)."""
    found = [answer] if path in ("", "$") else list(values_at(answer, path))
    return [record for value in found for record in (value if isinstance(value, list) else [value])]


def check_ok(answer: Any, ok: Mapping[str, str | int | bool], url: str) -> None:
    """Raise SourceChanged when the answer says itself that it is none."""
    for path, wanted in ok.items():
        said = first_at(answer, path)
        accepted = ("true" if wanted else "false") if isinstance(wanted, bool) else str(wanted)
        if said != accepted:
            raise SourceChanged(f"{url}: {path} is {said[:80]!r}, {accepted!r} expected")


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with {page}, {offset}, {cursor} and {since} put in."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def filled_json(value: Any, values: Mapping[str, str]) -> Any:
    """The same for a JSON body; a text that is a placeholder and nothing else becomes a number where it can."""
    if isinstance(value, str):
        text = filled(value, values)
        alone = value in ("{page}", "{offset}")
        return int(text) if alone else text
    if isinstance(value, Mapping):
        return {key: filled_json(part, values) for key, part in value.items()}
    if isinstance(value, list):
        return [filled_json(part, values) for part in value]
    return value


def with_query(url: str, params: Mapping[str, str]) -> str:
    """`url` with `params` behind what it has."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(params))))))


def with_attachments(raw: RawDocument, links: tuple[str, ...]) -> RawDocument:
    """`raw` with further attachments."""
    return replace(raw, attachments=tuple(dict.fromkeys((*raw.attachments, *links))))
