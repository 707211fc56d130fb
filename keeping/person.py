"""A person whose data is to be erased: what is looked for, in which spellings, and what stands in its place.

个人信息保护法 第四十七条. What is masked keeps its length, so that the places of everything else hold.
"""

import base64
import re
import secrets
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from core.errors import UsageError

MARK = "*"
NAME = re.compile(r"^[\u3400-\u9fff·]{2,20}$")
PHONE = re.compile(r"^\d{7,12}$")
NUMBER = re.compile(r"^\d{14,17}[\dXx]$")
WIDE = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
BETWEEN = r"[ \-－—\u3000]?"
CHARSETS = ("utf-8", "gb18030")


@dataclass(frozen=True)
class Person:
    """At least one of them. name: as it is written.  phone: digits.  number: of the identity card."""

    name: str = ""
    phone: str = ""
    number: str = ""

    def __post_init__(self) -> None:
        """Raises UsageError for what could hit everything, or is no such thing."""
        if not any((self.name, self.phone, self.number)):
            raise UsageError("至少给出一项：--name、--phone、--id")
        for given, shape, what in (
            (self.name, NAME, "--name：姓名是 2 至 20 个汉字"),
            (self.phone, PHONE, "--phone：7 至 12 位数字，不带区号分隔"),
            (self.number, NUMBER, "--id：15 或 18 位身份证号"),
        ):
            if given and not shape.match(given):
                raise UsageError(what)

    @cached_property
    def spellings(self) -> tuple[str, ...]:
        """What the database is asked for: the plain one, full width, in groups."""
        found = [self.name] if self.name else []
        for digits in filter(None, (self.phone, self.number.upper(), self.number.lower())):
            found += [digits, digits.translate(WIDE)]
            if len(digits) == 11:
                found += [mark.join((digits[:3], digits[3:7], digits[7:])) for mark in " -"]
        return tuple(dict.fromkeys(found))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The same and every other way to part the digits."""
        parts = [re.escape(self.name)] if self.name else []
        for digits in filter(None, (self.phone, self.number)):
            letters = [f"[{one}{one.lower()}{one.upper().translate(WIDE)}]" for one in digits]
            parts.append(f"(?<![0-9０-９]){BETWEEN.join(letters)}(?![0-9０-９])")
        return re.compile("|".join(parts))

    def masked(self, text: str) -> str:
        """The text without the person, as long as before."""
        return self.pattern.sub(lambda found: MARK * len(found[0]), text)

    @cached_property
    def byte_spellings(self) -> tuple[bytes, ...]:
        """How pages hold it: in their charset, or escaped as JSON does."""
        plain = [one.encode(charset) for one in self.spellings for charset in CHARSETS]
        escaped = [one.encode("ascii", "backslashreplace") for one in self.spellings]
        return tuple(dict.fromkeys(one for one in (*plain, *escaped) if len(one) > 3))

    def masked_bytes(self, body: bytes) -> bytes:
        """A page without the person."""
        for spelling in sorted(self.byte_spellings, key=len, reverse=True):
            body = body.replace(spelling, MARK.encode() * len(spelling))
        return body

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
