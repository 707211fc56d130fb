"""The other process of the benchmark: signals that arrive, fifty a commit as in the pipeline, at a steady rate."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection

from benchmarks.search_engines import Engine
from search.records import IndexEntry

BATCH = 50
"""Signals a commit, as pipelines/stages.py writes them."""

Opener = Callable[[], tuple[Engine, Callable[[int], IndexEntry]]]
"""Made anew in the other process: the engine, and the signals by number. It must be picklable."""


@dataclass
class Arrived:
    """What came while somebody measured. waits: seconds each commit took."""

    documents: int = 0
    text: int = 0
    """Bytes of title and body."""
    waits: tuple[float, ...] = ()
    late: float = 0.0
    """Seconds the last commit was behind its time."""


@contextmanager
def arriving(opener: Opener, *, first: int, rate: float, core: int) -> Iterator[Arrived]:
    """Signals from number `first` on, `rate` a second, from a process on `core`, until the block ends."""
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_arrive, args=(opener, first, rate, core, theirs), daemon=True)
    process.start()
    arrived = Arrived()
    try:
        ours.recv()  # the first batch is in
        yield arrived
    finally:
        ours.send("enough")
        if ours.poll(60):
            found = ours.recv()
            vars(arrived).update(vars(found))
        process.join(60)
        if process.is_alive():
            process.kill()


def _arrive(opener: Opener, first: int, rate: float, core: int, line: Connection) -> None:
    os.sched_setaffinity(0, {core})
    engine, entry = opener()
    waits: list[float] = []
    number, late, text = first, 0.0, 0
    started = time.perf_counter()
    while not line.poll(0):
        batch = [entry(at) for at in range(number, number + BATCH)]
        due = started + (number - first) / rate
        late = time.perf_counter() - due
        if late < 0:
            time.sleep(-late)
        begun = time.perf_counter()
        engine.load(batch)
        waits.append(time.perf_counter() - begun)
        number += BATCH
        text += sum(len((one.title + one.body).encode()) for one in batch)
        if len(waits) == 1:
            line.send("begun")
    line.send(Arrived(number - first, text, tuple(waits), max(0.0, late)))
    engine.close()
