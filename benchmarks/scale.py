"""A team's system under a province's stream: PostgreSQL, Elasticsearch nodes, workers and an indexer as processes.

    python -m benchmarks.scale [--documents 300000] [--workers 4] [--nodes 3] [--steps 10]
    python -m benchmarks.scale --readers               one reader against two, with store and index idle
    python -m benchmarks.scale --alone                 each step by itself in one process: where a turn is, the ceiling

Texts are those of benchmarks/stream_texts.py (of a tenth the full text, the rest headlines), told over sixty days. They
are put in as the crawler does, never more than BACKLOG ahead. A line a step: documents so far, CPU milliseconds a
document of the workers, of the indexer, of PostgreSQL and of Elasticsearch, documents a second on the clock, memory
(PSS) of the workers; at the end the slope of each part and of all: how much dearer a document is at the last step than
at the second (the first loads), by a straight line through them.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import func, select, text

from benchmarks.meter import cpu_seconds, pss_mb, tree
from benchmarks.stream_texts import SHARED, Text, made
from commands.assemble import build_pipeline, judge_of
from commands.knowledge import knowledge_of
from config.settings import PROJECT, Settings
from core.clock import system_clock
from core.records import Kind, RawDocument
from pipelines.intake import save_raw
from pipelines.stages import Pipeline
from store.database import Store
from store.documents import DEDUPED, UNSETTLED
from store.schema import alerts, documents
from tests.elasticsearch import running_cluster
from tests.postgresql import running_postgresql

LASTING = ("shared_buffers=256MB", "max_wal_size=2GB", "max_connections=100")
"""Settings of a server that keeps what it says it keeps: fsync and all stay as they are by default."""
BACKLOG, PORTION = 2000, 100
SPAN = timedelta(days=60)
PARTS = ("workers", "indexer", "postgresql", "elasticsearch")
FULL = 0.1
"""Share of full texts."""


def feed(store: Store, some: Sequence[tuple[int, Text]], count: int) -> None:
    """Put texts in, as a crawler does."""
    now = system_clock()
    with store.write() as db:
        for number, text in some:
            published = now - SPAN + SPAN * number / count
            url = f"http://paper.example/{number}"
            raw = RawDocument("paper", Kind.NEWS, url, text.title, text.text, now, published=published)
            save_raw(db, raw, now=now)


@dataclass(frozen=True)
class Costs:
    """CPU seconds so far, of each part, and the clock."""

    workers: float
    indexer: float
    postgresql: float
    elasticsearch: float
    clock: float


@dataclass
class Team:
    """The processes under measurement."""

    workers: Sequence[int]
    indexer: int
    postgresql: int
    elasticsearch: Sequence[int]

    def costs(self) -> Costs:
        """Up to now."""
        parts = (self.workers, [self.indexer], [self.postgresql], self.elasticsearch)
        workers, indexer, postgresql, java = (
            sum(cpu_seconds(pid) for root in pids for pid in tree(root)) for pids in parts
        )
        return Costs(workers, indexer, postgresql, java, time.monotonic())


@contextmanager
def started(settings: Settings, *words: str) -> Iterator[int]:
    """A process of Fengsui, as it is started on a machine of its own."""
    own = {
        "FENGSUI_DATABASE_URL": settings.database,
        "FENGSUI_ELASTICSEARCH_URL": settings.elastic_access.urls,
        "FENGSUI_CONTACT": "desk@bureau.example.org",
        "FENGSUI_LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "cli", *words, "--profile", "live", "--data", str(settings.data_dir)]
    process = subprocess.Popen(command, cwd=PROJECT, env={**os.environ, **own})
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def on_the_way(store: Store) -> int:
    """Documents that are not settled yet."""
    with store.read() as db:
        return int(db.execute(select(func.count()).where(documents.c.stage.in_(UNSETTLED))).scalar_one())


def whole(options: argparse.Namespace, folder: Path, store: Store) -> None:
    """The team at work: a line a step, the slope."""
    with ExitStack() as stack:
        nodes = stack.enter_context(running_cluster(options.nodes, folder / "nodes"))
        access = ",".join(node.url for node in nodes)
        settings = Settings(profile="live", data=folder / "data", database_url=store.url, elasticsearch_url=access)
        indexer = stack.enter_context(started(settings, "indexer"))
        workers = [stack.enter_context(started(settings, "worker")) for _ in range(options.workers)]
        java = [node.process.pid for node in nodes if node.process]
        team = Team(workers, indexer, int((folder / "pg/data/postmaster.pid").read_text().split()[0]), java)
        print("| documents | workers ms | indexer ms | PostgreSQL ms | Elasticsearch ms | a second | workers' MB |")
        print("|---|---|---|---|---|---|---|", flush=True)
        step, dear = options.documents // options.steps, list[list[float]]()
        stream = enumerate(made(options.documents, options.shared, full=FULL))
        before = team.costs()
        for number in range(1, options.steps + 1):
            fed = 0
            for _ in range(step // PORTION):
                some = list(itertools.islice(stream, PORTION))
                fed += len(some)
                feed(store, some, options.documents)
                while on_the_way(store) > BACKLOG:
                    time.sleep(0.5)
            after = team.costs()
            dear.append(told(number * step, fed, before, after, workers))
            before = after
        while on_the_way(store):
            time.sleep(0.2)
        with store.read() as db:
            count = db.execute(select(func.count()).select_from(documents)).scalar_one()
            warned = db.execute(select(func.count()).select_from(alerts)).scalar_one()
            held = db.execute(text("select pg_database_size(current_database())")).scalar_one()
        with urllib.request.urlopen(f"{nodes[0].url}/_stats/store") as answer:
            indexed = json.load(answer)["_all"]["primaries"]["store"]["size_in_bytes"]
        print(f"{count:,} documents settled, {warned:,} alerts")
        print(f"a document: {held / count:,.0f} bytes in PostgreSQL, {indexed / count:,.0f} in a primary of the index")
        for part, costs in zip((*PARTS, "all"), zip(*dear, strict=True), strict=True):
            first, last = straight(costs[1:])  # the first step loads
            print(f"slope, {part}: {first:.2f} ms at the second step, {last:.2f} at the last, x{last / first:.2f}")


def straight(costs: Sequence[float]) -> tuple[float, float]:
    """Both ends of the straight line through these costs."""
    slope, start = np.polyfit(np.arange(len(costs)), costs, 1)
    return float(start), float(start + slope * (len(costs) - 1))


def told(so_far: int, step: int, before: Costs, after: Costs, workers: Sequence[int]) -> list[float]:
    """Print a step; CPU milliseconds a document of each part, and of all."""
    spent: list[float] = [(getattr(after, part) - getattr(before, part)) * 1000 / step for part in PARTS]
    rate, memory = step / (after.clock - before.clock), [f"{pss_mb(pid):.0f}" for pid in workers]
    if "0" in memory:
        raise SystemExit("a worker has ended; its reason is above")
    cells = " | ".join(f"{one:.2f}" for one in spent)
    print(f"| {so_far:,} | {cells} | {rate:.1f} | {', '.join(memory)} |", flush=True)
    return [*spent, sum(spent)]


# --- one reader against two ---------------------------------------------------------------------------------------


def pipeline_on(store: Store, data: Path, who: str) -> Pipeline:
    """The steps as a worker makes them; nobody is told."""
    settings = Settings(profile="live", data=data, database_url=store.url, contact="desk@bureau.example.org")
    known = knowledge_of(settings, store)
    return build_pipeline(settings, store, known, who=who, judge=judge_of(settings, store, known, notify=False))


def read_all(url: str, folder: str, who: str) -> None:
    """Read (analyse) what is cleaned, until nothing is left."""
    pipeline = pipeline_on(Store(url), Path(folder), who)
    print(f"{who} ready", file=sys.stderr)
    while pipeline.analyse():
        continue


def readers(options: argparse.Namespace, folder: Path, store: Store) -> None:
    """The same cleaned texts, read by one process and by two."""
    pipeline = pipeline_on(store, folder / "data", "clean/1")
    count = min(options.documents, 6000)
    feed(store, list(enumerate(made(count, options.shared))), count)
    while pipeline.clean():
        continue
    took = {}
    for many in (1, 2):
        with store.write() as db:
            db.execute(documents.update().values(stage=DEDUPED, claimed_by=None, claimed_until=None, attempts=0))
        arguments = [(store.url, str(folder / "data"), f"reader{n}/{many}") for n in range(many)]
        context = multiprocessing.get_context("spawn")
        crew = [context.Process(target=read_all, args=one) for one in arguments]
        for process in crew:
            process.start()
        while _read(store) == 0:  # they load
            time.sleep(0.01)
        at, begun = _read(store), time.monotonic()
        while _read(store) < count:
            time.sleep(0.05)
        took[many] = (count - at) / (time.monotonic() - begun)
        for process in crew:
            process.join()
    print(f"one reader {took[1]:.1f} documents a second, two {took[2]:.1f}: x{took[2] / took[1]:.2f}")


def alone(options: argparse.Namespace, folder: Path, store: Store) -> None:
    """Each step of one process, the others idle. Cleaning and judging hold a turn that the whole team has once."""
    pipeline = pipeline_on(store, folder / "data", "alone/1")
    count = min(options.documents, 6000)
    feed(store, list(enumerate(made(count, options.shared, full=FULL))), count)
    steps = (("clean", pipeline.clean), ("read", pipeline.analyse), ("judge", pipeline.judge_signals))
    for name, step in steps:
        begun, cpu, moved = time.monotonic(), time.process_time(), 0
        while now := step():
            moved += now
        seconds, spent = time.monotonic() - begun, time.process_time() - cpu
        print(f"{name}: {moved / seconds:.0f} a second, {1000 * spent / moved:.2f} ms of CPU", flush=True)


def _read(store: Store) -> int:
    with store.read() as db:
        return int(db.execute(select(func.count()).where(documents.c.stage == "analysed")).scalar_one())


def main() -> None:
    """Start the servers, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=300_000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--readers", action="store_true")
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--shared", type=Path, default=SHARED)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with running_postgresql(folder / "pg", LASTING) as database:
            store = Store(database.url)
            measure = readers if options.readers else alone if options.alone else whole
            measure(options, folder, store)
            store.close()


if __name__ == "__main__":
    main()
