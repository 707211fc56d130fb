"""What judging a document costs with 10 to 1,000 rules loaded, and as the corpus grows; ratios of the same run.

    python -m benchmarks.rule_slope                                 10, 100, 300, 500 and 1,000 rules, 3,000 documents
    python -m benchmarks.rule_slope --elsewhere                     the same, with the shipped rules and so many others
                                                                    that no document meets: what loading them costs
    python -m benchmarks.rule_slope --corpus 10000 50000 200000     500 rules, corpora of that many documents

CPU time of the judging thread is told, for the machine does other things too. A rule that a document meets costs what
counting its window and writing its finding cost; one that it does not meet should cost nothing. Rules are those of
benchmarks/made_up_rules.py; documents carry a product, a place and issues of the demo's registry and a few sentences.
Each document is judged by every engine in turn.
"""

import argparse
import gc
import json
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta

from alerts.cards import card_of, keys_of, stored
from alerts.engine import AlertEngine
from alerts.rule_examples import ACK_HOURS
from alerts.rule_query import queries_of
from alerts.setup import EngineParts, load_file_rules
from benchmarks.alert_cost import made_up
from benchmarks.made_up_rules import WORDS, rules_made_up
from config.grouping import load_grouping
from config.lexicon import Lexicon, load_lexicon, load_registry_csv
from config.settings import PROJECT
from core.records import RegistryEntry, Signal
from store.database import Store
from store.schema import signal_cards, signal_keys

RULES, DOCUMENTS, MEASURED, WARM_UP = (10, 100, 300, 500, 1000), 3000, 300, 100
A_DAY = 80


def signals(count: int, registry: Sequence[RegistryEntry]) -> list[Signal]:
    """Signals with a text, `A_DAY` a day, in order of event time."""
    firms = [(e.id, e.products[0], e.region_code) for e in registry if e.products]
    return [_told(signal, place) for place, signal in enumerate(made_up(count, firms, hours=24 / A_DAY, hot=False))]


def _told(signal: Signal, place: int) -> Signal:
    chance = random.Random(place)
    text = "。".join(f"某地居民反映所购产品{chance.choice(WORDS)}，编号{chance.randrange(10**6)}" for _ in range(8))
    title = f"{chance.choice(WORDS)}反映{place}"
    document = replace(signal.document, title=title, text=text)
    return Signal(document, replace(signal.analysis, masked_title=title, masked_text=text))


@dataclass
class Measured:
    """One engine over a store of its own, and what it spent, in ms."""

    name: str
    engine: AlertEngine
    store: Store
    carding: list[float] = field(default_factory=list)
    judging: list[float] = field(default_factory=list)
    met: list[int] = field(default_factory=list)

    def fill(self, before: Sequence[Signal]) -> None:
        """Cards alone, as if they had been judged long ago: written at once, as no revision is among them."""
        for first in range(0, len(before), 5000):
            cards = [card_of(signal, self.engine.view) for signal in before[first : first + 5000]]
            rows = [{"document": c.document, "revision": c.revision, "at": c.at} for c in cards]
            facts = [{**row, "facts": json.loads(stored(c).facts)} for row, c in zip(rows, cards, strict=True)]
            keys = [
                {**row, "key": key}
                for row, card in zip(rows, cards, strict=True)
                for key in sorted(set(keys_of(card, self.engine.view)))
            ]
            with self.store.write() as db:
                db.execute(signal_cards.insert(), facts)
                db.execute(signal_keys.insert(), keys)

    def judge(self, signal: Signal) -> None:
        """One document, its card once more alone."""
        started = time.thread_time()
        card = card_of(signal, self.engine.view)
        self.carding.append((time.thread_time() - started) * 1000)
        self.met.append(len(card.rules))
        with self.store.write() as db:
            started = time.thread_time()
            self.engine.judge(db, signal, now=signal.document.event_time + timedelta(minutes=1))
            self.judging.append((time.thread_time() - started) * 1000)

    def line(self, first: "Measured") -> str:
        """Medians and means, and the ratio to the first engine's."""
        mean = statistics.fmean(self.judging[WARM_UP:])
        ratio = mean / statistics.fmean(first.judging[WARM_UP:])
        return (
            f"{self.name}: matching {statistics.median(self.carding[WARM_UP:]):5.2f} ms, "
            f"judged whole median {statistics.median(self.judging[WARM_UP:]):6.2f}, mean {mean:6.2f} ms "
            f"(x{ratio:.2f}), worst {max(self.judging[WARM_UP:]):6.1f}; "
            f"{statistics.fmean(self.met[WARM_UP:]):.1f} rules and parts met a document"
        )


def engine_of(rules: int, lexicon: Lexicon, registry: Sequence[RegistryEntry], *, elsewhere: bool) -> AlertEngine:
    """An engine with so many made-up rules; elsewhere: with the shipped ones and so many that nothing meets."""
    made = rules_made_up(rules, lexicon, [entry.id for entry in registry], elsewhere=elsewhere)
    if elsewhere:
        made += load_file_rules(PROJECT / "config", lexicon, queries_of(lexicon))
    find = {entry.id: entry for entry in registry}.get
    queries = queries_of(lexicon, registry)
    grouping = load_grouping(PROJECT / "config")
    return EngineParts(tuple(made), lexicon, grouping, find, ACK_HOURS, None, queries).engine()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rules", nargs="*", type=int, default=RULES)
    parser.add_argument("--corpus", nargs="*", type=int, help="sizes of corpora, with 500 rules")
    parser.add_argument("--elsewhere", action="store_true")
    options = parser.parse_args()
    lexicon = load_lexicon(PROJECT / "config")
    registry = load_registry_csv(PROJECT / "config" / "lexicons" / "enterprises_demo.csv")
    cases = [(500, size) for size in options.corpus] if options.corpus else [(n, DOCUMENTS) for n in options.rules]
    told = signals(max(size for _, size in cases) + WARM_UP + MEASURED, registry)
    with ExitStack() as stack:
        engines = []
        for rules, size in cases:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            store = Store(f"sqlite:///{folder}/slope.db", synchronous="NORMAL")
            stack.callback(store.close)
            store.migrate()
            one = Measured(
                f"{rules:>5} rules, {size:>7} documents",
                engine_of(rules, lexicon, registry, elsewhere=options.elsewhere),
                store,
            )
            one.fill(told[-size - WARM_UP - MEASURED : -WARM_UP - MEASURED])
            engines.append(one)
        gc.freeze()
        for signal in told[-WARM_UP - MEASURED :]:
            for one in engines:
                one.judge(signal)
        for one in engines:
            print(one.line(engines[0]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
