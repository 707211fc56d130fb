"""The XML of a feed made well-formed as far as that can be done without guessing; what was done is named.

A feed that is well-formed goes through as it is, but for its DOCTYPE. Entities of the feed's own are put in by us,
within bounds, and never read from elsewhere.
"""

import html
import re
from html.entities import html5
from itertools import islice
from xml.parsers.expat import ExpatError, ParserCreate
from xml.sax.saxutils import escape

from lxml import etree

from crawlers.mending import encoded_once

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
PROLOG = re.compile(r"(?:\s|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>)*+", re.I | re.S)
ROOT = re.compile(r"<\?xml\s|<(?:\w+:)?(?:rss|feed|rdf|channel|item|entry)[\s>/]", re.I)
ENTRY = re.compile(r"<(?:\w+:)?(?:item|entry)[\s>/]", re.I)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
OWN_ENTITY = re.compile(r"""<!ENTITY\s+([\w.-]{1,60})\s+(?:"([^"]*)"|'([^']*)')\s*>""")
REFERENCE = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)"
    r"|&(?!(?:lt|gt|amp|quot|apos);)(?:#(?:([0-9]{1,7})|[xX]([0-9a-fA-F]{1,6}));|([A-Za-z][\w.-]{0,59});)?",
    re.S,
)
WINDOWS_SIGN = re.compile(r"&#0*1(?:2[89]|[345]\d);")
"""&#146; and its like: Windows-1252 where Unicode has control characters."""
SIZES = re.compile(r"</?(?:width|height)\b[^<>]{0,100}>", re.I)
"""Of images; feedparser falls over one that is out of place, and nobody asks for them."""
PREFIX = re.compile(r"</?([A-Za-z_][\w.-]{0,30}):")
DECLARED = re.compile(r"\sxmlns:([A-Za-z_][\w.-]{0,30})\s*=")
ROOT_TAG = re.compile(r"<[\w:.-]+")
MARK = re.compile("[<&]")
MAX_TAG = 20_000
HUGE_TAG = re.compile(rf"<[A-Za-z][^<>]{{{MAX_TAG}}}")
"""feedparser's time grows with the square of the number of attributes."""
NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "media": "http://search.yahoo.com/mrss/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}
MAX_EXPANDED = 1_000_000
"""Characters that a feed's own entities may come to."""
MAX_OWN = 100
"""Entities and prefixes of a feed's own that are looked at."""
MAX_CHARS = 8_000_000
"""Characters of XML that are read; the longest of 1,700 collected feeds has 614,000."""
MAX_MARKS = 200_000
"""Tags and references that are read, two seconds' work."""
MAX_SOUP = 64_000
"""Characters of XML that feedparser is trusted with unseen: its time grows with the square of depth and of soup."""


def clear_feed(text: str, max_entries: int, problems: list[str]) -> bytes:
    """`text` of a feed as UTF-8 that feedparser reads in bounded time. Raises ValueError where nothing is left."""
    start = _start(text, problems)
    prolog, text = text[:start], _cut(text[start:], max_entries, problems)
    text, controls = CONTROL.subn("", WINDOWS_SIGN.sub(lambda sign: html.unescape(sign[0]), text))
    if controls:
        problems.append(f"malformed: {controls} control characters, left out")
    fault = _fault(text)
    if fault:
        text, strange = _with_entities(text, prolog)
        left = _fault(text)
        if strange or left:
            problems.append(f"malformed: {fault}")
        if left:
            text = SIZES.sub("", _with_namespaces(text))
            if len(text) > MAX_SOUP and _fault(text):
                return balanced((HEAD + text).encode())
    return (HEAD + text).encode()


def _start(text: str, problems: list[str]) -> int:
    """Where the root element begins: after declaration, DOCTYPE and what a server put before them."""
    start = _after_prolog(text, 0)
    root = ROOT.search(text, start)
    if root and root.start() > start and _fault(text[start:]):
        problems.append(f"malformed: {root.start()} characters before the feed, left out")
        start = _after_prolog(text, root.start())
    return start


def _after_prolog(text: str, start: int) -> int:
    prolog = PROLOG.match(text, start)
    return prolog.end() if prolog else start


def _cut(text: str, max_entries: int, problems: list[str]) -> str:
    """No more than `max_entries` entries, and what follows the last of all, so that the elements still close."""
    if len(text) > MAX_CHARS:
        problems.append(f"longer than {MAX_CHARS} characters: the rest is not read")
        text = text[:MAX_CHARS]
    if HUGE_TAG.search(text):
        raise ValueError(f"a tag is longer than {MAX_TAG} characters")
    if ENTRY.search(text) is None:
        return text[:MAX_SOUP]
    mark = next(islice(MARK.finditer(text), MAX_MARKS, None), None) if len(text) > MAX_MARKS else None
    if mark:
        problems.append(f"more than {MAX_MARKS} tags and references: the rest is not read")
        text = text[: mark.start()]
    if len(text) < max_entries * len("<item/>"):
        return text
    first_too_many = next(islice(ENTRY.finditer(text), max_entries, None), None)
    if first_too_many is None:
        return text
    problems.append(f"more than {max_entries} entries: the rest is not read")
    tail = max(text.rfind("</item>") + len("</item>"), text.rfind("</entry>") + len("</entry>"))
    return text[: first_too_many.start()] + (text[tail:] if tail > first_too_many.start() else "")


def _fault(text: str) -> str:
    """What a strict reader says against the XML; empty where it is well-formed, and not nested without end."""
    try:
        if len(text) > MAX_SOUP:
            etree.fromstring((HEAD + text).encode(), _parser(recover=False))
        else:
            ParserCreate(namespace_separator=" ").Parse(text.encode(), True)
    except etree.XMLSyntaxError as error:
        return str(error.msg).splitlines()[0][:150]
    except ExpatError as error:
        return str(error)
    return ""


def _parser(*, recover: bool) -> etree.XMLParser:
    """libxml2 within its own bounds: 256 levels, 10 MB of text in one place, nothing fetched, no entity put in."""
    return etree.XMLParser(recover=recover, resolve_entities=False, no_network=True, huge_tree=False)


def _with_entities(text: str, prolog: str) -> tuple[str, int]:
    """Every reference made one that XML knows; how many had no right to be there."""
    own = {match[1]: match[2] or match[3] or "" for match in islice(OWN_ENTITY.finditer(prolog[:MAX_SOUP]), MAX_OWN)}
    has_dtd = "<!doctype" in prolog.lower()
    strange, room = 0, MAX_EXPANDED

    def known(reference: re.Match[str]) -> str:
        nonlocal strange, room
        whole, decimal, hexadecimal, name = reference[0], reference[1], reference[2], reference[3]
        if whole.startswith("<"):
            return whole  # CDATA and comments are no place for references
        if decimal or hexadecimal:
            char = chr(min(int(decimal) if decimal else int(hexadecimal, 16), 0x10FFFF))
            strange += (bad := CONTROL.match(char) is not None)
            return "" if bad else whole
        if name in own and "&" not in own[name] and len(own[name]) <= room:
            room -= len(own[name])
            return escape(own[name])
        if name and (char := html5.get(f"{name};", "")):
            strange += not has_dtd
            return escape(char)
        strange += 1
        return "&amp;" + whole[1:]

    return encoded_once(REFERENCE.sub(known, text))[0], strange


def _with_namespaces(text: str) -> str:
    """Prefixes that nobody declared are declared at the root."""
    used = set(PREFIX.findall(text)) - {"xml", "xmlns"}
    missing = sorted(used - set(DECLARED.findall(text)))[:MAX_OWN]
    declarations = "".join(f' xmlns:{prefix}="{NAMESPACES.get(prefix, f"urn:x-{prefix}")}"' for prefix in missing)
    return ROOT_TAG.sub(lambda tag: tag[0] + declarations, text, count=1) if missing else text


def balanced(data: bytes) -> bytes:
    """Broken XML closed and balanced by libxml2, what it cannot place left out. Raises ValueError where that is all.

    Used where feedparser would take too long over the soup, or trips over it.
    """
    root = etree.fromstring(data, _parser(recover=True))
    if root is None:
        raise ValueError("too broken to be read")
    return bytes(etree.tostring(root, encoding="utf-8", xml_declaration=True, with_tail=False))
