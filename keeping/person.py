"""A person whose data is to be erased: what is looked for, in which spellings, and what stands in its place.

个人信息保护法 第四十七条. What is masked keeps its length, so that the places of everything else hold.
"""

import base64
import json
import re
import secrets
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from core.errors import UsageError

MARK = "*"
NAME = re.compile(r"[\u3400-\u9fff·]{2,20}")
PHONE = re.compile(r"[0-9]{7,12}")
NUMBER = re.compile(r"[0-9]{14,17}[0-9Xx]")
DOTS = str.maketrans("•・･．‧", "·····")
"""How the dot in names of some peoples is typed."""
WIDE = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
MARKS = " -－—"
"""What parts groups of digits."""
BETWEEN = r"[ \-－—\u3000)）]?"
ABROAD = r"(?:(?:\+|00)?86[ \-]?)?"
"""What stands before a number that is called from abroad."""
CHARSETS = ("utf-8", "gb18030")


@dataclass(frozen=True)
class Person:
    """At least one of them. name: as it is written.  phone: digits.  number: of the identity card."""

    name: str = ""
    phone: str = ""
    number: str = ""

    @classmethod
    def typed(cls, name: str = "", phone: str = "", number: str = "") -> "Person":
        """As people type it: in full width, with blanks, hyphens and brackets, with +86. Raises UsageError."""
        digits, code = ("".join(re.split(r"[\s()\-—]+", unicodedata.normalize("NFKC", one))) for one in (phone, number))
        return cls("".join(name.split()).translate(DOTS), re.sub(r"^(\+|00)86", "", digits), code)

    def __post_init__(self) -> None:
        """Raises UsageError for what could hit everything, or is no such thing."""
        if not any((self.name, self.phone, self.number)):
            raise UsageError("至少给出一项：--name、--phone、--id")
        for given, shape, what in (
            (self.name, NAME, "--name：姓名是 2 至 20 个汉字"),
            (self.phone, PHONE, "--phone：7 至 12 位数字，固定电话连区号"),
            (self.number, NUMBER, "--id：15 或 18 位身份证号"),
        ):
            if given and not shape.fullmatch(given):
                raise UsageError(what)

    @cached_property
    def spellings(self) -> tuple[str, ...]:
        """What the database is asked for: the plain one, full width, in groups."""
        found = [self.name] if self.name else []
        for digits in filter(None, (self.phone, self.number.upper(), self.number.lower())):
            parts = _groups(digits)
            found += [digits, digits.translate(WIDE), *(mark.join(parts) for mark in MARKS)]
            if digits.startswith("0") and len(parts) == 2:
                found += [mark.join(parts) for mark in ")）"]
        return tuple(dict.fromkeys(found))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The same and every other way to part the digits."""
        parts = [re.escape(self.name)] if self.name else []
        for digits, before in ((self.phone, ABROAD), (self.number, "")):
            if digits:
                letters = [f"[{one}{one.lower()}{one.upper().translate(WIDE)}]" for one in digits]
                parts.append(f"(?<![0-9０-９]){before}{BETWEEN.join(letters)}(?![0-9０-９])")
        return re.compile("|".join(parts))

    def masked(self, text: str, mark: str = MARK) -> str:
        """The text without the person, as long as before."""
        return self.pattern.sub(lambda found: mark * len(found[0]), text)

    def masked_name(self, name: str) -> str:
        """The name of a file without the person: not every system takes a star in one."""
        return self.masked(name, "_")

    def masked_json(self, text: str) -> str:
        """The same for JSON as it is stored: in its strings. Its numbers are places and counts of ours."""
        return json.dumps(self._walked(json.loads(text)), ensure_ascii=False, separators=(",", ":"))

    def _walked(self, value: Any) -> Any:
        match value:
            case str():
                return self.masked(value)
            case list():
                return [self._walked(one) for one in value]
            case dict():
                return {self.masked(name): self._walked(one) for name, one in value.items()}
        return value

    @cached_property
    def byte_spellings(self) -> tuple[bytes, ...]:
        """How pages hold it: in their charset, escaped as JSON does, or by numbers as HTML does."""
        return tuple(dict.fromkeys(one for spelling in self.spellings for one in _in_bytes(spelling) if len(one) > 3))

    @cached_property
    def byte_pattern(self) -> re.Pattern[bytes]:
        """The same, the longest first; digits that go on are another's number."""
        parts = []
        for spelling in sorted(self.byte_spellings, key=len, reverse=True):
            plain = re.escape(spelling)
            before = ABROAD.encode() if spelling[:1].isdigit() else b""
            parts.append(b"(?<![0-9])%s%s(?![0-9])" % (before, plain) if spelling[:1].isdigit() else plain)
        return re.compile(b"|".join(parts))

    def is_in(self, body: bytes) -> bool:
        """Whether a page names the person."""
        return any(one in body for one in self.byte_spellings) and self.byte_pattern.search(body) is not None

    def masked_bytes(self, body: bytes) -> bytes:
        """A page without the person."""
        return self.byte_pattern.sub(lambda found: MARK.encode() * len(found[0]), body)

    def fingerprint(self) -> str:
        """For the audit log: who has the same data can tell that it was erased (`is_of`), nobody else can read it."""
        salt = secrets.token_bytes(16)
        return f"{base64.b64encode(salt).decode()}:{self._digest(salt)}"

    def is_of(self, fingerprint: str) -> bool:
        """Whether a line of the audit log is about this person, as it was given then."""
        salt, _, digest = fingerprint.partition(":")
        return secrets.compare_digest(self._digest(base64.b64decode(salt)), digest)

    def _digest(self, salt: bytes) -> str:
        told = "\n".join((self.name, self.phone, self.number.upper())).encode()
        return base64.b64encode(Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(told)).decode()


def _groups(digits: str) -> tuple[str, ...]:
    """How people part a mobile number, a number with its area code, a service number, an identity card."""
    if len(digits) in (15, 18):
        cuts: tuple[int, ...] = (6, len(digits) - 4)
    elif digits.startswith("0") and len(digits) >= 10:
        cuts = (3 if digits[1] in "12" else 4,)
    else:
        cuts = {11: (3, 7), 10: (3, 6)}.get(len(digits), ())
    ends = (0, *cuts, len(digits))
    return tuple(digits[start:end] for start, end in pairwise(ends))


def _in_bytes(spelling: str) -> Iterator[bytes]:
    yield from (spelling.encode(charset) for charset in CHARSETS)
    escaped = spelling.encode("ascii", "backslashreplace")
    yield from (escaped, re.sub(rb"(?<=\\u)[0-9a-f]{4}", lambda found: found[0].upper(), escaped))
    yield spelling.encode("ascii", "xmlcharrefreplace")
