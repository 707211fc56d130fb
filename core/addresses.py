"""Addresses in a form in which the same place written twice is the same text."""

import re
import unicodedata

_NOTE = re.compile(r"\([^()]*\)$")
_ABOVE = re.compile(
    r"^(?:中国)?(?:[\u4e00-\u9fff]{2,8}?(?:省|自治区))?(?:[\u4e00-\u9fff]{2,6}?市(?=[\u4e00-\u9fff]{1,6}[区县市])){0,2}"
)
_BETWEEN = re.compile(r"[\s,.;:、，。；：·\-—_]+")
LEAST = 4  # shorter ones name no place of their own


def plain_address(text: str) -> str:
    """红谷滩区创新一路88号3栋 for 江西省南昌市红谷滩区 创新一路８８号3栋（一址多照）; empty where too little is left.

    Only the writing is made even: province and cities before a district, blanks, marks and a note at the end go. Two
    cities may have a district of the same name: compare within one prefecture.
    """
    even = _NOTE.sub("", _BETWEEN.sub("", unicodedata.normalize("NFKC", text).strip()).lower())
    even = _ABOVE.sub("", even, count=1)
    return even if len(even) >= LEAST else ""
