"""A draft: the keys of a source file that is off until somebody has looked at it, as YAML beside the saved page."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from selectolax.lexbor import LexborHTMLParser

from config.sources import KEY_FORM, SourceConfig, load_source, parse_source
from core.durations import format_duration
from core.errors import ConfigError, UsageError
from core.records import CANARY, Kind
from crawlers.markup import one_line
from crawlers.metas import read_metas
from crawlers.sniff.fetch import Fetched

EVERY = {
    Kind.NEWS: "30m", Kind.NOTICE: "2h", Kind.SPOTCHECK: "2h", Kind.RECALL: "2h", Kind.RECALL_FOREIGN: "1d",
    Kind.COMPLAINT: "1h", Kind.HOTLIST: "10m",
}  # fmt: skip
TIER = {Kind.RECALL: 1, Kind.SPOTCHECK: 1, Kind.RECALL_FOREIGN: 1, Kind.NOTICE: 2, Kind.HOTLIST: 4}
KIND_WORDS = (
    (Kind.RECALL, re.compile("召回|缺陷产品|recall", re.IGNORECASE)),
    (Kind.SPOTCHECK, re.compile("抽查|抽检|不合格|监督检查")),
    (Kind.COMPLAINT, re.compile("投诉|举报|留言|信访")),
    (Kind.NOTICE, re.compile("通知|公告|公示|通报|通告|警示|预警|公开")),
)
SKIPPED_LABELS = frozenset(
    ("www", "com", "cn", "gov", "org", "net", "edu", "ac", "co", "http", "https", "index", "html")
)
TITLE_SPLIT = re.compile(r"\s*[|｜_—–>]+\s*|\s+-\s+|\s*-(?=[一-鿿])")
MAX_TITLE = 60
POLITE = 3.0
"""Seconds between two requests that a source file asks for when it says nothing."""
ENDINGS = (("json", ".json"), ("javascript", ".json"), ("xml", ".xml"), ("rss", ".xml"), ("html", ".html"))


@dataclass(frozen=True)
class Draft:
    """values: a source file's keys in the order to be read.  page: what was fetched, to be kept beside it."""

    key: str
    values: dict[str, Any]
    page: Fetched

    @property
    def source(self) -> SourceConfig:
        """The source it describes. Raises pydantic's ValidationError for a draft that is none: ours to mend."""
        return parse_source(self.key, self.values)

    @property
    def page_name(self) -> str:
        """File name of the saved page."""
        kind = self.page.content_type.lower()
        start = self.page.body.lstrip()[:1]
        guessed = next((ending for word, ending in ENDINGS if word in kind and "html" not in kind), ".html")
        return self.key + (".json" if guessed == ".html" and start in (b"{", b"[") else guessed)


@dataclass(frozen=True)
class Wishes:
    """What the operator said; the rest is guessed."""

    key: str
    title: str | None = None
    kind: Kind | None = None
    allow_private: tuple[str, ...] = ()
    delay: float = POLITE


def key_of(url: str) -> str:
    """A key after host and path: `amr_jiangxi_tzgg`."""
    parts = urlsplit(url)
    words = [label for label in (parts.hostname or "").split(".") if label not in SKIPPED_LABELS]
    path = re.sub(r"\.\w{2,5}$", "", parts.path)
    words += [word for word in path.split("/") if word and word.lower() not in SKIPPED_LABELS][-2:]
    joined = re.sub(r"[^a-z0-9]+", "_", "_".join(words).lower()).strip("_")[:50].strip("_")
    if joined and not joined[0].isalpha():
        joined = f"site_{joined}"
    return joined if KEY_FORM.fullmatch(joined) else "new_source"


def check_key(key: str) -> str:
    """`key`, or UsageError saying what a key is."""
    if KEY_FORM.fullmatch(key) is None or key == CANARY:
        raise UsageError(f"--key: {key!r} is no key (accepted: a-z, 0-9 and _, starting with a letter; not {CANARY})")
    return key


def draft_of(
    wishes: Wishes,
    page: Fetched,
    tree: LexborHTMLParser | None,
    found: Mapping[str, Any],
    *,
    titles: Sequence[str] = (),
) -> Draft:
    """A draft out of what a family needs (`found`: family, list_url, …) and what the page says of itself.

    found may bring title, kind, expect, note, titles (of the rows, to guess the kind from).
    """
    rest = dict(found)
    page_title, site = _names(page, tree)
    site = rest.pop("attribution", "") or site
    title = one_line(wishes.title or rest.pop("title", "") or page_title)[:MAX_TITLE] or wishes.key
    titles = rest.pop("titles", titles)
    kind = wishes.kind or rest.pop("kind", None) or _kind_of(title, titles)
    for known in ("title", "kind"):
        rest.pop(known, None)
    lang = _lang(page.text)
    if kind is Kind.RECALL and lang is not None and wishes.kind is None:
        kind = Kind.RECALL_FOREIGN
    expect, note = rest.pop("expect", {"min_items": 1}), rest.pop("note", "")
    values: dict[str, Any] = {
        "title": title,
        "family": rest.pop("family"),
        "kind": str(kind),
        "tier": TIER.get(kind, 3),
        "enabled": False,
        "evidence": "mem",
        "list_url": rest.pop("list_url"),
        **rest,
        "every": EVERY.get(kind, "2h"),
        "expect": expect,
        "attribution": (site or urlsplit(page.url).hostname or "")[:MAX_TITLE],
    }
    if wishes.delay != POLITE:
        values |= {"delay": wishes.delay, "autothrottle": wishes.delay > 0}
    if lang is not None:
        values["lang"] = lang
    if wishes.allow_private:
        values["allow_private"] = list(wishes.allow_private)
    if note:
        values["note"] = note
    return Draft(wishes.key, values, page)


def yaml_of(draft: Draft, steps: Sequence[str]) -> str:
    """The file's text; the steps of the decision stand above it as a comment."""
    told = "\n".join(f"#   {one_line(step)[:300]}" for step in steps)
    head = f"# 草稿：嗅探 {draft.page.url} 所得，看过试采结果、核实后再启用（enabled, evidence）。怎样判定：\n{told}\n"
    body: str = yaml.safe_dump(draft.values, allow_unicode=True, sort_keys=False, width=110)
    return head + body


def targets(key: str, folder: Path) -> list[Path]:
    """Every file that a draft of this key may become, the YAML first."""
    return [folder / f"{key}{ending}" for ending in (".yml", ".html", ".xml", ".json")]


def refuse_taken(key: str, folder: Path) -> None:
    """Raise UsageError where one of them is there already."""
    for path in targets(key, folder):
        if path.exists():
            raise UsageError(f"{path}: is there already, nothing is overwritten; give another --key or --out")


def write_draft(draft: Draft, steps: Sequence[str], folder: Path) -> tuple[Path, Path]:
    """The YAML and the page, neither over an existing file; both are taken away again where the YAML is no source."""
    folder.mkdir(parents=True, exist_ok=True)
    file, page = folder / f"{draft.key}.yml", folder / draft.page_name
    refuse_taken(draft.key, folder)
    with page.open("xb") as target:
        target.write(draft.page.body)
    with file.open("x", encoding="utf-8") as text:
        text.write(yaml_of(draft, steps))
    try:
        load_source(file)
    except ConfigError:
        file.unlink()
        page.unlink()
        raise
    return file, page


def expectation(rows: int, newest: datetime | None, now: datetime) -> dict[str, Any]:
    """What a healthy run sees: half of today's rows, at most five; a newest one no older than thrice today's, at least
    thirty days, where it is not years old already.
    """
    expect: dict[str, Any] = {"min_items": max(1, min(5, rows // 2))}
    if newest is not None and now - newest < timedelta(days=365):
        expect["newest_within"] = format_duration(timedelta(days=max(30, 3 * (now - newest).days)))
    return expect


def _names(page: Fetched, tree: LexborHTMLParser | None) -> tuple[str, str]:
    """Title of the column and name of the site, as the page says them: metas of government sites, else its title."""
    host = urlsplit(page.url).hostname or page.url
    if tree is None:
        return host, ""
    node = tree.css_first("title")
    parts = [part for part in TITLE_SPLIT.split(one_line(node.text() if node else "")) if part]
    stated = read_metas(tree)
    column, site = stated.first(("columnname",)), stated.first(("sitename", "og:site_name"))
    site = site or (parts[-1] if len(parts) > 1 else "")
    title = column or (parts[0] if parts else host)
    return (f"{site} {title}" if site and site not in title else title), site


def _kind_of(title: str, titles: Sequence[str]) -> Kind:
    """By the column's name, else by what most of its rows are about."""
    for kind, form in KIND_WORDS:
        if form.search(title):
            return kind
    for kind, form in KIND_WORDS:
        if titles and sum(1 for one in titles if form.search(one)) > 0.6 * len(titles):
            return kind
    return Kind.NEWS


def _lang(text: str) -> str | None:
    """ja or en where the text is; None for Chinese, which goes without saying."""
    visible = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", text[:200_000], flags=re.DOTALL | re.IGNORECASE)
    kana = len(re.findall(r"[\u3040-\u30ff]", visible))
    han = len(re.findall(r"[\u4e00-\u9fff]", visible))
    latin = len(re.findall(r"[A-Za-z]{2,}", visible))
    if kana > 20 and kana * 5 > han:
        return "ja"
    return "en" if latin > 30 and han * 5 < latin else None
