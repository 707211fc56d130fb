"""Family `feed`: the entries of a feed are the documents, or (follow) lead to the pages that are."""

from collections import Counter
from collections.abc import Collection

from scrapy.http import Response

from config.sources import FeedSource
from core.errors import SourceChanged
from core.ids import content_hash
from core.records import RawDocument
from crawlers.base import Items, Row, SourceSpider
from crawlers.dates import date_in_url
from crawlers.extract import select_text
from crawlers.feed import FeedEntry, read_feed
from crawlers.markup import html_to_text, one_line, parse_html, tables_of
from crawlers.urls import canonical_url


class FeedSpider(SourceSpider[FeedSource]):
    """RSS, Atom, RDF, JSON Feed."""

    async def read_list(self, response: Response) -> Items:
        headers = {"content-type": (response.headers.get("Content-Type") or b"").decode("latin-1")}
        feed = read_feed(response.body, headers=headers, url=response.url, now=self.now)
        if not feed.ok:
            raise SourceChanged(f"{response.url}: {'; '.join(feed.problems)}")
        for problem in feed.problems:
            self.run.problem(f"{response.url}: {problem}")
        if self.source.follow:
            rows = [self._row(entry) for entry in feed.entries if entry.link.startswith("http")]
            for request in self.follow_rows(rows):
                yield request
            return
        told = [entry for entry in feed.entries if entry.title or entry.content]
        links = Counter(canonical_url(entry.link) for entry in told)
        shared = {link for link, count in links.items() if count > 1} | {canonical_url(response.url)}
        async for raw in self.wanted([self._document(entry, response, shared) for entry in told]):
            yield raw

    def _row(self, entry: FeedEntry) -> Row:
        return Row(
            url=entry.link,
            title=entry.title,
            published=entry.published,
            text=entry.content,
            author=entry.author or None,
        )

    def _document(self, entry: FeedEntry, response: Response, shared: Collection[str]) -> RawDocument:
        """An entry is known by its link; where that is shared with others, or missing, by its id, else by its text."""
        markup = entry.content_html
        url = entry.link if entry.link.startswith("http") else ""
        own = bool(url) and canonical_url(url) not in shared
        body = parse_html(markup).body if "<table" in markup.lower() else None
        in_url = None if entry.published else date_in_url(entry.link, now=self.now)
        return RawDocument(
            source=self.source.key,
            kind=self.source.kind,
            url=url,
            title=entry.title or entry.content[:60],
            text=html_to_text(markup, tables=False),
            fetched_at=response.meta["fetched_at"],
            external_id="" if own else entry.id or content_hash(entry.title, entry.content),
            published=entry.published or in_url,
            date_source="item" if entry.published else "url" if in_url else "none",
            author=entry.author or None,
            fields={**self.source.facts, **self._facts(markup)},
            tables=tables_of(body) if body is not None else (),
            archive=response.meta.get("archive"),
            encoding=response.meta.get("encoding"),
        )

    def _facts(self, markup: str) -> dict[str, str]:
        """Named facts in the HTML of an entry."""
        if not self.source.entry_fields or "<" not in markup:
            return {}
        tree = parse_html(markup)
        found = {name: one_line(select_text(tree, css)) for name, css in self.source.entry_fields.items()}
        return {name: value for name, value in found.items() if value}
