"""Articles that a page holds as JSON in a script, to be put in place by the browser: read where the markup has no text.

Only data is read, nothing is run: `application/json` scripts, `window.NAME = {...}`, JSON within strings, JSON-LD.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser

from crawlers.dates import Dated, read_dated
from crawlers.markup import html_to_text, one_line

MAX_SCRIPT = 2_000_000
MAX_PARTS = 40
MAX_OBJECTS = 20_000
LEAST = 40
"""Characters of text that make an article."""
ASSIGNED = re.compile(r"(?:[\w$\]\"']\s*=\s*|\breturn\s*|JSON\.parse\(\s*|decodeURIComponent\(\s*)(?=[{\[\"'])")
LITERAL = re.compile(
    r"(?P<double>\"(?:[^\"\\\n]|\\.)*+\")|'(?P<single>(?:[^'\\\n]|\\.)*+)'|(?P<before>[{,]\s*)(?P<name>[A-Za-z_$][\w$]*)(?=\s*:)"
    r"|(?P<colon>:\s*)(?P<value>!?[A-Za-z_$][\w$.]*|!\d|void 0)(?=\s*[,}\]])|(?P<comma>,)(?=\s*[}\]])"
)
"""What makes JSON of a literal in a script: bare names, strings in single quotes, variables, a comma too many."""
UNDEFINED = re.compile(r"(?<=[:,\[])undefined(?=[,}\]])")
CONTENT = re.compile(r"(?:\w*[_-])?\w*(?:content|body|html|text|detail|article|desc)(?:html|text|body)?", re.IGNORECASE)
TITLE = re.compile(r"(?:\w*(?:title|headline|subject))|name", re.IGNORECASE)
DATE = re.compile(
    r"(?!.*(?:modif|updat|expir))\w*(?:publi\w*|pub|release|create|post|issue|show)_?(?:ed)?_?(?:time|date|at|on|timestamp)|p?time|ctime|date|datetime",
    re.IGNORECASE,
)
SOURCE = re.compile(r"\w*(?:source|origin|media|publisher)(?:_?name)?|nickname", re.IGNORECASE)
AUTHOR = re.compile(r"\w*(?:author|writer|reporter)(?:_?name)?", re.IGNORECASE)
ROLE = re.compile(r"^(?:本报|本网|见习|特约)*(?:记者|通讯员|作者|编辑)\s*[:：]?\s*")
IN_CODE = re.compile(
    r"[\"']?\b((?:ori_?)?create_?time|publish_?(?:time|date)|pub_?(?:time|date)|release_?(?:time|date)|ct)\b[\"']?\s*[:=]\s*[\"']?([^\"';,}\n*]{8,40})",
    re.IGNORECASE,
)
NAMED_IN_CODE = re.compile(r"\bvar\s+nickname\s*=\s*(?:htmlDecode\()?[\"']([^\"'\n]{2,40})[\"']")


@dataclass(frozen=True)
class Scripted:
    """An article out of a script; what it does not say is empty."""

    text: str
    title: str = ""
    dated: Dated | None = None
    source: str = ""
    author: str = ""


def scripted_article(tree: LexborHTMLParser, title: str, *, now: datetime) -> Scripted | None:
    """The longest text that stands in the page's data. title: what the page calls itself; an object titled so wins."""
    best: tuple[int, str, list[Mapping[str, Any]]] | None = None
    bare = "".join(title.split())
    for data in _data(tree):
        for line in _objects(data):
            text = _content(line[0])
            named = _said(line, TITLE)
            weight = len(text) * (10 if named and "".join(named.split()) in bare else 1)
            if len(text) >= LEAST and (best is None or weight > best[0]):
                best = (weight, text, line)
    if best is None:
        return None
    _, text, line = best
    said = next((value for value in _all(line, DATE) if read_dated(value, now=now)), "")
    return Scripted(
        text, _said(line, TITLE), read_dated(said, now=now), _said(line, SOURCE), person(_said(line, AUTHOR))
    )


def date_in_scripts(tree: LexborHTMLParser, *, now: datetime) -> Dated | None:
    """`var ct = "1685414400"` and the like."""
    for text in _inline(tree):
        found = [(match[1].lower(), match[2].strip()) for match in IN_CODE.finditer(text)]
        for _, value in sorted(found, key=lambda pair: (not pair[0].startswith(("pub", "release")), pair[0] != "ct")):
            if dated := read_dated(value, now=now):
                return dated
    return None


def name_in_scripts(tree: LexborHTMLParser) -> str:
    """The account's name on pages that set it by script."""
    return next((match[1] for text in _inline(tree) if (match := NAMED_IN_CODE.search(text))), "")


def person(name: str) -> str:
    """`记者 何苗` as 何苗."""
    return ROLE.sub("", name).strip()


def _inline(tree: LexborHTMLParser) -> Iterator[str]:
    for script in tree.css("script:not([src])")[:200]:
        text = script.text() or ""
        if 20 < len(text) <= MAX_SCRIPT:
            yield text


def _data(tree: LexborHTMLParser) -> Iterator[Any]:
    """What JSON there is in the scripts, JSON in strings undone."""
    for text in _inline(tree):
        whole = text.strip()
        if whole[:1] in ("{", "[", "%"):
            yield from _parsed(whole)
            continue
        yield from _assigned(text)
        clear = LITERAL.sub(_as_json, text)
        if clear != text:
            yield from _assigned(clear)


def _assigned(text: str) -> Iterator[Any]:
    """The JSON values that a script assigns, returns or parses."""
    text = UNDEFINED.sub("null", text) if "undefined" in text else text
    at, parts = 0, 0
    while parts < MAX_PARTS and (match := ASSIGNED.search(text, at)):
        parts += 1
        value, at = _value_at(text, match.end())
        if isinstance(value, str):
            yield from _parsed(value)
        elif value is not None:
            yield value


def _as_json(token: re.Match[str]) -> str:
    """One token of a literal as JSON has it. A variable is null: what it holds is not looked for."""
    if token["double"]:
        return token[0]
    if token["single"] is not None:
        return json.dumps(token["single"].replace("\\'", "'").replace("\\/", "/"), ensure_ascii=False).replace(
            "\\\\", "\\"
        )
    if token["name"]:
        return f'{token["before"]}"{token["name"]}"'
    if token["value"]:
        return token[0] if token["value"] in ("true", "false", "null") else f"{token['colon']}null"
    return ""


def _value_at(text: str, start: int) -> tuple[Any, int]:
    """The JSON value at `start` and where it ends; None where there is none."""
    if text[start] == "'":
        end = text.find("'", start + 1)
        return (text[start + 1 : end], end + 1) if end > 0 else (None, start + 1)
    try:
        return json.JSONDecoder(strict=False).raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, start + 1


def _parsed(text: str) -> Iterator[Any]:
    whole = text.strip()
    if whole[:1] == "%":
        whole = unquote(whole)
    if whole[:1] not in ("{", "[") or len(whole) < LEAST:
        return
    try:
        yield json.loads(whole, strict=False)
    except (ValueError, RecursionError):
        return


def _objects(data: Any) -> Iterator[list[Mapping[str, Any]]]:
    """Each object with those around it, innermost first, at most four."""
    stack: list[tuple[Any, list[Mapping[str, Any]]]] = [(data, [])]
    for _ in range(MAX_OBJECTS):
        if not stack:
            return
        value, around = stack.pop()
        if isinstance(value, dict):
            line = [value, *around][:4]
            yield line
            stack.extend((each, line) for each in value.values() if isinstance(each, dict | list))
        elif isinstance(value, list):
            stack.extend((each, around) for each in value if isinstance(each, dict | list))


def _content(value: Mapping[str, Any]) -> str:
    """The longest text with sentences that an object holds under a name like content."""
    held = [
        each for key, each in value.items() if isinstance(each, str) and len(each) >= LEAST and CONTENT.fullmatch(key)
    ]
    longest = max(held, key=len, default="")
    text = html_to_text(longest, tables=False) if longest else ""
    return text if re.search(r"[，。；！？,.;]", text) else ""


def _all(line: list[Mapping[str, Any]], name: re.Pattern[str]) -> Iterator[str]:
    for each in line:
        for key, value in each.items():
            if name.fullmatch(key):
                if isinstance(value, dict):
                    value = value.get("name")
                if isinstance(value, str | int) and not isinstance(value, bool) and (text := one_line(str(value))):
                    yield text


def _said(line: list[Mapping[str, Any]], name: re.Pattern[str]) -> str:
    """The first short text under such a name, the object's own before that of one around it; `title` before `name`."""
    held = [text for text in _all(line, name) if 2 <= len(text) <= 150]
    return held[0] if held else ""
