"""Family `json_api`: records of a JSON answer, mapped by paths, paged by number, offset, cursor or newest mark."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from scrapy import Request
from scrapy.http import Response

from config.source_parts import Pager
from config.sources import JsonApiSource
from core.clock import beijing
from core.errors import SourceChanged
from core.patterns import first_found
from crawlers.base import Items
from crawlers.charset import decode_page
from crawlers.families.records import RecordsSpider, members
from crawlers.intake import Validators
from crawlers.pick import first_at, json_of, pick_one, texts_at
from crawlers.urls import absolute_url


class JsonApiSpider(RecordsSpider[JsonApiSource]):
    """One address, pages asked for by placeholders."""

    def list_requests(self) -> Iterator[Request]:
        for url in self.source.list_url:
            if self.source.lookup is None:
                yield self._first(url)
            else:
                yield self.ask_list(url, callback=self.look_up, meta={"conditional": False})

    async def look_up(self, response: Response) -> Items:
        """Find the address of the records in the page that names it."""
        lookup = self.source.lookup
        name = first_found(lookup.regex, decode_page(response.body).text) if lookup else None
        if lookup is None or name is None:
            raise SourceChanged(f"{response.url}: nothing matches lookup.regex: the page does not name its records")
        url = absolute_url(response.url, lookup.url.replace("{found}", name))
        if url is None:
            raise SourceChanged(f"{response.url}: {name[:80]!r} makes no address")
        yield self._first(url)

    def _first(self, url: str) -> Request:
        first = str((self.source.pager or Pager()).first)
        return self._ask(url, 1, {"page": first, "offset": first, "cursor": ""})

    async def read_list(self, response: Response) -> Items:
        answer = self.answer(response)
        if not isinstance(answer, list | Mapping):
            raise SourceChanged(f"{response.url}: the answer is no object and no list")
        told = members(answer, self.source.items)
        records = [record for record in told if self._wanted(record)]
        found = await self.documents_of(records, self.source.map, self.origin(response))
        address, page = str(response.meta["address"]), int(response.meta["page"])
        if self.repeats(found, address=address, page=page):
            return
        async for item in self.handle(found):
            yield item
        self._remember_mark(address, told)
        if told and page < self.source.pages and not self.run.counts["left"]:
            asked = self._next(response, answer, told)
            if asked is not None:
                yield self._ask(address, page + 1, asked)

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
            any(first_found(pattern, text) is not None for text in texts_at(record, path))
            for path, pattern in self.source.filter.items()
        )

    def _next(self, response: Response, answer: Any, told: list[Any]) -> dict[str, str] | None:
        """What the next page is asked for by; None where this was the last."""
        pager, page = self.source.pager, int(response.meta["page"])
        if pager is None:
            return None
        asked: dict[str, str] = {
            "page": str(pager.first + page),
            "offset": str(pager.first + page * pager.size),
            "cursor": first_at(answer, pager.cursor) if pager.cursor else "",
        }
        if pager.by == "since":
            asked["since"] = newest_mark([pick_one(pager.field, record) for record in told])
        mark = pager.by if pager.by in ("cursor", "since") else None
        if mark and asked[mark] in ("", response.meta["asked"][mark]):
            return None
        return asked

    def _mark_key(self, address: str) -> str:
        """Where the newest mark of an address is kept between two runs."""
        return f"{address}#since"

    def _remember_mark(self, address: str, told: Sequence[Any]) -> None:
        """To be kept once all that was read is saved."""
        pager = self.source.pager
        if pager is None or pager.by != "since":
            return
        before = self.run.pending_lists.get(self._mark_key(address))
        kept = before.etag or "" if before else ""
        mark = newest_mark([kept, *(pick_one(pager.field, record) for record in told)])
        if mark:
            self.run.pending_lists[self._mark_key(address)] = Validators(etag=mark)

    def _since(self, address: str) -> str:
        """The mark that the last run came to, else the beginning of the window."""
        if self.source.pager is not None and self.source.pager.by == "since":
            kept = self.context.intake.validators(self.source.key, self._mark_key(address))
            if kept is not None and kept.etag:
                return kept.etag
        return f"{beijing(self.now - self.source.since):{self.source.since_format}}"

    def _ask(self, address: str, page: int, asked: Mapping[str, str]) -> Request:
        source = self.source
        values = {"since": self._since(address), "year": str(beijing(self.now).year), **asked}
        url = filled(address, values)
        if source.params:
            url = with_query(url, {name: filled(str(value), values) for name, value in source.params.items()})
        meta = {"page": page, "address": address, "asked": values, "conditional": page == 1}
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


def newest_mark(marks: Sequence[str]) -> str:
    """The highest of some marks: numbers as numbers, anything else (dates) as text."""
    told = [mark for mark in marks if mark]
    if told and all(mark.isdecimal() for mark in told):
        return max(told, key=int)
    return max(told, default="")


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
