"""What every spider shares: asking for lists and pages, handing documents over, watching known pages."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from scrapy import Request, Spider
from scrapy.exceptions import CloseSpider
from scrapy.http import Response, TextResponse
from twisted.python.failure import Failure

from config.sources import SourceConfig, WebSource
from core.errors import SourceChanged
from core.records import RawDocument, Table
from crawlers.attachments import TABLE_FILES, read_tables
from crawlers.context import FILE, LIST, PAGE, WATCH, Blocked, CrawlContext, NotModified, PageGone, role_of
from crawlers.dates import date_in_url, implausible_date, read_date
from crawlers.extract import Extracted, extract_page
from crawlers.urls import absolute_url, host_of

MAX_FILES = 5
"""Attachments read for one document; the addresses of all are kept."""
NOT_SINCE = timedelta(minutes=10)
"""A watched page is left alone for this long, or for a tenth of the source's interval if that is longer."""
SourceT = TypeVar("SourceT", bound=SourceConfig)
Item = RawDocument | Request
Items = AsyncIterator[Item]


@dataclass(frozen=True)
class Row:
    """What a list says of the page behind one of its rows."""

    url: str
    title: str = ""
    published: datetime | None = None
    text: str = ""
    author: str | None = None
    origin: str | None = None
    external_id: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


class SourceSpider(Spider, Generic[SourceT]):
    """A spider over one source's file. A family says how its lists are asked for and read."""

    name = "source"

    def __init__(self, context: CrawlContext, **kwargs: Any) -> None:
        super().__init__(name=context.source.key, **kwargs)
        self.context = context
        self.run = context.run
        self.source: SourceT = context.source  # type: ignore[assignment]  # the family's own, by FAMILIES
        self.now = context.clock()
        self.followed = 0

    async def start(self) -> AsyncIterator[Request]:
        """The lists first, then known pages to look at again."""
        for request in self.list_requests():
            yield request
        for request in self.recheck_requests():
            yield request

    def list_requests(self) -> Iterator[Request]:
        """What to ask first; one request a list_url unless the family knows better."""
        for url in self.source.addresses:
            yield self.ask_list(url)

    async def read_list(self, response: TextResponse) -> Items:
        """Rows to documents and requests. To be written by each family."""
        raise NotImplementedError
        yield  # pragma: no cover

    # asking

    def ask_list(self, url: str, **kwargs: Any) -> Request:
        """A list; answered by read_list, and not at all when it is as last time."""
        meta = {"role": LIST, "conditional": True, **kwargs.pop("meta", {})}
        headers = {**getattr(self.source, "headers", {}), **kwargs.pop("headers", {})}
        callback: Callable[..., Any] = kwargs.pop("callback", self.read_list)
        return Request(url, callback, errback=self.failed, headers=headers, meta=meta, priority=10, **kwargs)

    def ask_page(self, row: Row, *, conditional: bool = False) -> Request:
        """The page behind a row; answered by read_page."""
        meta = {"role": PAGE, "row": row, "conditional": conditional}
        return Request(row.url, self.read_page, errback=self.failed, meta=meta)

    def follow_rows(self, rows: Iterable[Row]) -> Iterator[Request]:
        """Requests for the pages that are not known yet, up to max_items."""
        for row in rows:
            self.run.row(row.published)
            if self.followed >= self.source.max_items:
                self.run.problem(f"more than {self.source.max_items} rows (max_items): the rest waits for the next run")
                return
            if not self.run.is_known(row.url):
                self.followed += 1
                yield self.ask_page(row)

    def recheck_requests(self) -> Iterator[Request]:
        """Recent documents again, conditionally: a revision or a withdrawal shows there."""
        source = self.source
        if source.recheck_within is None or source.recheck_limit == 0:
            return
        not_since = max(NOT_SINCE, source.every / 10) if source.delay else timedelta(0)
        known = self.context.intake.recheck(
            source.key, source.recheck_limit, within=source.recheck_within, not_since=not_since
        )
        follows = isinstance(source, WebSource) and source.follow
        for url in known:
            row = Row(url)
            if follows:
                yield self.ask_page(row, conditional=True)
            else:
                meta = {"role": WATCH, "conditional": True}
                yield Request(url, self.watched, errback=self.failed, meta=meta)

    # reading

    async def read_page(self, response: Response) -> Items:
        """One page as one document, its tables and the tables of its attachments included."""
        row: Row = response.meta["row"]
        if not isinstance(response, TextResponse):
            yield self.document_of_file(response, row)
            return
        found = extract_page(response.text, response.url, getattr(self.source, "detail", None), now=self.now)
        tables, attachments = await self.tables_of_files(found.attachments)
        yield self.document(response, row, found, tables=tables, attachments=attachments)

    async def watched(self, response: Response) -> None:
        """A watched page is still there; its text comes from elsewhere."""
        self.run.page_watched(response.url)

    def document(
        self,
        response: TextResponse,
        row: Row,
        found: Extracted,
        *,
        tables: tuple[Table, ...] = (),
        attachments: tuple[str, ...] = (),
    ) -> RawDocument:
        """What a page and its row say, as a document. Raises SourceChanged for a page without title or text."""
        title = found.title or row.title
        text = found.text or row.text
        if not title or not (text or found.tables or tables or attachments):
            raise SourceChanged("the page has no title" if not title else "the page has no text")
        published, date_source = self._dated(found, row, response.url)
        return RawDocument(
            source=self.source.key,
            kind=self.source.kind,
            url=response.url,
            title=title,
            text=text,
            fetched_at=response.meta["fetched_at"],
            external_id=row.external_id,
            published=published,
            date_source=date_source,
            author=found.author or row.author,
            origin=found.source_name or row.origin,
            fields={**row.fields, **found.fields},
            tables=tuple(dict.fromkeys((*found.tables, *tables))),
            attachments=attachments,
            leftover={},
            archive=response.meta.get("archive"),
            encoding=response.meta.get("encoding"),
        )

    def document_of_file(self, response: Response, row: Row) -> RawDocument:
        """A row that leads to a file: the row is the text, the file its attachment."""
        if not row.title:
            raise SourceChanged(f"{response.url} is a file and its row has no title")
        return RawDocument(
            source=self.source.key,
            kind=self.source.kind,
            url=response.url,
            title=row.title,
            text=row.text,
            fetched_at=response.meta["fetched_at"],
            published=row.published,
            date_source="list" if row.published else "none",
            tables=read_tables(response.url, response.body),
            attachments=(response.url,),
            archive=response.meta.get("archive"),
        )

    async def tables_of_files(self, urls: tuple[str, ...]) -> tuple[tuple[Table, ...], tuple[str, ...]]:
        """Fetch table files (xlsx, csv), archive them and read their tables; what fails is a problem, no failure."""
        tables: list[Table] = []
        readable = [url for url in urls if url.lower().split("?")[0].endswith(TABLE_FILES)]
        for url in readable[:MAX_FILES]:
            request = Request(url, meta={"role": FILE}, dont_filter=True)
            try:
                response = await self.crawler.engine.download_async(request)
                tables += read_tables(url, response.body)
            except Exception as error:  # noqa: BLE001 an attachment that fails for any reason must not cost the document
                self.run.problem(f"attachment {url}: {error}")
        return tuple(tables), urls

    def _dated(self, found: Extracted, row: Row, url: str) -> tuple[datetime | None, str]:
        """The page's date, refined or replaced by the row's, then the address's."""
        if found.published is not None:
            return found.published, "page"
        if row.published is not None:
            return row.published, "list"
        in_url = date_in_url(url, now=self.now)
        return in_url, "url" if in_url else "none"

    # what every family needs

    def link(self, response: Response, href: str | None, *, same_host: bool = True) -> str | None:
        """`href` as an absolute web address, or None; with same_host only on the list's own site.

        meta["base"]: the page people see, where rows came from an address behind it.
        """
        base = str(response.meta.get("base", response.url))
        url = absolute_url(base, href) if href else None
        if url is None or (same_host and _site(host_of(url)) != _site(host_of(base))):
            return None
        return url

    def date(self, text: str | None) -> datetime | None:
        """A date as the source writes it, Beijing unless it says so."""
        moment = read_date(text, now=self.now, day_first=self.source.day_first)
        if moment is None and implausible_date(text, now=self.now, day_first=self.source.day_first):
            self.run.problem(f"a date before 1990 or in the future is not taken: {(text or '').strip()[:60]}")
        return moment

    async def failed(self, failure: Failure) -> None:
        """A request that came to nothing: sorted by what it was for."""
        request: Request = failure.request  # type: ignore[attr-defined]  # set by Scrapy for errbacks
        role, error = role_of(request), failure.value
        if isinstance(error, NotModified):
            self._not_modified(request, error)
        elif isinstance(error, PageGone) and role in (PAGE, WATCH):
            self.run.page_gone(request.url, error.status)
        elif isinstance(error, Blocked):
            self.run.block(str(error), error.wait)
            raise CloseSpider("blocked")
        elif role == LIST:
            self._list_failed(request, error)
        else:
            self.run.page_failed(request.url, str(error) or type(error).__name__)

    def _not_modified(self, request: Request, error: NotModified) -> None:
        if role_of(request) == LIST:
            self.run.counts["not_modified"] += 1
        else:
            self.run.page_unchanged(request.url, error.validators)

    def _list_failed(self, request: Request, error: BaseException | None) -> None:
        if isinstance(error, PageGone) and request.meta.get("page", 1) > 1:
            return  # the list ended
        self.run.fail(f"{request.url}: {error or type(error).__name__}")


def _site(host: str) -> str:
    """What two addresses of one site share: the last two labels, three below a two-letter country's gov, com, ..."""
    if host.replace(".", "").isdecimal() or ":" in host:
        return host
    labels = host.split(".")
    wide = len(labels) >= 3 and len(labels[-1]) == 2 and labels[-2] in ("gov", "com", "org", "net", "edu", "ac", "co")
    return ".".join(labels[-3:] if wide else labels[-2:])
