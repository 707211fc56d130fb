"""A whole system under which fails what it stands on: the index is too busy, the database is away, its disk is full.
And one that somebody started more schedulers for than it is to have.

    python -m tests.outages [--away 60]

The system is as `fengsui run` starts it, on a PostgreSQL of its own and a real Elasticsearch node behind a proxy.
Before, during and after each fault pages on accidents of firms of their own and everyday news are published. Counted
are documents, alerts and messages before the fault, in its midst, and when it is over; it ends with 1 when anything was
lost or doubled. --away: seconds for which the database is stopped.
A full disk is a real one: the database lies in a small file system of its own, which another file fills. Where that may
not be mounted, it is said and left out.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from elasticsearch import Elasticsearch
from sqlalchemy import func, select

from config.settings import PROJECT
from store.database import Store
from store.processes import list_processes
from store.schema import documents
from tests.chaos import Counts, Living, counted, living, settled
from tests.elasticsearch import free_port, running_node
from tests.elasticsearch_proxy import Faults, Whole, proxied
from tests.postgresql import Server
from tests.running_system import until

NAME = "fengsui-live-signals"
SMALL = ("shared_buffers=16MB", "max_wal_size=32MB", "min_wal_size=2MB", "synchronous_commit=on", "fsync=off")
SIZE_MB = 160


@dataclass(frozen=True)
class Told:
    """What came of one fault: counts before it, in its midst, and when it was over."""

    fault: str
    before: Counts
    midst: Counts | None
    after: Counts

    def line(self) -> str:
        """For people."""
        shown = [self.before, self.midst, self.after]
        parts = [f"{one.documents} D {one.alerts} A {one.mails} S" if one else "-" for one in shown]
        return f"{self.fault}: before {parts[0]}; in its midst {parts[1]}; after {parts[2]}"


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A file system of its own at a folder, where that may be mounted."""
    folder.mkdir(parents=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=755", "fengsui-test", str(folder)]
    mounted = False
    with suppress(OSError):
        mounted = subprocess.run(words, check=False, capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)


def publish(living: Living, many: int) -> None:
    """So many accidents, each with a piece of everyday news."""
    for _ in range(many):
        living.story.publish()


def now(living: Living) -> Counts:
    """The counts."""
    return counted(living.store, living.story, living.inbox)


def quiet(living: Living) -> Counts:
    """When nothing is missing any more. Raises AssertionError where something is lost or doubled."""
    found = settled(living.store, living.story, living.inbox)
    assert (found.lost, found.doubled) == ([], [])
    return found


def indexed(store: Store, url: str) -> bool:
    """Whether the index holds each document of the store, and no other."""
    with store.read() as db:
        if db.execute(select(func.count()).where(documents.c.stage != "indexed", documents.c.latest)).scalar_one():
            return False
        known = set(db.execute(select(documents.c.id).where(documents.c.latest)).scalars())
    with Elasticsearch(url) as client:
        client.indices.refresh(index=NAME)
        hits = client.search(index=NAME, size=1000, source=False)["hits"]["hits"]
    return {hit["_id"] for hit in hits} == known and len(hits) == len(known)


def storm(living: Living, faults: Faults, url: str) -> Told:
    """The index answers each bulk with 429 until all is judged and mailed."""
    before = quiet(living)
    faults.always = lambda _ids: Whole(429)
    tried = len(faults.bulks)
    publish(living, 2)
    midst = quiet(living)
    until("the indexer tries", lambda: len(faults.bulks) > tried)
    assert not indexed(living.store, url)
    faults.always = None
    publish(living, 1)
    after = quiet(living)
    until("all is in the index", lambda: indexed(living.store, url))
    return Told("Elasticsearch answers 429", before, midst, after)


def stopped(living: Living, server: Server, away: float) -> Told:
    """The database ends at once, is away, and comes back; pages are published all the time."""
    before = quiet(living)
    publish(living, 2)
    time.sleep(0.5)  # in the middle of the work
    server.stop(signal.SIGQUIT)
    publish(living, 1)
    time.sleep(away)
    server.start()
    publish(living, 1)
    return Told("PostgreSQL stopped and started", before, None, quiet(living))


def filled(living: Living, server: Server, disk: Path) -> Told:
    """Its disk is filled to the last byte, and emptied again; the server is started where it gave up."""
    before = quiet(living)
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)
    log = server.folder / "log"
    length = log.stat().st_size
    until("it finds no room", lambda: _more(living, log, length))
    ballast.unlink()
    assert server.process is not None
    if not _recovers(server):
        server.start()
    publish(living, 1)
    return Told("the database's disk is full", before, None, quiet(living))


def crowded(living: Living) -> Told:
    """Two more schedulers are started by mistake: one of three leads, and when it is killed another does."""
    before = quiet(living)
    words = ["scheduler", "--profile", "live", "--data", str(living.system.folder)]
    environment = {**os.environ, **living.system.environment}
    with (living.system.folder / "more.err").open("wb") as err:
        more = [
            subprocess.Popen(
                [sys.executable, "-m", "cli", *words, "--name", name], cwd=PROJECT, env=environment, stderr=err
            )
            for name in ("second", "third")
        ]
    try:
        until("both stand by", lambda: _standing_by(living.store) == 2)
        publish(living, 2)
        midst = quiet(living)
        assert _standing_by(living.store) == 2
        late = {one.pid for one in more}
        named = living.system.processes().items()
        os.kill(next(pid for pid, name in named if name.startswith("scheduler") and pid not in late), signal.SIGKILL)
        publish(living, 2)
        return Told("three schedulers, the leading one killed", before, midst, quiet(living))
    finally:
        for one in more:
            one.terminate()
        for one in more:
            one.wait(60)


def _standing_by(store: Store) -> int:
    """Schedulers that wait, of those that live."""
    with store.read() as db:
        return sum(one.role == "scheduler" and one.note == "候补" for one in list_processes(db))


def _more(living: Living, log: Path, length: int) -> bool:
    publish(living, 1)
    time.sleep(0.5)
    return b"No space left" in log.read_bytes()[length:]


def _recovers(server: Server) -> bool:
    """Whether it runs, or comes back by itself."""
    assert server.process is not None
    with suppress(subprocess.TimeoutExpired):
        server.process.wait(3)
    return server.process.poll() is None


def live_through(folder: Path, node: str, *, away: float, tell: Callable[[str], None] = print) -> list[Told]:
    """All faults, one after the other. node: address of an Elasticsearch that holds nothing of ours."""
    faults, found = Faults(), []
    with small_disk(folder / "disk") as mounted, proxied(node, faults) as index:
        server = Server(folder / "disk" / "postgresql", free_port(), SMALL)
        server.folder.mkdir()
        server.make("--wal-segsize=1")
        server.start()
        try:
            own = {"FENGSUI_ELASTICSEARCH_URL": index}
            with living(folder / "system", 60, url=server.url, environment=own, workers=1) as living_one:
                publish(living_one, 2)
                works: list[Callable[[], Told]] = [
                    lambda: storm(living_one, faults, node),
                    lambda: stopped(living_one, server, away),
                    lambda: crowded(living_one),
                ]
                if mounted:
                    works.append(lambda: filled(living_one, server, folder / "disk"))
                else:
                    tell("no small file system may be mounted here: a full disk of the database is left out")
                for work in works:
                    found.append(work())
                    tell(found[-1].line())
                until("all is in the index", lambda: indexed(living_one.store, node))
        finally:
            server.stop(signal.SIGQUIT)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--away", type=float, default=60.0, help="seconds without a database")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="outages-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        with running_node(folder / "node") as node:
            try:
                live_through(folder, node, away=options.away)
            except AssertionError as problem:
                print(problem, file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
