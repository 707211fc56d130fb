"""What every spider shares: asking for lists and pages, handing documents over, watching known pages."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from scrapy import Request, Spider
from scrapy.exceptions import CloseSpider
from scrapy.http import HtmlResponse, Response, TextResponse
from twisted.python.failure import Failure

from config.instances import FILE as FILE_OF_PLACES
from config.instances import PLACE
from config.sources import SourceConfig, WebSource
from core.clock import beijing
from core.errors import SourceChanged
from core.records import RawDocument
from crawlers.archive import ArchiveFull
from crawlers.attached.join import ReadFile, with_files
from crawlers.attached.kinds import FILE_NAME, is_a_file, kind_of, name_of
from crawlers.charset import Decoded
from crawlers.context import (
    FILE,
    LIST,
    PAGE,
    WATCH,
    Blocked,
    CrawlContext,
    Forbidden,
    NotModified,
    PageGone,
    asked_url,
    role_of,
)
from crawlers.dates import REFUSED_DATE, date_in_url, implausible_date
from crawlers.extract import ABSENT, Extracted, extract_page
from crawlers.gone import gone_sign
from crawlers.intake import KnownPage
from crawlers.records import date_of
from crawlers.urls import absolute_url, host_of

MAX_FILES = 10
"""Attachments read for one document; the addresses of all are kept."""
TOO_MANY = "附件太多，未取"
NO_LABELS: Mapping[str, str] = {}
BREATH = 50
"""Records between two breaths of the event loop."""
SourceT = TypeVar("SourceT", bound=SourceConfig)
DatedT = TypeVar("DatedT", bound="Row | RawDocument")
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

    async def start(self) -> AsyncIterator[Request]:
        """The lists first, then known pages to look at again."""
        for place in sorted(set(PLACE.findall(" ".join(self.source.addresses)))):
            self.run.fail(f"list_url: {{{place}}} has no address: write it into {FILE_OF_PLACES}")
            return
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
        errback: Callable[..., Any] = kwargs.pop("errback", self.failed)
        url = url.replace("{year}", str(beijing(self.now).year))
        return Request(url, callback, errback=errback, headers=headers, meta=meta, priority=10, **kwargs)

    def ask_page(self, row: Row, *, again: bool = False) -> Request:
        """The page behind a row; answered by read_page. again: a known one, asked for conditionally."""
        meta = {"role": PAGE, "row": row, "conditional": again, "again": again}
        return Request(row.url, self.read_page, errback=self.failed, meta=meta)

    def follow_rows(self, rows: Iterable[Row]) -> Iterator[Request]:
        """Requests for the pages that are not known yet: the newest, as many as max_items still allows."""
        unread: dict[str, Row] = {}
        for row in rows:
            self.run.row(row.published or date_in_url(row.url, now=self.now))
            if row.url not in unread and not self.run.is_known(row.url) and not self.run.is_dead(row.url):
                unread[row.url] = row
        for row in self.taken(list(unread.values())):
            yield self.ask_page(row)

    async def wanted(self, records: Sequence[RawDocument]) -> AsyncIterator[RawDocument]:
        """The records to save: known ones, which may have changed, and as many new ones as max_items still allows."""
        unread = []
        for number, raw in enumerate(records, 1):
            if number % BREATH == 0:
                await asyncio.sleep(0)
            if not self.run.knows(raw):
                unread.append(raw)
        taken, new = self.taken(unread), {id(raw) for raw in unread}
        for raw in records:
            self.run.row(raw.published)
        for raw in (*taken, *(raw for raw in records if id(raw) not in new)):
            yield raw

    def taken(self, unread: list[DatedT]) -> list[DatedT]:
        """Those of the unread that this run takes, what may tell of people harmed first: all, else the newest ones; the
        rest is left to the next run."""
        urgent = {id(row) for row in unread if self.run.urgent(row.title, row.text)}
        if self.run.sparing:
            self.run.put_off(len(unread) - len(urgent))
            unread = [row for row in unread if id(row) in urgent]
        room = max(self.source.max_items - self.run.counts["taken"], 0)
        if len(unread) > room:
            self.run.leave(len(unread) - room)
            unread = newest_first(unread)
        taken = sorted(unread, key=lambda row: id(row) not in urgent)[:room]
        self.run.counts["taken"] += len(taken)
        return taken

    def recheck_requests(self) -> Iterator[Request]:
        """Recent documents again, conditionally: a revision or a withdrawal shows there."""
        source = self.source
        if source.watched_for is None or self.run.sparing:
            return
        known = self.context.intake.recheck(
            source.key,
            source.recheck_limit,
            within=source.watched_for,
            looks=source.looks,
            missing_for=self.run.missing_for,
        )
        follows = isinstance(source, WebSource) and source.follow
        for page in known:
            if follows:
                row = Row(**{name: getattr(page, name) for name in KnownPage.__dataclass_fields__})
                yield self.ask_page(row, again=True)
            else:
                meta = {"role": WATCH, "conditional": True, "again": True}
                yield Request(page.url, self.watched, errback=self.failed, meta=meta)

    # reading

    async def read_page(self, response: Response) -> Items:
        """One page as one document, with what its attached files hold; a row may lead to a file itself."""
        row: Row = response.meta["row"]
        self.run.led(row.url, response.url)
        if not isinstance(response, TextResponse) or is_a_file(response.url, response.body):
            self.run.lives(row.url)
            yield await self.document_of_file(response, row)
            return
        decoded: Decoded | None = response.meta.get("decoded")  # by CharsetMiddleware
        text = decoded.text if decoded else response.text
        found = extract_page(text, response.url, getattr(self.source, "detail", None), now=self.now)
        if found.refused:
            raise SourceChanged(found.refused)
        gone = gone_sign(found.title, found.text)
        if gone is not None:
            self.run.page_gone(asked_url(response), response.status, f"the page says “{gone}”")
            return
        self.run.lives(row.url)
        raw = self.document(response, row, found)
        self._tell(found, decoded)
        yield await self.with_attached(raw, found.labels, found.images)

    def _tell(self, found: Extracted, decoded: Decoded | None) -> None:
        """What is wrong with pages of the source, once each; what a row may make up for is told of its document."""
        for problem in found.problems:
            if problem not in ABSENT:
                self.run.problem(problem)
        if decoded is not None and decoded.replaced:
            self.run.problem(f"pages with broken characters, read as {decoded.encoding}")

    async def watched(self, response: Response) -> None:
        """A watched page is still there; its text comes from elsewhere."""
        url = asked_url(response)
        if isinstance(response, TextResponse):
            found = extract_page(response.text, response.url, now=self.now)
            gone = gone_sign(found.title, found.text)
            if gone is not None:
                self._missing(response, response.status, f"the page says “{gone}”")
                return
        self.run.page_watched(url)

    def document(self, response: TextResponse, row: Row, found: Extracted) -> RawDocument:
        """What a page and its row say, as a document. Raises SourceChanged for a page without title or text."""
        title = found.title or row.title
        text = found.text or row.text
        if not title or not (text or found.tables or found.attachments or found.images):
            raise SourceChanged("the page has no title" if not title else "the page has no text")
        published, date_source = self._dated(found, row, response.url)
        return RawDocument(
            source=self.source.key,
            kind=self.source.kind,
            url=row.url if response.meta.get("again") else response.url,  # a known page keeps its address
            title=title,
            text=text,
            fetched_at=response.meta["fetched_at"],
            external_id=row.external_id,
            published=published,
            date_source=date_source,
            author=found.author or row.author,
            origin=found.source_name or row.origin,
            fields={**self.source.facts, **row.fields, **found.fields},
            tables=found.tables,
            attachments=found.attachments,
            leftover={},
            archive=response.meta.get("archive"),
            encoding=response.meta.get("encoding"),
        )

    async def document_of_file(self, response: Response, row: Row) -> RawDocument:
        """A row that leads to a file: the row is the title, the file its attachment and its text."""
        name = self._name(response, row.title)
        title = row.title or name
        in_url = date_in_url(response.url, now=self.now) if row.published is None else None
        published = row.published or in_url
        raw = RawDocument(
            source=self.source.key,
            kind=self.source.kind,
            url=row.url if response.meta.get("again") else response.url,
            title=title,
            text=row.text,
            fetched_at=response.meta["fetched_at"],
            external_id=row.external_id,
            published=published,
            date_source="list" if row.published else "url" if in_url else "none",
            author=row.author,
            origin=row.origin,
            fields={**self.source.facts, **row.fields},
            attachments=(response.url,),
            archive=response.meta.get("archive"),
        )
        content = await self.context.files.read(name, response.body)
        return with_files(raw, [ReadFile(response.url, name, content, response.meta.get("archive"))])

    async def with_attached(
        self, raw: RawDocument, labels: Mapping[str, str] = NO_LABELS, images: Sequence[str] = ()
    ) -> RawDocument:
        """`raw` with the files at its addresses: fetched, archived, read. What fails is told, and costs no document.

        labels: what the page calls them.  images: pictures to keep, unread.
        """
        wanted = (*raw.attachments[:MAX_FILES], *images[:MAX_FILES])
        read = [await self._fetch(url, labels.get(url, "")) for url in wanted]
        left = raw.attachments[MAX_FILES:]
        more = [ReadFile(url, name_of(url, labels.get(url, "")), problem=TOO_MANY) for url in left]
        return with_files(raw, [file for file in read if file is not None] + more)

    async def _fetch(self, url: str, label: str) -> ReadFile | None:
        """One attached file; None for a web page that a broad selector took for one."""
        request = Request(url, meta={"role": FILE}, dont_filter=True)
        try:
            response = await self.crawler.engine.download_async(request)
        except Exception as error:  # noqa: BLE001 an attachment that fails for any reason must not cost the document
            why = str(error) or type(error).__name__
            self.run.problem(f"attachment {url}: {why}")
            return ReadFile(url, name_of(url, label), problem=f"未能取得：{why}")
        name = self._name(response, label)
        if isinstance(response, HtmlResponse) and not FILE_NAME.search(name) and kind_of(response.body) == "html":
            return None
        content = await self.context.files.read(name, response.body)
        if content.problem and content.kind != "image":
            self.run.problem(f"attachment {name}: {content.problem}")
        return ReadFile(url, name, content, response.meta.get("archive"))

    def _name(self, response: Response, label: str) -> str:
        disposition = (response.headers.get("Content-Disposition") or b"").decode("latin-1")
        return name_of(response.url, label, disposition)

    def _dated(self, found: Extracted, row: Row, url: str) -> tuple[datetime | None, str]:
        """The page's date, refined or replaced by the row's, then the address's."""
        if found.published is not None:
            same_day = row.published and beijing(row.published).date() == beijing(found.published).date()
            return (row.published, "list") if same_day and not found.has_time else (found.published, "page")
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
        moment = date_of(self.source, text, now=self.now)
        if moment is None and implausible_date(text, now=self.now, day_first=self.source.day_first):
            self.run.problem(f"{REFUSED_DATE}: {(text or '').strip()[:60]}")
        return moment

    async def failed(self, failure: Failure) -> None:
        """A request that came to nothing: sorted by what it was for."""
        request: Request = failure.request  # type: ignore[attr-defined]  # set by Scrapy for errbacks
        role, error = role_of(request), failure.value
        if isinstance(error, NotModified):
            self._not_modified(request, error)
        elif isinstance(error, PageGone) and role in (PAGE, WATCH):
            self._missing(request, error.status, str(error))
        elif isinstance(error, ArchiveFull):
            self.run.fail(str(error))
            raise CloseSpider("archive")
        elif isinstance(error, Forbidden) and role != LIST:
            self.run.page_forbidden(str(error))
        elif isinstance(error, Blocked):
            self.run.block(str(error), error.wait)
            raise CloseSpider("blocked")
        elif role == LIST:
            self._list_failed(request, error)
        else:
            why = str(error) or type(error).__name__
            self.run.page_failed(asked_url(request), why, again=bool(request.meta.get("again")))

    def _missing(self, page: Request | Response, status: int, why: str) -> None:
        """A page that is only watched may have had a wrong link all along."""
        known = page.meta.get("known")
        if page.meta.get("role") == WATCH and (known is None or known.body_sha256 is None):
            self.run.never_there(asked_url(page), why)
        else:
            self.run.page_gone(asked_url(page), status, why)

    def _not_modified(self, request: Request, error: NotModified) -> None:
        if role_of(request) == LIST:
            self.run.counts["not_modified"] += 1
        else:
            self.run.page_unchanged(asked_url(request), error.validators)

    def _list_failed(self, request: Request, error: BaseException | None) -> None:
        if isinstance(error, PageGone) and request.meta.get("page", 1) > 1:
            return  # the list ended
        self.run.fail(f"{request.url}: {error or type(error).__name__}")


def newest_first(rows: list[DatedT]) -> list[DatedT]:
    """By date, the undated last, as they stand otherwise."""
    return sorted(rows, key=lambda row: row.published.timestamp() if row.published else 0.0, reverse=True)


def _site(host: str) -> str:
    """What two addresses of one site share: the last two labels, three below a two-letter country's gov, com, ..."""
    if host.replace(".", "").isdecimal() or ":" in host:
        return host
    labels = host.split(".")
    wide = len(labels) >= 3 and len(labels[-1]) == 2 and labels[-2] in ("gov", "com", "org", "net", "edu", "ac", "co")
    return ".".join(labels[-3:] if wide else labels[-2:])
