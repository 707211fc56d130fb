"""Columns of the known content systems: their rows are asked for as the family will, before a draft is made of it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from config.sources import JpaasUnitSource, parse_source
from crawlers.dates import read_date
from crawlers.families.api import filled
from crawlers.families.hanweb import UNIT_KEYS, rows_in, unit_address, unit_of
from crawlers.families.records import members
from crawlers.markup import parse_html
from crawlers.pick import first_at, json_of
from crawlers.sniff import columns
from crawlers.sniff.draft import expectation
from crawlers.sniff.fetch import Fetch, Fetched, NotFetched
from crawlers.sniff.lists import PAGES, list_keys
from crawlers.sniff.rows import RowGuess, find_rows

MOST_UNITS = 4


@dataclass(frozen=True)
class Column:
    """What came of it. keys: of a source file, None when the column cannot be read; steps: sentences, the last why."""

    steps: tuple[str, ...]
    keys: dict[str, Any] | None = None
    titles: tuple[str, ...] = ()


Reading = Callable[[Fetched, Fetch, datetime], Awaitable[Column]]


async def read_jpage(page: Fetched, ask: Fetch, now: datetime) -> Column:
    """Rows in the page's datastore, else in the first answer of dataproxy.jsp, which is the list then."""
    steps, where, rows = [], page.url, rows_in(page.text)
    proxy = columns.jpage_proxy(page.text, page.url)
    if not rows and proxy:
        steps.append(f"页面里没有 datastore 行，问 {proxy}")
        try:
            answer = await ask(proxy, referer=page.url)
        except NotFetched as error:
            return Column((*steps, f"dataproxy.jsp 取不到：{error}"))
        where, rows = answer.url, rows_in(answer.text)
    guess = _best(rows, where, now)
    if guess is None:
        return Column((*steps, "datastore 里没有认得出的行"))
    keys = {**list_keys(guess, where, now=now), "family": "hanweb_jpage", "pages": PAGES if proxy else 1}
    told = "有 dataproxy.jsp，可翻页" if proxy else "没有 dataproxy.jsp，只读第一页"
    steps.append(f"datastore 里 {len(guess.urls)} 行，{guess.dated} 行有日期；{told}")
    return Column(tuple(steps), keys, guess.titles)


async def read_jpaas(page: Fetched, ask: Fetch, now: datetime) -> Column:
    """The unit whose rows have dates, of those the page names; its ids are noted as fallbacks."""
    steps: list[str] = []
    kind = columns.jpaas_parse_type(page.text)
    for tag in (columns.jpaas_tags(page.text) or [""])[:MOST_UNITS]:
        source = _unit_source(page.url, tag, kind)
        gateway, ids = unit_of(page.text, source)
        missing = [key for key in UNIT_KEYS if not ids.get(key)]
        if missing:
            steps.append(f"单元 {tag or '（内联）'} 缺 {'、'.join(missing)}，不猜")
            continue
        try:
            answer = await ask(unit_address(urljoin(page.url, gateway), source, ids, 1), referer=page.url)
            markup = first_at(json_of(answer.text), "data.html")
        except (NotFetched, ValueError) as error:
            steps.append(f"单元 {tag or '（内联）'} 的网关没有给出行：{error}")
            continue
        guess = _best(markup, page.url, now)
        if guess is None or not (guess.dated or guess.split_date):
            steps.append(f"单元 {ids['tagId']} 里没有带日期的列表")
            continue
        steps.append(f"单元 {ids['tagId']}：{len(guess.urls)} 行，{guess.dated} 行有日期；参数写在页面里")
        keys = {**list_keys(guess, page.url, now=now), "family": "jpaas_unit", "unit": ids, "pages": PAGES}
        if kind != JpaasUnitSource.model_fields["parse_type"].default:
            keys["parse_type"] = kind
        return Column(tuple(steps), keys, guess.titles)
    return Column(tuple(steps))


async def read_query_list(page: Fetched, ask: Fetch, now: datetime) -> Column:
    """The form whose answer has records with dates. An id that the page does not say is reported, never guessed."""
    steps: list[str] = []
    for form in columns.query_forms(page.text, page.url):
        if form.missing:
            told = "，".join(f"{name}={value}" for name, value in form.form.items()) or "无"
            missing = "、".join(form.missing[:-1])
            steps.append(
                f"页面没有写明 {missing}（也没有 {form.missing[-1]}），不猜；写明的：{told}。"
                f"在栏目页源码或浏览器网络面板里读出后，仿照 jx_querylist 的信源文件手写（地址 {form.address}）"
            )
            continue
        asked = {name: filled(value, {"page": "1"}) for name, value in form.form.items()}
        told = "&".join(f"{name}={value}" for name, value in asked.items())
        try:
            answer = await ask(form.address, form=asked, referer=page.url)
            records = [one.get("source", one) for one in members(json_of(answer.text), "data.results[]") if one]
        except (NotFetched, ValueError, AttributeError) as error:
            steps.append(f"POST {form.address} {told}：没有给出记录（{error}）")
            continue
        dates = [date for record in records if (date := read_date(first_at(record, "pubDate"), now=now)) is not None]
        if not records or not all(first_at(record, "id") for record in records):
            steps.append(f"POST {form.address} {told}：{'记录没有 id' if records else '没有记录'}")
            continue
        steps.append(f"POST {form.address} {told}：{len(records)} 条记录，{len(dates)} 条有日期")
        keys = {"family": "jx_querylist", "list_url": form.address, "form": dict(form.form), "column": page.url}
        keys["expect"] = expectation(len(records), max(dates, default=None), now)
        return Column(tuple(steps), {**keys, "pages": PAGES}, tuple(first_at(record, "title") for record in records))
    return Column(tuple(steps))


SYSTEMS: Sequence[tuple[str, Callable[[str], bool], Reading]] = (
    ("大汉 jpage（datastore/dataproxy.jsp）", columns.is_jpage, read_jpage),
    ("大汉 jpaas（jpaas-publish-server）", columns.is_jpaas, read_jpaas),
    ("江西平台（queryList）", columns.is_query_list, read_query_list),
)
"""Name, sign and reading of each, in the order of looking."""


def _best(markup: str, url: str, now: datetime) -> RowGuess | None:
    return next(iter(find_rows(parse_html(markup), url, now=now)), None) if markup else None


def _unit_source(url: str, tag: str, kind: str) -> JpaasUnitSource:
    values: dict[str, Any] = {
        "family": "jpaas_unit", "title": "-", "kind": "news", "every": "1h", "list_url": url, "item": "li",
        "unit": {"tagId": tag} if tag else {}, "parse_type": kind,
    }  # fmt: skip
    source = parse_source("draft", values)
    if not isinstance(source, JpaasUnitSource):
        raise TypeError("parse_source gave another family")
    return source
