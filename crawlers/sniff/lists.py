"""From a list that was found to the keys of `html_list` or `trs_static`: its selectors, and how it goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from crawlers.extract import select_all
from crawlers.markup import parse_html
from crawlers.sniff.draft import expectation
from crawlers.sniff.fetch import Fetch, Fetched, NotFetched
from crawlers.sniff.paging import PageTwo, page_twos
from crawlers.sniff.rows import RowGuess, prefix_of
from crawlers.urls import absolute_url

PAGES = 2
"""Pages of a list that a draft reads: what is older than that was there before us."""


def list_keys(guess: RowGuess, url: str, *, now: datetime) -> dict[str, Any]:
    """The keys every family with rows takes, and the family that reads the first page alone."""
    keys: dict[str, Any] = {"family": "html_list", "list_url": url, "item": guess.item}
    if guess.link != "a":
        keys["link"] = guess.link
    for name, value in (("item_title", guess.item_title), ("item_date", guess.item_date), ("accept", guess.accept)):
        if value is not None:
            keys[name] = value
    if not guess.same_host:
        keys["same_host"] = False
    keys["expect"] = expectation(len(guess.urls), guess.newest, now)
    return keys


@dataclass(frozen=True)
class Lists:
    """Looks for page 2 of a list."""

    ask: Fetch
    tell: Callable[[str], None]
    now: datetime

    async def with_paging(self, page: Fetched, tree: LexborHTMLParser, guess: RowGuess) -> dict[str, Any]:
        """The keys that lead to page 2, once it was fetched and had new links of the same kind; else none."""
        tried = set()
        for two in page_twos(tree, page.text, page.url):
            if two.url in tried:
                continue
            tried.add(two.url)
            try:
                answer = await self.ask(two.url, referer=page.url)
            except NotFetched as error:
                self.tell(f"第 2 页试 {two.words}：{'没有' if error.gone else error}")
                continue
            against = _against(answer, two, guess)
            if against is None:
                self.tell(f"第 2 页试 {two.words}：有新的同类链接，翻页按 {two.family}")
                return {"family": two.family, **two.keys, "pages": PAGES}
            self.tell(f"第 2 页试 {two.words}：不采用，{against}")
        self.tell("没有找到第 2 页，只读第一页")
        return {}


def _against(answer: Fetched, two: PageTwo, guess: RowGuess) -> str | None:
    """Why an answer is not page 2 of the list, or None: it has links page 1 has not, under the same folders."""
    rows = links_of(parse_html(answer.text), answer.url, guess)
    if not rows:
        return "没有同样的行"
    fresh = [url for url in rows if url not in guess.urls]
    if not fresh:
        return "与第 1 页相同"
    known = {prefix_of(url) for url in guess.urls}
    if not any(prefix_of(url) in known for url in fresh):
        return f"新链接不在同一目录下（{fresh[0]}）"
    if "next" in two.keys:
        following = next(iter(select_all(parse_html(answer.text), two.keys["next"])), None)
        target = absolute_url(answer.url, following.attributes.get("href") or "") if following is not None else None
        if target == two.url:
            return "它的下一页链接指向自己"
    return None


def links_of(tree: LexborHTMLParser, url: str, guess: RowGuess) -> list[str]:
    """Addresses of the rows that the guess's selectors find on another page."""
    found = []
    for row in select_all(tree, guess.item):
        link = next(iter(select_all(row, guess.link)), None)
        target = absolute_url(url, link.attributes.get("href") or "") if link is not None else None
        if target:
            found.append(target)
    return found
