"""What was fetched, put into its place so that a kill never leaves half: a note on the disk says what moves where, and
whoever comes next goes on with it. All moves are renames within the data folder.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from core.durable import sync_file, sync_folder
from keeping.folders import NOTE, STAGING


@dataclass(frozen=True)
class Move:
    """backup: its folder.  aside: where `old` names go.  new: names that come out of the staging folder.

    database: on PostgreSQL it is being replaced, nothing was moved yet.  schema: where its old tables are then.
    alone: the database alone was asked for.
    """

    backup: str
    aside: str = ""
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    database: bool = False
    schema: str = ""
    alone: bool = False

    @property
    def again(self) -> str:
        """The command that goes on with it."""
        folder, _, name = self.backup.rpartition("/")
        more = " --only store" if self.alone else " --force" if self.database else ""
        return f"fengsui restore {folder} --name {name}{more}"


def unfinished(data_dir: Path) -> Move | None:
    """The move that was begun in a folder and not ended."""
    note = data_dir / NOTE
    if not note.is_file():
        return None
    given = json.loads(note.read_text(encoding="utf-8"))
    return Move(**{**given, "old": tuple(given["old"]), "new": tuple(given["new"])})


def begin(data_dir: Path, move: Move) -> None:
    """Write the note: from now on the folder belongs to this move."""
    written = data_dir / STAGING / NOTE
    with written.open("w", encoding="utf-8") as file:
        json.dump(asdict(move), file, ensure_ascii=False)
        sync_file(file)
    written.replace(data_dir / NOTE)
    sync_folder(data_dir)


def finish(data_dir: Path, move: Move) -> None:
    """Do what is left of it: what stands there aside first, then the new in. Again and again does no harm."""
    staging = data_dir / STAGING
    for name in move.old:
        here, there = data_dir / name, data_dir / move.aside / name
        waits = name not in move.new or (staging / name).exists()  # else what stands here is new already
        if here.exists() and not there.exists() and waits:
            there.parent.mkdir(exist_ok=True)
            here.rename(there)
    for name in move.new:
        if (staging / name).exists():
            (staging / name).rename(data_dir / name)
    sync_folder(data_dir)
    end(data_dir)


def end(data_dir: Path) -> None:
    """Nothing is left to do."""
    (data_dir / NOTE).unlink(missing_ok=True)
    sync_folder(data_dir)


@contextmanager
def staged(data_dir: Path) -> Iterator[Path]:
    """A folder beside what is in use, to fetch into; it stays where a move was begun and not ended."""
    staging = data_dir / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        yield staging
    finally:
        if not (data_dir / NOTE).exists():
            shutil.rmtree(staging, ignore_errors=True)
