"""How well events are told apart: BCubed on the gold sets and the sample pack, in order and shuffled.

    python -m benchmarks.event_quality            figures around the chosen number of points (nlp.events.ENOUGH)

The points were set by hand, a kind of evidence each, with dev and the pack in view: these are not unseen texts. The
table shows that the figures do not hang on one number: chosen on one set, any of them is as good on the others.
"""

import random
from unittest.mock import patch

from config.grouping import load_grouping
from config.lexicon import load_lexicon, load_registry_csv
from config.settings import PROJECT
from nlp import events
from nlp.analyze import Analyzer
from nlp.event_figures import bcubed, clustered
from nlp.event_traits import Traits
from pipelines.event_rows import read_rows, reader
from pipelines.events import EventKeeper, names_in
from tests.test_events import pack, rows_of

SETS = {"dev": "tests/gold/dev.jsonl", "dev_long": "tests/gold/dev_long.jsonl", "sample pack": ""}
NUMBERS = (2.0, 2.25, 2.5, 2.75, 3.0)
SHUFFLES = 10


def main() -> None:
    """Print a line a set and number, then what the order of arrival changes."""
    config = PROJECT / "config"
    lexicon, registry = load_lexicon(config), load_registry_csv(config / "lexicons" / "enterprises_demo.csv")
    keeper = EventKeeper(lexicon.regions, load_grouping(config).family_of, names_in(registry))
    read = reader(Analyzer(lexicon, registry))
    for name, file in SETS.items():
        rows = rows_of(file) if file else pack()
        truth = {str(row["id"]): row["event_id"] for row in rows if row["is_risk"]}
        told = read_rows(rows, read, keeper)
        print(
            f"{name}: {len(truth)} risk documents, {len(set(truth.values()))} events, "
            f"singletons {bcubed(truth, {}).f1:.3f}"
        )
        for number in NUMBERS:
            with patch.object(events, "ENOUGH", number):
                found = bcubed(truth, clustered(told, keeper.regions))
            print(f"  {number:.2f}  P {found.precision:.3f}  R {found.recall:.3f}  F1 {found.f1:.3f}")
        _shuffled(told, truth, keeper)


def _shuffled(told: list[Traits], truth: dict[str, str], keeper: EventKeeper) -> None:
    in_order = clustered(told, keeper.regions)
    figures, agreement = [], []
    for seed in range(SHUFFLES):
        some = random.Random(seed).sample(told, len(told))
        found = clustered(some, keeper.regions)
        figures.append(bcubed(truth, found).f1)
        agreement.append(bcubed({doc: in_order[doc] for doc in truth if doc in in_order}, found).f1)
    print(
        f"  shuffled {SHUFFLES} times: F1 {min(figures):.3f} to {max(figures):.3f}, "
        f"same as in order {min(agreement):.3f}"
    )


if __name__ == "__main__":
    main()
