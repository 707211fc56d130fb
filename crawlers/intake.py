"""Where crawlers hand over what they read. The store's side is written in pipelines/intake.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class KnownPage:
    """A page that is to be looked at again, with what its list said of it: the page itself may not repeat that."""

    url: str
    title: str = ""
    published: datetime | None = None
    external_id: str = ""
    author: str | None = None
    origin: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


class Intake(Protocol):
    """Each call commits before it returns. A page is in the archive, flushed, before its document is saved."""

    def save(self, raw: RawDocument) -> Outcome:
        """Keep a document, a new revision of it, or nothing when it is as before."""

    def gone(self, gone: Gone, *, after: timedelta = timedelta(0)) -> bool:
        """The page of a known document is not there. True when it now counts as withdrawn: once it has been missing
        for `after`, from one look to another."""

    def hot(self, lines: Sequence[HotLine]) -> None:
        """Where lines of a hot list stand now: first and last sighting, best rank and heat are kept of each."""

    def validators(self, source: str, url: str) -> Validators | None:
        """What `remember` was told of this address, if anything."""

    def remember(self, source: str, url: str, validators: Validators) -> None:
        """Called only when all that the address led to is saved, so that a crash never hides a document.

        A withdrawn document whose page answers again is told of as a new revision.
        """

    def looked(self, source: str, url: str) -> None:
        """A known page was asked for again and told nothing; its next look comes as the schedule says."""

    def dead(self, source: str, url: str) -> None:
        """A link of a list leads to no page, and none was ever seen there: it may come yet."""

    def is_dead(self, source: str, url: str) -> bool:
        """Whether it did so, and is not to be tried again yet; after a day it is tried as any other."""

    def dead_due(self, source: str) -> bool:
        """Whether such a link is to be tried again: the lists are read then, whatever they answer."""

    def alive(self, source: str, url: str) -> None:
        """There is a page behind it now."""

    def known(self, source: str, address: str) -> bool:
        """Whether this external id or canonical URL of the source is stored already."""

    def recheck(
        self, source: str, limit: int, *, within: timedelta, looks: Sequence[timedelta], missing_for: timedelta
    ) -> list[KnownPage]:
        """Pages of documents published `within` that are due for a look; at most `limit`.

        looks: the ages at which a page is looked at (none: always).  missing_for: when one that was missing is due.
        """

    def hold_back(self, source: str, until: datetime, why: str) -> None:
        """The site wants no visit before `until`; told as soon as it says so."""

    def held_until(self, source: str) -> datetime | None:
        """What `hold_back` was told last, past or future."""

    def is_sick(self, source: str) -> bool:
        """Whether its last run that told something went wrong: it is read anew then, for a 304 would heal nothing."""
