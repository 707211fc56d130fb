"""Where in a query the cursor stands, also in one that is half written: what would complete it depends on that.

Only what stands before the cursor is read, by the tokens of the grammar; nothing in it is an error.
"""

import dataclasses
import re
from dataclasses import dataclass
from enum import StrEnum

from search.fields import field_named
from search.query.grammar import ESCAPE, INSET, PLAIN, QUOTED
from search.query.parse import CLOSERS, read_literal, read_quoted

TOKENS = re.compile(
    rf"""(?P<quoted>{QUOTED})|(?P<quote>["“「])|(?P<compare>[<＜>＞][=＝]?|[≥≤])|(?P<colon>[:：])"""
    rf"""|(?P<open>[(（])|(?P<close>[)）])|(?P<begin>[{{｛])|(?P<end>[}}｝])|(?P<space>\s+)"""
    rf"""|(?P<word>(?:{ESCAPE}|{PLAIN}|[*\\”」])(?:{ESCAPE}|{PLAIN}|{INSET}|（(?:{PLAIN})*\Z|[*\\”」])*)""",
    re.IGNORECASE,
)
WORD = re.compile(rf"(?:{ESCAPE}|{PLAIN}|\*)*", re.IGNORECASE)
KEYWORDS = ("and", "or", "not")


class Wanted(StrEnum):
    """What can follow."""

    EXPRESSION = "expression"
    OPERATOR = "operator"
    VALUE = "value"
    JOIN = "join"


@dataclass(frozen=True)
class Place:
    """The place of the cursor.

    start, end: what a suggestion replaces.  typed: what of it stands before the cursor, without quotes and escapes.
    last: start of its last word, where it has several.  field: whose value it is, as written.  inner: inside the braces
    of a path.  listed: inside a list of values.  quoted: inside quotes.  after: the next character that is no blank.
    """

    wanted: Wanted
    start: int
    end: int
    typed: str = ""
    last: int = 0
    field: str = ""
    inner: bool = False
    listed: bool = False
    quoted: bool = False
    after: str = ""


@dataclass
class _Frame:
    """What is open around the cursor. listed: the field whose values are listed."""

    inner: bool
    listed: str | None = None
    mode: str = "start"
    field: str = ""
    words: list[tuple[str, int]] = dataclasses.field(default_factory=list)

    def expect(self) -> None:
        """A condition, or in a list a value, comes next."""
        self.mode, self.words = ("value", []) if self.listed is not None else ("start", [])
        self.field = self.listed or ""

    def take_field(self) -> None:
        """A colon or a comparison came: what stands before it is a field, its last word where only that is one."""
        text = " ".join(word for word, _ in self.words)
        if self.words and field_named(text) is None:
            text = self.words[-1][0]
        self.field, self.mode, self.words = text, "value", []


def place_of(text: str, cursor: int) -> Place:
    """The place of offset `cursor` (cut to the text) in `text`."""
    cursor = min(max(cursor, 0), len(text))
    frames = [_Frame(inner=False)]
    at, touching, quote = 0, False, ""
    while at < cursor and not quote:
        found = TOKENS.match(text, at, cursor)
        if found is None:  # nothing is left out by the tokens but a lone surrogate's kin
            at += 1
            continue
        kind, token = str(found.lastgroup), found[0]
        if kind == "quote":
            quote = token
            break
        touching = kind == "word" and found.end() == cursor
        _read(frames, kind, token, at, done=found.end() < cursor)
        at = found.end()
    if quote:
        return _quoted_place(text, cursor, frames[-1], at)
    return _plain_place(text, cursor, frames[-1], touching)


def _read(frames: list[_Frame], kind: str, token: str, at: int, *, done: bool) -> None:
    """Take one token in. done: something follows it before the cursor."""
    frame = frames[-1]
    match kind:
        case "word" if done and token.lower() in KEYWORDS and not (token.lower() != "not" and frame.mode == "start"):
            frame.expect()
        case "word":
            if frame.mode == "value":
                frame.mode = "filled"
            elif frame.mode == "start":
                frame.mode = "literal"
            frame.words.append((token, at))
        case "quoted":
            frame.mode = "done" if frame.mode == "value" else "literal" if frame.mode == "start" else "done"
            frame.words = [(read_quoted(token, at).text, at)] if frame.mode == "literal" else []
        case "colon" | "compare":
            frame.take_field()
        case "open":
            value = frame.mode == "value"
            frames.append(_Frame(frame.inner, frame.field if value else frame.listed))
            frames[-1].expect()
        case "begin":
            frames.append(_Frame(inner=True))
        case "close" | "end":
            if len(frames) > 1:
                frames.pop()
            frames[-1].mode, frames[-1].words = "done", []
        case _:
            pass


def _plain_place(text: str, cursor: int, frame: _Frame, touching: bool) -> Place:
    found = WORD.match(text, cursor) if touching or frame.mode == "value" else None
    end = found.end() if found else cursor
    rest = {"inner": frame.inner, "listed": frame.listed is not None, "after": text[end:].lstrip()[:1]}
    if not touching:
        return Place(_next(frame), cursor, end, last=cursor, field=frame.field, **rest)  # type: ignore[arg-type]
    last = frame.words[-1][1]
    if frame.mode == "filled":
        start = frame.words[0][1]
        wanted = Wanted.VALUE
    else:
        start = last
        wanted = Wanted.JOIN if frame.mode == "done" else Wanted.EXPRESSION
    typed = read_literal(text[start:cursor], start).text
    return Place(wanted, start, end, typed, last, frame.field, **rest)  # type: ignore[arg-type]


def _next(frame: _Frame) -> Wanted:
    """What a blank or a piece of punctuation before the cursor leads to."""
    match frame.mode:
        case "start":
            return Wanted.EXPRESSION
        case "value":
            return Wanted.VALUE
        case "literal" if field_named(frame.words[-1][0]):
            frame.field = frame.words[-1][0]
            return Wanted.OPERATOR
        case _:
            return Wanted.JOIN


def _quoted_place(text: str, cursor: int, frame: _Frame, start: int) -> Place:
    """Inside quotes: all of them is replaced, up to the closing one where it stands in the same word."""
    closer = CLOSERS[text[start]]
    end = cursor
    while end < len(text) and not text[end].isspace() and text[end] != closer:
        end += 1
    end = end + 1 if text[end : end + 1] == closer else cursor
    typed = read_quoted(f"{text[start:cursor]}{closer}", start).text
    wanted = Wanted.VALUE if frame.mode == "value" else Wanted.EXPRESSION
    after = text[end:].lstrip()[:1]
    return Place(
        wanted, start, end, typed, start, frame.field, frame.inner, frame.listed is not None, quoted=True, after=after
    )
