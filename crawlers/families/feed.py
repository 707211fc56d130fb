"""Family `feed`: the entries of a feed are the documents, or (follow) lead to the pages that are."""

from scrapy.http import Response

from config.sources import FeedSource
from core.errors import SourceChanged
from core.records import RawDocument
from crawlers.base import Items, Row, SourceSpider
from crawlers.dates import date_in_url
from crawlers.feed import FeedEntry, read_feed
from crawlers.markup import html_to_text, parse_html, tables_of


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
        for entry in feed.entries[: self.source.max_items]:
            self.run.row(entry.published)
            if entry.title or entry.content:
                yield self._document(entry, response)

    def _row(self, entry: FeedEntry) -> Row:
        return Row(
            url=entry.link,
            title=entry.title,
            published=entry.published,
            text=entry.content,
            author=entry.author or None,
        )

    def _document(self, entry: FeedEntry, response: Response) -> RawDocument:
        markup = entry.content_html
        body = parse_html(markup).body if "<table" in markup.lower() else None
        in_url = None if entry.published else date_in_url(entry.link, now=self.now)
        return RawDocument(
            source=self.source.key,
            kind=self.source.kind,
            url=entry.link if entry.link.startswith("http") else "",
            title=entry.title or entry.content[:60],
            text=html_to_text(markup, tables=False),
            fetched_at=response.meta["fetched_at"],
            external_id=entry.id if not entry.id.startswith("http") else "",
            published=entry.published or in_url,
            date_source="item" if entry.published else "url" if in_url else "none",
            author=entry.author or None,
            tables=tables_of(body) if body is not None else (),
            archive=response.meta.get("archive"),
            encoding=response.meta.get("encoding"),
        )
