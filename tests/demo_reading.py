"""A tiny crawler for the demo tests: reads the sample site as config/sources/demo says, with nothing of crawlers/."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from xml.etree import ElementTree

import feedparser
import httpx
from parsel import Selector, SelectorList

from config.sources import (
    FeedSource,
    FileImportSource,
    HanwebJpageSource,
    HotlistSource,
    HtmlListSource,
    JpaasUnitSource,
    JsonApiSource,
    JxQueryListSource,
    Rows,
    SourceConfig,
    TrsStaticSource,
    XmlReportSource,
)


@dataclass(frozen=True)
class Read:
    """One document as read."""

    title: str
    text: str
    url: str
    date: str = ""


@dataclass
class Reader:
    """Reads every source over HTTP and keeps each byte it was given."""

    base: str
    data: Path
    seen: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = httpx.Client(timeout=10)

    def get(self, url: str, **more: Any) -> httpx.Response:
        reply = self.client.get(url, **more)
        self.seen.append(reply.content)
        return reply

    def page(self, url: str) -> Selector:
        """A page decoded as browsers do: what calls itself gb2312 is read as gb18030."""
        reply = self.get(url)
        assert reply.status_code == 200, url
        declared = re.search(rb'<meta charset="([\w-]+)"', reply.content)
        assert declared, url
        charset = declared[1].decode().lower()
        text = reply.content.decode("gb18030" if charset.startswith("gb") else charset)
        return Selector(text)

    def read(self, source: SourceConfig) -> list[Read]:
        match source:
            case Rows():
                return [self._detail(source, url) for url in self._links(source)]
            case FeedSource():
                return self._feed(source)
            case JxQueryListSource():
                return list(self._jx(source))
            case JsonApiSource():
                return list(self._json(source))
            case HotlistSource():
                items = self.get(source.list_url[0]).json()["items"]
                return [Read(item["title"], item["extra"]["info"], item["url"]) for item in items]
            case XmlReportSource():
                return list(self._xml(source))
            case FileImportSource():
                return list(self._files(source))
        raise AssertionError(source.family)

    def _detail(self, source: Rows, url: str) -> Read:
        page, detail = self.page(url), source.detail
        assert detail.title
        assert detail.body
        assert detail.date
        body = " ".join(_text(node) for node in _outermost(page.css(detail.body)))
        return Read(_text(page.css(detail.title)), body, url, _text(page.css(detail.date)))

    def _rows(self, source: Rows, html: Selector, url: str) -> list[str]:
        assert source.item_date
        rows = html.css(source.item)
        assert all(re.search(r"\d\d-\d\d", _text(row.css(source.item_date))) for row in rows), url
        return [urljoin(url, row.css(source.link).attrib["href"]) for row in rows]

    def _links(self, source: Rows) -> list[str]:
        first = source.list_url[0]
        links: list[str] = []
        for number in range(1, source.pages + 1):
            match source:
                case TrsStaticSource():
                    url = first if number == 1 else urljoin(first, f"index_{number - 1}.html")
                case HtmlListSource():
                    url = first if number == 1 else (source.page_url or "").format(page=number)
                case JpaasUnitSource():
                    links += self._unit(source, number)
                    continue
                case HanwebJpageSource():
                    links += self._datastore(source, number)
                    continue
            if self.client.get(url).status_code == 404 and number > 1:
                break
            links += self._rows(source, self.page(url), url)
        return list(dict.fromkeys(links))

    def _unit(self, source: JpaasUnitSource, number: int) -> list[str]:
        script = self.page(source.list_url[0]).css("script[parseType], script[parsetype]").attrib
        lowered = {name.lower(): value for name, value in script.items()}
        query = json.loads(lowered["querydata"].replace("'", '"'))
        query["paramJson"] = json.dumps({"pageNo": number, "pageSize": source.page_size})
        html = self.get(urljoin(self.base, lowered["url"]), params=query).json()["data"]["html"]
        return self._rows(source, Selector(html), source.list_url[0])

    def _datastore(self, source: HanwebJpageSource, number: int) -> list[str]:
        if number == 1:
            xml = self.page(source.list_url[0]).css("script[type='text/xml']").get() or ""
        else:
            reply = self.get(urljoin(self.base, source.proxy or ""), params={"page": number, "perpage": 15})
            xml = reply.text
        records = re.findall(r"<record><!\[CDATA\[(.*?)\]\]></record>", xml, re.DOTALL)
        return [link for row in records for link in self._rows(source, Selector(row), source.list_url[0])]

    def _feed(self, source: FeedSource) -> list[Read]:
        feed = feedparser.parse(self.get(source.list_url[0]).content)
        assert not feed.bozo
        found = []
        for entry in feed.entries:
            text = entry.content[0].value if "content" in entry else entry.summary
            if source.follow:
                text = _text(self.page(entry.link).css(source.detail.body or ""))
            found.append(Read(entry.title, _text(Selector(f"<div>{text}</div>")), entry.link, entry.published))
        return found

    def _jx(self, source: JxQueryListSource) -> Iterator[Read]:
        for number in range(1, source.pages + 1):
            form = {name: value.format(page=number) for name, value in source.form.items()}
            reply = self.client.post(source.list_url[0], data=form, headers={"X-Requested-With": "XMLHttpRequest"})
            self.seen.append(reply.content)
            for result in reply.json()["data"]["results"]:
                record = result["source"]
                url = urljoin(self.base, json.loads(record["urls"])["pc"])
                assert self.get(url).status_code == 200
                yield Read(record["title"], _text(Selector(record["content"])), url, record["pubDate"])

    def _json(self, source: JsonApiSource) -> Iterator[Read]:
        state: dict[str, Any] = {"since": "1990-01-01", "cursor": ""}
        for step in range(source.pages):
            if source.pager:
                state |= {"page": source.pager.first + step, "offset": source.pager.first + step * source.pager.size}
            params = {name: str(value).format(**state) for name, value in source.params.items()}
            text = self.get(source.list_url[0], params=params).text
            value = json.loads(text[text.index("(") + 1 : text.rindex(")")] if source.unwrap else text)
            for path, wanted in source.ok.items():
                assert _at(value, path) == [wanted]
            for record in _at(value, source.items)[0] if source.items else value:
                yield self._mapped(source, record)
            if source.pager and source.pager.cursor:
                state["cursor"] = _at(value, source.pager.cursor)[0]
                if state["cursor"] is None:
                    return

    def _mapped(self, source: JsonApiSource, record: Any) -> Read:
        picks = source.map
        assert picks.text
        assert picks.url
        assert picks.published
        texts = [str(value) for path in picks.text.path for value in _at(record, path)]
        if picks.text.json_path:
            texts = [json.loads(texts[0])[picks.text.json_path]]
        url = urljoin(self.base, _at(record, picks.url.path[0])[0])
        assert self.get(url).status_code == 200, url
        published = str(_at(record, picks.published.path[0])[0])
        return Read(_at(record, picks.title.path[0])[0], _text(Selector(f"<p>{' '.join(texts)}</p>")), url, published)

    def _xml(self, source: XmlReportSource) -> Iterator[Read]:
        assert source.index
        index = ElementTree.fromstring(self.get(source.list_url[0]).content)
        for entry in index.iter(source.index.item):
            report = ElementTree.fromstring(self.get((entry.findtext(source.index.url) or "").strip()).content)
            for alert in report.iter(source.items[0]):
                text = " ".join(part.text or "" for part in alert)
                yield Read(alert.findtext("name") or "", text, alert.findtext("reference") or "")

    def _files(self, source: FileImportSource) -> Iterator[Read]:
        for path in sorted((self.data / (source.folder or "")).glob(source.pattern[0])):
            self.seen.append(path.read_bytes())
            for row in csv.DictReader(StringIO(path.read_bytes().decode(source.encoding or "utf-8"))):
                yield Read(row["标题"], row["投诉内容"], row["投诉编号"], row["登记时间"])


def _at(value: Any, path: str) -> list[Any]:
    """All values at a dotted path; `a[].b` visits every member of a."""
    found = [value]
    for part in path.split("."):
        name, many, _ = part.partition("[]")
        found = [each[name] for each in found]
        if many:
            found = [member for each in found for member in each]
    return found


def _outermost(nodes: SelectorList[Selector]) -> list[Selector]:
    inner = {inside for node in nodes for inside in node.root.iterdescendants()}
    return [node for node in nodes if node.root not in inner]


def _text(nodes: Any) -> str:
    return " ".join(" ".join(nodes.xpath(".//text()").getall()).split())
