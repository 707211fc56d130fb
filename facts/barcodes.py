"""Article numbers (GTIN: EAN-8, UPC-A, EAN-13, ITF-14): digits out of text, and whether the check digit is right."""

import re

_CODE = re.compile(r"(?<!\d)\d(?:[ -]?\d){5,13}(?!\d)")


def read_barcodes(text: str) -> tuple[str, ...]:
    """Runs of 6 to 14 digits, blanks and hyphens in them taken out, in order, once each; check digits unproved."""
    return tuple(dict.fromkeys(re.sub(r"\D", "", found[0]) for found in _CODE.finditer(text)))


def is_gtin(code: str) -> bool:
    """Whether a code has the length and the check digit of an article number (GS1 General Specifications, 7.9)."""
    if len(code) not in (8, 12, 13, 14) or not code.isdecimal() or not int(code):
        return False
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(code)))
    return weighted % 10 == 0


def gtin14(code: str) -> str:
    """The one form in which the codes of an article compare: `0` in front up to 14 digits."""
    return code.zfill(14)
