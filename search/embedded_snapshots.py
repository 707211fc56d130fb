"""Snapshots of the embedded index: copies of the folder of the generation in use, each with its description."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from core.errors import SearchUnavailable, UsageError
from search.fields import format_mark
from search.generations import Generations
from search.snapshots import BeforeSwitch, Snapshot, check_name, find, taken_already

ABOUT = "snapshot.json"


class EmbeddedSnapshots:
    """Snapshots of the index in `root`, in the folder `place`. count: signals in the index."""

    def __init__(self, root: Path, place: Path, count: Callable[[], int]) -> None:
        self._generations = Generations(root)
        self._place = place
        self._count = count

    def take(self, name: str, *, now: datetime) -> Snapshot:
        """As Snapshots.take. Writers wait only for the moment in which the files are linked."""
        check_name(name)
        target = self._place / name
        if target.exists():
            raise taken_already(name)
        with _file_errors(self._place):
            held, taken = self._hold(name, now)
            draft = self._place / f".{name}.new"
            shutil.rmtree(draft, ignore_errors=True)
            try:
                shutil.copytree(held, draft)
                (draft / ABOUT).write_text(json.dumps(taken.as_json()), encoding="utf-8")
                _flush(draft)
                draft.rename(target)
            finally:
                shutil.rmtree(held, ignore_errors=True)
                shutil.rmtree(draft, ignore_errors=True)
        return taken

    def _hold(self, name: str, now: datetime) -> tuple[Path, Snapshot]:
        """The files of this moment under another name: segments never change, and a link keeps one that is dropped."""
        held = self._generations.root / f"held-{name}-{os.getpid()}"
        shutil.rmtree(held, ignore_errors=True)
        with self._generations.writing():
            current = self._generations.current()
            if current is None:
                raise SearchUnavailable("还没有索引，没有可做快照的内容")
            self._generations.check_format(current)
            # tantivy's drafts may go before they are linked.
            shutil.copytree(current, held, copy_function=_link, ignore=shutil.ignore_patterns(".tmp*"))
            taken = Snapshot(name, now, self._count(), int(current.name[1:]), format_mark())
        return held, taken

    def all(self) -> tuple[Snapshot, ...]:
        """As Snapshots.all."""
        found = []
        for about in self._place.glob(f"*/{ABOUT}"):
            try:
                described = json.loads(about.read_text(encoding="utf-8"))
                found.append(Snapshot.from_json(about.parent.name, described))
            except (ValueError, KeyError, TypeError, OSError):
                continue  # a folder that somebody else put there
        return tuple(sorted(found, key=lambda one: one.taken_at, reverse=True))

    def restore(self, name: str, before_switch: BeforeSwitch) -> Snapshot:
        """As Snapshots.restore."""
        wanted = find(self.all(), name)
        generations = self._generations
        with _file_errors(self._place), generations.rebuilding():
            with generations.writing():
                fresh = generations.next()
            shutil.rmtree(fresh)
            shutil.copytree(self._place / name, fresh, ignore=shutil.ignore_patterns(ABOUT))
            _flush(fresh)
            # No write between the two: what was written so far is sent again, what comes later goes to the new one.
            with generations.writing():
                before_switch(wanted.taken_at)
                generations.switch(fresh)
        return wanted


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy2(source, target)


def _flush(folder: Path) -> None:
    for file in folder.iterdir():
        with file.open("rb") as handle:
            os.fsync(handle.fileno())


@contextmanager
def _file_errors(place: Path) -> Iterator[None]:
    """A full disk or a folder that may not be written is said in words."""
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UsageError(f"{place}：不能放快照（{problem.strerror}）") from problem
    try:
        yield
    except (OSError, shutil.Error) as problem:
        raise SearchUnavailable(f"快照没有做成：{problem}；索引没有变") from problem
