"""Rules run on the search index: the findings of the pipeline, on either backend, and what only one of them knows."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from alerts.engine import AlertEngine
from alerts.index_check import check_on_index, last_check
from alerts.index_rules import Asker, RuleRun
from alerts.rule_examples import ACK_HOURS, STORY_BEGINS, signals_of
from alerts.rule_query import RuleQueries, queries_of
from alerts.setup import EngineParts
from config.grouping import load_grouping
from config.lexicon import Lexicon
from config.rules import ExampleDocument, Rule
from config.settings import PROJECT
from core.records import Kind, RegistryEntry, Signal
from search.elasticsearch import ElasticsearchBackend
from search.embedded import EmbeddedBackend
from search.groups import PAGE, CountingBackend, GroupsAsked, counted_from_hits
from search.records import entry_of
from store.database import Store
from store.documents import add_revision, analysis_columns
from store.schema import documents, findings
from tests.search_documents import words

DAY = timedelta(days=1)
SINCE, UNTIL = STORY_BEGINS + 10 * DAY, STORY_BEGINS + 55 * DAY
WORDS = {"title": "检索规则", "why": "试验", "level": "yellow"}
FIRE = {"issues": ["fire", "injury"], "min_level": 1}

RULES: Mapping[str, dict[str, Any]] = {
    "any": {"scope": {**FIRE, "hurt": 1, "voices": ["official", "media"]}, "condition": {"type": "any"}},
    "blacklist": {"condition": {"type": "blacklist", "field": "product", "values": ["cable"]}},
    "query": {
        "scope": {"query": "起火 and 级别>=2"},
        "condition": {"type": "frequency", "window": "3d", "at_least": 4, "sources": 2},
        "group_by": ["all"],
    },
    "frequency": {
        "scope": {"products": ["key"]},
        "condition": {"type": "frequency", "window": "7d", "at_least": 3},
        "group_by": ["product", "county"],
    },
    "spike": {
        "condition": {"type": "spike", "window": "2d", "at_least": 4, "ratio": 1.5, "history": 3},
        "group_by": ["issue"],
        "repeat_after": "1d",
    },
    "cardinality": {
        "scope": {"maker": "known"},
        "condition": {"type": "cardinality", "window": "4d", "of": "firm", "at_least": 4},
        "group_by": ["prefecture"],
    },
    "ratio": {
        "condition": {"type": "ratio", "window": "5d", "at_least": 5, "part": {"issues": ["fire"]}, "share": 0.6},
        "group_by": ["product"],
    },
    "metric": {
        "scope": {"regions": ["360700"]},
        "condition": {"type": "metric", "window": "3d", "of": "hurt", "how": "sum", "at_least": 4},
        "group_by": ["issue"],
    },
    "new_term": {
        "scope": {"text": ["冒烟", "起火"]},
        "condition": {"type": "new_term", "window": "2d", "lookback": "6d", "at_least": 2},
        "group_by": ["firm", "issue"],
    },
    "new_pair": {
        "condition": {"type": "new_term", "window": "2d", "lookback": "9d"},
        "group_by": ["product", "county", "prefecture"],
    },
    "resonance": {
        "condition": {"type": "resonance", "window": "3d", "origins": 3, "voices": 2, "sources": 2},
        "group_by": ["firm"],
    },
    "change": {"condition": {"type": "change", "window": "9d", "of": "issue"}, "group_by": ["firm"]},
    "in_matter": {"condition": {"type": "frequency", "window": "7d", "at_least": 3}},
    "ordered": {"condition": {"type": "tier_jump", "window": "7d"}, "group_by": ["product"]},
    "unusual": {"condition": {"type": "anomaly"}, "group_by": ["product"]},
    "silent": {"condition": {"type": "flatline", "window": "7d"}, "group_by": ["prefecture"]},
}  # fmt: skip
PIPELINE_ONLY = {
    "in_matter": "按事项归并",
    "ordered": "要看先后次序",
    "unusual": "基线要由多年的逐日计数算出",
    "silent": "没有信号时才触发",
}


def rules() -> list[Rule]:
    return [Rule.model_validate({"id": name, **WORDS, **told}) for name, told in RULES.items()]


def signals(count: int) -> list[Signal]:
    """Two months of them: copies, revisions and withdrawals among them."""
    chance = random.Random(11)
    found: list[Signal] = []
    for place in range(count):
        told = ExampleDocument(
            kind=chance.choice([Kind.NEWS, Kind.NOTICE, Kind.COMPLAINT, Kind.SOCIAL]),
            source=chance.choice(["daily", "evening", "video", "blog"]),
            product=chance.choice(["cable", "ebike_power", "gas_appliance", "furniture"]),
            enterprise=chance.choice([None, "ENT0140", "ENT0190", "ENT0043", "NIL:某某电池厂", "ENT0101", "ENT0281"]),
            jurisdiction=chance.choice(["360703", "360981", "360700", "361128", ""]),
            issues=tuple(chance.sample(["fire", "injury", "label", "nonconf"], 2)),
            places=(chance.choice(["360702", "360981"]),),
            level=chance.choice([0, 1, 2, 3]),
            casualties={"injured": chance.choice([0, 0, 1, 3])},
            title=chance.choice(["电池起火", "外壳冒烟", "标签不符"]),
            text=f"某地一产品{chance.choice(['起火', '冒烟', '开裂'])}，编号{place}。",
            at=place * 24 * 60 / count,
        )
        [signal] = signals_of([told])
        copy = found[-3].document.id if place > 5 and chance.random() < 0.1 else None
        document = replace(signal.document, id=f"s{place:04d}", repost_of=copy)
        found.append(Signal(document, signal.analysis))
    return found


@dataclass
class Bench:
    """A store, an engine and an index over the same documents."""

    store: Store
    engine: AlertEngine
    queries: RuleQueries

    def add(self, told: Sequence[Signal], *, judged: bool = True) -> None:
        """Store them, and judge them as the pipeline does."""
        for signal in told:
            document = signal.document
            with self.store.write() as db:
                add_revision(db, document, external_id=document.id, raw={})
                mine = (documents.c.id == document.id, documents.c.revision == document.revision)
                db.execute(update(documents).where(*mine).values(stage="indexed", **analysis_columns(signal.analysis)))
                if judged:
                    self.engine.judge(db, signal, now=document.event_time)

    def asker(self, index: CountingBackend) -> Asker:
        return Asker(self.store, index, self.engine, self.queries)


@pytest.fixture(scope="module")
def queries(lexicon: Lexicon) -> RuleQueries:
    return queries_of(lexicon, words=words)


@pytest.fixture(scope="module")
def bench(
    lexicon: Lexicon, firms: dict[str, RegistryEntry], queries: RuleQueries, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """600 documents, all judged."""
    made = opened(tmp_path_factory.mktemp("store"), rules(), lexicon, firms, queries)
    made.add(signals(600))
    yield made
    made.store.close()


def opened(
    folder: Path, own: Sequence[Rule], lexicon: Lexicon, firms: dict[str, RegistryEntry], queries: RuleQueries
) -> Bench:
    store = Store(f"sqlite:///{folder / 'rules.db'}", synchronous="NORMAL")
    store.migrate()
    grouping = load_grouping(PROJECT / "config")
    return Bench(
        store, EngineParts(tuple(own), lexicon, grouping, firms.get, ACK_HOURS, None, queries).engine(), queries
    )


def fill(index: CountingBackend, told: Sequence[Signal], lexicon: Lexicon) -> None:
    assert index.index([entry_of(signal, words, regions=lexicon.regions) for signal in told]) == ()
    index.refresh()


@pytest.fixture(scope="module")
def embedded(lexicon: Lexicon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountingBackend]:
    index = EmbeddedBackend(tmp_path_factory.mktemp("index"), words)
    fill(index, signals(600), lexicon)
    yield index
    index.close()


@pytest.fixture(scope="module")
def elastic_index(lexicon: Lexicon, elasticsearch_url: str) -> Iterator[CountingBackend]:
    index = ElasticsearchBackend(elasticsearch_url, f"rules-{uuid4().hex[:8]}", words)
    fill(index, signals(600), lexicon)
    yield index
    index.close()


def run(bench: Bench, index: CountingBackend, name: str, since: datetime = SINCE, until: datetime = UNTIL) -> RuleRun:
    rule = next(rule for rule in bench.engine.rules if rule.id == name)
    return bench.asker(index).run(rule, since, until)


@pytest.mark.parametrize("name", [name for name in RULES if name not in PIPELINE_ONLY])
def test_the_index_finds_what_the_pipeline_found(bench: Bench, embedded: CountingBackend, name: str) -> None:
    found = run(bench, embedded, name)
    assert found.why == ""
    assert found.findings, "a rule that never fires shows nothing"
    assert found.differences == ()
    assert found.unasked == ()


@pytest.mark.parametrize("name", [name for name in RULES if name not in PIPELINE_ONLY])
def test_both_backends_say_the_same(
    bench: Bench, embedded: CountingBackend, elastic_index: CountingBackend, name: str
) -> None:
    assert run(bench, embedded, name) == run(bench, elastic_index, name)


@pytest.mark.parametrize("name", PIPELINE_ONLY)
def test_what_the_index_cannot_say_is_said_so(bench: Bench, embedded: CountingBackend, name: str) -> None:
    found = run(bench, embedded, name)
    assert found.findings == ()
    assert found.why.startswith(PIPELINE_ONLY[name])


def test_a_lost_document_shows_as_a_difference(bench: Bench, lexicon: Lexicon, tmp_path: Path) -> None:
    index = EmbeddedBackend(tmp_path / "index", words)
    fill(index, signals(600), lexicon)
    finding = run(bench, index, "query").findings[0]
    lost = finding.documents[0]
    index.delete([lost])
    told = {one.finding.id: one for one in run(bench, index, "query").differences if one.side == "store"}
    assert told[finding.id].missing == (lost,)
    assert told[finding.id].why == "索引里缺 1 件它所依据的文档"
    index.close()


def test_the_check_tells_of_a_loss_until_it_is_mended(bench: Bench, lexicon: Lexicon, tmp_path: Path) -> None:
    now = STORY_BEGINS + 40 * DAY
    index = EmbeddedBackend(tmp_path / "index", words)
    fill(index, signals(600), lexicon)
    whole = check_on_index(bench.asker(index), now)
    assert whole is not None
    assert (whole.rules, whole.asked, whole.lost) == (len(RULES), len(RULES) - len(PIPELINE_ONLY), 0)
    assert whole.findings > 0
    lost = run(bench, index, "blacklist", now - 2 * DAY, now).findings[0].documents[0]
    index.delete([lost])
    told = check_on_index(bench.asker(index), now)
    assert told is not None
    assert told == last_check(bench.store)
    assert told.lost > 0
    assert ("blacklist", (lost,)) in [(one.rule, one.documents) for one in told.told]
    fill(index, [signal for signal in signals(600) if signal.document.id == lost], lexicon)
    assert check_on_index(bench.asker(index), now) == whole == last_check(bench.store)
    index.close()


def test_nothing_is_checked_while_signals_wait_for_the_index(
    lexicon: Lexicon, firms: dict[str, RegistryEntry], queries: RuleQueries, tmp_path: Path
) -> None:
    bench = opened(tmp_path, rules(), lexicon, firms, queries)
    bench.add(signals(10))
    with bench.store.write() as db:
        db.execute(update(documents).where(documents.c.id == "s0003").values(stage="judged"))
    index = EmbeddedBackend(tmp_path / "index", words)
    assert check_on_index(bench.asker(index), UNTIL) is None
    assert last_check(bench.store) is None
    index.close()


def test_a_text_that_was_changed_is_no_lost_document(
    lexicon: Lexicon, firms: dict[str, RegistryEntry], queries: RuleQueries, tmp_path: Path
) -> None:
    bench = opened(tmp_path, rules(), lexicon, firms, queries)
    told = signals(60)
    first = next(signal for signal in told if signal.analysis.primary_product == "cable" and signal.analysis.is_risk)
    changed = replace(first.document, revision=2, event_time=first.document.event_time + timedelta(hours=1))
    second = Signal(changed, replace(first.analysis, primary_product="furniture", products=("furniture",)))
    bench.add([*told, second])
    index = EmbeddedBackend(tmp_path / "index", words)
    fill(index, [second if signal is first else signal for signal in told], lexicon)
    found = run(bench, index, "blacklist", STORY_BEGINS, UNTIL)
    assert [one for one in found.differences if one.missing] == []
    index.close()


def test_a_rule_that_came_later_sets_its_alerts_off_once(
    lexicon: Lexicon, firms: dict[str, RegistryEntry], queries: RuleQueries, tmp_path: Path
) -> None:
    told = signals(200)
    early, late = (tmp_path / name for name in ("early", "late"))
    for folder in (early, late):
        folder.mkdir()
    asked = [rule for rule in rules() if rule.id == "query"]
    pipeline = opened(early, asked, lexicon, firms, queries)
    pipeline.add(told)
    before = opened(late, [], lexicon, firms, queries)
    before.add(told)
    after = replace(before, engine=opened(late, asked, lexicon, firms, queries).engine)
    index = EmbeddedBackend(tmp_path / "index", words)
    fill(index, told, lexicon)
    first = run(after, index, "query", STORY_BEGINS, STORY_BEGINS + 61 * DAY)
    assert {one.side for one in first.differences} == {"index"}
    after.asker(index).take_up(first, now=UNTIL)
    again = run(after, index, "query", STORY_BEGINS, STORY_BEGINS + 61 * DAY)
    assert (again.differences, again.unasked) == ((), ())
    assert [*standing(after.store)] == [*standing(pipeline.store)] != []
    after.asker(index).take_up(first, now=UNTIL)
    assert [*standing(after.store)] == [*standing(pipeline.store)]
    index.close()


def standing(store: Store) -> Iterator[tuple[Any, ...]]:
    """Findings with their alerts: what a desk sees of them."""
    with store.read() as db:
        for row in db.execute(select(findings).order_by(findings.c.id)).mappings():
            yield tuple(row[name] for name in ("id", "key", "fired_at", "reason", "documents", "alert", "withdrawn_at"))


def test_groups_are_counted_alike_however_many_there_are(
    embedded: CountingBackend, elastic_index: CountingBackend
) -> None:
    asked = GroupsAsked(STORY_BEGINS, UNTIL, timedelta(hours=5), ("id", "issues", "regions"))
    ours, theirs = (sorted(index.groups(asked), key=repr) for index in (embedded, elastic_index))
    assert ours == theirs
    assert ours == sorted(counted_from_hits(embedded, asked), key=repr)
    assert len(ours) > PAGE, "one page shows nothing of paging"
