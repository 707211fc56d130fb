"""Families `jpaas_unit` and `hanweb_jpage`: two generations of one vendor's columns."""

import html
import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from scrapy import Request
from scrapy.http import Response, TextResponse
from selectolax.lexbor import LexborHTMLParser
from twisted.python.failure import Failure

from config.sources import HanwebJpageSource, JpaasUnitSource
from core.errors import SourceChanged
from crawlers.base import Items
from crawlers.context import PageGone, Refused, Unreachable
from crawlers.families.listing import RowsSpider
from crawlers.markup import parse_html
from crawlers.pick import first_at, json_of

UNIT_KEYS = ("webId", "tplSetId", "tagId", "pageId")
CDATA = "<![CDATA["
PAIR = re.compile(rf"""\b({"|".join(UNIT_KEYS)})['"]?\s{{0,20}}[:=]\s{{0,20}}['"]([^'"]{{0,200}}+)['"]""")
TOTAL = re.compile(r"<totalrecord>\s{0,20}(\d{1,9})\s{0,20}</totalrecord>", re.IGNORECASE)
PROXY = re.compile(r"""["'(]([^"'()<>\s]{0,500}?dataproxy\.jsp[^"'()<>\s]{0,500})["')]""")


class JpaasUnitSpider(RowsSpider[JpaasUnitSource]):
    """The column is a shell; a gateway answers its rows. The ids are read from the shell, the file has fallbacks."""

    def list_requests(self) -> Iterator[Request]:
        for url in self.source.list_url:
            meta = {"conditional": False}
            yield self.ask_list(url, callback=self.read_column, errback=self.column_failed, meta=meta)

    async def read_column(self, response: TextResponse) -> Items:
        """Find the gateway and its ids in the column page."""
        gateway, ids = unit_of(response.text, self.source)
        missing = [key for key in UNIT_KEYS if not ids.get(key)]
        if missing:
            raise SourceChanged(f"{response.url}: the column page does not say {', '.join(missing)}")
        yield self._ask(urljoin(response.url, gateway), ids, response.url, 1)

    async def column_failed(self, failure: Failure) -> Items:
        """A column that cannot be read is asked for by the ids of the file, where that has all of them."""
        request: Request = failure.request  # type: ignore[attr-defined]  # set by Scrapy for errbacks
        if (
            isinstance(failure.value, PageGone | Refused)
            and not isinstance(failure.value, Unreachable)
            and all(self.source.unit.get(key) for key in UNIT_KEYS)
        ):
            self.run.problem(f"{request.url}: {failure.value}; the ids of the source's file are used instead")
            yield self._ask(urljoin(request.url, self.source.unit_path), self.source.unit, request.url, 1)
        else:
            await self.failed(failure)

    def markup(self, response: TextResponse) -> str:
        try:
            answer = json_of(response.text)
        except ValueError as error:
            raise SourceChanged(f"{response.url}: the gateway's answer is no JSON: {error}") from error
        return first_at(answer, "data.html")

    def next_pages(self, response: TextResponse, tree: LexborHTMLParser, page: int) -> Iterator[Request]:
        told = re.search(r"count\s*=\s*['\"](\d+)", self.markup(response))
        if told and (page - 1) * self.source.page_size >= int(told[1]):
            return
        yield self._ask(response.meta["gateway"], response.meta["ids"], response.meta["base"], page)

    def _ask(self, gateway: str, ids: dict[str, str], column: str, page: int) -> Request:
        meta = {"page": page, "conditional": page == 1, "gateway": gateway, "ids": ids, "base": column}
        url = unit_address(gateway, self.source, ids, page)
        return self.ask_list(url, headers={"Referer": column}, meta=meta)


def unit_of(markup: str, source: JpaasUnitSource) -> tuple[str, dict[str, str]]:
    """Path of the gateway and the ids: from the script's attributes, else written inline, else from the file.

    Of several units on a page the one with the file's tagId is taken, else the first.
    """
    gateway, ids = source.unit_path, dict(source.unit)
    scripts = parse_html(markup).css("script[parsetype]")
    if scripts:
        wanted = [script for script in scripts if script.attributes.get("tagid") == ids.get("tagId")]
        script = (wanted or scripts)[0]
        gateway = script.attributes.get("url") or gateway
        told = script.attributes.get("querydata") or ""
        if tag := script.attributes.get("tagid"):
            ids["tagId"] = tag
    else:
        told = markup
    ids.update({key: value for key, value in PAIR.findall(html.unescape(told)) if key in UNIT_KEYS and value})
    return gateway, ids


def unit_address(gateway: str, source: JpaasUnitSource, ids: Mapping[str, str], page: int) -> str:
    """Only the page number inside paramJson counts; anywhere else page 1 repeats."""
    wanted = {"pageNo": page, "pageSize": source.page_size}
    query = {
        "parseType": source.parse_type,
        "pageType": "column",
        **{key: ids[key] for key in UNIT_KEYS},
        "paramJson": json.dumps(wanted, separators=(",", ":")),
    }
    return f"{gateway}?{urlencode(query)}"


class HanwebJpageSpider(RowsSpider[HanwebJpageSource]):
    """Rows in the page's datastore script; more of them from dataproxy.jsp, which heeds page and perpage only."""

    def markup(self, response: TextResponse) -> str:
        return rows_in(response.text)

    def next_pages(self, response: TextResponse, tree: LexborHTMLParser, page: int) -> Iterator[Request]:
        total = TOTAL.search(response.text)
        if total and len(self.seen_links) >= int(total[1]):
            return
        column = str(response.meta.get("base", response.url))
        proxy = response.meta.get("dataproxy") or self._proxy(response)
        if proxy is None:
            self.run.problem("the column has more rows and names no dataproxy.jsp (key: proxy)")
            return
        path, _, query = proxy.partition("?")
        asked = {**dict(parse_qsl(query)), "page": str(page - 1), "perpage": str(self.source.page_size)}
        meta = {"page": page, "conditional": False, "base": column, "dataproxy": proxy}
        yield self.ask_list(f"{urljoin(column, path)}?{urlencode(asked)}", headers={"Referer": column}, meta=meta)

    def _proxy(self, response: Response) -> str | None:
        """The address in the page, its query with the column's ids; the file's `proxy` may give another path."""
        found = PROXY.search(html.unescape(response.text))
        if found is None:
            return self.source.proxy
        if self.source.proxy is None:
            return found[1]
        return f"{self.source.proxy}?{urlsplit(found[1]).query}"


def rows_in(text: str) -> str:
    """The HTML of the rows in a datastore, from `<record><![CDATA[...]]></record>`. No regular expression: the text may
    be openings only."""
    rows = []
    for piece in text.split("</record>")[:-1]:
        inner = piece[piece.find("<record>") + len("<record>") :].strip() if "<record>" in piece else ""
        if inner.startswith(CDATA) and inner.endswith("]]>"):
            rows.append(inner[len(CDATA) : -len("]]>")])
    return "\n".join(rows)
