"""The sentence of a text that says most of what counts, and what is named in it: what pages and mails quote."""

import re
from collections.abc import Iterable, Sequence
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


def pieces(text: str, mentions: Iterable[Mention], start: int, end: int) -> list[tuple[str, str]]:
    """text[start:end] cut into (piece, kind); kind: empty, or of KINDS, or `not` for what is denied.

    Of two mentions that overlap the first, longer one stays.
    """
    found, at = list[tuple[str, str]](), start
    for mention in sorted(mentions, key=lambda m: (m.start, -m.end)):
        if mention.start < at or mention.end > end:
            continue
        if mention.start > at:
            found.append((text[at : mention.start], ""))
        found.append((text[mention.start : mention.end], "not" if mention.negated else KINDS[mention.type]))
        at = mention.end
    if at < end:
        found.append((text[at:end], ""))
    return found


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
    ranked = sorted(((_gravity(one), one) for one in origins), key=lambda told: -told[0])[:most]
    return sorted((_quote(one, chars) for _, one in ranked), key=lambda told: told.at)


def _gravity(signal: Signal) -> int:
    text, mentions = shown_text(signal.document, signal.analysis), signal.analysis.mentions
    told = weight(mentions, *telling_part(text, mentions))
    return min(told, 1) * (10 * signal.analysis.level + told)


def _quote(signal: Signal, chars: int) -> Quoted:
    document, analysis = signal.document, signal.analysis
    text, mentions = shown_text(document, analysis), analysis.mentions
    start, end = telling_part(text, mentions)
    title = shown_title(document, analysis)
    if not weight(mentions, start, end) and title == document.title:
        text, mentions, start, end = title, analysis.title_mentions, 0, len(title)
    cut = min(end, start + chars)
    told = pieces(text, mentions, start, cut)
    if cut < end:
        told.append(("…", ""))
    return Quoted(document.id, document.source, document.event_time, title, tuple(told))
