"""Events: which documents tell one story, whatever they come in as, and that what a person decided stays."""

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from sqlalchemy import select

from cli import main
from config.grouping import load_grouping
from config.lexicon import load_lexicon, load_registry_csv
from config.settings import PROJECT
from core.clock import parse_published
from core.errors import UsageError
from core.records import Analysis, Document, Kind, Mention, MentionType, Signal
from nlp.analyze import Analyzer
from nlp.event_figures import bcubed, clustered
from nlp.event_traits import Traits, from_json, to_json
from nlp.events import bond
from pipelines.event_rows import Read, document_of, measure_rows, reader
from pipelines.events import EventKeeper, names_in
from store import audit
from store import events as book
from store.database import Store
from store.schema import event_documents

CONFIG = PROJECT / "config"
FIRMS = CONFIG / "lexicons" / "enterprises_demo.csv"
BLAST = "5月6日8时许，上栗喜满堂烟花制造有限公司装药工房发生爆炸，造成1人受伤。"


@cache
def knowledge() -> tuple[Analyzer, EventKeeper]:
    lexicon, firms = load_lexicon(CONFIG), load_registry_csv(FIRMS)
    keeper = EventKeeper(lexicon.regions, load_grouping(CONFIG).family_of, names_in(firms))
    return Analyzer(lexicon, firms), keeper


def signal(id: str, published: str, text: str, title: str = "", kind: str = "news", **more: Any) -> Signal:
    """A text as our own reading sees it; what a test is about may be given instead."""
    row = {"id": id, "published": published, "title": title, "text": text, "source_type": kind}
    document = document_of(row, 1)
    return Signal(document, replace(reader(knowledge()[0])(row, document), **more))


def traits(id: str = "x", at: str = "2026-05-07", **values: Any) -> Traits:
    given = {"origin": id, "title": id, "trusted": True, "level": 2, "family": "ebike", "firm": None, **values}
    return Traits(document=id, at=parse_published(at), **given)


def placed(store: Store, signals: list[Signal]) -> list[str | None]:
    keeper = knowledge()[1]
    with store.write() as db:
        for one in signals:
            keeper.place(db, one, one.document.event_time)
        members = [book.member_of(db, one.document.id) for one in signals]
    return [member.event if member else None for member in members]


@cache
def first_text() -> Signal:
    return signal("n1", "2026-05-06T15:00", BLAST, "上栗一花炮企业发生爆炸")


@cache
def follow_text() -> Signal:
    told = "上栗喜满堂“5·6”爆炸事故中1名伤者已出院，事故原因正在调查。"
    return signal("n2", "2026-05-09", told, "爆炸事故最新进展")


@cache
def second_text() -> Signal:
    told = BLAST.replace("5月6日8", "5月23日16").replace("1人", "2人")
    return signal("n3", "2026-05-24", told, "上栗花炮厂爆炸2人受伤")


def test_news_follow_up_and_post_tell_one_story(store):
    post = signal("p1", "2026-05-06T09:00", "金山这边轰的一声，有人说是喜满堂炸了 #上栗#", kind="social")
    assert len(set(placed(store, [post, first_text(), follow_text()]))) == 1


def test_a_new_accident_at_the_same_firm_is_a_new_event(store):
    first, follow, second = placed(store, [first_text(), follow_text(), second_text()])
    assert first == follow != second


def test_a_follow_up_goes_with_the_accident_it_names(store):
    late = signal("n4", "2026-05-27", "上栗喜满堂“5·6”爆炸事故调查报告公布：违规装药。", "爆炸事故调查报告")
    first, second, report = placed(store, [first_text(), second_text(), late])
    assert report == first != second


def test_a_post_of_the_day_comes_along_when_its_accident_is_dated(store):
    post = signal("p2", "2026-05-23T17:00", "喜满堂又炸了！窗户全碎 #上栗#", kind="social")
    first, post_event, second = placed(store, [first_text(), post, second_text()])
    assert post_event == second != first


def test_two_firms_never_share_a_story(store):
    a = signal("a", "2026-05-06", BLAST)
    b = signal("b", "2026-05-06", BLAST, primary_enterprise="ENT0275", enterprises=("ENT0275",))
    assert len(set(placed(store, [a, b]))) == 2


def test_talk_that_accuses_a_firm_does_not_give_it_to_a_story_without_one():
    fire: dict[str, Any] = {"issues": ("fire",), "places": ("360702",)}
    told = traits("a", **fire)
    rumour = traits("b", trusted=False, firm="ENT0129", named=("ENT0129",), **fire)
    assert not bond(told, rumour).holds
    assert bond(told, replace(rumour, trusted=True)).holds


@pytest.mark.parametrize(
    ("other", "holds"),
    [
        ({"places": ("360702",)}, True),
        ({"places": ("360700",)}, True),
        ({"places": ("360111",)}, False),  # the same kind of fire elsewhere
        ({"places": ("360702",), "family": "cable", "issues": ("nonconf",)}, False),
        ({"places": ("360702",), "at": "2026-06-30"}, False),  # the next fire there
        ({"places": (), "issues": ("defect",)}, False),  # of no place, only the product is the same
    ],
)
def test_texts_without_a_firm_need_place_time_and_matter(other, holds):
    mine = traits("a", issues=("fire",), places=("360702",))
    assert bond(mine, traits("b", **{"issues": ("fire",), **other})).holds is holds


def test_the_number_on_the_label_ties_texts_without_a_name():
    mine: dict[str, Any] = {"trusted": False, "labels": ("ZML4820C",), "issues": ("fire",)}
    a, b = traits("a", **mine), traits("b", at="2026-05-12", **mine)
    assert bond(a, b).holds
    assert not bond(a, replace(b, labels=("XQ5430C",))).holds


def test_a_text_that_tells_of_both_accidents_brings_them_together(store):
    first, second = traits("a", firm="E1", named=("E1",), accidents=(10,)), traits("b", firm="E1", named=("E1",))
    series = traits("c", firm="E1", named=("E1",), accidents=(10, 40))
    order = [first, replace(second, accidents=(40,)), series]
    regions = knowledge()[1].regions
    assert len(set(clustered(order[:2], regions).values())) == 2
    assert len(set(clustered(order, regions).values())) == 1


def test_traits_come_back_from_the_store_as_they_were():
    mine = traits("a", labels=("A123",), accidents=(3,), places=("360702",))
    assert from_json("a", mine.at, json.loads(json.dumps(to_json(mine)))) == mine


# --- in the store --------------------------------------------------------------------------------------------------


def all_members(store: Store) -> list[tuple[Any, ...]]:
    with store.read() as db:
        return [tuple(row) for row in db.execute(select(event_documents).order_by(event_documents.c.document))]


def test_placing_again_changes_nothing(store):
    signals = [first_text(), follow_text(), second_text()]
    placed(store, signals)
    before = all_members(store)
    with store.read() as db:
        events = book.list_events(db)
    placed(store, signals)
    assert all_members(store) == before
    with store.read() as db:
        assert book.list_events(db) == events


def test_late_documents_join_and_the_summary_does_not_depend_on_the_order(tmp_path):
    told = []
    first, follow, second = first_text(), follow_text(), second_text()
    for number, order in enumerate(([first, follow, second], [second, follow, first], [follow, second, first])):
        store = Store(f"sqlite:///{tmp_path / f'{number}.db'}")
        store.migrate()
        placed(store, order)
        with store.read() as db:
            found = book.list_events(db)
        told.append([(e.title, e.first_at, e.last_at, e.level, e.documents, e.origins) for e in found])
        store.close()
    assert told[0] == told[1] == told[2]
    assert len(told[0]) == 2


def test_a_revision_that_tells_something_else_leaves_its_event(store):
    placed(store, [first_text(), follow_text()])
    other = signal("n2", "2026-05-09", "宜黄县一批次水泥3天抗压强度不合格，标称某厂生产。", "水泥抽查不合格")
    event, moved = placed(store, [first_text(), other])
    assert event != moved
    with store.read() as db:
        assert [e.documents for e in book.list_events(db)] == [1, 1]


def test_a_lone_document_that_changes_keeps_its_event_and_number(store):
    placed(store, [first_text()])
    again = signal("n1", "2026-05-06T15:00", BLAST + "其中1人重伤。", "上栗一花炮企业发生爆炸（更新）")
    placed(store, [again])
    with store.read() as db:
        [event] = book.list_events(db)
    assert (event.number, event.title) == ("SJ-2026-0001", "上栗一花炮企业发生爆炸（更新）")


def test_what_was_split_by_hand_stays_apart(store):
    event, _ = placed(store, [first_text(), follow_text()])
    assert event
    with store.write() as db:
        new = knowledge()[1].split(db, event, ["n2"], actor="chief", now=parse_published("2026-05-10"))
    assert new.id != event
    more = signal("n5", "2026-05-10", "上栗喜满堂“5·6”爆炸事故善后工作有序进行。", "爆炸事故善后")
    changed = signal("n2", "2026-05-09", "上栗喜满堂“5·6”爆炸事故2名伤者已出院。", "爆炸事故最新进展")
    first, second, joined = placed(store, [first_text(), changed, more])
    assert (first, second) == (event, new.id)
    assert joined in (event, new.id)


def test_what_was_merged_by_hand_stays_one_and_the_old_number_leads_on(store):
    first, second = placed(store, [first_text(), second_text()])
    assert first
    assert second
    with store.write() as db:
        gone = book.find_events(db, [second])[second].number
        knowledge()[1].merge(db, second, first, actor="chief", now=parse_published("2026-05-25"))
        found = book.find_event(db, gone)
        assert found is not None
        assert (found.id, found.documents, found.number) == (first, 2, "SJ-2026-0001")
        assert [line.action for line in audit.newest(db)] == ["event_merge"]
    changed = signal("n3", "2026-05-24", second_text().document.text + "续报。", second_text().document.title)
    assert placed(store, [first_text(), changed]) == [first, first]


def test_two_named_firms_are_not_merged_by_hand_either(store):
    other = signal("b", "2026-05-06", BLAST, primary_enterprise="ENT0275", enterprises=("ENT0275",))
    a, b = placed(store, [first_text(), other])
    assert a
    assert b
    with store.write() as db, pytest.raises(UsageError, match="两家具名企业"):
        knowledge()[1].merge(db, a, b, actor="chief", now=parse_published("2026-05-25"))


def test_a_copy_goes_with_its_origin(store):
    copy = signal("c1", "2026-05-07", BLAST)
    copy = Signal(replace(copy.document, repost_of="n1"), copy.analysis)
    event, *_ = placed(store, [first_text(), follow_text(), copy])
    assert event
    with store.write() as db:
        new = knowledge()[1].split(db, event, ["n1"], actor="chief", now=parse_published("2026-05-10"))
        assert {member.document for member in book.members_of(db, new.id)} == {"n1", "c1"}


def test_a_refutation_follows_its_story_but_does_not_begin_one(store):
    reply = signal("r1", "2026-05-08", "网传上栗喜满堂烟花爆炸致多人死亡系谣言。", "辟谣", is_risk=False, level=0)
    alone = signal("r0", "2026-05-01", "上栗喜满堂烟花开展安全培训。", "安全培训", is_risk=False, level=0)
    nothing, event, followed = placed(store, [alone, first_text(), reply])
    assert nothing is None
    assert event == followed
    with store.read() as db:
        assert [e.documents for e in book.list_events(db)] == [1]


def test_a_step_that_is_cut_short_leaves_no_half_event(store):
    """The event is written with the next stage or not at all; a killed worker's document is placed once."""
    keeper = knowledge()[1]

    def place_and_die() -> None:
        with store.write() as db:
            keeper.place(db, first_text(), first_text().document.event_time)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        place_and_die()
    assert all_members(store) == []
    placed(store, [first_text()])
    with store.read() as db:
        assert [event.number for event in book.list_events(db)] == ["SJ-2026-0001"]


# --- quality ---------------------------------------------------------------------------------------------------------


def rows_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (PROJECT / name).read_text(encoding="utf-8").splitlines()]


def pack() -> list[dict[str, Any]]:
    """The sample pack as labelled rows: an incident is an event, anything else stands alone with its copies."""
    found, day0 = [], parse_published("2026-11-23")
    for row in (row for part in (1, 2) for row in rows_of(f"demo/pack/part{part}.jsonl")):
        hours, minutes = map(int, row["time"].split(":"))
        at = day0 + timedelta(days=row["day"], hours=hours, minutes=minutes)
        same = row.get("repost_of") or row.get("revision_of") or row["id"]
        kind = row["kind"] if row["kind"] in set(Kind) else "news"
        told = {"published": at.isoformat(), "source_type": kind, "repost_of": row.get("repost_of")}
        found.append({**row, **told, "is_risk": row["truth"]["is_risk"], "event_id": row["incident"] or same})
    return found


def gold_reading(row: Mapping[str, Any], document: Document) -> Analysis:
    """What the labels say, in place of our own reading."""
    ids = {kind: tuple(dict.fromkeys(m["id_or_norm"] for m in row["mentions"] if m["type"] == kind))
           for kind in ("enterprise", "brand", "region", "issue")}  # fmt: skip
    firms = tuple(dict.fromkeys((*ids["enterprise"], *ids["brand"])))
    firm = row["primary_enterprise"]
    if firm == "NIL":
        firm = next((name for name in firms if name.startswith("NIL:")), None)
    mentions = tuple(
        Mention(m["start"], m["end"], m["text"], MentionType(m["type"]), m["id_or_norm"]) for m in row["mentions"]
    )
    own = reader(knowledge()[0])(row, document)
    return replace(
        own, is_risk=row["is_risk"], level=row["level"], primary_product=row["primary_product"],
        primary_enterprise=firm, jurisdiction_code=row["jurisdiction_code"], issues=ids["issue"], enterprises=firms,
        regions=ids["region"], mentions=mentions,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "gold", "floor"),
    [
        ("dev", True, 0.97), ("dev_long", True, 0.97), ("dev", False, 0.95), ("dev_long", False, 0.93),
        ("pack", False, 0.87),
    ],
)  # fmt: skip
def test_events_are_told_apart(name, gold, floor):
    analyzer, keeper = knowledge()
    rows = pack() if name == "pack" else rows_of(f"tests/gold/{name}.jsonl")
    read: Read = gold_reading if gold else reader(analyzer)
    found = measure_rows(rows, read, keeper)
    assert found is not None
    assert found.f1 >= floor
    assert found.precision >= 0.98


def test_any_order_of_arrival_gives_nearly_the_same_events():
    analyzer, keeper = knowledge()
    read = reader(analyzer)
    documents = [(document_of(row, n), row) for n, row in enumerate(pack())]
    told = [keeper.traits_of(document, read(row, document)) for document, row in documents]
    in_order = clustered(sorted(told, key=lambda one: one.at), keeper.regions)
    for seed in range(3):
        random.Random(seed).shuffle(told)
        assert bcubed(in_order, clustered(told, keeper.regions)).f1 >= 0.95


def test_bcubed_is_what_the_paper_says():
    truth = {"a": 1, "b": 1, "c": 2}
    assert bcubed(truth, {"a": 1, "b": 1, "c": 2}).f1 == 1
    assert bcubed(truth, {}).precision == 1
    assert bcubed(truth, {}).recall == pytest.approx(2 / 3)
    assert bcubed(truth, {"a": 1, "b": 1, "c": 1}).precision == pytest.approx(5 / 9)


# --- on the command line ----------------------------------------------------------------------------------------------


def run(*words: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 0


def test_a_file_is_told_apart_line_by_line(tmp_path, capsys):
    file = tmp_path / "in.jsonl"
    texts = [(one.document, "news") for one in (second_text(), first_text(), follow_text())]
    lines = [
        {"id": d.id, "title": d.title, "text": d.text, "published": d.event_time.isoformat(), "source_type": kind}
        for d, kind in texts
    ]
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    run("events", "--registry", str(FIRMS), str(file), "--data", str(tmp_path / "data"))
    out = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["id"] for line in out] == ["n1", "n2", "n3"]
    assert out[0]["event_id"] == out[1]["event_id"] != out[2]["event_id"]


def test_events_are_listed_shown_split_and_merged(tmp_path, capsys):
    data = ["--data", str(tmp_path / "data")]
    file = tmp_path / "in.jsonl"
    lines = [
        {"id": d.id, "source": d.id, "title": d.title, "text": d.text, "published": d.event_time.isoformat()}
        for d in (first_text().document, follow_text().document)
    ]
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    run("ingest", str(file), "--registry", str(FIRMS), *data)
    capsys.readouterr()

    def said(*words: str) -> list[dict[str, Any]]:
        run("events", *words, "--json", *data)
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    [event] = said("list")
    assert (event["documents"], event["enterprises"]) == (2, ["ENT0155"])
    [shown] = said("show", event["number"])
    [new] = said("split", event["number"], shown["members"][1]["id"])
    assert [line["number"] for line in said("list")] == [new["number"], event["number"]]
    [one] = said("merge", new["number"], event["number"])
    assert (one["number"], one["documents"]) == (event["number"], 2)
