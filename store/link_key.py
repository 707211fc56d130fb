"""Signs what a link in a mail stands for: HMAC-SHA256 under a key that is not in the database.

The key is derived from FENGSUI_SECOND_FACTOR_KEY where that is set, else it lies in a file of the data folder that is
made on first use, for its owner alone. A link names a delivery and the day it ends; who changes either breaks it.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal

from core.errors import StoreError
from store.vault import decoded_key, make_key_file

FILE = "mail_links.key"
Purpose = Literal["receipt", "off"]
LASTS: dict[Purpose, timedelta] = {"receipt": timedelta(days=14), "off": timedelta(days=90)}
LABEL = b"fengsui mail links"
FORM = re.compile(r"(n[0-9a-f]{16}(?:-\d{1,3})?)\.([0-9a-f]{1,10})\.([A-Za-z0-9_-]{27})", re.ASCII)
REMEDY = "请从备份恢复该文件；没有备份的，删除它，会重新生成，此前邮件中的链接随之失效"


@dataclass(frozen=True)
class LinkKey:
    """given: the key of the settings as base64; empty: it lies, or will lie, at `path`."""

    path: Path
    given: str = ""

    def token(self, purpose: Purpose, delivery: str, made_at: datetime) -> str:
        """What stands in the link; the same for the same delivery. Raises StoreError where the key cannot be used."""
        until = f"{int((made_at + LASTS[purpose]).timestamp()):x}"
        return f"{delivery}.{until}.{self._sign(purpose, delivery, until)}"

    def delivery_of(self, purpose: Purpose, token: str, now: datetime) -> str | None:
        """The delivery that a link stands for; None where it is not ours or is over."""
        parts = FORM.fullmatch(token)
        if parts is None or not hmac.compare_digest(self._sign(purpose, parts[1], parts[2]), parts[3]):
            return None
        return parts[1] if now < datetime.fromtimestamp(int(parts[2], 16), UTC) else None

    def _sign(self, purpose: Purpose, delivery: str, until: str) -> str:
        told = "|".join((purpose, delivery, until)).encode()
        return base64.urlsafe_b64encode(hmac.digest(self._key, told, hashlib.sha256)[:20]).decode().rstrip("=")

    @cached_property
    def _key(self) -> bytes:
        if self.given:
            return hmac.digest(decoded_key(self.given, "FENGSUI_SECOND_FACTOR_KEY"), LABEL, hashlib.sha256)
        try:
            if not self.path.exists():
                make_key_file(self.path)
            return decoded_key(self.path.read_text(encoding="ascii").strip(), str(self.path), REMEDY)
        except (OSError, UnicodeDecodeError) as problem:
            raise StoreError(f"邮件链接的密钥 {self.path} 不能用（{problem}）。{REMEDY}") from problem
