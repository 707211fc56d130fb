"""The second step of signing in: time codes (RFC 6238: SHA-1, 30 s, six digits) and recovery codes.

A time code works once: the newest used step is kept, and only later ones pass. Tries are charged before the code is
looked at and have a lock of their own, which a right password does not lift. The secret lies in the store encrypted
(store/vault.py), since codes are computed from it; recovery codes lie there as argon2 hashes, and work without the key.
"""

import base64
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha1
from urllib.parse import quote

from sqlalchemy import Connection, RowMapping, and_, delete, func, select, update

from core.errors import UsageError
from store.database import Store
from store.schema import recovery_codes, second_factors
from store.users import LOCK, MAX_FAILURES, hash_secret, matches
from store.vault import Vault, is_sealed

STEP_SECONDS = 30
DIGITS = 6
AROUND = 1
"""Steps before and after now that pass too: clocks of phones are off by some seconds."""
CODES = 10
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
"""Of recovery codes: none that reads like another."""


@dataclass(frozen=True)
class SecondFactor:
    """What an account has set up. sealed: the secret as it is stored.  left: unused recovery codes."""

    sealed: str
    confirmed_at: datetime | None
    left: int


@dataclass(frozen=True)
class CodeAttempt:
    """The outcome of a code. left: further tries before the lock.  recovery: a recovery code was used up."""

    right: bool
    left: int = 0
    locked_until: datetime | None = None
    recovery: bool = False


def time_code(secret: str, step: int) -> str:
    """The code of a step (seconds since 1970 by STEP_SECONDS). secret: base32."""
    key = base64.b32decode(secret)
    seal = hmac.digest(key, step.to_bytes(8, "big"), sha1)
    place = seal[-1] & 0x0F
    number = int.from_bytes(seal[place : place + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_of(now: datetime) -> int:
    """The step a moment lies in."""
    return int(now.timestamp()) // STEP_SECONDS


def setup_address(secret: str, account: str, *, issuer: str = "烽燧") -> str:
    """What an authenticator reads from a QR code."""
    label = f"{quote(issuer)}:{quote(account)}"
    return f"otpauth://totp/{label}?secret={secret}&issuer={quote(issuer)}"


def find_factor(db: Connection, user: str) -> SecondFactor | None:
    """What an account has set up, confirmed or not."""
    row = db.execute(select(second_factors).where(second_factors.c.user == user)).mappings().first()
    if row is None:
        return None
    unused = and_(recovery_codes.c.user == user, recovery_codes.c.used_at.is_(None))
    left = db.execute(select(func.count()).select_from(recovery_codes).where(unused)).scalar_one()
    return SecondFactor(row["secret"], row["confirmed_at"], left)


def begin(db: Connection, user: str, vault: Vault) -> str:
    """The secret to set up, base32; the same one until it is confirmed. Raises UsageError where one is confirmed."""
    found = find_factor(db, user)
    if found is not None and found.confirmed_at is not None:
        raise UsageError("两步验证已启用，先停用再重设")
    if found is not None:
        return vault.open(user, found.sealed)
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    sealed = _sealed(db, vault, user, secret)
    db.execute(second_factors.insert().values(user=user, secret=sealed, last_step=0, failures=0))
    return secret


def seal_plain(db: Connection, vault: Vault) -> int:
    """Encrypt the secrets that were stored as they are before there was a key. Returns how many."""
    rows = db.execute(select(second_factors.c.user, second_factors.c.secret)).all()
    plain = [(user, secret) for user, secret in rows if not is_sealed(secret)]
    for user, secret in plain:
        _set(db, user, secret=_sealed(db, vault, user, secret))
    return len(plain)


def _sealed(db: Connection, vault: Vault, user: str, secret: str) -> str:
    def first() -> bool:
        return not any(is_sealed(one) for one in db.execute(select(second_factors.c.secret)).scalars())

    return vault.seal(user, secret, first=first)


def confirm(db: Connection, user: str, code: str, codes: "RecoveryCodes", vault: Vault, *, now: datetime) -> bool:
    """Take the factor into use if `code` is right. codes: made beforehand, since hashing takes long."""
    row = _row(db, user)
    if row is None or row["confirmed_at"] is not None:
        return False
    step = _step_that_fits(lambda: vault.open(user, row["secret"]), 0, code, now)
    if step is None:
        return False
    db.execute(update(second_factors).where(second_factors.c.user == user).values(confirmed_at=now, last_step=step))
    replace_codes(db, user, codes)
    return True


def check(store: Store, user: str, code: str, vault: Vault, *, now: datetime) -> CodeAttempt:
    """Check a time code or a recovery code; a right one works once.

    Takes the store, not a transaction: hashing must not keep other writers waiting.
    """
    typed = re.sub(r"[\s-]", "", code).lower()[:40]
    with store.write() as db:
        row = _row(db, user)
        if row is None or row["confirmed_at"] is None:
            return CodeAttempt(False)
        if row["locked_until"] is not None and row["locked_until"] > now:
            return CodeAttempt(False, 0, row["locked_until"])
        failures = 1 if row["locked_until"] is not None else row["failures"] + 1
        locked_until = now + LOCK if failures >= MAX_FAILURES else None
        _set(db, user, failures=failures, locked_until=locked_until)
        step = _step_that_fits(lambda: vault.open(user, row["secret"]), row["last_step"], typed, now)
        if step is not None:
            _set(db, user, failures=0, locked_until=None, last_step=step)
            return CodeAttempt(True, MAX_FAILURES)
        stored = _recovery_hash(db, user, typed)
    if stored is not None and matches(stored, typed):
        with store.write() as db:
            mine = and_(recovery_codes.c.user == user, recovery_codes.c.hash == stored)
            unused = and_(mine, recovery_codes.c.used_at.is_(None))
            if db.execute(update(recovery_codes).where(unused).values(used_at=now)).rowcount == 1:
                _set(db, user, failures=0, locked_until=None)
                return CodeAttempt(True, MAX_FAILURES, recovery=True)
    return CodeAttempt(False, MAX_FAILURES - failures, locked_until)


def remove(db: Connection, user: str) -> bool:
    """Take the second step off an account. True when there was one, confirmed or not."""
    db.execute(delete(recovery_codes).where(recovery_codes.c.user == user))
    return db.execute(delete(second_factors).where(second_factors.c.user == user)).rowcount == 1


# --- recovery codes ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RecoveryCodes:
    """Fresh ones: in clear to be shown once, and as they are stored."""

    clear: tuple[str, ...]
    hashes: tuple[str, ...]


def make_codes() -> RecoveryCodes:
    """Ten codes. The first sign of each is its slot, so that one hash is looked at, not ten."""
    plain = [str(slot) + "".join(secrets.choice(LETTERS) for _ in range(9)) for slot in range(CODES)]
    return RecoveryCodes(tuple(f"{one[:5]}-{one[5:]}" for one in plain), tuple(hash_secret(one) for one in plain))


def replace_codes(db: Connection, user: str, codes: RecoveryCodes) -> None:
    """Give an account new codes; the old ones are gone."""
    db.execute(delete(recovery_codes).where(recovery_codes.c.user == user))
    rows: Sequence[dict[str, object]] = [
        {"user": user, "slot": slot, "hash": hash, "used_at": None} for slot, hash in enumerate(codes.hashes)
    ]
    db.execute(recovery_codes.insert(), rows)


def _recovery_hash(db: Connection, user: str, typed: str) -> str | None:
    if len(typed) != 10 or typed[0] not in "0123456789":
        return None
    mine = and_(recovery_codes.c.user == user, recovery_codes.c.slot == int(typed[0]))
    query = select(recovery_codes.c.hash).where(mine, recovery_codes.c.used_at.is_(None))
    return db.execute(query).scalar_one_or_none()


def _step_that_fits(secret_of: Callable[[], str], last_step: int, typed: str, now: datetime) -> int | None:
    """The step whose code was typed, if it is about now and later than the last one that was used."""
    if re.fullmatch(r"[0-9]{6}", typed) is None:
        return None
    secret = secret_of()
    around = range(step_of(now) - AROUND, step_of(now) + AROUND + 1)
    fits = [step for step in around if hmac.compare_digest(time_code(secret, step), typed)]
    return next((step for step in fits if step > last_step), None)


def _row(db: Connection, user: str) -> RowMapping | None:
    """The row, held until the end of the transaction: of two that bring the same code, one gets in."""
    query = select(second_factors).where(second_factors.c.user == user).with_for_update()
    return db.execute(query).mappings().first()


def _set(db: Connection, user: str, **values: object) -> None:
    db.execute(update(second_factors).where(second_factors.c.user == user).values(**values))
