"""Keys of the data folder in a backup: sealed with a passphrase, or left out.

They are the keys of second factors and of links in mails; whoever has them and the database can pass the second step.
AES-256-GCM under a key that scrypt makes of the passphrase; what is sealed is one JSON object, name to base64.
"""

import base64
import json
import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from core.errors import UsageError

MARK = b"fengsui-keys-1\n"
SALT, NONCE = 16, 12
LEAST = 16
SETTING = "FENGSUI_BACKUP_KEY"


def seal(keys: Mapping[str, bytes], passphrase: str) -> bytes:
    """Encrypt. Raises UsageError where the passphrase is shorter than 16 signs."""
    if len(passphrase) < LEAST:
        raise UsageError(f"{SETTING} 太短：至少 {LEAST} 个字符")
    salt, nonce = secrets.token_bytes(SALT), secrets.token_bytes(NONCE)
    plain = json.dumps({name: base64.b64encode(body).decode() for name, body in sorted(keys.items())}).encode()
    return MARK + salt + nonce + AESGCM(_key(passphrase, salt)).encrypt(nonce, plain, MARK)


def unseal(sealed: bytes, passphrase: str) -> dict[str, bytes]:
    """Decrypt. Raises UsageError where the passphrase is another one, or the bytes were changed."""
    rest = sealed.removeprefix(MARK)
    salt, nonce, body = rest[:SALT], rest[SALT : SALT + NONCE], rest[SALT + NONCE :]
    try:
        plain = AESGCM(_key(passphrase, salt)).decrypt(nonce, body, MARK)
    except InvalidTag:
        raise UsageError(f"备份里的密钥打不开：{SETTING} 不是备份时的那一个") from None
    return {name: base64.b64decode(body) for name, body in json.loads(plain).items()}


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode())
