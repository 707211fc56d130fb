"""What judging one document costs as the store grows: milliseconds a document at several corpus sizes.

    python -m benchmarks.alert_cost                       1,000, 10,000 and 30,000 documents, 80 a day, 300 firms
    python -m benchmarks.alert_cost --hot 1000 5000 20000 all of them of one firm within 30 days

Signals are made up, without texts: only cards, matters, rules and alerts are measured.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.cards import card_of, keys_of, stored
from alerts.engine import AlertEngine
from alerts.rule_examples import signals_of
from alerts.setup import build_engine
from config.lexicon import load_lexicon, load_registry_csv
from config.rules import ExampleDocument
from config.settings import PROJECT
from core.records import Kind, Signal
from store.cards import save_card
from store.database import Store

A_DAY = 80
WARM_UP, MEASURED = 300, 200
KINDS = (Kind.NEWS, Kind.NOTICE, Kind.COMPLAINT, Kind.COMPLAINT, Kind.SOCIAL, Kind.FORUM)
ISSUES = ("defect", "nonconf", "fire", "label", "injury", "sell_unlic", "cutcorner")


def made_up(count: int, firms: Sequence[tuple[str, str, str]], *, hours: float, hot: bool) -> list[Signal]:
    """Signals in order of event time. firms: (id, product, county)."""
    chance = random.Random(7)
    found: list[Signal] = []
    for place in range(count):
        firm, product, county = firms[0] if hot or chance.random() < 0.05 else chance.choice(firms)
        told = ExampleDocument(
            kind=chance.choice(KINDS),
            source=f"s{chance.randrange(40)}",
            product=product,
            enterprise=firm if chance.random() < 0.7 else None,
            jurisdiction=county,
            issues=tuple(chance.sample(ISSUES, 2)),
            level=chance.choice((0, 0, 1, 1, 1, 2)),
            at=place * hours,
        )
        [signal] = signals_of([told])
        found.append(_renamed(signal, place))
    return found


def _renamed(signal: Signal, place: int) -> Signal:
    document = signal.document.__class__(**{**vars(signal.document), "id": f"m{place:06d}"})
    return Signal(document, signal.analysis)


def measure(engine: AlertEngine, signals: Sequence[Signal], folder: str) -> tuple[float, float, float]:
    """Median, mean and worst milliseconds of the last documents.

    The ones before are in the store as cards; the first of them that are judged write the alerts of all others.
    """
    store = Store(f"sqlite:///{folder}/cost.db", synchronous="NORMAL")
    store.migrate()
    with store.write() as db:
        for signal in signals[: -WARM_UP - MEASURED]:
            card = card_of(signal, engine.view)
            save_card(db, stored(card), keys_of(card, engine.view), withdrawn_at=None)
    spent: list[float] = []
    for signal in signals[-WARM_UP - MEASURED :]:
        now: datetime = signal.document.event_time + timedelta(minutes=1)
        with store.write() as db:
            started = time.perf_counter()
            engine.judge(db, signal, now=now)
            spent.append((time.perf_counter() - started) * 1000)
    store.close()
    settled = spent[-MEASURED:]
    return statistics.median(settled), statistics.fmean(settled), max(settled)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("sizes", nargs="*", type=int, default=[1000, 10_000, 30_000])
    parser.add_argument("--hot", action="store_true")
    options = parser.parse_args()
    lexicon = load_lexicon(PROJECT / "config")
    registry = load_registry_csv(PROJECT / "config" / "lexicons" / "enterprises_demo.csv")
    engine = build_engine(PROJECT / "config", registry={e.id: e for e in registry}.get, lexicon=lexicon)
    firms = [(e.id, e.products[0], e.region_code) for e in registry if e.products]
    for size in options.sizes:
        hours = 24 * 30 / size if options.hot else 24 / A_DAY
        signals = made_up(size, firms, hours=hours, hot=options.hot)
        with tempfile.TemporaryDirectory() as folder:
            median, mean, worst = measure(engine, signals, folder)
        print(f"{size:>7} documents: median {median:6.1f} ms, mean {mean:6.1f} ms, worst {worst:7.1f} ms a document")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
