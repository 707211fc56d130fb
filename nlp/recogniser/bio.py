"""Labels of characters (BIO) and spans, one way and back."""

from collections.abc import Iterable, Sequence

from nlp.recogniser.load import FirmSpan


def to_bio(length: int, spans: Iterable[tuple[int, int]], label: str = "FIRM") -> list[str]:
    """One label a character. Spans are half open and must not overlap."""
    tags = ["O"] * length
    for start, end in spans:
        tags[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
    return tags


def spans_of(tags: Sequence[str], scores: Sequence[float], labels: Iterable[str]) -> list[FirmSpan]:
    """The spans of `labels`; a span's score is its lowest. An `I-` that follows nothing of its kind begins a span."""
    wanted = set(labels)
    found: list[FirmSpan] = []
    start, kind = 0, ""
    for place, tag in enumerate([*tags, "O"]):
        prefix, _, label = tag.partition("-")
        if kind and (prefix != "I" or label != kind):
            found.append(FirmSpan(start, place, min(scores[start:place])))
            kind = ""
        if not kind and prefix in ("B", "I") and label in wanted:
            start, kind = place, label
    return found
