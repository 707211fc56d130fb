"""The power goes under a whole system again and again: what had reached the disk is all that is left.

    python -m tests.power_cut [--cuts 10] [--sqlite] [--seed N]

Configuration, data folder and database lie on a file system of their own: ext4 in a file, behind a loop device. A cut
is the kernel's own for it (EXT4_IOC_SHUTDOWN without its log, with which file systems are tested): nothing that was not
synced reaches the disk any more. All processes are stopped before and killed after it; the file system is mounted anew,
which replays its journal, and before anything is started it is looked at: each document, alert and mail that the store
told of before the cut is there, each page of the archive holds together. Then the system starts, and must come to: each
page stored once and judged, each accident with one alert, each mail that was sent there once. Ends with 1 otherwise.
What it cannot show: a disk that says that it has what it only holds in its cache.
"""

import argparse
import fcntl
import os
import random
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from benchmarks.meter import tree
from core.clock import system_clock
from keeping.check import Budget, check_kept
from store.database import Store
from store.schema import alerts, deliveries, documents
from tests.chaos import Counts, Living, counted, living, settled
from tests.elasticsearch import free_port
from tests.postgresql import Server
from tests.running_system import until

SIZE_MB = 400
SHUTDOWN, WITHOUT_LOG = 0x8004587D, 2
"""linux/ext4.h: EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH."""
SYNCED = ("fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=16MB", "max_wal_size=64MB")


class NoDisk(Exception):
    """No file system of our own can be mounted here."""


@dataclass(frozen=True)
class Disk:
    """A file system of its own. device: what it lies on.  folder: where it is mounted."""

    device: str
    folder: Path

    def cut(self) -> None:
        """Nothing reaches it any more."""
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, SHUTDOWN, struct.pack("I", WITHOUT_LOG))
        finally:
            os.close(handle)

    def mount(self) -> None:
        """Its journal is replayed."""
        _run("mount", "-t", "ext4", self.device, str(self.folder))

    def leave(self) -> None:
        """Wait until nobody has a file of it open, and unmount it."""
        until("the disk is free", lambda: _runs("umount", str(self.folder)), seconds=60)

    def sync(self) -> None:
        """All that was written so far."""
        _run("sync", "-f", str(self.folder))


@contextmanager
def own_disk(folder: Path) -> Iterator[Disk]:
    """An empty one, mounted at folder/disk. Raises NoDisk."""
    image, mounted = folder / "disk.img", folder / "disk"
    mounted.mkdir(parents=True)
    with image.open("wb") as file:
        file.truncate(SIZE_MB << 20)
    try:
        _run("mkfs.ext4", "-q", "-F", str(image))
        device = _run("losetup", "--find", "--show", str(image))
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoDisk(f"no loop device here: {error}") from None
    disk = Disk(device, mounted)
    try:
        try:
            disk.mount()
        except (OSError, subprocess.CalledProcessError) as error:
            raise NoDisk(f"it cannot be mounted: {error}") from None
        mounted.chmod(0o755)
        yield disk
    finally:
        _runs("umount", "-l", str(mounted))
        _runs("losetup", "-d", device)


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def _runs(*words: str) -> bool:
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


@dataclass(frozen=True)
class Rows:
    """What the store tells of: (id, revision) of documents, ids of alerts, of mails that were sent."""

    documents: frozenset[tuple[str, int]]
    alerts: frozenset[str]
    sent: frozenset[str]

    @classmethod
    def of(cls, store: Store) -> "Rows":
        """As it stands."""
        with store.read() as db:
            return cls(
                frozenset(map(tuple, db.execute(select(documents.c.id, documents.c.revision)).all())),
                frozenset(db.execute(select(alerts.c.id)).scalars()),
                frozenset(db.execute(select(deliveries.c.id).where(deliveries.c.state == "sent")).scalars()),
            )

    def missing(self, later: "Rows") -> list[str]:
        """What is not there any more."""
        pairs = ((self.documents, later.documents), (self.alerts, later.alerts), (self.sent, later.sent))
        return [f"gone with the power: {one}" for before, after in pairs for one in sorted(map(str, before - after))]


@dataclass(frozen=True)
class Cut:
    """One cut: counts right before it, what the disk held then, counts when all had come to rest. faults: in words."""

    before: Counts
    held: Counts
    after: Counts
    faults: tuple[str, ...]

    def line(self) -> str:
        """For people."""
        told = (f"{one.documents} D {one.alerts} A {one.mails} S" for one in (self.before, self.held, self.after))
        return "before {}; on the disk {}; after {}".format(*told)


def cut(here: Living, disk: Disk, server: Server | None, chance: random.Random) -> Cut:
    """Publish, let the power go somewhere in the work, look at the disk, start again, wait."""
    for _ in range(2):
        here.story.publish()
    time.sleep(chance.uniform(0.2, 3.0))
    rows, before = Rows.of(here.store), counted(here.store, here.story, here.inbox)
    roots = [here.system.process.pid, *([server.process.pid] if server and server.process else [])]
    pids = {pid for _ in range(2) for root in roots for pid in _stopped(root)}
    disk.cut()
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    here.system.process.wait()
    if server is not None and server.process is not None:
        server.process.wait()
    here.store.engine.dispose()
    disk.leave()
    disk.mount()
    if server is not None:
        server.start()
    faults = rows.missing(Rows.of(here.store))
    faults += [
        f"damaged: {one}" for one in check_kept(here.store, here.system.folder, Budget(), now=system_clock()).faults
    ]
    held = counted(here.store, here.story, here.inbox)
    here.system.start()
    here.system.address()
    after = settled(here.store, here.story, here.inbox)
    return Cut(before, held, after, (*faults, *after.lost, *after.doubled))


def _stopped(root: int) -> list[int]:
    pids = list(tree(root))
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    return pids


def live_through(folder: Path, cuts: int, seed: int, *, sqlite: bool, tell: Callable[[str], None] = print) -> list[Cut]:
    """So many cuts of one system. Raises NoDisk, PostgresMissing."""
    chance, found = random.Random(seed), list[Cut]()
    with own_disk(folder) as disk, _database(disk, sqlite=sqlite) as server:
        url = server.url if server else None
        with living(disk.folder / "system", 2 * cuts + 1, url=url, workers=1) as here:
            disk.sync()  # the configuration was written long ago
            for number in range(1, cuts + 1):
                found.append(cut(here, disk, server, chance))
                tell(f"cut {number}: {found[-1].line()}")
                if found[-1].faults:
                    break
    return found


@contextmanager
def _database(disk: Disk, *, sqlite: bool) -> Iterator[Server | None]:
    if sqlite:
        yield None
        return
    server = Server(disk.folder / "postgresql", free_port(), SYNCED)
    server.folder.mkdir()
    server.make()
    server.start()
    try:
        yield server
    finally:
        server.stop(signal.SIGQUIT)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--sqlite", action="store_true", help="on a data folder alone, without PostgreSQL")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="power-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        found = live_through(
            Path(name), options.cuts, seed, sqlite=options.sqlite, tell=lambda line: print(line, flush=True)
        )
    for line in found[-1].faults[:40]:
        print(line)
    return int(bool(found[-1].faults))


if __name__ == "__main__":
    raise SystemExit(main())
