"""Titles cut into lines of about the same length, by sense where there is such a place near."""

import re
from collections.abc import Sequence

ENDS = (*"的、，：）》”", "安全", "隐患", "产品", "公司", "情况", "有关", "工作")
"""Behind these a title may be cut."""
WITHIN = re.compile(r"[A-Za-z0-9.-]")
"""Two of these are never parted: a model, a number."""


def broken(title: str, cuts: Sequence[str] = (), most: int = 19) -> list[str]:
    """A title in lines of about the same length, cut by sense where there is such a place near."""
    if len(title) <= most:
        return [title]
    lines = -(-len(title) // most)
    found, rest = [], title
    for left in range(lines, 1, -1):
        want = len(rest) // left + (len(rest) % left > 0)
        near = [
            place for place in range(max(4, want - 5), min(len(rest) - 2, want + 6, most + 1))
            if not (WITHIN.match(rest[place - 1]) and WITHIN.match(rest[place])) and rest[place] not in "，。、）》”的"
        ]  # fmt: skip
        good = [place for place in near if cuts and rest[:place].endswith(tuple(cuts))]
        places = [place for place in near if rest[:place].endswith(ENDS)]
        cut = min(good or places or near, key=lambda place: abs(place - want), default=want)
        found.append(rest[:cut])
        rest = rest[cut:]
    return [*found, rest]
