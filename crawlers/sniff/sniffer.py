"""The order in which an unknown address is looked at (docs/sources.md, "Sniffing"); the first thing that fits is taken.

Address itself a feed, JSON or XML -> feed the page names -> datastore, gateway or queryList of the known systems ->
usual feed addresses -> rows on the page -> the page in its frame.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from core.clock import Clock
from core.errors import FengsuiError
from crawlers.feed import FeedResult, read_feed
from crawlers.markup import parse_html
from crawlers.sniff import columns, systems
from crawlers.sniff.answers import Answers, looks_like_json, looks_like_xml
from crawlers.sniff.draft import Draft, Wishes, draft_of
from crawlers.sniff.feeds import accepted, alternates, feed_keys, usual_feeds
from crawlers.sniff.fetch import Fetch, Fetched, NotFetched
from crawlers.sniff.lists import Lists, list_keys
from crawlers.sniff.rows import RowGuess, find_rows
from crawlers.urls import absolute_url, host_of

FILE_START = re.compile(rb"%PDF|PK\x03\x04|\x89PNG|\xff\xd8\xff|GIF8|\xd0\xcf\x11\xe0|Rar!|7z\xbc\xaf")
FILE_TYPE = re.compile(r"^\s*(?:image|audio|video|font)/|application/(?:pdf|zip|msword|vnd\.)", re.IGNORECASE)


class NothingFits(FengsuiError):
    """No family reads the address; the message says what was seen there."""


@dataclass
class Sniffer:
    """Looks at one address. say: hears each step as it is taken (a sentence in Chinese)."""

    fetch: Fetch
    clock: Clock
    wishes: Wishes
    say: Callable[[str], None] = lambda sentence: None
    steps: list[str] = field(default_factory=list)
    shell: str = ""
    blocked: bool = False

    def __post_init__(self) -> None:
        self.now: datetime = self.clock()

    async def sniff(self, url: str) -> Draft:
        """The draft for an address. Raises NothingFits."""
        try:
            page = await self.ask(url)
        except NotFetched as error:
            raise NothingFits(f"{url} 取不到：{error}") from error
        self.tell(f"取到 {page.url}：{page.content_type or '类型未说明'}，{len(page.body)} 字节，按 {page.encoding} 读")
        feed = self._as_feed(page)
        if feed is not None:
            return self._of_feed(page, feed, accepted(feed, now=self.now))
        if looks_like_json(page) or looks_like_xml(page):
            keys = await Answers(self.ask, self.tell, self.now).keys_of(page)
            if keys is None:
                raise NothingFits(self.steps[-1])
            return draft_of(self.wishes, page, None, keys)
        if FILE_START.match(page.body) or FILE_TYPE.search(page.content_type):
            raise NothingFits(
                f"{page.url} 是一个文件（{page.content_type or '类型未说明'}），不是栏目：给出列它的那一页"
            )
        return await self._of_page(page, framed=False)

    async def ask(self, url: str, **how: Any) -> Fetched:
        """Fetch; after the site has refused us once, nothing more is asked."""
        if self.blocked:
            raise NotFetched("对方已拒绝访问，不再请求", blocked=True)
        try:
            return await self.fetch(url, **how)
        except NotFetched as error:
            self.blocked = self.blocked or error.blocked
            raise

    def tell(self, sentence: str) -> None:
        """Note a step."""
        self.steps.append(sentence)
        self.say(sentence)

    async def _of_page(self, page: Fetched, *, framed: bool) -> Draft:
        tree = parse_html(page.text)
        draft = (
            await self._named_feed(page, tree)
            or await self._known_system(page, tree)
            or (None if framed else await self._usual_feed(page, tree))
            or await self._rows(page, tree, framed=framed)
        )
        if draft is None:
            raise NothingFits(self._seen(page, tree))
        return draft

    # feeds

    def _as_feed(self, page: Fetched) -> FeedResult | None:
        feed = read_feed(page.body, headers={"content-type": page.content_type}, url=page.url, now=self.now)
        return feed if feed.ok and (feed.version or feed.entries) else None

    def _of_feed(self, page: Fetched, feed: FeedResult, against: str | None) -> Draft:
        self.tell(f"地址本身就是订阅源（{feed.version or '版本不明'}，{len(feed.entries)} 条）")
        if not feed.entries:
            raise NothingFits(f"{page.url} 是订阅源，但没有条目：{'；'.join(feed.problems)}")
        if against:
            self.tell(f"但不合要求：{against}")
        keys = feed_keys(feed, page.url, now=self.now)
        return draft_of(
            self.wishes, page, None, {**keys, **({"note": f"嗅探时不合要求：{against}"} if against else {})}
        )

    async def _named_feed(self, page: Fetched, tree: LexborHTMLParser) -> Draft | None:
        named = alternates(tree, page.url)
        if not named:
            self.tell("页面没有声明订阅源（link rel=alternate）")
        return await self._first_feed(page, tree, named, "页面声明的订阅源")

    async def _usual_feed(self, page: Fetched, tree: LexborHTMLParser) -> Draft | None:
        tried = set(alternates(tree, page.url))
        return await self._first_feed(page, tree, [u for u in usual_feeds(page.url) if u not in tried], "常见订阅地址")

    async def _first_feed(self, page: Fetched, tree: LexborHTMLParser, addresses: list[str], what: str) -> Draft | None:
        """The first accepted one; a feed whose entries are on the page goes before one that only shares the site."""
        good: list[tuple[int, Fetched, FeedResult]] = []
        shown = {absolute_url(page.url, node.attributes.get("href") or "") for node in tree.css("a[href]")}
        for address in addresses:
            try:
                answer = await self.ask(address, referer=page.url)
            except NotFetched as error:
                self.tell(f"{what} {address}：{'没有' if error.gone else error}")
                continue
            feed = self._as_feed(answer)
            against = "不是订阅源" if feed is None else accepted(feed, now=self.now)
            if feed is None or against:
                self.tell(f"{what} {address}：不采用，{against}")
                continue
            here = sum(1 for entry in feed.entries if entry.link in shown)
            self.tell(f"{what} {address}：可用，{len(feed.entries)} 条，其中 {here} 条在本页上")
            good.append((here, answer, feed))
            if here or what == "常见订阅地址":
                break
        if not good:
            return None
        here, answer, feed = max(good, key=lambda one: one[0])
        keys = feed_keys(feed, answer.url, now=self.now)
        if not here:
            keys["note"] = f"订阅源的条目不在 {page.url} 上，可能是全站而非本栏目的"
        return draft_of(self.wishes, answer, tree, keys)

    # known systems

    async def _known_system(self, page: Fetched, tree: LexborHTMLParser) -> Draft | None:
        for name, is_it, read in systems.SYSTEMS:
            if not is_it(page.text):
                continue
            found = await read(page, self.ask, self.now)
            for step in found.steps:
                self.tell(f"{name}：{step}")
            if found.keys is not None:
                return draft_of(self.wishes, page, tree, found.keys, titles=found.titles)
            self.shell = self.shell or f"{name}：{found.steps[-1]}"
        if not self.shell:
            self.tell("没有 dataproxy.jsp、datastore、jpaas-publish-server、queryList 的痕迹")
        return None

    # rows

    async def _rows(self, page: Fetched, tree: LexborHTMLParser, *, framed: bool) -> Draft | None:
        guesses = find_rows(tree, page.url, now=self.now)
        best = guesses[0] if guesses else None
        if best is None or not (best.dated or best.split_date):
            inner = None if framed else await self._in_frame(page, tree)
            if inner is not None:
                return inner
        if best is None or (self.shell and not _is_own(best, page.url)):
            return None
        self._tell_of(best, guesses[1:])
        keys = await Lists(self.ask, self.tell, self.now).with_paging(page, tree, best)
        return draft_of(
            self.wishes, page, tree, {**list_keys(best, page.url, now=self.now), **keys}, titles=best.titles
        )

    def _tell_of(self, best: RowGuess, others: list[RowGuess]) -> None:
        dates = f"，{best.dated} 行有日期（{best.item_date}）" if best.item_date else "，行内没有可读的日期，取自详情页"
        self.tell(f"页面上的列表：{best.item} 共 {len(best.urls)} 行{dates}，链接形如 {best.outline}")
        for other in others[:3]:
            self.tell(
                f"未取的列表：{other.item} 共 {len(other.urls)} 行，{other.dated} 行有日期，链接形如 {other.outline}"
            )

    async def _in_frame(self, page: Fetched, tree: LexborHTMLParser) -> Draft | None:
        """A page without a dated list may show another one of its host in a frame: that one is looked at, once."""
        for node in tree.css("iframe[src], frame[src]"):
            inner = absolute_url(page.url, node.attributes.get("src") or "")
            if inner is None or host_of(inner) != host_of(page.url) or inner == page.url:
                continue
            self.tell(f"本页没有带日期的列表，看同站的框架页 {inner}")
            try:
                return await self._of_page(await self.ask(inner, referer=page.url), framed=True)
            except NotFetched as error:
                self.tell(f"框架页取不到：{error}")
            except NothingFits:
                self.tell("框架页里也没有列表")
            return None
        return None

    def _seen(self, page: Fetched, tree: LexborHTMLParser) -> str:
        """What stands on a page that nothing fits."""
        if self.shell:
            return f"{page.url}：{self.shell}"
        links = tree.css("a[href]")
        scripted = [a for a in links if (a.attributes.get("href") or "").strip().lower().startswith("javascript:")]
        text = len(tree.body.text(strip=True)) if tree.body else 0
        hints = []
        if columns.is_epoint(page.text):
            hints.append("有 Epoint 平台的痕迹（EWB-FRONT/govInfoPub）：找到它的 JSON 地址再嗅探那个地址")
        elif len(tree.css("script")) >= 3 and text < 500:
            hints.append("内容大概由脚本生成：在浏览器的网络面板里找到它请求的 JSON 地址，再嗅探那个地址")
        refresh = tree.css_first('meta[http-equiv="refresh" i]')
        if refresh is not None:
            hints.append(f"页面要跳转：{(refresh.attributes.get('content') or '')[:200]}")
        return "；".join(
            [
                f"{page.url}：没有合适的族。看到 {len(links)} 个链接（脚本链接 {len(scripted)} 个）、{text} 字，"
                "没有重复出现、带日期或带编号网址的行",
                *hints,
            ]
        )


def _is_own(guess: RowGuess, url: str) -> bool:
    """Whether a list leads below the folder of its page: then it is the column's, whatever system drew the rest."""
    folder = url.rpartition("/")[0] + "/"
    return sum(1 for one in guess.urls if one.startswith(folder)) * 2 > len(guess.urls)
