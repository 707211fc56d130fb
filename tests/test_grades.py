"""Risk grades: every point explained, fading, what would change it; the nightly pass; what a person sets instead."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update

from alerts.grade_worth import cases_since
from alerts.grading import grades_for, nightly
from config.grades import GradeTable, load_grades
from config.intake import load_intake
from config.lexicon import load_lexicon
from config.settings import PROJECT
from core.clock import beijing
from core.errors import ConfigError
from core.firms import FactKind, FirmFact
from core.records import Document, Kind, RegistryEntry
from core.told import Outcome, Part, Party, Told
from enterprises.grade import Grade, Record, grade_of
from enterprises.grade_worth import share_of
from ledger import steps
from ledger.book import Deed, open_book
from store import audit, users
from store.database import Store
from store.documents import add_revision
from store.firm_facts import note_changes, save_facts
from store.grades import changes, grades_of, month_ends, newest_changes, overrides_of, shares, shares_before
from store.ledger import Entry, HazardState
from store.registry import save_entries
from store.schema import documents
from store.told import keep_told
from tests.desk_server import CONFIG, NOW, make_services
from tests.desk_visits import PASSWORD, signed_in, value_of
from web.app import create_app
from web.services import Services

DAY = date(2026, 11, 23)
FIRM = "ENT0140"


@pytest.fixture(scope="module")
def table() -> GradeTable:
    return GradeTable.model_validate(
        {
            "bounds": {"B": 15, "C": 35, "D": 65},
            "products": {"cable": {"product": 10}},
            "default": {"credit": {"C": 10}},
        }
    )


def fact(kind: FactKind, days: int = 0, **more: object) -> FirmFact:
    return FirmFact(FIRM, kind, day=DAY - timedelta(days=days), **more)  # type: ignore[arg-type]


def graded(table: GradeTable, *facts: FirmFact, records: tuple[Record, ...] = (), day: date = DAY) -> Grade:
    return grade_of(FIRM, ("cable",), facts, records, table, day)


FAILED = fact(FactKind.SAMPLING, outcome="failed", number="JD-1", document="d1")


def test_each_point_says_its_record_and_the_sum_is_the_grade(table: GradeTable) -> None:
    one = graded(table, FAILED, fact(FactKind.PENALTY, 365, number="CF-1"), fact(FactKind.CREDIT, outcome="C"))
    told = {reason.row: (reason.full, reason.worth) for reason in one.reasons}
    assert told == {"product": (10, 10), "sampling_failed": (15, 15), "penalty": (15, 7.5), "credit": (10, 10)}
    assert (one.points, one.grade, one.product) == (42.5, "C", "cable")
    assert next(reason for reason in one.reasons if reason.row == "sampling_failed").document == "d1"


def test_it_fades_by_itself_and_the_day_is_told_to_the_day(table: GradeTable) -> None:
    one = graded(table, FAILED)
    assert one.grade == "B"
    assert one.next_on is not None
    assert one.next_grade == "A"
    assert graded(table, FAILED, day=one.next_on).grade == "A"
    assert graded(table, FAILED, day=one.next_on - timedelta(days=1)).grade == "B"
    assert f"没有新记录时，{one.next_on} 起为 A" in one.changes
    assert "再加 10 分为 C：一次抽查不合格、一次处罚、一次召回、一项未销号隐患、一张证过期即可" in one.changes


def test_a_paper_counts_as_it_stood_that_day_and_what_came_later_does_not(table: GradeTable) -> None:
    paper = FirmFact(FIRM, FactKind.CCC, "CCC-1", day=date(2020, 1, 1), until=DAY)
    assert graded(table, paper).points == 10
    later = graded(table, paper, day=DAY + timedelta(days=1))
    assert later.points == 30
    assert graded(table, paper).next_on == DAY + timedelta(days=1), "a lapse is foreseen"
    assert graded(table, FAILED, day=DAY - timedelta(days=1)).points == 10


def test_a_past_day_is_graded_by_what_the_registry_said_then(store: Store, table: GradeTable) -> None:
    before = FirmFact(FIRM, FactKind.CCC, "CCC-1", day=date(2020, 1, 1), until=DAY - timedelta(days=9))
    after = replace(before, until=DAY + timedelta(days=900))
    with store.write() as db:
        save_facts(db, [after], now=NOW)
        note_changes(db, [(before, after)], now=NOW, source="b.csv")
    yesterday = beijing(NOW).date() - timedelta(days=1)
    with store.read() as db:
        points = [grades_for(db, [FIRM], table, day, {}, as_said=True)[0].points
                  for day in (yesterday, beijing(NOW).date())]  # fmt: skip
    assert points[0] - points[1] == 20, "the certificate had lapsed by the registry of that day"


def test_a_firm_on_a_list_that_is_handed_in_has_its_points() -> None:
    shipped = load_grades(CONFIG, products=load_lexicon(CONFIG).products).row(())[1]
    lists = load_intake(CONFIG).kinds["credit"].fields["list"].values
    assert all(shipped.credit.get(words[0], 0) > 0 for words in lists.values())


def test_opinion_counts_by_verified_origins_up_to_a_limit_and_open_hazards_do_not_fade(table: GradeTable) -> None:
    verified = Record("opinion", DAY, "预警 YJ 核实属实", "/alerts/a", 5)
    hazard = Record("ledger_open", DAY - timedelta(days=800), "隐患 YH 未销号", "/ledger/YH")
    one = graded(table, records=(verified, hazard))
    assert {reason.row: reason.worth for reason in one.reasons} == {"product": 10, "opinion": 18, "ledger_open": 15}
    assert any("隐患 YH 未销号了结即可" in line for line in one.changes)


def test_a_mistake_in_the_table_names_file_key_and_what_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "grades.yml").write_text(
        "bounds: {B: 15, C: 35, D: 65}\nproducts: {kettle9: {product: 1}}\n", encoding="utf-8"
    )
    with pytest.raises(ConfigError, match=r"grades.yml: products.kettle9: no product \(accepted: cable\)"):
        load_grades(tmp_path, products=["cable"])
    (tmp_path / "grades.yml").write_text("bounds: {B: 15, C: 5, D: 65}\ndefault: {recal: 3}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_grades(tmp_path, products=["cable"])
    told = "\n".join(caught.value.mistakes)
    assert "grades.yml: bounds: must rise (accepted: 0 < B < C < D)" in told
    assert "grades.yml: default.recal: unknown key (accepted: " in told


def test_a_night_grades_what_is_new_and_what_time_moves_and_keeps_changes_only(store: Store, table: GradeTable) -> None:
    new = FirmFact(FIRM, FactKind.SAMPLING, "JD-1", day=beijing(NOW).date(), outcome="failed")
    old = FirmFact("ENT0043", FactKind.CHECK, "JC-1", day=beijing(NOW).date(), outcome="passed")
    with store.write() as db:
        save_facts(db, [new, old], now=NOW)
    later = NOW + timedelta(hours=1)
    assert nightly(store, table, now=later).looked == 2
    assert nightly(store, table, now=later + timedelta(days=1)).looked == 0, "nothing new, nothing due"
    with store.read() as db:
        [mine] = grades_of(db, [FIRM])
        assert [(one.before, one.grade) for one in changes(db, firm=FIRM)] == [("", mine.grade)]
    assert mine.grade == "B"
    assert mine.next_on is not None
    night = nightly(store, table, now=later + (mine.next_on - mine.day))
    assert (night.looked, night.changed) == (1, 1)
    with store.read() as db:
        assert [(one.before, one.grade) for one in changes(db, firm=FIRM)] == [("B", "A"), ("", "B")]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("grades"), clock=lambda: NOW)
    with made.store.write() as db:
        for name, role, territory in (
            ("chief", "supervisor", "360000"), ("officer", "officer", "360000"), ("far", "supervisor", "360700"),
        ):  # fmt: skip
            users.create_user(db, name, role=role, territory=territory, display_name=name, password=PASSWORD, now=NOW)  # type: ignore[arg-type]
        save_facts(db, [FirmFact(FIRM, FactKind.RECALL, "ZH-1", day=beijing(NOW).date())], now=NOW)
    products = made.lexicon.products
    nightly(made.store, load_grades(PROJECT / "config", products=products), now=NOW + timedelta(minutes=1))
    yield made
    made.store.close()


def test_a_supervisor_of_the_territory_sets_another_grade_for_a_time(services: Services) -> None:
    app = create_app(services)
    with signed_in(app, "chief") as chief, signed_in(app, "officer") as officer, signed_in(app, "far") as far:
        page = chief.get(f"/enterprises/{FIRM}").text
        assert "召回 （ZH-1）" in page
        form = {"csrf": value_of(page, "csrf"), "once": "grade-once", "firm": FIRM, "grade": "D", "kind": "override"}
        form |= {"reason": "正在立案核查", "until": "2026-12-31"}
        assert chief.post("/grades/set", data={**form, "until": ""}).status_code == 400
        assert chief.post("/grades/set", data=form).status_code == 303
        for other in (officer, far):
            mine = value_of(other.get("/grades").text, "csrf")
            assert other.post("/grades/set", data={**form, "csrf": mine, "once": "grade-other"}).status_code == 403
        page = chief.get(f"/enterprises/{FIRM}").text
        assert "正在立案核查" in page
        assert "至 2026-12-31" in page
        assert "现按 D" in chief.get("/grades").text
        assert "现按 D" not in far.get("/grades").text, "cut to the territory"
        with services.store.read() as db:
            number = overrides_of(db, [FIRM], NOW)[FIRM].number
            assert not overrides_of(db, [FIRM], NOW + timedelta(days=60)), "it ends by itself"
        form = {"csrf": form["csrf"], "firm": FIRM, "number": str(number)}
        assert chief.post("/grades/unset", data=form).status_code == 303
        with services.store.read() as db:
            assert [line.action for line in audit.search(db, object=FIRM)] == ["grade_unset", "grade_set"]


def test_a_hazard_of_another_territory_gives_its_points_and_not_its_words(services: Services) -> None:
    today = beijing(NOW).date()
    hazard = Entry("", HazardState.TO_CHECK, 2, "电缆厂仓库堆放", "check", today, today, "360981", NOW, NOW, firm=FIRM)
    with services.store.write() as db:
        book = open_book(services.ledger, lambda day: True, services.lexicon)
        steps.add(book, db, hazard, Deed("chief", NOW, once="grade-hazard", territory="000000"))
    app = create_app(services)
    with signed_in(app, "chief") as chief, signed_in(app, "far") as far:
        assert "未销号：电缆厂仓库堆放" in chief.get(f"/enterprises/{FIRM}").text
        page = far.get(f"/enterprises/{FIRM}").text
        assert "电缆厂仓库堆放" not in page
        assert "其他属地的隐患（无权查看）" in page


def test_complaints_of_a_period_count_from_its_end(table: GradeTable) -> None:
    told = fact(FactKind.COMPLAINTS, 60, until=DAY - timedelta(days=31), count=9)
    assert graded(table, told, day=DAY - timedelta(days=32)).points == 10, "nobody had counted them yet"
    assert graded(table, told, day=DAY - timedelta(days=31)).points == 19


def test_a_firm_in_no_list_is_where_its_signals_are_and_makes_what_they_tell_of(services: Services) -> None:
    firm = "NIL:某某电池作坊"
    with services.store.write() as db:
        save_facts(
            db, [FirmFact(firm, FactKind.PENALTY, "CF-9", day=beijing(NOW).date())], now=NOW + timedelta(hours=1)
        )
        ids = [row[0] for row in db.execute(select(documents.c.id).where(documents.c.is_risk).limit(3))]
        for number, one in enumerate(ids):
            told = {"enterprise": firm, "jurisdiction": "360981" if number else None, "product": "ebike_power"}
            db.execute(update(documents).where(documents.c.id == one).values(**told))
    table = load_grades(PROJECT / "config", products=services.lexicon.products)
    nightly(services.store, table, now=NOW + timedelta(hours=2))
    with services.store.read() as db:
        [mine] = grades_of(db, [firm])
    assert (mine.territory, mine.product, mine.points) == ("360981", "ebike_power", 30)
    with signed_in(create_app(services), "far") as far, signed_in(create_app(services), "chief") as chief:
        assert "某某电池作坊" in chief.get("/grades?region=360981").text
        assert "某某电池作坊" not in far.get("/grades").text


def test_the_share_of_each_grade_is_told_over_time(store: Store, table: GradeTable) -> None:
    day = beijing(NOW).date()
    failed = FirmFact(FIRM, FactKind.SAMPLING, "JD-1", day=day, outcome="failed")
    with store.write() as db:
        save_facts(db, [failed, FirmFact("ENT0043", FactKind.CHECK, "JC-1", day=day, outcome="passed")], now=NOW)
    nightly(store, table, now=NOW + timedelta(hours=1))
    with store.read() as db:
        [mine] = grades_of(db, [FIRM])
    assert mine.next_on is not None
    nightly(store, table, now=NOW + (mine.next_on - mine.day) + timedelta(hours=1))
    days = [day - timedelta(days=1), day, mine.next_on - timedelta(days=1), mine.next_on]
    with store.read() as db:
        told = [{grade: count for grade, count in one.items() if count} for one in shares_before(db, days, shares(db))]
        assert [one.firm for one, _ in newest_changes(db, within=None)] == [FIRM]
        assert newest_changes(db, within={"360981"}) == [], "no such firm lies there"
    assert told == [{}, {"A": 1, "B": 1}, {"A": 1, "B": 1}, {"A": 2}]
    assert month_ends(date(2026, 3, 5), 3) == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 5)]


def test_the_worth_is_told_by_the_grade_of_the_day_before_and_never_with_the_hazard(
    store: Store, table: GradeTable
) -> None:
    day = beijing(NOW).date()
    bad = [FirmFact(FIRM, FactKind.PENALTY, f"CF-{n}", day=day - timedelta(days=30 + n)) for n in range(3)]
    hazards = [FirmFact(firm, FactKind.SAMPLING, "JD", day=day, outcome="failed") for firm in (FIRM, "ENT0043")]
    with store.write() as db:
        save_facts(db, [*bad, *hazards], now=NOW)
    with store.read() as db:
        cases = cases_since(db, table, day - timedelta(days=9), day)
    assert {one.firm: (one.grade, one.findings) for one in cases} == {FIRM: ("C", 3), "ENT0043": ("A", 0)}
    share = share_of(cases)
    assert (share.cases, share.high) == (2, 0.5)
    assert share.interval[0] < 0.1 < 0.9 < share.interval[1], "two cases say little"
    assert json.loads(json.dumps(asdict(share)))["by_grade"] == {"A": 1, "C": 1}


def test_what_an_official_list_says_of_a_lot_counts_once_and_for_its_maker(store: Store, table: GradeTable) -> None:
    day, shop = beijing(NOW).date(), "某某电线经营部"
    rows = [
        Told("d1", 0, Outcome.FAILED, day, product="cable", models=("BV-1",), batches=("2601",), items="绝缘",
             parties=(Party(Part.MAKER, "江西标准线缆厂"), Party(Part.SELLER, shop))),
        Told("d1", 1, Outcome.FAILED, day, product="cable", models=("BV-2",), batches=("2602",),
             parties=(Party(Part.MAKER, "", FIRM), Party(Part.SELLER, "", "ENT0043"))),
        Told("d2", 0, Outcome.FAILED, day, product="cable", models=("BV-1",), batches=("2601",),
             parties=(Party(Part.MAKER, "江西标准线缆厂"),)),
        Told("d3", 0, Outcome.FAILED, day, models=("BV-9",), parties=(Party(Part.MAKER, "", FIRM),)),
    ]  # fmt: skip
    with store.write() as db:
        save_entries(db, [RegistryEntry(FIRM, "江西标准线缆厂", region_code="360983", products=("cable",))], now=NOW)
        for name, kind in (("d1", Kind.SPOTCHECK), ("d2", Kind.SPOTCHECK), ("d3", Kind.FORUM)):
            write_document(db, name, kind)
            keep_told(db, name, [one for one in rows if one.document == name])
        [mine, shops] = grades_for(db, [FIRM, "ENT0043"], table, day, {})
        assert [(one.row, one.document) for one in mine.reasons if one.row == "sampling_failed"] == [
            ("sampling_failed", "d1"), ("sampling_failed", "d1"),
        ], "two lots, one of them in two lists; a post is no list"  # fmt: skip
        assert "sampling_failed" not in {one.row for one in shops.reasons}, "who sold it did not make it"
        known = FirmFact(FIRM, FactKind.SAMPLING, "JD-7", day=day, model="BV-1", batch="2601", outcome="failed")
        save_facts(db, [known], now=NOW)
        [again] = grades_for(db, [FIRM], table, day, {})
        assert again.points == mine.points, "an imported record of the lot is the same lot"
        [before] = grades_for(db, [FIRM], table, day - timedelta(days=1), {})
        assert {one.row for one in before.reasons} == {"product"}
    assert nightly(store, table, now=NOW + timedelta(hours=1)).looked == 1
    assert nightly(store, table, now=NOW + timedelta(hours=2)).looked == 1, "a list may still come in for its day"


def write_document(db: Connection, name: str, kind: Kind) -> None:
    document = Document(
        id=name, source="jx", kind=kind, url=f"https://x.example/{name}", canonical_url="", title=name, text="",
        event_time=NOW, published=NOW, fetched_at=NOW, stored_at=NOW, revision=1, content_hash=name,
    )  # fmt: skip
    assert add_revision(db, document, external_id=name, raw={})
