"""双向追查: lots, makers, sellers and relations found from either end, cut to what the asker may read."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from config.lexicon import Lexicon
from core.firms import FactKind, FirmFact, FirmTie, TieKind
from core.records import Document, Kind, RegistryEntry
from core.spreadsheet import csv_text
from core.told import Outcome
from enterprises.told import told_by
from enterprises.told_before import read_before
from enterprises.trace import SAME_MODEL, Sort, Start, Trace, trace
from enterprises.trace_letters import letters
from enterprises.trace_words import HIDDEN_LOT, Places, lot_name, table_rows
from store import users
from store.database import Store
from store.firm_facts import save_facts, save_ties
from store.registry import save_entries
from store.told import keep_told
from tests.desk_server import make_services
from tests.desk_visits import PASSWORD, signed_in
from web.app import create_app

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
HEADER = ("产品名称", "规格型号", "生产日期/批号", "标称生产企业", "委托单位", "被抽样单位", "不合格项目")
ROWS = (
    ("充电器", "XL-4820B", "20260301", "赣州蓝焰电子有限公司", "深圳远帆科技有限公司", "章贡区好邻超市", "接地"),
    ("充电器", "XL-4820B", "20260415", "赣州蓝焰电子有限公司", "/", "九江万家乐商行", "标志"),
    ("电水壶", "DS-17", "20260102", "南昌昌北电器厂", "/", "章贡区好邻超市", "泄漏电流"),
)


def notice(number: int, rows: tuple[tuple[str, ...], ...] = ROWS, **more: Any) -> Document:
    values: dict[str, Any] = {
        "id": f"d{number}", "source": "jx", "kind": Kind.SPOTCHECK, "url": "https://x.example/1", "canonical_url": "",
        "title": "充电器监督抽查不合格名单（2026年第7期）", "text": "", "tables": ((HEADER, *rows),), "event_time": NOW,
        "published": NOW, "fetched_at": NOW, "stored_at": NOW, "revision": 1, "content_hash": str(number),
    }  # fmt: skip
    return Document(**(values | more))


def entry(number: int, name: str, region: str, **more: Any) -> RegistryEntry:
    return RegistryEntry(id=f"E{number}", name=name, region_code=region, **more)


@pytest.fixture
def filled(store: Store) -> Store:
    """A notice of three rows, a maker and a shop of the registry, an OEM tie and a recall of the registry."""
    with store.write() as db:
        entries = [
            entry(1, "赣州蓝焰电子有限公司", "360702"),
            entry(2, "九江万家乐商行", "360402", former_names=("九江万家商行",)),
            entry(3, "吉安代工厂有限公司", "360802"),
        ]
        save_entries(db, entries, now=NOW)
        keep_told(db, "d1", told_by(notice(1)))
        save_ties(db, [FirmTie("E3", TieKind.OEM, "E1", since=date(2025, 1, 6), source="委托合同备案.xlsx")], now=NOW)
        recall = FirmFact("E1", FactKind.RECALL, number="赣召2026-9", day=date(2026, 5, 1), product="充电器", model="XL-9000", source="名录.csv")  # noqa: E501  # fmt: skip
        save_facts(db, [recall], now=NOW)
    return store


def names_of(found: Trace) -> set[str]:
    return {node.name for node in found.nodes if node.sort is Sort.FIRM}


def edges_of(found: Trace) -> set[tuple[str, str, str]]:
    nodes = {node.id: node for node in found.nodes}
    return {(nodes[e.one].name, e.kind, lot_name(nodes[e.other], str)) for e in found.edges}


def test_a_failed_batch_leads_to_maker_client_seller_other_batches_and_the_oem(filled: Store) -> None:
    with filled.read() as db:
        found = trace(db, Start(batch="2026-03-01"), steps=3)
    said = edges_of(found)
    assert ("赣州蓝焰电子有限公司", "maker", "充电器 XL-4820B 20260301") in said
    assert ("深圳远帆科技有限公司", "client", "充电器 XL-4820B 20260301") in said
    assert ("章贡区好邻超市", "vendor", "充电器 XL-4820B 20260301") in said
    assert ("赣州蓝焰电子有限公司", "maker", "充电器 XL-4820B 20260415") in said, "the maker's other batch"
    assert ("九江万家乐商行", "vendor", "充电器 XL-4820B 20260415") in said
    assert ("吉安代工厂有限公司", "oem", "赣州蓝焰电子有限公司") in said
    tie = next(edge for edge in found.edges if edge.kind == "oem")
    assert tie.since == date(2025, 1, 6)
    assert tie.grounds[0].source == "委托合同备案.xlsx"


def test_a_seller_leads_back_to_every_maker(filled: Store) -> None:
    with filled.read() as db:
        found = trace(db, Start(firm="NIL:章贡区好邻超市"), steps=2)
    assert {"赣州蓝焰电子有限公司", "南昌昌北电器厂"} <= names_of(found)
    lots = [node for node in found.nodes if node.sort is Sort.LOT]
    assert {node.outcomes for node in lots if node.steps == 1} == {(Outcome.FAILED,)}


def test_a_listed_firm_is_found_under_its_former_name_and_its_registry_recall_counts(filled: Store) -> None:
    with filled.write() as db:
        old = (("充电器", "XL-1000", "20250101", "九江万家商行", "/", "/", "标志"),)
        keep_told(db, "d2", told_by(notice(2, old)))
    with filled.read() as db:
        mine = trace(db, Start(firm="E2"), steps=1)
        maker = trace(db, Start(firm="E1"), steps=1)
        model = trace(db, Start(model="xl 9000"), steps=1)
        exact = trace(db, Start(model="XL-9000"), steps=1)
    assert any("XL-1000" in node.models for node in mine.nodes)
    assert any(node.outcomes == (Outcome.RECALLED,) and "XL-9000" in node.models for node in maker.nodes)
    assert not model.nodes, "results of the registry are asked for as written"
    assert names_of(exact) == {"赣州蓝焰电子有限公司"}


def test_one_model_of_two_makers_is_shown_as_that(filled: Store) -> None:
    other = (("充电器", "XL-4820B", "20250909", "上饶仿制电子厂", "/", "企业成品库", "标志"),)
    with filled.write() as db:
        keep_told(db, "d9", told_by(notice(9, other)))
    with filled.read() as db:
        found = trace(db, Start(batch="20250909"), steps=3)
    assert any(edge.kind == SAME_MODEL for edge in found.edges)
    assert "赣州蓝焰电子有限公司" in names_of(found)
    assert "企业成品库" not in names_of(found), "the maker's own store is no firm"


def test_model_and_batch_together_must_both_hold(filled: Store) -> None:
    with filled.read() as db:
        both = trace(db, Start(model="xl4820b", batch="20260415"), steps=1)
        none = trace(db, Start(model="DS-17", batch="20260415"), steps=1)
    assert {node.batches for node in both.nodes if node.steps == 0} == {("20260415",)}
    assert not none.nodes


def test_what_does_not_fit_is_told(filled: Store) -> None:
    with filled.write() as db:
        many = tuple(("灯", f"LD-{n:04d}", f"2026{n:04d}", "赣州蓝焰电子有限公司", "/", "/", "标志") for n in range(60))
        keep_told(db, "d3", told_by(notice(3, many)))
    with filled.read() as db:
        found = trace(db, Start(firm="E1"), steps=1, most=30)
    assert len(found.nodes) == 30
    assert found.left_nodes > 0
    assert found.left_rows["E1"] >= 20
    assert found.open_ends == 29
    assert all(edge.one in {n.id for n in found.nodes} and edge.other in {n.id for n in found.nodes} for edge in found.edges)  # noqa: E501  # fmt: skip


def test_a_document_of_elsewhere_shows_firms_but_nothing_of_the_lot(filled: Store) -> None:
    with filled.read() as db:
        found = trace(db, Start(firm="E1"), steps=3, sees=lambda ids: [])
        asked = trace(db, Start(batch="20260301"), sees=lambda ids: [])
    assert "章贡区好邻超市" in names_of(found)
    lots = [node for node in found.nodes if node.sort is Sort.LOT and not any(g.source for g in node.grounds)]
    assert lots
    assert {lot_name(node, str) for node in lots} == {HIDDEN_LOT}
    assert not found.documents
    assert not asked.nodes, "a lot that may not be read is not found by its batch either"


def test_a_changed_page_takes_its_old_rows_back(filled: Store) -> None:
    with filled.write() as db:
        keep_told(db, "d1", told_by(notice(1, ROWS[2:])))
    with filled.read() as db:
        assert not trace(db, Start(batch="20260301")).nodes


def test_each_territory_gets_a_draft_whose_sentences_name_their_documents(filled: Store, lexicon: Lexicon) -> None:
    with filled.read() as db:
        found = trace(db, Start(batch="20260301"), steps=3)
    drafts = letters(found, places=Places(lexicon.regions), product_word=str, bureau=lexicon.regions.name_of, today=NOW.date())  # noqa: E501  # fmt: skip
    by_place = {draft.territory: draft for draft in drafts}
    assert {"360702", "360402", "360802"} <= by_place.keys()
    jiujiang = by_place["360402"].text()
    assert "充电器 XL-4820B 20260415由九江万家乐商行销售。〔依据：文书 d1〕" in jiujiang
    assert "草稿，未发送" in jiujiang
    assert "委托合同备案.xlsx" in by_place["360802"].text(), "the OEM is written to because of its tie"
    assert by_place["360702"].guessed == ("章贡区好邻超市",), "placed by its name, and that is told"


def test_sentences_without_a_readable_document_stay_out(filled: Store, lexicon: Lexicon) -> None:
    with filled.read() as db:
        found = trace(db, Start(firm="E1"), steps=3, sees=lambda ids: [])
    drafts = letters(found, places=Places(lexicon.regions), product_word=str, bureau=str, today=NOW.date())
    assert all(one.sources for draft in drafts for one in (*draft.found,)), "only what the registry says is left"
    assert "d1" not in "".join(draft.text() for draft in drafts)


def test_the_table_is_safe_for_a_spreadsheet(store: Store, lexicon: Lexicon) -> None:
    with store.write() as db:
        row = (("=HYPERLINK(1)", "+1-A2", "@20260301", "-某厂", "/", "/", "标志"),)
        keep_told(db, "d4", told_by(notice(4, row)))
    with store.read() as db:
        found = trace(db, Start(batch="20260301"), steps=1)
    body = csv_text(("x",), table_rows(found, Places(lexicon.regions), str))
    assert "'-某厂" in body
    assert "'=HYPERLINK" in body
    assert ",=HYPERLINK" not in body


def test_a_county_sees_firms_of_elsewhere_but_not_what_their_documents_say(tmp_path: Path) -> None:
    services = make_services(tmp_path, clock=lambda: NOW)
    assert read_before(services.store, Event()) > 0
    assert read_before(services.store, Event()) == 0, "once is enough"
    with services.store.write() as db:
        for name, territory in (("county", "360981"), ("all", "000000")):
            users.create_user(
                db, name, role="officer", territory=territory, display_name=name, password=PASSWORD, now=NOW
            )
    app = create_app(services)
    with signed_in(app, "all") as everywhere, signed_in(app, "county") as county:
        seen = everywhere.get("/enterprises/ENT0043/trace").text
        cut = county.get("/enterprises/ENT0043/trace").text
        listed = county.get("/trace.csv?firm=ENT0043").text
        wrong = county.get("/trace?model=x&steps=99").status_code
    services.store.close()
    told = set(re.findall(r'href="/documents/(\w+)"', seen))
    assert "54.6V3A" in seen
    assert told, "who sees all is led to the documents"
    assert "无权查看" in cut
    assert not any(one in page for page in (cut, listed) for one in (*told, "54.6V3A", "YZ-4824"))
    assert wrong == 400


def test_a_recall_and_a_notice_in_prose_are_told_of() -> None:
    recall = notice(5, kind=Kind.RECALL, tables=(), title="南城暖阳童车有限公司召回部分婴儿推车",
                    text="召回2025年3月至12月生产的NY-T302型婴儿推车1,248辆。\n缺陷：可能折叠。")  # fmt: skip
    told = told_by(recall)
    assert told[0].outcome is Outcome.RECALLED
    assert told[0].models == ("NY-T302",)
    assert told[0].parties[0].name == "南城暖阳童车有限公司"
    assert told_by(notice(6, tables=(), text="检验合格率100%")) == []
