"""The help of each screen: one Markdown file in web/help/ for a screen, found by the address of the page it explains.

A file begins with `# 名称`, then a line of its addresses (`/alerts/*`: a star is one part; pages below it belong to it
until a closer file claims them), then one paragraph that says what the screen answers, then `## ` sections. Inside:
paragraphs, `- ` and `1. ` lists, `**bold**`, `` `code` ``, `[word](/path)`. All else is text: no HTML ever comes out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.errors import ConfigError

FOLDER = Path(__file__).parent / "help"
ORDER = (
    "today", "changes", "alerts", "alert", "events", "search", "analytics", "document", "enterprises", "dossier",
    "trace", "mirror", "clusters", "ledger", "lookback", "supervised", "reports", "calendar", "progress", "export",
    "papers", "sources", "rules", "lab", "leadtime", "silences", "deliveries", "status", "handover", "wall", "why",
    "audit", "account", "users", "settings", "holds", "erase", "interface", "signin", "help", "watchlists", "grades",
)  # fmt: skip
"""As a person meets them; a file that is not named here comes last."""
PIECE = re.compile(r"\*\*(?P<strong>[^*]+)\*\*|`(?P<code>[^`]+)`|\[(?P<word>[^\]]+)\]\((?P<href>[/#][^)\s]*)\)")
ITEM = re.compile(r"(?P<mark>-|\d+\.) (?P<text>.+)")


@dataclass(frozen=True)
class Piece:
    """A stretch of a line. kind: text | strong | code | link (then `href`)."""

    kind: str
    text: str
    href: str = ""


@dataclass(frozen=True)
class Block:
    """kind: p | ul | ol; a paragraph has one line."""

    kind: str
    lines: tuple[tuple[Piece, ...], ...]


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]
    text: str
    """All of it as it was written, for looking words up."""


@dataclass(frozen=True)
class Help:
    """The help of one screen."""

    key: str
    title: str
    addresses: tuple[str, ...]
    answers: Section
    sections: tuple[Section, ...]

    @property
    def address(self) -> str:
        """Where the screen is, "" when that takes an id."""
        return next((each for each in self.addresses if "*" not in each), "")


@cache
def all_help() -> dict[str, Help]:
    """Every help page by its key, in order. Raises ConfigError."""
    found = [read_help(path.stem, path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.md"))]
    found.sort(key=lambda page: ORDER.index(page.key) if page.key in ORDER else len(ORDER))
    return {page.key: page for page in found}


def help_of(path: str) -> Help | None:
    """The help of the page at `path`: of the files whose address leads there, the closest. None when none does."""
    parts = path.strip("/").split("/")
    fits = [
        (len(wanted), sum(part != "*" for part in wanted), page)
        for page in all_help().values()
        for wanted in (address.strip("/").split("/") for address in page.addresses)
        if _leads(wanted, parts)
    ]
    return max(fits, key=lambda fit: fit[:2])[2] if fits else None


def _leads(wanted: list[str], parts: list[str]) -> bool:
    if wanted == [""]:
        return parts == [""]  # the first page has none below it
    return len(wanted) <= len(parts) and all(want in ("*", part) for want, part in zip(wanted, parts, strict=False))


def look_up(text: str) -> Iterator[tuple[Help, Section]]:
    """Sections that have all words of `text`, in the screen's name, the heading or below it."""
    words = text.casefold().split()
    for page in all_help().values():
        for section in (page.answers, *page.sections):
            told = f"{page.title} {section.title} {section.text}".casefold()
            if words and all(word in told for word in words):
                yield page, section


def read_help(key: str, text: str) -> Help:
    """A help page out of its Markdown. Raises ConfigError naming the file and what it lacks."""
    head, *rest = re.split(r"^## +", text, flags=re.MULTILINE)
    lines = [line.strip() for line in head.strip().splitlines()]
    if len(lines) < 3 or not lines[0].startswith("# ") or not all(each.startswith("/") for each in lines[1].split()):
        raise ConfigError([f"help/{key}.md: needs `# 名称`, a line of addresses like `/alerts /alerts/*`, a paragraph"])
    sections = tuple(_section(*part.partition("\n")[::2]) for part in rest)
    answers = _section("回答什么", "\n".join(lines[2:]))
    return Help(key, lines[0].removeprefix("# "), tuple(lines[1].split()), answers, sections)


def _section(title: str, text: str) -> Section:
    blocks: list[Block] = []
    for line in (line.strip() for line in text.splitlines()):
        item = ITEM.fullmatch(line)
        if not line:
            continue
        kind = ("ul" if item["mark"] == "-" else "ol") if item else "p"
        pieces = tuple(_pieces(item["text"] if item else line))
        if kind != "p" and blocks and blocks[-1].kind == kind:
            blocks[-1] = Block(kind, (*blocks[-1].lines, pieces))
        else:
            blocks.append(Block(kind, (pieces,)))
    return Section(title.strip(), tuple(blocks), text.strip())


def _pieces(line: str) -> Iterator[Piece]:
    at = 0
    for match in PIECE.finditer(line):
        if match.start() > at:
            yield Piece("text", line[at : match.start()])
        if match["href"]:
            yield Piece("link", match["word"], match["href"])
        else:
            yield Piece("strong", match["strong"]) if match["strong"] else Piece("code", match["code"])
        at = match.end()
    if at < len(line):
        yield Piece("text", line[at:])
