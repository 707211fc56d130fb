"""What a file holds, and how much of it is read."""

from dataclasses import dataclass

from core.records import Table

MAX_TEXT = 200_000
MAX_UNPACKED = 100 * 1024**2
MAX_RATIO = 200
MAX_MEMBERS = 2000
MAX_SHEETS = 20
MAX_ROWS = 5000
MAX_COLUMNS = 100
MAX_CELL = 10_000
MAX_TABLES = 50
MAX_PAGES = 100
MAX_CELLS = 100_000
"""Cells of all tables of one file, and of all files of one document."""
MAX_ZIPPED = 50
"""Files read out of one zip."""


class UnreadableFile(ValueError):
    """The file is not what it seems, is locked, or is larger inside than it may be. The message is for people."""


@dataclass(frozen=True)
class FileContent:
    """Text and tables of a file. size, sha256: of the bytes.  problem: what was left out and why, for people.

    members: the files of a zip, read; their own members are not opened.
    """

    name: str
    kind: str
    size: int
    sha256: str
    text: str = ""
    tables: tuple[Table, ...] = ()
    problem: str = ""
    members: tuple["FileContent", ...] = ()
