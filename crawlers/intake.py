"""Where crawlers hand over what they read. The store's side is written in pipelines/intake.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from core.records import Gone, HotLine, RawDocument

Outcome = Literal["new", "changed", "unchanged"]


@dataclass(frozen=True)
class Validators:
    """What an address answered last time. body_sha256: hex, of the decoded body."""

    etag: str | None = None
    last_modified: str | None = None
    body_sha256: str | None = None


class Intake(Protocol):
    """Each call commits before it returns. A page is in the archive, flushed, before its document is saved."""

    def save(self, raw: RawDocument) -> Outcome:
        """Keep a document, a new revision of it, or nothing when it is as before."""

    def gone(self, gone: Gone) -> None:
        """The page of a known document answers 404 or 410."""

    def hot(self, lines: Sequence[HotLine]) -> None:
        """Where lines of a hot list stand now: first and last sighting, best rank and heat are kept of each."""

    def validators(self, source: str, url: str) -> Validators | None:
        """What `remember` was told of this address, if anything."""

    def remember(self, source: str, url: str, validators: Validators) -> None:
        """Called only when all that the address led to is saved, so that a crash never hides a document."""

    def known(self, source: str, address: str) -> bool:
        """Whether this external id or canonical URL of the source is stored already."""

    def recheck(self, source: str, limit: int, *, within: timedelta, not_since: timedelta) -> list[str]:
        """Addresses of documents published `within`, not looked at since `not_since` ago; at most `limit`."""

    def hold_back(self, source: str, until: datetime, why: str) -> None:
        """The site wants no visit before `until`; told as soon as it says so."""

    def held_until(self, source: str) -> datetime | None:
        """What `hold_back` was told last, past or future."""
