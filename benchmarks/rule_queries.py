"""What rules with a query cost a document: milliseconds to find which of 10, 100 and 1,000 of them it meets.

    python -m benchmarks.rule_queries [10 100 1000]

Texts are those of the sample pack; queries ask for two to four of its words, products, issues and places. Beside it:
every query asked of every document, as it would be without the first look at tokens.
"""

import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from alerts.desk_rules import tenures_of
from alerts.query_hits import NEWEST, QueryHits, query_hits
from alerts.rule_examples import ACK_HOURS, signals_of
from alerts.rule_query import RuleQueries, queries_of
from alerts.setup import EngineParts
from config.grouping import load_grouping
from config.lexicon import Lexicon, load_lexicon, load_registry_csv
from config.rules import ExampleDocument, Rule
from config.settings import PROJECT
from core.records import Kind, Signal
from demo.story import read_pack
from search.match import MatchRow, compile_match
from store.database import open_engine
from store.schema import metadata

KINDS = {kind.value for kind in Kind}


def texts(count: int) -> list[Signal]:
    """Documents of the pack as signals, an hour apart."""
    found: list[Signal] = []
    for row in read_pack()[:count]:
        truth = row["truth"]
        told = {"product": truth["product"], "jurisdiction": truth["jurisdiction"] or "", "level": 2}
        kind = row["kind"] if row["kind"] in KINDS else "news"
        told |= {"title": row["title"][:200], "text": row["text"], "kind": kind, "at": len(found)}
        [signal] = signals_of([ExampleDocument.model_validate(told)])
        found.append(replace(signal, document=replace(signal.document, id=row["id"])))
    return found


def made_up(count: int, lexicon: Lexicon) -> list[str]:
    """Queries as desks write them: words or a product, with a place, an issue or a level."""
    chance = random.Random(3)
    words = [term for product in lexicon.products.values() for term in product.terms if len(term) > 1]
    words += [cue for issue in lexicon.issues.values() for cue in issue.cues if len(cue) > 1]
    products = [product.name for product in lexicon.products.values()]
    places = [region.name for region in lexicon.regions if region.code.startswith("36")]
    found = []
    for _ in range(count):
        one, two = chance.sample(words, 2)
        first = chance.choice(
            [f"{one} and {two}", f"({one} or {two})", f'产品:"{chance.choice(products)}"', f'"{one}"']
        )
        place = f' and 属地:"{chance.choice(places)}"'
        found.append(first + chance.choice(["", place, " and 级别>=2", " and not 类型:评价", " and 类型:投诉"]))
    return found


def rules_of(asked: Sequence[str]) -> list[Rule]:
    """A rule a query."""
    words = {"title": "检索", "why": "测量", "condition": {"type": "any"}, "level": "yellow"}
    return [Rule.model_validate({"id": f"q{n}", **words, "scope": {"query": text}}) for n, text in enumerate(asked)]


def judging(rules: Sequence[Rule], lexicon: Lexicon, queries: RuleQueries, signals: Sequence[Signal]) -> float:
    """Median milliseconds to judge a document with these rules alone, findings and alerts written."""
    parts = EngineParts(
        tuple(rules), lexicon, load_grouping(PROJECT / "config"), lambda _: None, ACK_HOURS, None, queries
    )
    engine, database = parts.engine(), open_engine("sqlite://")
    with database.begin() as db:
        metadata.create_all(db)
        return milliseconds(lambda signal: engine.judge(db, signal, now=signal.document.event_time), signals)


def milliseconds(work: Callable[[Signal], object], signals: Sequence[Signal]) -> float:
    """Median a document."""
    spent = []
    for signal in signals:
        started = time.perf_counter()
        work(signal)
        spent.append((time.perf_counter() - started) * 1000)
    return statistics.median(spent)


def asking_all(asked: Sequence[str], queries: RuleQueries, signals: Sequence[Signal]) -> tuple[float, int]:
    """Median milliseconds to ask a cut document every query, and how many are met by all documents."""
    matches = [compile_match(queries.read_text(text), queries.words) for text in asked]
    rows = {signal.document.id: MatchRow(queries.row(signal)) for signal in signals}
    met = 0

    def ask(signal: Signal) -> None:
        nonlocal met
        met += sum(match(rows[signal.document.id]) for match in matches)

    return milliseconds(ask, signals), met


def main() -> int:
    lexicon = load_lexicon(PROJECT / "config")
    queries = queries_of(lexicon, load_registry_csv(PROJECT / "config" / "lexicons" / "enterprises_demo.csv"))
    signals = texts(300)
    queries.row(signals[0])
    print(f"cutting a text into a row: {milliseconds(queries.row, signals):.2f} ms a document")
    for count in map(int, sys.argv[1:] or ["10", "100", "1000"]):
        asked = made_up(count, lexicon)
        rules, started = rules_of(asked), time.perf_counter()
        hits = query_hits(tenures_of(rules, (), queries), queries.words, queries.row)
        loaded = time.perf_counter() - started
        met = 0

        def find(signal: Signal, hits: QueryHits = hits) -> None:
            nonlocal met
            met += len(hits.of(signal, NEWEST, lambda _: True).live)

        finding, (asking, met_too) = milliseconds(find, signals), asking_all(asked, queries, signals)
        assert met == met_too, "the first look lost a hit"
        whole = judging(rules, lexicon, queries, signals)
        print(
            f"{count:>5} rules: {finding:.2f} ms with cutting (asking each: {asking:.2f} ms more than cutting), "
            f"judged whole {whole:.2f} ms; {met / len(signals):.1f} met a document; loaded in {loaded:.2f} s"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
