"""What a writer that was killed leaves in the archive: the tail of a record, of which nothing is stored; records that
were being made empty."""

import fcntl
import os
from pathlib import Path

from crawlers.archive import OPEN
from crawlers.archive_blank import NOTED, finish_blanks
from crawlers.archive_members import members


def mend(folder: Path) -> list[str]:
    """Cut the torn tails off the files below `folder` that were left open. Returns one sentence a file.

    Files that a living process writes are left alone: it holds their marks locked.
    """
    told = []
    for noted in sorted(folder.glob(f"*/*.warc.gz{NOTED}")):
        path = noted.with_name(noted.name.removesuffix(NOTED))
        if path.exists() and (count := finish_blanks(path)):
            told.append(f"{path.relative_to(folder)}: {count} records made empty, which was cut off before")
    for mark in sorted(folder.glob(f"*/*.warc.gz{OPEN}")):
        handle = os.open(mark, os.O_WRONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path = mark.with_name(mark.name.removesuffix(OPEN))
            torn = _cut_tail(path) if path.exists() else 0
            if torn:
                told.append(f"{path.relative_to(folder)}: {torn} bytes of an unfinished record cut off")
            mark.unlink(missing_ok=True)
        except BlockingIOError:
            continue
        finally:
            os.close(handle)
    return told


def _cut_tail(path: Path) -> int:
    """Shorten a file to its last whole gzip member; how many bytes that took."""
    whole = max((start + length for start, length in members(path)), default=0)
    with path.open("r+b") as file:
        torn = file.seek(0, os.SEEK_END) - whole
        if torn:
            file.truncate(whole)
            os.fsync(file.fileno())
    return torn
