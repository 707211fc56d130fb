"""What placing one document into its event costs as the store grows: CPU milliseconds a document at several
sizes.

    python -m benchmarks.event_cost                     1,000, 10,000 and 50,000 documents, 80 a day, 300 firms
    python -m benchmarks.event_cost --hot               the same number, every second one of one firm, all in 75 days

Documents are made up, without texts: only traits, neighbours, decisions and the store are measured. The statistics of
the last 300 documents before each size are printed.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from config.grouping import load_grouping
from config.lexicon import load_lexicon, load_registry_csv
from config.settings import PROJECT
from core.records import Analysis, Document, Kind, Signal
from pipelines.events import EventKeeper, names_in
from store.database import Store
from store.schema import event_documents, events

A_DAY = 80
MEASURED = 300
KINDS = (Kind.NEWS, Kind.NOTICE, Kind.COMPLAINT, Kind.COMPLAINT, Kind.SOCIAL, Kind.FORUM)
ISSUES = ("defect", "nonconf", "fire", "label", "injury", "sell_unlic", "cutcorner", "explosion")
START = datetime(2024, 1, 1, tzinfo=UTC)


def made_up(count: int, firms: Sequence[tuple[str, str, str]], *, hot: bool) -> Iterator[Signal]:
    """Signals in order of event time. firms: (id, product, county)."""
    chance = random.Random(7)
    step = timedelta(days=75) / count if hot else timedelta(days=1) / A_DAY
    for place in range(count):
        firm, product, county = firms[0] if hot and place % 2 else chance.choice(firms)
        named = firm if chance.random() < 0.7 else None
        yield Signal(_document(place, START + place * step, chance), _analysis(named, product, county, chance))


def _document(place: int, at: datetime, chance: random.Random) -> Document:
    kind, id = chance.choice(KINDS), f"m{place:06d}"
    return Document(
        id=id, source="s", kind=kind, url="", canonical_url="", title=id, text="起火。", event_time=at,
        published=at, fetched_at=at, stored_at=at, revision=1, content_hash=id,
    )  # fmt: skip


def _analysis(firm: str | None, product: str, county: str, chance: random.Random) -> Analysis:
    return Analysis(
        is_risk=True, level=chance.choice((1, 1, 2)), score=0.9, primary_product=product, primary_enterprise=firm,
        jurisdiction_code=county, mentions=(), title_mentions=(), issues=tuple(chance.sample(ISSUES, 2)),
        products=(product,), enterprises=(firm,) if firm else (), regions=(county,), reasons=(), masked_title="",
        masked_text="",
    )  # fmt: skip


def main() -> None:
    """Print a line a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=[1_000, 10_000, 50_000])
    parser.add_argument("--hot", action="store_true")
    options = parser.parse_args()
    sizes = sorted(options.sizes)
    config = PROJECT / "config"
    lexicon, registry = load_lexicon(config), load_registry_csv(config / "lexicons" / "enterprises_demo.csv")
    keeper = EventKeeper(lexicon.regions, load_grouping(config).family_of, names_in(registry))
    firms = [(entry.id, entry.products[0], entry.region_code) for entry in registry if entry.products]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/events.db", synchronous="NORMAL")
        store.migrate()
        spent: list[float] = []
        for number, signal in enumerate(made_up(sizes[-1], firms, hot=options.hot), 1):
            began = time.process_time()
            with store.write() as db:
                keeper.place(db, signal, signal.document.event_time)
            spent.append(1000 * (time.process_time() - began))
            if number in sizes:
                last = sorted(spent[-MEASURED:])
                print(f"{number:>7} documents  {_shape(store)}  median {statistics.median(last):.2f} ms"
                      f"  p95 {last[int(0.95 * len(last))]:.2f} ms", flush=True)  # fmt: skip
        store.close()


def _shape(store: Store) -> str:
    with store.read() as db:
        count = db.execute(select(func.count()).select_from(events).where(events.c.merged_into.is_(None))).scalar_one()
        of_one = (
            select(func.count().label("n")).select_from(event_documents).group_by(event_documents.c.event).subquery()
        )
        longest = db.execute(select(func.max(of_one.c.n))).scalar_one()
    return f"{count:>6} events, the longest {longest:>6}"


if __name__ == "__main__":
    main()
