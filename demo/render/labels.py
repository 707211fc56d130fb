"""Takes a text written as `Label: value. Label: value` apart, so that an API can hand the parts out by name."""

import re
from collections.abc import Sequence


def split_labels(text: str, labels: Sequence[str]) -> tuple[list[tuple[str, str]], str]:
    """The labelled parts in order, and all that stood under no label. Nothing is lost but the labels' colons."""
    longest_first = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
    start = re.compile(rf"(?:(?<=\. )|(?<=\n)|^)({longest_first}): ", re.MULTILINE)
    parts: list[tuple[str, str]] = []
    loose: list[str] = []
    for line in text.split("\n"):
        marks = list(start.finditer(line))
        loose.append(line[: marks[0].start()].strip() if marks else line.strip())
        for place, mark in enumerate(marks):
            end = marks[place + 1].start() if place + 1 < len(marks) else len(line)
            parts.append((mark[1], line[mark.end() : end].strip()))
    return parts, "\n".join(line for line in loose if line)
