"""The unified social credit code of GB 32100-2015: cleaned, and checked by its last character."""

import unicodedata
from operator import mul

SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""Digits and capital letters without I, O, S, V, Z (GB 32100-2015, 4.1)."""
LENGTH = 18
_VALUE = {sign: value for value, sign in enumerate(SIGNS)}
_SIGNS = frozenset(SIGNS)
_WEIGHTS = tuple(pow(3, place, 31) for place in range(LENGTH - 1))
_DASHES = str.maketrans("", "", " \t\u00a0-‐‑–—.")


def clean_code(text: str) -> str:
    """Full width, lower case, blanks and dashes are taken away; nothing is guessed."""
    if text.isascii() and text.isalnum() and text.isupper():
        return text
    return unicodedata.normalize("NFKC", text).upper().translate(_DASHES).strip()


def check_sign(code: str) -> str:
    """The last character that belongs to the first 17; empty where one of them cannot stand in a code."""
    try:
        total = sum(map(mul, map(_VALUE.__getitem__, code[: LENGTH - 1]), _WEIGHTS))
    except KeyError:
        return ""
    return SIGNS[-total % 31]


def code_mistake(code: str) -> str:
    """What is wrong with a cleaned code, in words; empty where it holds."""
    if len(code) != LENGTH:
        return f"统一社会信用代码应为 18 位，实为 {len(code)} 位：{code[:30]}"
    if not _SIGNS.issuperset(code):
        odd = "".join(dict.fromkeys(sign for sign in code if sign not in _VALUE))
        return f"统一社会信用代码中有不会出现的字符 {odd}：{code}"
    if (right := check_sign(code)) != code[-1]:
        return f"统一社会信用代码校验位不符（按前 17 位应为 {right}）：{code}"
    return ""
