"""What is recorded of firms: papers on a day, facts and relations that are told twice."""

from datetime import date, datetime

import pytest

from core.firms import FactKind, FirmFact, FirmTie, PaperState, TieKind
from core.records import RegistryEntry
from store.database import Store
from store.firm_facts import facts_numbered, facts_of, save_facts, save_ties, ties_of
from store.registry import find_entry, save_entries

CCC = FirmFact("E1", FactKind.CCC, "2022012401900001", date(2022, 1, 1), date(2026, 12, 31), product="charger")


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (date(2021, 12, 31), PaperState.NOT_YET),
        (date(2022, 1, 1), PaperState.VALID),
        (date(2026, 12, 31), PaperState.VALID),
        (date(2027, 1, 1), PaperState.LAPSED),
    ],
)
def test_a_certificate_is_valid_on_its_first_and_last_day(day: date, state: PaperState) -> None:
    assert CCC.state_on(day) is state


def test_a_suspension_counts_from_its_day() -> None:
    paper = FirmFact("E1", FactKind.CCC, "1", date(2022, 1, 1), state="suspended", state_since=date(2025, 3, 1))
    assert paper.state_on(date(2025, 2, 28)) is PaperState.VALID
    assert paper.state_on(date(2025, 3, 1)) is PaperState.SUSPENDED


def test_a_paper_told_again_with_another_end_is_one_paper(store: Store, noon: datetime) -> None:
    longer = FirmFact("E1", FactKind.CCC, CCC.number, CCC.day, date(2030, 1, 1), product="charger")
    with store.write() as db:
        save_facts(db, [CCC], now=noon)
        save_facts(db, [longer], now=noon)
    with store.read() as db:
        assert facts_of(db, ["E1", "E2"]) == {"E1": [longer], "E2": []}
        assert facts_numbered(db, CCC.number) == [longer]


def test_relations_are_found_from_both_sides(store: Store, noon: datetime) -> None:
    tie = FirmTie("E1", TieKind.OEM, "E2", product="charger")
    with store.write() as db:
        save_ties(db, [tie, tie], now=noon)
    with store.read() as db:
        assert ties_of(db, ["E1"]) == ties_of(db, ["E2"]) == [tie]


def test_an_entry_keeps_its_address_and_person(store: Store, noon: datetime) -> None:
    entry = RegistryEntry("E1", "某某有限公司", address="东湖区某路1号", person="张某", english_names=("MOU CO LTD",))
    with store.write() as db:
        save_entries(db, [entry], now=noon)
    with store.read() as db:
        assert find_entry(db, "E1") == entry
