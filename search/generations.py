"""Folders of the embedded index: one generation in use, perhaps one being built, and who may write.

<root>/CURRENT            name of the generation in use; replaced in one step
<root>/g000002/           a tantivy index and FORMAT, the mark of the fields it was written with
<root>/write.lock         held (flock) by the process that writes; the system gives it back when it dies
<root>/write.wanted       held (flock, shared) by those that wait for it
<root>/rebuild.lock       held while a new generation is built
<root>/rebuild.jsonl      what was written meanwhile, for the new generation to take in before the switch
"""

import fcntl
import json
import re
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from core.durable import sync_file
from core.errors import SearchUnavailable
from search.fields import format_mark
from search.page import OLD_FORMAT

PATIENCE = 30.0
"""Seconds to wait for another process's write: a batch of 1,000 takes under one."""
NAME = re.compile(r"g\d{6,}")
POLL = 0.02
"""Seconds between tries to get a lock."""


@contextmanager
def locked(path: Path, *, patience: float, busy: str) -> Iterator[None]:
    """Hold the lock file at `path`. Raises SearchUnavailable(busy) when another holds it for `patience` seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    give_up = time.monotonic() + patience
    with path.open("a") as handle:
        while not _take(handle):
            if time.monotonic() >= give_up:
                raise SearchUnavailable(busy)
            time.sleep(POLL)
        yield


def _take(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Turn:
    """The right to write, until `end`."""

    def __init__(self, held: ExitStack) -> None:
        self._held = held
        self.over = threading.Event()

    def end(self) -> None:
        """Let the next one write."""
        self._held.close()
        self.over.set()


class Generations:
    """The folders below one root."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def take_turn(self) -> Turn:
        """Wait until this process may write; whoever writes now is told that somebody waits.

        Raises SearchUnavailable when that takes longer than PATIENCE.
        """
        if self.wanted():  # those who wait go first
            time.sleep(2 * POLL)
        self.root.mkdir(parents=True, exist_ok=True)
        turn = ExitStack()
        with (self.root / "write.wanted").open("a") as waiting:
            fcntl.flock(waiting, fcntl.LOCK_SH)
            busy = "检索索引正被另一进程写入，请稍后再试"
            turn.enter_context(locked(self.root / "write.lock", patience=PATIENCE, busy=busy))
        return Turn(turn)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Nobody writes meanwhile, in no process."""
        turn = self.take_turn()
        try:
            yield
        finally:
            turn.end()

    def wanted(self) -> bool:
        """Whether somebody waits for a turn."""
        try:
            with (self.root / "write.wanted").open("a") as waiting:
                return not _take(waiting)
        except FileNotFoundError:
            return False

    @contextmanager
    def rebuilding(self) -> Iterator[None]:
        """Only one rebuild at a time."""
        with locked(self.root / "rebuild.lock", patience=1, busy="索引正在重建，请等它结束"):
            yield

    def current(self) -> Path | None:
        """The generation in use; None before the first write. Raises SearchUnavailable when the file is damaged."""
        name = self._written()
        if name is not None and not NAME.fullmatch(name):
            raise SearchUnavailable("检索索引的 CURRENT 文件已损坏，请运行 fengsui reindex 重建")
        return None if name is None else self.root / name

    def _written(self) -> str | None:
        try:
            return (self.root / "CURRENT").read_text(errors="replace").strip()
        except FileNotFoundError:
            return None

    def _usable(self) -> Path | None:
        """The generation in use; None also where the file is damaged: a rebuild needs none."""
        name = self._written() or ""
        return self.root / name if NAME.fullmatch(name) else None

    def next(self) -> Path:
        """An empty folder for a new generation; what dead rebuilds left is removed."""
        current = self._usable()
        found = [path for path in self.root.glob("g[0-9]*") if NAME.fullmatch(path.name)]
        number = max((int(path.name[1:]) for path in (*found, *filter(None, [current]))), default=0)
        for left in found:
            if left != current:
                shutil.rmtree(left)
        (self.root / "rebuild.jsonl").unlink(missing_ok=True)
        fresh = self.root / f"g{number + 1:06d}"
        fresh.mkdir(parents=True)
        (fresh / "FORMAT").write_text(format_mark())
        return fresh

    def switch(self, generation: Path) -> None:
        """Use `generation` from now on; the old one goes. Open readers keep its files until they turn."""
        old = self._usable()
        draft = self.root / "CURRENT.new"
        with draft.open("w") as handle:
            handle.write(generation.name)
            sync_file(handle)
        draft.replace(self.root / "CURRENT")
        if old is not None and old != generation:
            shutil.rmtree(old, ignore_errors=True)

    def check_format(self, generation: Path) -> None:
        """Raises SearchUnavailable when the fields have changed since it was written."""
        mark = generation / "FORMAT"
        if not mark.exists() or mark.read_text() != format_mark():
            raise SearchUnavailable(OLD_FORMAT)

    def journal(self, change: Mapping[str, Any]) -> None:
        """Note a change for a rebuild that is going on; without one nothing is noted. Call it while `writing`."""
        lock = self.root / "rebuild.lock"
        if not lock.exists():
            return
        with lock.open("a") as handle:
            if _take(handle):
                return
        with (self.root / "rebuild.jsonl").open("a", encoding="utf-8") as notes:
            notes.write(json.dumps(change, ensure_ascii=False) + "\n")
            sync_file(notes)

    def journalled(self) -> Iterator[dict[str, Any]]:
        """The changes noted since the rebuild began, in order."""
        notes = self.root / "rebuild.jsonl"
        if notes.exists():
            with notes.open(encoding="utf-8") as lines:
                yield from map(json.loads, lines)
