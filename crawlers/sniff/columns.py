"""The content systems of government columns: what a page gives away of them, and the ids it names."""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from crawlers.families.hanweb import PROXY
from crawlers.markup import parse_html

JPAGE = re.compile(r"dataproxy\.jsp|<datastore\b", re.IGNORECASE)
JPAAS = re.compile(r"jpaas-publish-server|<script[^>]{0,2000}\bparsetype\s*=", re.IGNORECASE)
QUERY_LIST = re.compile(r"queryList\b")
QUERY_ADDRESS = re.compile(r"""["'](?P<address>[^"'\s<>]{0,200}queryList)["'?]""")
EPOINT = re.compile(r"EWB-FRONT|govInfoPub")
OLD_IDS = ("unitid", "webSiteCode", "channelCode")
EXTRA_IDS = ("codeName", "websiteId")
MAX_VALUES = 4


@dataclass(frozen=True)
class QueryForm:
    """A form for …/queryList. missing: ids that the page does not say; they are never guessed."""

    address: str
    form: Mapping[str, str]
    missing: tuple[str, ...] = ()


def is_jpage(text: str) -> bool:
    """Older Hanweb: rows in a datastore script, more of them from dataproxy.jsp."""
    return JPAGE.search(text) is not None


def is_jpaas(text: str) -> bool:
    """Newer Hanweb: a gateway renders units of the page."""
    return JPAAS.search(text) is not None


def is_query_list(text: str) -> bool:
    """Jiangxi's provincial platform."""
    return QUERY_LIST.search(text) is not None


def is_epoint(text: str) -> bool:
    """A platform that no family reads by itself; its answers are JSON."""
    return EPOINT.search(text) is not None


def jpage_proxy(text: str, url: str) -> str | None:
    """The address of dataproxy.jsp that the page names, absolute."""
    found = PROXY.search(html.unescape(text))
    return urljoin(url, found[1]) if found else None


def jpaas_tags(text: str) -> list[str]:
    """The tagId of every unit script on the page, in order."""
    scripts = parse_html(text).css("script[parsetype]")
    return [tag for script in scripts if (tag := script.attributes.get("tagid") or "")]


def jpaas_parse_type(text: str) -> str:
    """How this site spells it: bulidstatic mostly, buildstatic on some."""
    found = re.search(r"parseType['\"]?\s*[:=]\s*['\"]?(\w+)", html.unescape(text), re.IGNORECASE)
    return found[1] if found else "bulidstatic"


def query_forms(text: str, url: str) -> list[QueryForm]:
    """The forms a column's page allows, one a channel it names; where none is whole, one that says what is missing."""
    address = _query_address(text, url)
    extra = {name: value for name in EXTRA_IDS if (value := next(_values_of(text, name), ""))}
    newer = [
        QueryForm(address, {"channelId": channel, **extra, "pageNo": "{page}"})
        for channel in _values(text, "channelId")
    ]
    found = {name: _values(text, name) for name in OLD_IDS}
    missing = tuple(name for name in OLD_IDS if not found[name])
    if missing:
        told = {name: values[0] for name, values in found.items() if values}
        return newer or [QueryForm(address, told, (*missing, "channelId"))]
    size = "pageSize" if re.search(r"\bpageSize\b", text) and not re.search(r"\bperPage\b", text) else "perPage"
    rest = {"current": "{page}", size: "20", "sort": "sortNum", "order": "desc"}
    ids = {"unitid": found["unitid"][0], _sent_as(text, "webSiteCode"): found["webSiteCode"][0]}
    channel_key = _sent_as(text, "channelCode")
    older = [QueryForm(address, {**ids, channel_key: channel, **rest}) for channel in found["channelCode"]]
    return [*older, *newer]


def _query_address(text: str, url: str) -> str:
    """As the page writes it; else below the site's root."""
    match = QUERY_ADDRESS.search(text)
    return urljoin(url, str(match["address"]) if match else "/queryList")


def _sent_as(text: str, name: str) -> str:
    """`webSiteCode[]` where the page's script sends it so."""
    return f"{name}[]" if f"{name}[]" in text else name


def _values(text: str, name: str) -> list[str]:
    return list(dict.fromkeys(_values_of(text, name)))[:MAX_VALUES]


def _values_of(text: str, name: str) -> Iterator[str]:
    """Values that scripts, hidden fields and data attributes give an id; names of variables are none."""
    quoted = rf"""\b{name}(?:\[\])?["']?\s*[:=]\s*(?:encodeURI\w*\()?\[?\s*["']([\w.,-]{{1,60}})["']"""
    number = rf"""\b{name}(?:\[\])?["']?\s*[:=]\s*(\d{{1,20}})\b"""
    field = (
        rf"""<input\b[^>]*\b(?:id|name)\s*=\s*["']?{name}(?:\[\])?["']?[^>]*\bvalue\s*=\s*["']([^"'<>]{{1,60}})["']"""
    )
    turned = rf"""<input\b[^>]*\bvalue\s*=\s*["']([^"'<>]{{1,60}})["'][^>]*\b(?:id|name)\s*=\s*["']?{name}["'\s>]"""
    asked = rf"""[?&]{name}=([\w.-]{{1,60}})"""
    for form in (quoted, number, field, turned, asked):
        for match in re.finditer(form, text, re.IGNORECASE):
            yield match[1].strip()
