"""How many pieces: numbers as agencies write them, English, European and Chinese."""

import re
import unicodedata

_DIGITS = r"\d{1,3}(?:[,\s\u00a0\u202f']\d{3})+|\d{1,3}(?:\.\d{3}){2,}|\d+"
_NUMBER = re.compile(
    rf"(?<![A-Za-z0-9.])(?<![A-Za-z]-)({_DIGITS})(\.\d+)?\s*(million|thousand|hundred|[万千百亿余多]+|[mk]\b)?",
    re.IGNORECASE,
)
_RANGE = re.compile(r"(?:\bto\b|\band\b|-|–|—|~|至|到)", re.IGNORECASE)
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_SCALE = {
    "million": 10**6, "m": 10**6, "thousand": 1000, "k": 1000, "hundred": 100,
    "亿": 10**8, "万": 10**4, "千": 1000, "百": 100,
}  # fmt: skip
_HAN = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_HAN_UNITS = {"十": 10, "百": 100, "千": 1000}
_HAN_NUMBER = re.compile(
    r"[一二两三四五六七八九十][零〇一二两三四五六七八九十百千万]*"
    r"(?=[余多]?[台辆件个只套批支条双把瓶盒部组具块副张盏枚顶桶包袋片根对床])"
)
MOST = 10**12


def read_quantity(text: str) -> int | None:
    """Pieces in all, or None where no number is given.

    What stands in brackets is an aside (`3,200 (in addition, about 400 in Canada)` is 3,200). Of a range the larger.
    Several lines or parts divided by `;` are added up, the same part said twice counts once.
    """
    plain = unicodedata.normalize("NFKC", text)
    parts = dict.fromkeys(part.strip() for part in re.split(r"[;\n]", plain) if part.strip())
    numbers = [number for part in parts if (number := _one(part)) is not None]
    return sum(numbers) if numbers else None


def _one(text: str) -> int | None:
    outside = _ASIDE.sub(" ", text)
    found = _numbers(outside) or _numbers(text)
    if not found:
        return None
    numbers = [value for value, _, _ in found]
    if len(found) > 1 and _RANGE.fullmatch(outside[found[0][2] : found[1][1]].strip() or "x"):
        return max(numbers[:2])
    return numbers[0]


def _numbers(text: str) -> list[tuple[int, int, int]]:
    """Value, start and end of each number; years of a date and parts of a model are none."""
    found = []
    for match in _NUMBER.finditer(text):
        whole, decimals, scale = match.groups()
        after = text[match.end() :].lstrip()[:1]
        if after in ("年", "月", "日", "%", "/") or (decimals and not scale):
            continue
        factor = 1
        for unit in re.findall(r"[a-z]+|[亿万千百]", (scale or "").lower()):
            factor *= _SCALE.get(unit, 1)
        value = float(re.sub(r"[^\d]", "", whole) + (decimals or "")) * factor
        if value <= MOST:
            found.append((round(value), match.start(), match.end()))
    if not found:
        found = [(_han(match[0]), match.start(), match.end()) for match in _HAN_NUMBER.finditer(text)]
    return found


def _han(text: str) -> int:
    """The value of a number in Chinese numerals: 一万二千三百 is 12300."""
    total = section = digit = 0
    for letter in text:
        if letter in _HAN:
            digit = _HAN[letter]
        elif letter in _HAN_UNITS:
            section += (digit or 1) * _HAN_UNITS[letter]
            digit = 0
        elif letter == "万":
            total += (section + digit) * 10**4
            section = digit = 0
    return total + section + digit
