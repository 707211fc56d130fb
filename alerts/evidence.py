"""The sentence of a text that says most of what counts, and what is named in it: what pages and mails quote."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.records import Mention, MentionType, Signal
from pipelines.shown import shown_text, shown_title

KINDS = {
    MentionType.PRODUCT: "product",
    MentionType.BRAND: "product",
    MentionType.MODEL: "product",
    MentionType.STANDARD: "product",
    MentionType.ENTERPRISE: "firm",
    MentionType.ISSUE: "issue",
    MentionType.CASUALTY: "issue",
    MentionType.REGION: "region",
    MentionType.TOWN: "region",
}
WEIGHTS = {"issue": 3, "firm": 2, "product": 1, "region": 1}
SENTENCE = re.compile(r"[^。！？!?\n]+[。！？!?]?")
SHORT, LONG = 40, 160


def weight(mentions: Iterable[Mention], start: int, end: int) -> int:
    """How much a stretch of text tells: different asserted things named in it, what went wrong first."""
    inside = {(m.type, m.id_or_norm) for m in mentions if not m.negated and start <= m.start < end}
    return sum(WEIGHTS[KINDS[kind]] for kind, _ in inside)


def telling_part(text: str, mentions: Sequence[Mention]) -> tuple[int, int]:
    """(start, end) of the sentence that names most of what counts; a short one takes the next along."""
    sentences = [(m.start(), m.end()) for m in SENTENCE.finditer(text) if m[0].strip()]
    if not sentences:
        return 0, min(len(text), LONG)

    best = max(range(len(sentences)), key=lambda i: weight(mentions, *sentences[i]))
    start, end = sentences[best]
    for _, further in sentences[best + 1 :]:
        if end - start >= SHORT or further - start > LONG:
            break
        end = further
    return start, end


def cut(text: str, mentions: Iterable[Mention], start: int, end: int) -> Iterator[tuple[str, Mention | None]]:
    """text[start:end] in pieces, each with what it mentions, if anything.

    Of two mentions that overlap the first, longer one stays.
    """
    at = start
    for mention in sorted(mentions, key=lambda m: (m.start, -m.end)):
        if mention.start < at or mention.end > end:
            continue
        if mention.start > at:
            yield text[at : mention.start], None
        yield text[mention.start : mention.end], mention
        at = mention.end
    if at < end:
        yield text[at:end], None


def pieces(text: str, mentions: Iterable[Mention], start: int, end: int) -> list[tuple[str, str]]:
    """text[start:end] cut into (piece, kind); kind: empty, or of KINDS, or `not` for what is denied."""
    return [(piece, _kind(mention) if mention else "") for piece, mention in cut(text, mentions, start, end)]


def _kind(mention: Mention) -> str:
    return "not" if mention.negated else KINDS[mention.type]


@dataclass(frozen=True)
class Telling:
    """The part of a signal's text that says most, masked; its title where the body names nothing (a hot-list line).

    weight: of this part.  body: of the best sentence of the body.
    """

    signal: Signal
    title: str
    text: str
    mentions: Sequence[Mention]
    start: int
    end: int
    weight: int
    body: int


def telling_of(signal: Signal) -> Telling:
    """What a signal says most plainly."""
    document, analysis = signal.document, signal.analysis
    text, title = shown_text(document, analysis), shown_title(document, analysis)
    start, end = telling_part(text, analysis.mentions)
    body = weight(analysis.mentions, start, end)
    if body or title != document.title:
        return Telling(signal, title, text, analysis.mentions, start, end, body, body)
    told = weight(analysis.title_mentions, 0, len(title))
    return Telling(signal, title, title, analysis.title_mentions, 0, len(title), told, body)


def gravity(told: int, level: int) -> int:
    """By how much a part of that weight goes before others: the level first; 0 where it names nothing."""
    return min(told, 1) * (10 * level + told)


@dataclass(frozen=True)
class Quoted:
    """What one independent origin says. pieces: (text, kind) as `pieces` cuts it; masked."""

    document: str
    source: str
    at: datetime
    title: str
    pieces: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """The sentence without marks."""
        return "".join(piece for piece, _ in self.pieces)


def quoted(signals: Sequence[Signal], most: int, *, chars: int = LONG) -> list[Quoted]:
    """The telling sentences of the origins that say most, oldest first. chars: of one at most."""
    origins = [one for one in signals if one.document.repost_of is None and one.document.withdrawn_at is None]
    told = sorted(map(telling_of, origins), key=lambda one: -gravity(one.body, one.signal.analysis.level))
    return sorted((_quote(one, chars) for one in told[:most]), key=lambda one: one.at)


def _quote(told: Telling, chars: int) -> Quoted:
    document, shown = told.signal.document, min(told.end, told.start + chars)
    parts = pieces(told.text, told.mentions, told.start, shown)
    if shown < told.end:
        parts.append(("…", ""))
    return Quoted(document.id, document.source, document.event_time, told.title, tuple(parts))
