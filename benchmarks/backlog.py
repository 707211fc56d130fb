"""An accident that comes last: how long it takes from the store to judged behind a backlog.

    python -m benchmarks.backlog [--waiting 20000] [--shared ../shared/data]

So many plain texts (benchmarks/stream_texts.py, without those that a first reading takes for grave) wait on SQLite; a
worker begins, after two seconds an accident arrives, after ten more another. Told are: what a claim of 50 costs with
the backlog and with a tenth of it, seconds from stored to judged, the worker's rate, and the memory of the process.
"""

import argparse
import resource
import statistics
import tempfile
import threading
import time
from datetime import timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import select, update

from benchmarks.stream_texts import SHARED, made
from commands.assemble import build_pipeline
from commands.knowledge import knowledge_of
from commands.stores import open_store
from config.settings import Settings
from core.clock import system_clock
from core.records import Kind, RawDocument
from nlp.first_reading import is_urgent
from pipelines.intake import save_raw
from pipelines.stages import BATCH
from store.database import Store
from store.documents import FETCHED, claim
from store.schema import documents

ACCIDENT = "南昌市一小区电动自行车起火致2人死亡"
BODY = "11月26日晚，南昌市青山湖区一小区车棚内，一辆电动自行车充电时起火，造成2人死亡，3人受伤。编号{number}。"


def store_plain(store: Store, count: int, shared: Path) -> None:
    """Texts of the last hours, none of which is urgent."""
    plain = (one for one in made(count * 2, shared) if not is_urgent(one.title, one.text))
    now = system_clock()
    texts = iter(islice(plain, count))
    number = 0
    while batch := list(islice(texts, 500)):
        with store.write() as db:
            for one in batch:
                number += 1
                at = now - timedelta(hours=6) + timedelta(seconds=number)
                address = f"http://plain.example/{number}"
                save_raw(db, RawDocument("plain", Kind.NEWS, address, one.title, one.text, now, published=at), now=now)


def cost_of_claim(store: Store) -> float:
    """Milliseconds of a claim of 50, the median of nine; all are given back."""
    took = []
    for _ in range(9):
        with store.write() as db:
            started = time.perf_counter()
            claim(db, FETCHED, who="bench", now=system_clock(), limit=BATCH)
            took.append((time.perf_counter() - started) * 1000)
            db.execute(
                update(documents)
                .where(documents.c.claimed_by == "bench")
                .values(claimed_by=None, claimed_until=None, attempts=0)
            )
    return statistics.median(took)


def accident(store: Store, number: int) -> float:
    """Let one arrive; seconds until it is judged."""
    now, address = system_clock(), f"http://accident.example/{number}"
    body = BODY.format(number=number)
    with store.write() as db:
        save_raw(db, RawDocument("wire", Kind.NEWS, address, ACCIDENT, body, now, published=now), now=now)
    started = time.monotonic()
    stage = select(documents.c.stage).where(documents.c.canonical_url == address, documents.c.source == "wire")
    while True:
        with store.read() as db:
            if db.execute(stage).scalar_one() == "judged":
                return time.monotonic() - started
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--waiting", type=int, default=20_000)
    parser.add_argument("--shared", type=Path, default=SHARED)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(profile="live", data=Path(folder))
        store = open_store(settings)
        store_plain(store, options.waiting // 10, options.shared)
        few = cost_of_claim(store)
        store_plain(store, options.waiting, options.shared)
        print(f"a claim of {BATCH}: {few:.1f} ms with {options.waiting // 10} waiting, ", end="")
        print(f"{cost_of_claim(store):.1f} ms with {options.waiting}", flush=True)
        pipeline = build_pipeline(settings, store, knowledge_of(settings, store), who="worker@bench/1", notify=False)
        stop, done = threading.Event(), [0]

        def work() -> None:
            while not stop.is_set():
                done[0] += pipeline.step()

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        worker, started = threading.Thread(target=work), time.monotonic()
        worker.start()
        time.sleep(2)
        for number, pause in enumerate((0, 10, 10)):
            time.sleep(pause)
            print(f"accident {number + 1}: judged {accident(store, number):.2f} s after it was stored", flush=True)
        seconds = time.monotonic() - started
        stop.set()
        worker.join()
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(
            f"{done[0] / 3 / seconds:.0f} documents a second; peak memory {before / 1024:.0f} > {after / 1024:.0f} MB"
        )


if __name__ == "__main__":
    main()
