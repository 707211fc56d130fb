"""Mails that came back: delivery status notifications (RFC 3464), from a file, a folder of files, a maildir or an mbox.

A notification is only believed where it names a mail of ours (by our Message-ID or envelope id) and the address that
this very mail went to. Reading the same one again changes nothing.
"""

import hashlib
import mailbox
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from pathlib import Path

from sqlalchemy import Connection

from core.errors import UsageError
from store.mail_book import note_bounce

MINE = re.compile(r"<?(n[0-9a-f]{16}(?:-\d{1,3})?)(?:@|$)", re.ASCII)
MOST = 10 << 20
"""Bytes of one mail that are read."""


@dataclass(frozen=True)
class Bounce:
    """What one notification says of one recipient. action: failed | delayed | delivered | relayed | expanded."""

    delivery: str
    recipient: str
    action: str
    status: str
    answer: str

    @property
    def final(self) -> bool:
        """Whether it was given up."""
        return self.action == "failed"


@dataclass
class Taken:
    """What a look at a folder came to. other: mails that are no notification of a mail of ours."""

    mails: int = 0
    bounced: int = 0
    delayed: int = 0
    known: int = 0
    other: int = 0


@dataclass(frozen=True)
class Read:
    """A mail that was read. mark: its own; the same mail has the same one."""

    mark: str
    bounces: tuple[Bounce, ...]


def read_bounces(path: Path, *, since: float = 0.0) -> list[Read]:
    """What the mails there say of ours. since: files of a folder that are older (seconds since 1970) are left out.

    Raises UsageError where there is nothing to read.
    """
    found = []
    for raw in mails_in(path, since=since):
        told = tuple(one for one in bounces_in(raw) if one.action in ("failed", "delayed"))
        found.append(Read(hashlib.sha256(raw.replace(b"\r\n", b"\n").strip()).hexdigest()[:16], told))
    return found


def take_bounces(db: Connection, mails: Iterable[Read], now: datetime) -> Taken:
    """Mark the deliveries that came back."""
    taken = Taken()
    for mail in mails:
        taken.mails += 1
        if not mail.bounces:
            taken.other += 1
        for one in mail.bounces:
            new = note_bounce(
                db, one.delivery, one.recipient, answer=one.answer, final=one.final, mark=mail.mark, now=now
            )
            if not new:
                taken.known += 1
            elif one.final:
                taken.bounced += 1
            else:
                taken.delayed += 1
    return taken


def changed_at(path: Path) -> tuple[int, ...]:
    """Tells whether something came since: size and time of a file, times of a folder's folders. Raises UsageError."""
    places = [path, *(path / name for name in ("new", "cur") if (path / name).is_dir())]
    try:
        return tuple(number for one in places for number in (one.stat().st_size, one.stat().st_mtime_ns))
    except OSError as problem:
        raise UsageError(f"{path}：没有这个文件或文件夹，或读不到（{problem.strerror}）") from None


def mails_in(path: Path, *, since: float = 0.0) -> Iterator[bytes]:
    """The mails of an mbox or single file, of a maildir (new/ and cur/), of a folder of files."""
    if path.is_file():
        with path.open("rb") as file:
            is_mbox = file.read(5) == b"From "
        if is_mbox:
            box = mailbox.mbox(path, create=False)
            yield from (box.get_bytes(key)[:MOST] for key in box.iterkeys())  # as bytes: nothing is parsed here
        else:
            yield _read(path)
        return
    if not path.is_dir():
        raise UsageError(f"{path}：没有这个文件或文件夹")
    folders = [path / "new", path / "cur"] if (path / "cur").is_dir() else [path]
    for folder in folders:
        for one in sorted(folder.glob("*")):
            if one.is_file() and one.stat().st_mtime >= since:
                yield _read(one)


def bounces_in(raw: bytes) -> list[Bounce]:
    """What a mail says of mails of ours; nothing where it is no delivery status notification."""
    try:
        return _bounces_in(raw)
    except RecursionError:  # parts within parts by the thousand: no mail server writes so
        return []


def _bounces_in(raw: bytes) -> list[Bounce]:
    message = message_from_bytes(raw, policy=compat32)
    if message.get_content_type() != "multipart/report":
        return []
    status = next((part for part in message.walk() if part.get_content_type() == "message/delivery-status"), None)
    payload = status.get_payload() if status is not None else None
    blocks = [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []
    if not blocks:
        return []
    delivery = _delivery(message, blocks[0])
    return [one for block in blocks[1:] if delivery and (one := _bounce(delivery, block)) is not None]


def _delivery(message: Message, head: Message) -> str | None:
    """Whose mail it is: by the envelope id we gave, else by the Message-ID of the mail that is sent back."""
    given = MINE.match(str(head.get("Original-Envelope-Id", "")).strip())
    if given:
        return given[1]
    for part in message.walk():
        if part.get_content_type() == "text/rfc822-headers":
            payload = part.get_payload(decode=True)
            part = message_from_bytes(payload if isinstance(payload, bytes) else b"", policy=compat32)
        elif part is message or part.get("Message-ID") is None:
            continue
        found = MINE.match(str(part.get("Message-ID", "")).strip())
        if found:
            return found[1]
    return None


def _bounce(delivery: str, block: Message) -> Bounce | None:
    told = block.get("Original-Recipient") or block.get("Final-Recipient")
    if told is None:
        return None
    recipient = str(told).rpartition(";")[2].strip().strip("<>")
    status = " ".join(str(block.get("Status", "")).split())
    said = " ".join(str(block.get("Diagnostic-Code", "")).rpartition(";")[2].split())
    answer = " ".join(filter(None, (status, said))).replace("\0", "\ufffd")  # PostgreSQL takes no NUL
    return Bounce(delivery, recipient, str(block.get("Action", "")).strip().lower(), status, answer)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST)
