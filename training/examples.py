"""Labelled sentences: the format users may bring, and how it is read."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import UsageError
from nlp.normalize import normalize

LONGEST = 400  # characters of a sentence that are learned from


@dataclass(frozen=True)
class Example:
    """One sentence in normalised form. group: what must not be split over folds; source: where it is from."""

    text: str
    spans: tuple[tuple[int, int], ...]
    group: str = ""
    source: str = "user"


def read_examples(path: Path, labels: Iterable[str] = ("FIRM",)) -> list[Example]:
    """Labelled sentences of a file.

    `.jsonl`: {"text": ..., "spans": [[start, end], ...]}, or CLUENER's {"text", "label": {type: {surface: [[first,
    last], ...]}}}; else BIO: a character, a blank or tab and its tag (B-X, I-X, O) a line, a blank line between
    sentences. labels: the types that are firms, for the formats that have types. Raises UsageError with the line.
    """
    wanted = set(labels)
    reader = _json_lines(path, wanted) if path.suffix in (".jsonl", ".json") else _bio_lines(path, wanted)
    found = [_normal(text, spans, f"{path}: line {number}") for number, text, spans in reader]
    if not any(example.spans for example in found):
        raise UsageError(f"{path}: no labelled firm (types that count: {', '.join(sorted(wanted))})")
    return found


def _normal(text: str, spans: list[tuple[int, int]], where: str) -> Example:
    """The example with its spans moved to the normalised text."""
    whole = normalize(text)
    ordered = sorted(spans)
    for (start, end), following in zip(ordered, [*ordered, (len(text), 0)][1:], strict=True):
        if not 0 <= start < end <= min(len(text), following[0]):
            raise UsageError(f"{where}: span {start}-{end} lies outside the text or overlaps the next")
    moved = ((whole.place(start), whole.place(end)) for start, end in ordered)
    text = whole.text[:LONGEST]
    return Example(text, tuple((start, end) for start, end in moved if start < end <= len(text)), group=where)


def _json_lines(path: Path, wanted: set[str]) -> Iterator[tuple[int, str, list[tuple[int, int]]]]:
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            spans = _typed(row["label"], wanted) if "label" in row else [(int(s), int(e)) for s, e in row["spans"]]
            text = str(row["text"])
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise UsageError(f'{path}: line {number}: not {{"text", "spans"}} ({problem})') from problem
        yield number, text, spans


def _typed(label: dict[str, Any], wanted: set[str]) -> list[tuple[int, int]]:
    return [
        (int(first), int(last) + 1)
        for kind in wanted & set(label)
        for places in label[kind].values()
        for first, last in places
    ]


def _bio_lines(path: Path, wanted: set[str]) -> Iterator[tuple[int, str, list[tuple[int, int]]]]:
    chars: list[str] = []
    tags: list[str] = []
    for number, line in enumerate([*_lines(path), ""], 1):
        cells = line.split()
        if len(cells) == 2 and len(cells[0]) == 1 and (cells[1] == "O" or cells[1][:2] in ("B-", "I-")):
            chars.append(cells[0])
            tags.append(cells[1])
        elif cells:
            raise UsageError(f"{path}: line {number}: not a character and its tag (B-X, I-X, O): {line[:40]!r}")
        elif chars:
            yield number, "".join(chars), _bio_spans(tags, wanted)
            chars, tags = [], []


def _bio_spans(tags: list[str], wanted: set[str]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    kind = ""
    for place, tag in enumerate(tags):
        prefix, _, label = tag.partition("-")
        if prefix == "I" and label == kind and spans:
            spans[-1] = (spans[-1][0], place + 1)
            continue
        kind = label if label in wanted else ""
        if kind:
            spans.append((place, place + 1))
    return spans


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as problem:
        raise UsageError(f"{path}: not UTF-8 ({problem.reason} at byte {problem.start})") from problem
