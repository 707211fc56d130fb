"""Secrets that have to be read again, encrypted where they lie: AES-256-GCM under a key that is not in the database.

The key comes from the environment (FENGSUI_SECOND_FACTOR_KEY, or _FILE) or from a file in the data folder that is made
on first use, for its owner alone. The row's own name is bound in: a secret that is copied to another account does not
open. What was stored plain before reads as it is, until it is sealed.
"""

import base64
import binascii
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import StoreError

FILE = "second_factor.key"
SETTING = "FENGSUI_SECOND_FACTOR_KEY"
MARK = "v1:"
NONCE, KEY = 12, 32
REMEDY = (
    f"请从备份恢复该密钥（文件，或 {SETTING}、{SETTING}_FILE）；无法恢复的，用恢复码登录，"
    "或由管理员运行 fengsui user two-step-off <账号> 后重新设置"
)


@dataclass(frozen=True)
class Vault:
    """given: the key as base64 from the settings; empty: it lies, or will lie, at `path`."""

    path: Path
    given: str = ""

    def seal(self, name: str, secret: str, *, first: Callable[[], bool]) -> str:
        """Encrypt. first: whether nothing was sealed before, so that a key may be made. Raises StoreError."""
        nonce = secrets.token_bytes(NONCE)
        sealed = AESGCM(self._key(first)).encrypt(nonce, secret.encode(), name.encode())
        return MARK + base64.b64encode(nonce + sealed).decode()

    def open(self, name: str, stored: str) -> str:
        """Decrypt; what is not sealed comes back as it is. Raises StoreError that names the remedy."""
        if not is_sealed(stored):
            return stored
        key = self._key(lambda: False)
        try:
            raw = base64.b64decode(stored.removeprefix(MARK), validate=True)
            return AESGCM(key).decrypt(raw[:NONCE], raw[NONCE:], name.encode()).decode()
        except (InvalidTag, ValueError) as problem:
            raise StoreError(f"两步验证的密钥打不开账号 {name} 的密文：密钥不是当初那一把。{REMEDY}") from problem

    def _key(self, first: Callable[[], bool]) -> bytes:
        if self.given:
            return decoded_key(self.given, SETTING)
        if not self.path.exists() and first():
            make_key_file(self.path)
        try:
            return decoded_key(self.path.read_text(encoding="ascii").strip(), str(self.path))
        except FileNotFoundError:
            raise StoreError(f"两步验证的密钥 {self.path} 不在。{REMEDY}") from None
        except (OSError, UnicodeDecodeError) as problem:
            raise StoreError(f"两步验证的密钥 {self.path} 读不出（{problem}）。{REMEDY}") from problem


def make_key_file(path: Path) -> None:
    """Write a key beside and link it into place: whoever is second takes the first one's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(KEY)) + b"\n")
    try:
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        beside.unlink()


def is_sealed(stored: str) -> bool:
    """Whether a stored secret is encrypted."""
    return stored.startswith(MARK)


def decoded_key(text: str, where: str, remedy: str = REMEDY) -> bytes:
    """The 32 bytes of a key in base64. Raises StoreError that names the remedy."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY:
        raise StoreError(f"{where}：须为 32 字节的 base64，可用 openssl rand -base64 32 生成。{remedy}")
    return key
