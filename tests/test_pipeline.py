"""The steps of the pipeline: what a document goes through, what is repeated without harm, what is set aside."""

import json
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from config.lexicon import Lexicon, load_lexicon, load_registry_csv
from config.settings import PROJECT
from core.clock import Clock
from core.errors import SearchUnavailable, UsageError
from core.records import Gone, Kind, RawDocument, Signal
from nlp.analyze import Analyzer
from pipelines.clean import cleaned
from pipelines.duplicates import overlaps
from pipelines.indexing import Indexer
from pipelines.ingest import read_lines
from pipelines.intake import StoreIntake
from pipelines.stages import Pipeline
from search.records import IndexEntry, entry_of
from store.database import Store
from store.documents import (
    FETCHED,
    MAX_DEATHS,
    claim,
    count_by_stage,
    count_documents,
    find_document,
    find_signal,
    mark_for_analysis,
    release_claims,
    reposts_of,
    revisions_of,
    set_aside,
)
from store.schema import documents, facts

CONFIG = PROJECT / "config"
FIRE = "11月22日晚，南昌市青山湖区一小区车棚内，一辆云骓牌电动自行车充电时起火，烧毁旁边两辆车，无人员伤亡。"


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return load_lexicon(CONFIG)


@pytest.fixture(scope="session")
def analyzer(lexicon: Lexicon) -> Analyzer:
    return Analyzer(lexicon, load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv"))


@dataclass
class MemoryIndex:
    """An index that can be dead."""

    entries: dict[str, IndexEntry] = field(default_factory=dict)
    dead: bool = False

    def index(self, entries: Sequence[IndexEntry]) -> tuple[Any, ...]:
        if self.dead:
            raise SearchUnavailable("the index does not answer")
        self.entries.update({entry.id: entry for entry in entries})
        return ()


@dataclass
class Bench:
    """A pipeline over an empty store, with what the rules saw."""

    store: Store
    pipeline: Pipeline
    indexer: Indexer
    intake: StoreIntake
    index: MemoryIndex
    judged: list[Signal]
    now: datetime

    def give(self, **values: Any) -> str:
        raw = RawDocument(
            **{
                "source": "daily",
                "kind": Kind.NEWS,
                "url": "http://news.example/1.html",
                "title": "小区车棚起火",
                "text": FIRE,
                "fetched_at": self.now,
                "published": self.now - timedelta(hours=1),
                **values,
            }
        )
        return self.intake.save(raw)

    def drain(self) -> int:
        """Carry everything through, into the index."""
        return self.pipeline.drain() + self.indexer.drain()

    def all(self) -> dict[str, int]:
        with self.store.read() as db:
            return count_documents(db)


@pytest.fixture
def bench(store: Store, analyzer: Analyzer, clock: Clock) -> Bench:
    judged: list[Signal] = []
    index = MemoryIndex()

    def judge(db: Connection, signal: Signal, now: datetime) -> None:
        judged.append(signal)

    pipeline = Pipeline(
        store=store,
        analyzer=analyzer,
        judge=judge,
        clock=clock,
        who="test",
    )
    indexer = Indexer(store, index, lambda signal: entry_of(signal, list), "test")  # type: ignore[arg-type]  # what it calls
    return Bench(store, pipeline, indexer, StoreIntake(store, clock), index, judged, clock())


def test_a_document_is_read_judged_and_indexed(bench: Bench) -> None:
    assert bench.give() == "new"
    bench.drain()
    [signal] = bench.judged
    assert signal.analysis.is_risk
    assert signal.analysis.primary_enterprise == "ENT0043"
    assert list(bench.index.entries) == [signal.document.id]
    with bench.store.read() as db:
        assert count_by_stage(db) == {"indexed": 1}


def test_the_same_page_again_is_nothing_new(bench: Bench) -> None:
    bench.give()
    bench.drain()
    assert bench.give(url="http://news.example/1.html?utm_source=app") == "unchanged"
    assert bench.drain() == 0
    assert bench.all()["documents"] == 1


def test_a_changed_page_is_a_revision_of_the_same_document(bench: Bench) -> None:
    bench.give()
    bench.drain()
    assert bench.give(text=FIRE.replace("无人员伤亡", "1人死亡")) == "changed"
    bench.drain()
    first, second = bench.judged
    assert first.document.id == second.document.id
    with bench.store.read() as db:
        newest, older = revisions_of(db, first.document.id)
    assert (newest.revision, older.revision) == (2, 1)
    assert "无人员伤亡" in older.text
    assert bench.all()["documents"] == 1


def test_a_repost_hangs_on_the_earliest_copy_whatever_came_first(bench: Bench) -> None:
    bench.give(source="forum", url="http://forum.example/9", title="转：小区车棚起火")
    bench.drain()
    earlier = bench.now - timedelta(hours=5)
    bench.give(source="wire", url="http://wire.example/7", text="记者获悉：" + FIRE, published=earlier)
    bench.drain()
    origin = next(s.document for s in bench.judged if s.document.source == "wire")
    with bench.store.read() as db:
        [copy] = reposts_of(db, origin.id)
    assert copy.source == "forum"
    assert bench.index.entries[copy.id].repost_of == origin.id


FORM = "市场监管部门今日通报，{whose}在使用中突然起火，造成1人受伤，伤者已送医。起火原因正在调查，请市民注意安全。"
"""Offices write by a form: two cases share all but a name."""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("青原恒越天电动自行车有限公司生产的电动自行车", "铜鼓辉金云电动自行车有限公司生产的电动自行车"),
        ("“捷烽”牌电动自行车", "“云骓”牌电动自行车"),
        ("某企业生产的电热水器", "某企业生产的燃气灶"),
        ("信丰县一居民家中的电动自行车", "柴桑区一居民家中的电动自行车"),
        ("江西省赣州市信丰县一居民家中的电动自行车", "江西省九江市柴桑区一居民家中的电动自行车"),
        ("与电动自行车共用插座的某企业生产的电热水器", "与电动自行车共用插座的某企业生产的燃气灶"),
        (
            "青原恒越天电动自行车有限公司生产、江西省捷烽车业有限公司销售的电动自行车",
            "铜鼓辉金云电动自行车有限公司生产、江西省捷烽车业有限公司销售的电动自行车",
        ),
    ],
    ids=["firm", "brand", "goods", "place", "place of one province", "goods beside others", "maker of one seller"],
)
def test_two_cases_told_in_the_same_words_are_two(bench: Bench, one: str, other: str) -> None:
    bench.give(source="wire", url="http://wire.example/7", title="通报", text=FORM.format(whose=one))
    bench.give(source="forum", url="http://forum.example/9", title="通报", text=FORM.format(whose=other))
    bench.drain()
    assert [signal.document.repost_of for signal in bench.judged] == [None, None]


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("转发：通报", FORM),
        ("通报", "本报赣州讯 " + FORM),
        ("通报", FORM.removesuffix("请市民注意安全。")),
        ("通报", FORM.replace("{whose}", "信丰县{whose}")),
    ],
    ids=["title", "city on top", "cut short", "more exactly"],
)
def test_a_reprint_of_a_case_is_none_of_its_own(bench: Bench, title: str, text: str) -> None:
    whose = "青原恒越天电动自行车有限公司生产的电动自行车"
    earlier = bench.now - timedelta(hours=5)
    bench.give(
        source="wire", url="http://wire.example/7", title="通报", text=FORM.format(whose=whose), published=earlier
    )
    bench.give(source="forum", url="http://forum.example/9", title=title, text=text.format(whose=whose))
    bench.drain()
    origin, copy = sorted((signal.document for signal in bench.judged), key=lambda document: document.event_time)
    assert copy.repost_of == origin.id


FIRM, OTHER_FIRM = "青原恒越天电动自行车有限公司生产的电动自行车", "铜鼓辉金云电动自行车有限公司生产的电动自行车"


def told(bench: Bench, source: str, text: str, hours: float) -> None:
    """A notice that was published so many hours ago; at one address of the source."""
    published = bench.now - timedelta(hours=hours)
    bench.give(source=source, url=f"http://{source}.example/7", title="通报", text=text, published=published)
    bench.drain()


def origins(bench: Bench) -> dict[str, str | None]:
    """By source: the source of what its newest revision is a copy of."""
    with bench.store.read() as db:
        found = [find_document(db, name) for name in {signal.document.id for signal in bench.judged}]
    newest = {one.id: one for one in found if one}
    return {one.source: one.repost_of and newest[one.repost_of].source for one in newest.values()}


def test_an_origin_that_changes_stays_one_though_it_was_reprinted(bench: Bench) -> None:
    told(bench, "wire", FORM.format(whose=FIRM), 5)
    told(bench, "forum", FORM.format(whose=FIRM) + "大家夜里别充电。", 4)
    told(bench, "wire", FORM.format(whose=FIRM) + "伤者已经出院回家。", 5)
    assert [signal.document.revision for signal in bench.judged] == [1, 1, 2]
    assert origins(bench) == {"wire": None, "forum": "wire"}


def test_a_case_in_the_words_of_a_copy_that_names_nobody_is_none_of_its_origin(bench: Bench) -> None:
    told(bench, "wire", FORM.format(whose=FIRM), 5)
    told(bench, "forum", FORM.format(whose="一辆电动自行车"), 4)
    told(bench, "paper", FORM.format(whose=OTHER_FIRM), 3)
    assert origins(bench) == {"wire": None, "forum": "wire", "paper": None}


def test_what_hung_on_a_text_that_became_a_copy_hangs_on_the_origin(bench: Bench) -> None:
    told(bench, "wire", FORM.format(whose=FIRM), 5)
    told(bench, "paper", FIRE, 4)
    told(bench, "forum", FIRE + "大家夜里别在楼道充电。", 3)
    assert origins(bench) == {"wire": None, "paper": None, "forum": "paper"}
    told(bench, "paper", FORM.format(whose=FIRM), 4)
    assert origins(bench) == {"wire": None, "paper": "wire", "forum": "wire"}


def test_revisions_that_are_cleaned_the_newer_first_are_both_read(bench: Bench) -> None:
    hour = timedelta(hours=1)
    for number, published in enumerate([bench.now - hour, bench.now - 3 * hour, bench.now - 2 * hour]):
        bench.give(text=f"{FIRE}起火原因正在第{number}次调查。", published=published)
    bench.drain()
    assert [signal.document.revision for signal in bench.judged] == [2, 3, 1]
    with bench.store.read() as db:
        assert set_aside(db) == []


def test_a_repost_says_how_much_of_it_stands_in_the_origin(bench: Bench) -> None:
    earlier = bench.now - timedelta(hours=5)
    bench.give(source="wire", url="http://wire.example/7", text=FIRE, published=earlier)
    bench.give(source="forum", url="http://forum.example/9", text=FIRE + "大家夜里别在楼道充电。")
    bench.drain()
    origin = next(s.document for s in bench.judged if s.document.source == "wire")
    with bench.store.read() as db:
        [copy] = reposts_of(db, origin.id)
        share = overlaps(db, {copy.id: origin.id})[copy.id]
        assert overlaps(db, {origin.id: origin.id}) == {origin.id: 1.0}
    assert share == 0.5


def test_two_notices_of_one_office_with_other_figures_stay_two(bench: Bench) -> None:
    text = (
        "根据产品质量法和监督抽查管理暂行办法的规定，省局组织开展了{}产品监督抽查。"
        "本次抽查{}家企业生产的{}批次产品，{}批次不合格。"
    )
    bench.give(source="amr", url="http://amr.example/1", title="水泥抽查通报", text=text.format("水泥", 22, 31, 4))
    bench.give(source="city", url="http://city.example/1", title="线缆抽查通报", text=text.format("线缆", 57, 63, 9))
    bench.drain()
    assert bench.all() == {"documents": 2, "signals": 2, "reposts": 0, "withdrawn": 0}


def test_personal_data_is_masked_before_anyone_sees_it(bench: Bench) -> None:
    bench.give(title="投诉 13812345678", text=FIRE + "联系电话13987654321，身份证360102199001011234。")
    bench.drain()
    [signal] = bench.judged
    with bench.store.read() as db:
        stored = find_document(db, signal.document.id)
    assert stored is not None
    shown = stored.title + stored.text + bench.index.entries[stored.id].body
    for secret in ("13812345678", "13987654321", "360102199001011234"):
        assert secret not in shown


def test_a_dead_index_holds_no_judgement_back_and_catches_up(bench: Bench) -> None:
    bench.index.dead = True
    for number in range(5):
        bench.give(url=f"http://news.example/{number}", text=f"{FIRE}第{number}起，编号{number * 7919}。")
        bench.drain()
    assert len(bench.judged) == 5
    assert bench.index.entries == {}
    bench.index.dead = False
    bench.drain()
    assert len(bench.index.entries) == 5
    with bench.store.read() as db:
        assert count_by_stage(db) == {"indexed": 5}


def test_a_text_that_no_try_can_read_is_set_aside_and_the_others_go_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, analyzer: Analyzer, caplog: pytest.LogCaptureFixture
) -> None:
    whole = type(analyzer).analyze

    def fragile(self: Analyzer, title: str, text: str, **more: Any) -> Any:
        if "毒丸" in title:
            raise RuntimeError(f"cannot read this: {text}")
        return whole(self, title, text, **more)

    monkeypatch.setattr(type(analyzer), "analyze", fragile)
    monkeypatch.setattr("pipelines.stages.cleaned", lambda raw: {**cleaned(raw), "text": raw["text"]})
    bench.give(url="http://news.example/bad", title="毒丸", text=f"{FIRE}电话13912345678。")
    bench.give(
        url="http://news.example/good", title="另一起", text="赣州市章贡区一仓库堆放的烟花爆竹发生爆炸，2人受伤。"
    )
    bench.drain()
    for _again in range(4):
        bench.pipeline.step()
    assert [signal.document.title for signal in bench.judged] == ["另一起"]
    with bench.store.read() as db:
        [(_document, why)] = set_aside(db)
    assert "cannot read this" in why
    logged = "".join(str(record.__dict__) for record in caplog.records)
    assert "cannot read this" in logged
    assert "13912345678" not in why + logged


def test_an_error_of_the_database_does_not_say_what_was_to_be_written(store: Store) -> None:
    row = {"key": "one", "value": "电话13912345678"}
    with store.write() as db:
        db.execute(facts.insert().values(**row))
    with pytest.raises(IntegrityError) as told, store.write() as db:
        db.execute(facts.insert().values(**row))
    assert "13912345678" not in "".join(traceback.format_exception(told.value))


def test_a_text_that_could_not_be_cleaned_is_cleaned_when_all_are_read_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_raw: Any) -> Any:
        raise RuntimeError("cannot clean this")

    bench.give()
    with monkeypatch.context() as patched:
        patched.setattr("pipelines.stages.cleaned", broken)
        for _try in range(3):
            bench.pipeline.step()
    with bench.store.write() as db:
        assert count_by_stage(db) == {"quarantined": 1}
        assert mark_for_analysis(db) == 1
    bench.drain()
    assert [signal.analysis.primary_enterprise for signal in bench.judged] == ["ENT0043"]


def test_what_was_read_is_kept_when_the_rules_fail(bench: Bench) -> None:
    judge = bench.pipeline.judge

    def broken(db: Connection, signal: Signal, now: datetime) -> None:
        judge(db, signal, now)
        db.execute(documents.update().values(title="half done"))
        raise RuntimeError("rules are broken")

    bench.give()
    bench.pipeline.judge = broken
    bench.pipeline.step()
    with bench.store.read() as db:
        assert count_by_stage(db) == {"analysed": 1}
        kept = find_signal(db, bench.judged[0].document.id)
    assert kept is not None
    assert (kept.analysis, kept.document.title) == (bench.judged[0].analysis, "小区车棚起火")
    bench.pipeline.judge = judge
    bench.drain()
    assert list(bench.index.entries) == [kept.document.id]


def test_a_worker_that_dies_while_it_reads_leaves_the_cleaned_text_to_be_read_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, analyzer: Analyzer
) -> None:
    def deadly(*_given: Any, **_more: Any) -> Any:
        raise KeyboardInterrupt

    bench.give()
    bench.give(url="http://news.example/2", title="另一起", text="赣州市章贡区一仓库堆放的烟花爆竹发生爆炸，2人受伤。")
    with monkeypatch.context() as patched:
        patched.setattr(type(analyzer), "analyze", deadly)
        with pytest.raises(KeyboardInterrupt):
            bench.pipeline.step()
    with bench.store.read() as db:
        assert count_by_stage(db) == {"deduped": 2}
    assert bench.drain() == 0  # nobody else's while its claim lasts
    with bench.store.write() as db:
        assert release_claims(db, "test") == 2
    bench.drain()
    assert sorted(signal.document.title for signal in bench.judged) == ["另一起", "小区车棚起火"]
    assert len(bench.index.entries) == 2


def test_a_text_that_kills_its_process_takes_no_other_along(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, analyzer: Analyzer
) -> None:
    whole = type(analyzer).analyze

    def deadly(self: Analyzer, title: str, text: str, **more: Any) -> Any:
        if "毒丸" in title:
            raise KeyboardInterrupt
        return whole(self, title, text, **more)

    monkeypatch.setattr(type(analyzer), "analyze", deadly)
    for number, title in enumerate(["一起", "毒丸", "另一起", "又一起"]):
        bench.give(url=f"http://news.example/{number}", title=title, text=f"{FIRE}第{number}起，编号{number * 7919}。")
    for _start in range(MAX_DEATHS + 1):
        try:
            bench.pipeline.drain()
        except KeyboardInterrupt:
            with bench.store.write() as db:
                release_claims(db, "test")
    assert sorted(signal.document.title for signal in bench.judged) == ["一起", "又一起", "另一起"]
    with bench.store.read() as db:
        [(document, why)] = set_aside(db)
    assert (document.title, why) == ("毒丸", "the process died on it")


def test_a_withdrawn_page_keeps_its_copy_and_is_judged_again(bench: Bench) -> None:
    bench.give()
    bench.drain()
    bench.intake.gone(Gone("daily", "http://news.example/1.html", bench.now, 404))
    bench.drain()
    assert [signal.document.withdrawn_at for signal in bench.judged] == [None, bench.now]
    assert bench.index.entries[bench.judged[0].document.id].withdrawn
    assert "起火" in bench.judged[1].document.text


@pytest.mark.parametrize("moved", ["before it is gone", "after it is gone"])
def test_a_page_that_has_moved_is_no_copy_of_the_one_that_is_gone(bench: Bench, moved: str) -> None:
    earlier, old, new = bench.now - timedelta(hours=2), "http://news.example/1.html", "http://news.example/2026/1.html"
    bench.give(published=earlier, url=old)
    bench.give(source="forum", url="http://forum.example/9", text=FIRE + "大家夜里别在楼道充电。")
    bench.drain()
    if moved == "before it is gone":
        bench.give(published=earlier, url=new)
        bench.drain()
    bench.intake.gone(Gone("daily", old, bench.now, 404))
    if moved == "after it is gone":
        bench.give(published=earlier, url=new)
    bench.drain()
    last = {signal.document.url: signal.document for signal in bench.judged}
    assert (last[new].repost_of, last[new].withdrawn_at) == (None, None)
    assert last[old].withdrawn_at == bench.now
    if moved == "before it is gone":  # what was copied from it stands at the new address
        assert last["http://forum.example/9"].repost_of == last[new].id


def test_a_date_far_ahead_is_not_believed(bench: Bench) -> None:
    bench.give(published=bench.now + timedelta(days=300))
    bench.drain()
    [signal] = bench.judged
    assert signal.document.event_time == bench.now
    assert "date_guessed" in signal.document.flags


def test_two_workers_never_get_the_same_document(bench: Bench) -> None:
    for number in range(6):
        bench.give(url=f"http://news.example/{number}", text=f"{FIRE}{number}")
    with bench.store.write() as db:
        mine = claim(db, FETCHED, who="one", now=bench.now, limit=4)
        others = claim(db, FETCHED, who="two", now=bench.now, limit=4)
    assert len(mine) == 4
    assert len(others) == 2
    assert not {work.seq for work in mine} & {work.seq for work in others}


def test_what_a_killed_worker_held_is_free_again_when_it_returns(bench: Bench) -> None:
    bench.give()
    with bench.store.write() as db:
        claim(db, FETCHED, who="test", now=bench.now, limit=9)
    assert bench.drain() == 0
    with bench.store.write() as db:
        assert release_claims(db, "test") == 1
    bench.drain()
    assert len(bench.judged) == 1


def test_a_claim_runs_out(bench: Bench) -> None:
    bench.give()
    with bench.store.write() as db:
        claim(db, FETCHED, who="gone", now=bench.now - timedelta(hours=1), limit=9)
    bench.drain()
    assert len(bench.judged) == 1


def test_hostile_text_comes_through(bench: Bench) -> None:
    for number, text in enumerate(["\x00\ud800起火", "", "👏" * 5000, "<script>alert(1)</script>", "起火" * 50_000]):
        bench.give(url=f"http://news.example/{number}", text=text, title="\u202e标题\x07")
    bench.drain()
    assert len(bench.judged) == 5
    assert all("\x00" not in signal.document.text for signal in bench.judged)


def test_an_analysis_comes_back_from_the_store_as_it_was(bench: Bench) -> None:
    bench.give()
    bench.drain()
    [signal] = bench.judged
    with bench.store.read() as db:
        again = find_signal(db, signal.document.id)
    assert again is not None
    assert replace(again.analysis) == signal.analysis


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"published": "0001-01-01"}, "published"),
        ({"published": "9999-12-31T23:00-05:00"}, "published"),
        ({"id": "编" * 171}, "512"),
    ],
)
def test_a_line_no_index_could_hold_is_named(given: dict[str, str], told: str) -> None:
    line = {"source": "wire", "title": "起火", "text": FIRE, "published": "2026-11-01"} | given
    with pytest.raises(UsageError, match=f"line 1: .*{told}"):
        read_lines([json.dumps(line)], file="lines.jsonl")
