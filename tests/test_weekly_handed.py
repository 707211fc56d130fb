"""The weekly table drafts from what other systems hand in: batches, visits, self checks; people confirm."""

from collections.abc import Iterator
from typing import Any

import pytest

from config.intake import load_intake
from pipelines.handed_in import HandedBy, take
from pipelines.handed_rows import ReadRow, Words, read_row
from reports.figures import TOTAL
from reports.weekly import Office, WeeklyBook
from reports.weeks import read_week
from tests.desk_server import CONFIG, NOW, make_services
from web.services import Services

WEEK = read_week("2026-W46")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("handed"), clock=lambda: NOW)
    yield made
    made.store.close()


def hand(desk: Services, kind: str, *rows: dict[str, Any]) -> None:
    intake, words = load_intake(CONFIG), Words.of(desk.lexicon)
    read = [read_row(intake.kinds[kind], {"at": WEEK.first.isoformat(), **row}, words) for row in rows]
    good = [one for one in read if isinstance(one, ReadRow)]
    assert len(good) == len(read), read
    take(desk.store, intake.kinds[kind], good, HandedBy("test", "test"), now=NOW)


def cells(desk: Services, territory: str = "360100") -> dict[tuple[str, str], tuple[str | None, str]]:
    regions = desk.lexicon.regions
    office = Office(territory, lambda code: regions.is_within(territory, code or regions.home))
    book = WeeklyBook(desk.weekly, desk.lexicon, {})
    with desk.store.read() as db:
        sheet = book.open(db, WEEK, office, now=NOW).sheet
    return {place: (cell.value, cell.kind) for place, cell in sheet.cells.items()}


def test_what_other_systems_hand_in_is_drafted_and_nothing_stays_empty(desk: Services) -> None:
    before = cells(desk)
    assert before["insp_ent", "cable"] == before["sampling_online", "cable"] == (None, "none")
    hand(
        desk, "sampling",
        {"id": "a", "product": "电线电缆", "territory": "360102", "outcome": "不合格", "channel": "网络",
         "rural": "否"},
        {"id": "b", "product": "电线电缆", "territory": "360103", "outcome": "合格", "channel": "流通"},
        {"id": "c", "product": "电动自行车", "territory": "360102"},
        {"id": "d", "product": "电线电缆", "territory": "360702", "outcome": "不合格"},
        {"id": "e", "product": "电线电缆", "territory": "360102", "outcome": "不合格", "at": "2026-10-01"},
    )  # fmt: skip
    hand(
        desk, "inspections",
        {"id": "1", "firm_name": "甲厂", "territory": "360102", "product": "电线电缆", "site": "生产企业",
         "scheme": "CCC"},
        {"id": "2", "firm_name": "甲厂", "territory": "360102", "product": "电线电缆", "site": "生产企业",
         "scheme": "许可证"},
        {"id": "3", "firm_name": "乙店", "territory": "360102", "product": "电线电缆", "site": "销售单位"},
    )  # fmt: skip
    hand(
        desk, "self_checks",
        {"id": "x", "firm_name": "甲厂", "territory": "360102", "product": "电线电缆", "done": "是",
         "found": 3, "fixed": 2},
        {"id": "y", "firm_name": "甲厂", "territory": "360102", "product": "电动自行车", "done": "是", "found": 1},
        {"id": "z", "firm_name": "丙厂", "territory": "360102", "product": "电线电缆", "done": "否"},
    )  # fmt: skip
    now = cells(desk)
    drafted = {
        "sampling_batches": "2", "nonconf_batches": "1", "sampling_online": "1", "sampling_rural": "0",
        "insp_ent": "2", "insp_ccc": "1", "insp_xk": "1", "insp_other": "0", "insp_dealer": "1",
        "self_check_done": "1", "self_found": "3", "self_fixed": "2",
    }  # fmt: skip
    assert {column: now[column, "cable"] for column in drafted} == {
        one: (value, "mix") for one, value in drafted.items()
    }
    assert now["nonconf_rate", "cable"][0] == "50.0"
    assert now["nonconf_batches", "ebike"] == (None, "none"), "no result is told: not 0"
    assert now["sampling_batches", TOTAL][0] == "3"
    assert now["self_check_done", TOTAL][0] == "1", "one firm of two products"
    assert now["insp_ent", "ebike"] == (None, "none")
    assert cells(desk, "360700")["sampling_batches", TOTAL][0] == "1"
    with desk.store.read() as db:
        office = Office("360100", lambda code: desk.lexicon.regions.is_within("360100", code or "360000"))
        sheet = WeeklyBook(desk.weekly, desk.lexicon, {}).open(db, WEEK, office, now=NOW).sheet
    assert sheet.cell("nonconf_batches", "cable").late == 1, "of two late rows one is what the cell counts"


def test_a_corrected_row_counts_as_it_is_now_and_leads_to_its_record(desk: Services) -> None:
    hand(desk, "sampling", {"id": "k", "product": "电线电缆", "territory": "360981", "outcome": "不合格"})
    assert cells(desk, "360981")["nonconf_batches", "cable"] == ("1", "mix")
    hand(desk, "sampling", {"id": "k", "product": "电线电缆", "territory": "360981", "outcome": "合格"})
    assert cells(desk, "360981")["nonconf_batches", "cable"] == ("0", "mix")
    office = Office("360981", lambda code: code == "360981")
    with desk.store.read() as db:
        sheet = WeeklyBook(desk.weekly, desk.lexicon, {}).open(db, WEEK, office, now=NOW).sheet
        told = sheet.cell("sampling_batches", "cable").items
        assert [(one.kind, one.late) for one in told] == [("handed", True)], "handed in after the week"
