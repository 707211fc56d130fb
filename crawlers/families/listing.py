"""Families `html_list` and `trs_static`: list pages with a page behind each row."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlencode, urljoin

from scrapy import Request
from scrapy.http import TextResponse
from selectolax.lexbor import LexborHTMLParser, LexborNode

from config.sources import HtmlListSource, Rows, TrsStaticSource
from core.errors import SourceChanged
from core.patterns import first_found
from core.records import RawDocument
from crawlers.base import Items, Row, SourceSpider
from crawlers.dates import date_in_url
from crawlers.extract import select_all, select_text
from crawlers.markup import node_text, one_line, parse_html

RowsT = TypeVar("RowsT", bound=Rows)
COUNT_PAGE = re.compile(r"countPage\s*=\s*['\"]?(\d+)")


class RowsSpider(SourceSpider[RowsT]):
    """What all families with rows of HTML share. A later page that repeats known links ends the paging."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # scrapy hands on what the runner gave
        self.seen_links: set[str] = set()
        self.found: set[str] = set()
        """Selectors of a row that have found something on any row."""

    async def read_list(self, response: TextResponse) -> Items:
        page = int(response.meta.get("page", 1))
        tree = parse_html(self.markup(response))
        rows = self.rows_of(tree, response)
        if not rows and page == 1:
            raise SourceChanged(f"{response.url}: no row matches {self.source.item!r}")
        if rows:
            self._tell_lost()
        rows = [row for row in rows if row.title or self.source.follow]
        fresh = [row for row in rows if row.url not in self.seen_links]
        if not fresh:
            if rows and page > 1:
                self.run.problem(f"page {page} of the list repeats earlier rows: the paging is not understood")
            return
        self.seen_links.update(row.url for row in fresh)
        if self.source.follow:
            for request in self.follow_rows(fresh):
                yield request
        else:
            async for raw in self.wanted([self._headline(row, response) for row in fresh]):
                yield raw
        if page < self.source.pages and not self.run.counts["left"]:
            for request in self.next_pages(response, tree, page + 1):
                yield request

    def _note(self, selector: str | None, found: bool) -> None:
        if selector is not None and found:
            self.found.add(selector)

    def _tell_lost(self) -> None:
        """A part of the rows that none of them has any more: the rows are read without it, and it is said."""
        source = self.source
        parts = {"item_title": source.item_title, "item_date": source.item_date, **source.item_fields}
        for name, selector in parts.items():
            if selector is not None and selector not in self.found:
                self.run.problem(f"selector for {name} found nothing: {selector}")

    def _headline(self, row: Row, response: TextResponse) -> RawDocument:
        """A row as a document of its own, where the page behind it is not to be read."""
        dated = row.published or date_in_url(row.url, now=self.now)
        return RawDocument(
            source=self.source.key,
            kind=self.source.kind,
            url=row.url,
            title=row.title,
            text="",
            fetched_at=response.meta["fetched_at"],
            published=dated,
            date_source="list" if row.published else "url" if dated else "none",
            fields=row.fields,
            archive=response.meta.get("archive"),
            encoding=response.meta.get("encoding"),
        )

    def markup(self, response: TextResponse) -> str:
        """The HTML that holds the rows."""
        return str(response.text)

    def next_pages(self, response: TextResponse, tree: LexborHTMLParser, page: int) -> Iterator[Request]:
        """The request for page `page`, if there is one."""
        return iter(())

    def rows_of(self, tree: LexborHTMLParser, response: TextResponse) -> list[Row]:
        """The rows that lead to a page of this site; adverts and foreign links are left out."""
        rows = (self._row(node, response) for node in select_all(tree, self.source.item))
        return [row for row in rows if row is not None]

    def _row(self, node: LexborNode, response: TextResponse) -> Row | None:
        source = self.source
        link = next(iter(select_all(node, source.link)), None)
        if link is None and node.tag == "a":
            link = node
        if link is None:
            return None
        url = self.link(response, link.attributes.get("href"), same_host=source.same_host)
        if url is None or (source.accept is not None and first_found(source.accept, url) is None):
            return None
        date_nodes = select_all(node, source.item_date) if source.item_date else []
        title = select_text(node, source.item_title) if source.item_title else ""
        self._note(source.item_date, bool(date_nodes))
        self._note(source.item_title, bool(title))
        # a date inside the link is no part of its title, nor the link's text of a date that stands bare in the row
        inside = frozenset(found.mem_id for found in date_nodes if found.mem_id != link.mem_id)
        title = title or link.attributes.get("title") or node_text(link, skip=inside) or node_text(link)
        fields = {name: one_line(select_text(node, selector)) for name, selector in source.item_fields.items()}
        for name, value in fields.items():
            self._note(source.item_fields[name], bool(value))
        return Row(
            url=url,
            title=one_line(title),
            published=self._row_date(date_nodes, link),
            fields={name: value for name, value in fields.items() if value},
        )

    def _row_date(self, nodes: list[LexborNode], link: LexborNode) -> datetime | None:
        """The date of the first node that has text beside the link's."""
        selector = self.source.item_date or ""
        for node in nodes:
            text = select_text(node, selector) if "::" in selector else ""
            text = text or node_text(node, skip=frozenset({link.mem_id} - {node.mem_id}))
            if text.strip():
                return self.date(one_line(text))
        return None


class HtmlListSpider(RowsSpider[HtmlListSource]):
    """Pages by a form, by address (`page_url`) or by following the `next` link."""

    def list_requests(self) -> Iterator[Request]:
        for url in self.source.addresses:
            yield self._ask(url, 1)

    def next_pages(self, response: TextResponse, tree: LexborHTMLParser, page: int) -> Iterator[Request]:
        source = self.source
        if source.page_url is not None:
            yield self._ask(urljoin(response.url, source.page_url.replace("{page}", self._number(page))), page)
        elif any("{page}" in value for value in source.form.values()):
            yield self._ask(str(response.meta["address"]), page)
        elif source.next is not None:
            node = next(iter(select_all(tree, source.next)), None)
            url = self.link(response, node.attributes.get("href")) if node is not None else None
            if url:
                yield self._ask(url, page)

    def _number(self, page: int) -> str:
        """What {page} is on the page-th page."""
        return str(self.source.first_page + page - 1)

    def _ask(self, url: str, page: int) -> Request:
        meta = {"page": page, "address": url, "conditional": page == 1}
        if self.source.method == "GET":
            return self.ask_list(url, meta=meta)
        form = {name: value.replace("{page}", self._number(page)) for name, value in self.source.form.items()}
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return self.ask_list(url, meta=meta, method="POST", body=urlencode(form).encode(), headers=headers)


class TrsStaticSpider(RowsSpider[TrsStaticSource]):
    """index.html, then index_1.html, which is page 2. The first page tells how many there are (countPage)."""

    def next_pages(self, response: TextResponse, tree: LexborHTMLParser, page: int) -> Iterator[Request]:
        found = COUNT_PAGE.search(response.text)
        told = int(found[1]) if found else response.meta.get("told")
        if told is not None and page > told:
            return
        url = urljoin(response.url, f"{self.source.index}_{page - 1}.{self.source.ending}")
        yield self.ask_list(url, meta={"page": page, "conditional": False, "told": told})
