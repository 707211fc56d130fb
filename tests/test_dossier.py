"""The dossier of a firm: papers as of a day, one time axis and its table, what of it which viewer sees."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Connection, select, true

from core.addresses import plain_address
from core.clock import beijing
from core.firms import FactKind, FirmFact, FirmTie, TieKind
from core.records import RegistryEntry
from enterprises.neighbours import apart_words
from enterprises.papers import bars_of, needs_of, papers_on
from enterprises.relations import drawn as draw_relations
from enterprises.relations import relations_of
from enterprises.signals import Cut, count_signals
from enterprises.trade import trade_of
from store import users
from store.alert_log import list_alerts
from store.database import Store
from store.firm_facts import save_facts
from store.registry import find_entry, save_entries
from store.schema import documents, firm_changes
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, signed_in
from web.app import create_app
from web.services import Services

FIRM = "ENT0043"
TODAY = beijing(NOW).date()


def before(days: int) -> date:
    return TODAY - timedelta(days=days)


LAPSED = FirmFact(FIRM, FactKind.CCC, "2023011120900216", before(1000), before(12), product="ebike_power")
PAUSED = FirmFact(
    FIRM, FactKind.CCC, "2024011120900218", before(600), before(-20), state="suspended", state_since=before(3),
    product="ebike_power",
)  # fmt: skip
FAILED = FirmFact(
    FIRM,
    FactKind.SAMPLING,
    "GX-1102",
    before(5),
    outcome="failed",
    product="ebike_power",
    text="过充保护，联系 13812345678",
)  # fmt: skip
OLD_FINE = FirmFact(FIRM, FactKind.PENALTY, "洪罚 90", before(500), text="罚款 2 万元")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("dossier"), clock=lambda: NOW)
    with made.store.write() as db:
        users.create_user(
            db, "chief", role="supervisor", territory="000000", display_name="带班", password=PASSWORD, now=NOW
        )
        users.create_user(
            db, "county", role="officer", territory="360922", display_name="万载", password=PASSWORD, now=NOW
        )
        _fill(db)
    yield made
    made.store.close()


def _fill(db: Connection) -> None:
    firm, other, third = (found for name in (FIRM, "ENT0100", "ENT0129") if (found := find_entry(db, name)))
    firm = replace(firm, address="红谷滩区创新一路 88 号", person="罗某平")
    beside = replace(other, address="江西省南昌市红谷滩区创新一路８８号（一址多照）", region_code="360113")
    save_entries(db, [firm, beside, replace(third, person="罗某平")], now=NOW)
    save_facts(db, [LAPSED, PAUSED, FAILED, OLD_FINE], now=NOW)
    changes = {"person": ["王某", "罗某平"]}
    change = {"firm": FIRM, "at": NOW - timedelta(days=2), "source": "名录.csv", "changes": changes}
    db.execute(firm_changes.insert(), [change])


@pytest.fixture(scope="module")
def app(services: Services) -> FastAPI:
    return create_app(services)


@pytest.fixture(scope="module")
def chief(app: FastAPI) -> TestClient:
    return signed_in(app, "chief")


def test_a_lapsed_certificate_says_so_in_words_on_the_day_and_not_before(chief: TestClient) -> None:
    now, then = (chief.get(f"/enterprises/{FIRM}{more}").text for more in ("", f"?asof={before(30)}"))
    assert '<span class="st" data-s="bad">当日已过期 12 天</span>' in now
    assert '<span class="st" data-s="bad">当日已暂停 3 天</span>' in now
    assert "2 张许可或认证" in now
    assert "当日已过期" not in then
    assert f"其后 {before(3)} 起暂停" in then
    assert f"其后 {before(12)} 到期" in then
    assert "当日有效，18 天后到期" in then


def test_what_came_after_the_day_is_left_out_and_counted(chief: TestClient) -> None:
    page = chief.get(f"/enterprises/{FIRM}?asof={before(30)}").text
    assert "条信号" in page
    assert "云骓召回第四天" not in page
    assert "GX-1102" not in page
    assert "当日为：王某" in page
    assert "云骓召回第四天" in chief.get(f"/enterprises/{FIRM}").text


@pytest.mark.parametrize("wrong", ["asof=2099-01-01", "asof=x", "asof=1850-01-01", "span=2y", "kind=all"])
def test_a_wrong_day_or_span_is_refused_with_what_is_accepted(chief: TestClient, wrong: str) -> None:
    answer = chief.get(f"/enterprises/{FIRM}?{wrong}")
    assert answer.status_code == 400
    assert "可用：" in answer.text or "之间的日期" in answer.text


def test_the_span_decides_what_is_on_the_axis_and_in_its_table(chief: TestClient) -> None:
    pages = (chief.get(f"/enterprises/{FIRM}?kind=check{more}").text for more in ("", "&span=all"))
    year, all_of_it = (re.sub(r'<section[^>]* id="grade".*?</section>', "", page, flags=re.S) for page in pages)
    assert "罚款 2 万元" not in year
    assert all_of_it.count("罚款 2 万元") >= 2  # a dot of the chart, a row of the table
    assert "查处 1" in all_of_it


def test_personal_data_is_masked(chief: TestClient) -> None:
    page = chief.get(f"/enterprises/{FIRM}").text
    assert "过充保护" in page
    assert "13812345678" not in page


def test_neighbours_share_an_address_however_it_is_written_or_a_person(chief: TestClient) -> None:
    page = chief.get(f"/enterprises/{FIRM}").text
    assert "同一住所" in page
    assert "/enterprises/ENT0100" in page
    assert "同名不等于同一人" in page
    assert "/enterprises/ENT0129" in page


def test_a_county_sees_the_registry_but_not_the_signals_of_others(app: FastAPI, chief: TestClient) -> None:
    county = signed_in(app, "county")
    page = county.get(f"/enterprises/{FIRM}").text
    assert "当日已过期 12 天" in page
    assert "云骓召回第四天" not in page
    assert "YJ-2026-0001" not in page
    county.close()


def test_the_api_tells_papers_facts_and_changes_as_of_a_day(chief: TestClient) -> None:
    now = chief.get(f"/api/enterprises/{FIRM}").json()
    assert {one["number"]: one["state_on_day"] for one in now["papers"]} == {
        LAPSED.number: "lapsed", PAUSED.number: "suspended"
    }  # fmt: skip
    assert {one["number"] for one in now["facts"]} == {FAILED.number, OLD_FINE.number}
    assert now["changes"][0]["before"] == "王某"
    then = chief.get(f"/api/enterprises/{FIRM}", params={"asof": str(before(30))}).json()
    assert {one["state_on_day"] for one in then["papers"]} == {"valid"}
    assert {one["number"] for one in then["facts"]} == {OLD_FINE.number}
    assert len(then["signals"]) < len(now["signals"])
    assert chief.get(f"/api/enterprises/{FIRM}", params={"asof": "x"}).status_code == 400


def test_a_bar_has_gaps_where_a_paper_was_not_in_force() -> None:
    spans = bars_of(PAUSED, before(700), TODAY)
    assert spans == [(before(600), before(3), True), (before(3), TODAY, False)]


def test_a_lapsed_paper_names_the_one_that_took_its_place() -> None:
    follower = replace(LAPSED, number="NEW", day=before(20), until=before(-900))
    papers = {paper.fact.number: paper for paper in papers_on([LAPSED, follower], TODAY, TODAY)}
    assert papers[LAPSED.number].others == ("NEW",)
    assert papers["NEW"].others == ()
    [need] = needs_of("ebike_power", ("CCC", "NONE"), list(papers.values()))
    assert not need.missing


def test_a_product_without_a_paper_in_force_is_told() -> None:
    assert [need.told for need in needs_of("ebike_power", ("CCC",), papers_on([LAPSED], TODAY, TODAY))] == [
        "当日均无效"
    ]
    assert [need.missing for need in needs_of("cable", ("XK",), papers_on([LAPSED], TODAY, TODAY))] == [True]


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("江西省南昌市红谷滩区 创新一路８８号（一址多照）", "红谷滩区创新一路88号"),
        ("红谷滩区创新一路88号", "红谷滩区创新一路88号"),
        ("江西省宜春市丰城市高新区1号", "高新区1号"),
        ("南昌", ""),
    ],
)
def test_an_address_is_plain(written: str, plain: str) -> None:
    assert plain_address(written) == plain


def test_the_graph_is_bounded_and_the_list_has_every_relation(store: Store) -> None:
    ties = [FirmTie("A", TieKind.OEM, FIRM), FirmTie(FIRM, TieKind.GROUP, "NIL:某<b>集团", until=before(10))]
    ties += [FirmTie(f"NIL:第{number}网店", TieKind.SELLER, FIRM) for number in range(30)]
    with store.read() as db:
        found = relations_of(db, FIRM, None, ties, TODAY)
    assert len(found) == 32
    assert [one.word for one in found[:2]] == ["受托生产", "所属集团"]
    assert [one.over for one in found[:2]] == [False, True]
    drawn = draw_relations("某厂", found, {})
    assert drawn.count("<a href=") == 2 + 12
    assert "+18" in drawn
    assert "某&lt;b&gt;集团" in drawn


def test_a_relation_is_told_from_either_side(store: Store) -> None:
    tie = FirmTie("A", TieKind.SUPPLIER, "B")
    with store.read() as db:
        [of_a], [of_b] = (relations_of(db, firm, None, [tie], TODAY) for firm in ("A", "B"))
    assert (of_a.firm, of_a.word, of_a.behind) == ("B", "供货给", False)
    assert (of_b.firm, of_b.word, of_b.behind) == ("A", "供应商", True)


def test_a_branch_and_its_parent_are_relations(store: Store) -> None:
    parent, branch = RegistryEntry("P", "某集团有限公司"), RegistryEntry("C", "某集团有限公司分公司", parent_id="P")
    with store.write() as db:
        save_entries(db, [parent, branch], now=NOW)
        [below], [above] = relations_of(db, "P", parent, [], TODAY), relations_of(db, "C", branch, [], TODAY)
    assert (below.name, below.word) == (branch.name, "分支机构")
    assert (above.name, above.word) == (parent.name, "上级企业")


def test_the_trade_is_counted_by_firm_and_month(services: Services) -> None:
    viewer = Cut(true(), (), lambda code: True)
    with services.store.read() as db:
        trade = trade_of(db, viewer, FIRM, "ebike_power", NOW)
        own = count_signals(db, viewer, FIRM)
        nothing = trade_of(db, viewer, FIRM, "no such product", NOW)
    assert trade is not None
    assert 0 < trade.total <= own
    assert (len(trade.months), trade.months[-1], trade.place) == (12, "2026-11", 1)
    assert trade.mean <= trade.total
    assert nothing is None


def test_a_firm_in_no_list_is_put_together_from_what_names_it(services: Services, chief: TestClient) -> None:
    name = "NIL:赣州光明线缆厂"
    with services.store.write() as db:
        some = db.execute(select(documents.c.id).where(documents.c.product == "cable", documents.c.is_risk)).scalars()
        values = {"enterprise": name, "jurisdiction": "360703", "is_risk": True}
        db.execute(documents.update().where(documents.c.id == next(iter(some))).values(**values))
    page = chief.get(f"/enterprises/{name}").text
    assert "由原文归集" in page
    assert "南康区 1" in page
    assert "江西光明线缆有限公司" in page


def test_what_tells_look_alikes_apart_is_written_out() -> None:
    one = RegistryEntry("A", "江西光明线缆有限公司", region_code="360981", region_name="丰城市", uscc="1")
    other = replace(one, id="B", name="赣州光明线缆厂", region_code="360703", region_name="南康区", uscc="2")
    assert apart_words(one, other) == "在南康区，信用代码 2"
    assert "须核对信用代码" in apart_words(one, replace(one, id="C"))


def test_firms_that_share_a_short_name_are_told_apart(chief: TestClient) -> None:
    page = chief.get("/enterprises/ENT0127").text
    assert "玉山青峦水泥有限责任公司" in page
    assert "相同：简称“青峦水泥”，品牌“青峦”；区别：在玉山县，信用代码 91361123YX91899196，与本企业同属一个上级" in page


def test_links_to_a_dossier_carry_the_day_of_the_story(chief: TestClient, services: Services) -> None:
    with services.store.read() as db:
        query = select(documents.c.id, documents.c.event_time).where(documents.c.enterprise == FIRM, documents.c.latest)
        document, at = db.execute(query.order_by(documents.c.event_time).limit(1)).one()
        alert = next(one for one in list_alerts(db, firm=FIRM))
    began = f'href="/enterprises/{FIRM}?asof={beijing(alert.first_at).date()}"'
    assert f'/enterprises/{FIRM}?asof={beijing(at).date()}"' in chief.get(f"/documents/{document}").text
    for page in (f"/alerts/{alert.id}", f"/alerts/{alert.id}?pane=1"):
        assert began in chief.get(page).text
