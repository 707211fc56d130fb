"""The errors that cross a border.

FengsuiError                 one sentence: what, where, likely cause, remedy; exit 1
├── UsageError               wrong command line or input file; exit 2
│   └── ConfigError          one or more mistakes in config files; exit 2
├── SourceError              a source could not be read this time
│   ├── SourceChanged        its structure is not what the config says
│   └── SourceBlocked        it asks us to go away (challenge page, 412, robots)
├── DeliveryError            a notification was not delivered; `.retry` says if trying again can help
├── SearchUnavailable        the index cannot answer now; the store still has everything
├── NameTaken                another process is called the same and lives
└── StoreError               the database cannot be used
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal


class FengsuiError(Exception):
    """Base of all our errors. The message is shown to people as it is."""

    exit_code = 1


class UsageError(FengsuiError):
    """The command line or an input file is wrong."""

    exit_code = 2


class ConfigError(UsageError):
    """Mistakes in config files, all of them at once: `file: key: what (accepted: ...)`."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class SourceError(FengsuiError):
    """A source could not be read this time."""


class SourceChanged(SourceError):
    """The page is there, but not in the shape the source's file describes."""


class SourceBlocked(SourceError):
    """The site refuses us (challenge page, robots.txt, 412): stop, tell the desk, do not loop."""


class DeliveryError(FengsuiError):
    """A notification was not delivered. `retry`: trying again later can help. `unsure`: it may have arrived.

    after: when to try again, where the other end said so; None: by our own back-off.  about: what it is about beside
    the message: the address, which takes none for good, or the server, which takes nothing now.
    """

    def __init__(
        self,
        message: str,
        *,
        retry: bool,
        unsure: bool = False,
        after: timedelta | None = None,
        about: Literal["message", "address", "server"] = "message",
    ) -> None:
        super().__init__(message)
        self.retry = retry
        self.unsure = unsure
        self.after = after
        self.about = about


class SearchUnavailable(FengsuiError):
    """The search index cannot answer now."""


class NameTaken(FengsuiError):
    """Another process of the same name lives: each claims, beats and is told of under its own."""


class StoreError(FengsuiError):
    """The database cannot be used (locked, newer schema, full disk)."""


class StoreInTrouble(StoreError):
    """It cannot be used just now: its disk is full, it is away, it was stopped. What was begun is undone."""
