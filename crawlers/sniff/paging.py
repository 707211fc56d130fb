"""How a list goes on: what its pager says, then the forms that are usual. Nothing is believed until page 2 was seen."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawlers.extract import select_all
from crawlers.markup import node_text, one_line
from crawlers.sniff.selectors import classes_of
from crawlers.urls import absolute_url, host_of

NEXT = re.compile(r"(?:下一?页|后一?页|next(?: page)?)\s*[>›»→]*|[>›»]{1,2}", re.IGNORECASE)
CREATE_PAGES = re.compile(r"createPageHTML\w*\s*\(\s*\w+\s*,\s*\w+\s*,\s*['\"](\w+)['\"]\s*,\s*['\"](\w+)['\"]")
PAGE_KEYS = ("page", "pageno", "pagenum", "pageindex", "p", "curpage", "currentpage", "current", "pn", "pageindex")
TWO = re.compile(r"(?<!\d)2(?!\d)")
FILE_NAME = re.compile(r"([A-Za-z]\w*?)\.(s?html?)")
MAX_PROBES = 4


@dataclass(frozen=True)
class PageTwo:
    """Where page 2 may be, and the keys of a source file that lead there. hint: the page itself says so."""

    url: str
    family: str
    keys: dict[str, Any] = field(default_factory=dict)
    hint: bool = False

    @property
    def words(self) -> str:
        """How to call it when telling what was tried."""
        return self.url.rpartition("/")[2] or self.url


def page_twos(tree: LexborHTMLParser, markup: str, url: str) -> list[PageTwo]:
    """What to try, in order: what the page says, then index_1, _2 and ?page=2. At most MAX_PROBES."""
    found: dict[str, PageTwo] = {}
    for one in (*_told(tree, markup, url), *_usual(url)):
        if host_of(one.url) == host_of(url) and one.url != url:
            found.setdefault(one.url, one)
    return list(found.values())[:MAX_PROBES]


def _told(tree: LexborHTMLParser, markup: str, url: str) -> Iterator[PageTwo]:
    """The script that draws the pager of TRS columns, and links called 2 or 下一页."""
    if match := CREATE_PAGES.search(markup):
        yield _trs(url, match[1], match[2], hint=True)
    two = _pager_link(tree, url, lambda text: text == "2")
    three = _pager_link(tree, url, lambda text: text == "3")
    following = _pager_link(tree, url, lambda text: NEXT.fullmatch(text) is not None)
    for found in (two, following):
        if found is None:
            continue
        node, target = found
        if trs := _as_trs(url, target):
            yield trs
        elif template := template_of(target, three[1] if three else None):
            yield PageTwo(target, "html_list", {"page_url": template}, hint=True)
        elif found is following and (selector := _next_selector(tree, node)):
            yield PageTwo(target, "html_list", {"next": selector}, hint=True)


def _usual(url: str) -> Iterator[PageTwo]:
    parts = urlsplit(url)
    name = parts.path.rpartition("/")[2]
    match = FILE_NAME.fullmatch(name)
    if not parts.query and (not name or match):
        stem, ending = (match[1], match[2]) if match else ("index", "html")
        yield _trs(url, stem, ending)
        yield PageTwo(
            urljoin(url, f"{stem}_2.{ending}"), "html_list", {"page_url": urljoin(url, f"{stem}_{{page}}.{ending}")}
        )
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    key = next((name for name, _ in pairs if name.lower() in PAGE_KEYS), "page")
    others = [(name, value) for name, value in pairs if name != key]
    asked = urlunsplit(parts._replace(query=urlencode([*others, (key, "2")]), fragment=""))
    template = urlunsplit(parts._replace(query="&".join(filter(None, (urlencode(others), f"{key}={{page}}")))))
    yield PageTwo(asked, "html_list", {"page_url": template})


def _trs(url: str, stem: str, ending: str, *, hint: bool = False) -> PageTwo:
    keys = {
        key: value for key, value, usual in (("index", stem, "index"), ("ending", ending, "html")) if value != usual
    }
    return PageTwo(urljoin(url, f"{stem}_1.{ending}"), "trs_static", keys, hint=hint)


def _as_trs(url: str, target: str) -> PageTwo | None:
    """A link to page 2 that is called index_1.html."""
    match = re.fullmatch(r"([A-Za-z]\w*?)_1\.(s?html?)", urlsplit(target).path.rpartition("/")[2])
    if match is None or urljoin(url, f"{match[1]}_1.{match[2]}") != target:
        return None
    return _trs(url, match[1], match[2], hint=True)


def template_of(two: str, three: str | None) -> str | None:
    """The address of page 2 with {page} for its number; with page 3 known, only where that fits."""
    start = len(urlunsplit(urlsplit(two)._replace(path="", query="", fragment="")))
    places = [match for match in TWO.finditer(two) if match.start() >= start]
    named = [match for match in places if re.search(r"(?:page\w*|[?&]p[n]?)[=_/-]?$", two[: match.start()], re.I)]
    for match in (*named, *reversed(places)):
        template = f"{two[: match.start()]}{{page}}{two[match.end() :]}"
        if "{page}" in template and (three is None or template.replace("{page}", "3") == three):
            return template
    return None


def _pager_link(tree: LexborHTMLParser, url: str, called: Any) -> tuple[LexborNode, str] | None:
    """The last link with such a text: pagers stand below their list."""
    found = None
    for node in tree.css("a[href]"):
        text = one_line(node_text(node)) or one_line(node.attributes.get("title") or "")
        if len(text) <= 12 and called(text.strip(" []【】")):
            target = absolute_url(url, node.attributes.get("href") or "")
            found = (node, target) if target else found
    return found


def _next_selector(tree: LexborHTMLParser, node: LexborNode) -> str | None:
    """A selector that finds the link to the next page first."""
    parent = node.parent
    own = [f"a.{name}" for name in classes_of(node)]
    named = ['a[rel="next"]', 'a[title="下一页"]', *own]
    for name in [f"{parent.tag}.{one}" for one in classes_of(parent)] if parent is not None else []:
        named += [f"{name} > a:last-child", f"{name} a"]
    for selector in named:
        first = next(iter(select_all(tree, selector)), None)
        if first is not None and first.mem_id == node.mem_id:
            return selector
    return None
