"""Looking for work against being woken: from a saved text to its being judged, an idle worker's CPU, what writers pay.

python -m benchmarks.waking [--texts 40] [--idle 20]

Needs PostgreSQL's programs. Reading and rules cost nothing here.
"""

import argparse
import multiprocessing
import random
import resource
import signal
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

from core.clock import system_clock
from core.records import Analysis, Kind, RawDocument
from core.stopping import stop_on
from pipelines.intake import StoreIntake
from pipelines.stages import Pipeline
from pipelines.waking import Polling, waiting_for
from pipelines.worker import work_until
from store import database
from store.database import Store
from store.documents import count_by_stage
from store.wake import ANALYSIS
from tests import postgresql

NOTHING = Analysis(False, 0, 0.0, None, None, None, (), (), (), (), (), (), (), "题", "文")


class Reader:
    """Reads nothing."""

    def analyze(self, *_text: Any, **_more: Any) -> Analysis:
        """See nlp.analyze."""
        return NOTHING


def worker(url: str, woken: bool, cpu: Any) -> None:
    """A worker whose reading costs nothing."""
    stop, store = stop_on(signal.SIGTERM), Store(url, kept=True)
    reader: Any = Reader()
    pipeline = Pipeline(store, reader, lambda *_given: None, system_clock, "worker")
    waiting = waiting_for(store, ANALYSIS) if woken else Polling()
    began = Event()

    def note(_pipeline: Pipeline) -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        cpu.value = used.ru_utime + used.ru_stime
        began.set()

    work_until(stop, pipeline, refresh=note, take_up=lambda _now: None, waiting=waiting)


def save(store: Store, number: int) -> None:
    """One text."""
    url = f"http://a.example/{number}"
    now = system_clock()
    raw = RawDocument("a", Kind.NEWS, url, f"第 {number} 篇", f"正文 {number}，说的是别的事。" * 9, now, published=now)
    StoreIntake(store, system_clock).save(raw)


def latencies(store: Store, texts: int, first: int) -> list[float]:
    """Milliseconds from the end of saving to judged."""
    found = []
    for number in range(texts):
        time.sleep(random.uniform(0.2, 1.0))
        save(store, first + number)
        began = time.perf_counter()
        while True:
            with store.read() as db:
                if set(count_by_stage(db)) == {"judged"}:
                    break
            time.sleep(0.002)
        found.append(1000 * (time.perf_counter() - began))
    return found


def measure(url: str, woken: bool, texts: int, idle: float, first: int) -> None:
    """Print one row."""
    cpu = multiprocessing.Value("d", 0.0)
    process = multiprocessing.Process(target=worker, args=(url, woken, cpu))
    process.start()
    store = Store(url)
    time.sleep(8)
    took = sorted(latencies(store, texts, first))
    time.sleep(11)
    before, began = cpu.value, time.monotonic()
    time.sleep(idle)
    spent = (cpu.value - before) / (time.monotonic() - began)
    process.terminate()
    process.join()
    store.close()
    p95 = took[int(len(took) * 0.95)]
    name = "woken" if woken else "looks"
    print(f"{name}: median {statistics.median(took):.0f} ms, 95 % {p95:.0f} ms; idle {1000 * spent:.1f} ms of CPU/s")


def writers(url: str, how: Callable[[Any], object], name: str, first: int) -> None:
    """Four that save texts side by side, with nobody who takes them."""
    vars(database)["wake_noted"] = how
    store, count = Store(url), 400
    began = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: save(store, first + number), range(count)))
    print(f"{name}: {count / (time.perf_counter() - began):.0f} texts a second by four writers")
    store.close()


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=40)
    parser.add_argument("--idle", type=float, default=20.0)
    asked = parser.parse_args()
    postgresql.FAST = ("shared_buffers=64MB",)  # type: ignore[assignment]  # flushed to disk, as in use
    with tempfile.TemporaryDirectory() as folder, postgresql.running_postgresql(Path(folder) / "c") as running:
        for turn, woken in enumerate((False, True)):
            measure(running.url, woken, asked.texts, asked.idle, 10_000 * turn)
        told = vars(database)["wake_noted"]
        for turn in range(2):
            writers(running.url, lambda _db: None, "no queue", 100_000 * (2 * turn + 1))
            writers(running.url, told, "queue", 100_000 * (2 * turn + 2))


if __name__ == "__main__":
    main()
