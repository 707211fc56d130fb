"""How much a decoded text looks like one that somebody wrote: what tells a right charset from a wrong one."""

import re
from itertools import islice

MAX_RUNS = 600
RUN = re.compile(r"[^\x00-\x7f]{1,200}")
_LEVEL_1 = bytes(byte for lead in range(0xB0, 0xD8) for trail in range(0xA1, 0xFF) for byte in (lead, trail))
_TRAILS = (*range(0x40, 0x7F), *range(0xA1, 0xFF))
_BIG5_LEVEL_1 = bytes(byte for lead in range(0xA4, 0xC7) for trail in _TRAILS for byte in (lead, trail))
COMMON = frozenset(_LEVEL_1.decode("gb2312", "ignore") + _BIG5_LEVEL_1.decode("big5", "ignore"))
"""The frequent characters by GB 2312 level 1 and Big5 level 1; text read in a wrong charset leaves them."""
WINDOWS_MARKS = frozenset("\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u2022\u20ac\u2122\u0152\u0153")
ONE_SCRIPT = re.compile(
    "[\u0370-\u03ff]{3,}|[\u0400-\u052f]{3,}|[\u0590-\u05ff]{3,}|[\u0600-\u06ff]{3,}|[\u0e00-\u0e7f]{3,}"
)
"""Words in Greek, Cyrillic, Hebrew, Arabic, Thai; by chance such letters come alone."""
WEIGHTS = (
    (0x80, 0xA0, -1.0),  # C1 controls
    (0x370, 0x530, 0.5),  # Greek and Cyrillic among others; words of one script are found before
    (0x2010, 0x2040, 1.0),
    (0x3000, 0x3040, 1.0),
    (0x3040, 0x3100, 1.0),
    (0x4E00, 0xA000, 0.2),  # rare ideographs; the common ones are found before
    (0xAC00, 0xD7A4, 1.0),
    (0xE000, 0xF900, -1.0),  # private use: holes of GBK and Big5
    (0xFF01, 0xFF5F, 1.0),
    (0xFF61, 0xFFA0, 0.0),  # half-width kana: GBK read as Shift_JIS
    (0xFFE0, 0xFFE7, 1.0),
    (0xFFF0, 0x10000, -1.0),  # U+FFFD
    (0x1F000, 0x1FB00, 1.0),
)


def plausible(text: str) -> float:
    """-1 to 1: the mean weight of the characters beyond ASCII; 1 where there are none."""
    total, good = 0, 0.0
    for run in islice(RUN.finditer(text), MAX_RUNS):
        total += len(run[0])
        good += _weight_of_run(text, run)
    return good / total if total else 1.0


def _weight_of_run(text: str, run: re.Match[str]) -> float:
    chars = run[0]
    if all(char < "\u0180" or char in WINDOWS_MARKS for char in chars):
        return (
            float(len(chars))
            if is_western(text[max(run.start() - 1, 0) : run.start()], chars, text[run.end() : run.end() + 1])
            else 0.0
        )
    if ONE_SCRIPT.fullmatch(chars):
        return float(len(chars))
    return sum(1.0 if char in COMMON else _weight(char) for char in chars)


def is_western(before: str, chars: str, after: str) -> bool:
    """Whether a short run beyond ASCII is a letter of a Western word or a single sign, as in café, 20 °C or it’s."""
    if any("\x80" <= char < "\xa0" for char in chars):
        return False
    letters = "".join(char for char in chars if char not in WINDOWS_MARKS)
    if len(letters) <= 1:
        return len(chars) <= 3
    return len(chars) == 2 and letters.isalpha() and (before.isalpha() or after.isalpha())


def _weight(char: str) -> float:
    code = ord(char)
    return next((weight for start, end, weight in WEIGHTS if start <= code < end), 0.3)
