"""Progress of sampling and of the campaign: shares against the floor, each number its records, targets that add up."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from sqlalchemy import select

from commands.progressing import show
from config.grouping import load_grouping
from config.intake import load_intake
from config.progress import ProgressRules, load_progress
from core.firms import FactKind, FirmFact
from pipelines.events import EventKeeper
from pipelines.handed_in import HandedBy, take
from pipelines.handed_rows import ReadRow, Words, read_row
from reports.progress import Asked, progress
from reports.targets import targets
from store import documents, users
from store.firm_facts import drop_fact, save_facts
from store.schema import enterprises, sampling_targets
from store.weekly import CellRow, add_cell
from tests.desk_pages import fill_more
from tests.desk_server import CONFIG, NOW, make_services
from tests.desk_visits import PASSWORD, signed_in, value_of
from web.app import create_app
from web.progress_sheet import csv_of
from web.services import Services

KEY = frozenset({"cable", "ebike"})


def hand(services: Services, kind: str, *rows: dict[str, Any]) -> None:
    intake, words = load_intake(CONFIG), Words.of(services.lexicon)
    read = [read_row(intake.kinds[kind], {"id": f"{kind}{n}", "at": "2026-05-01", **row}, words)
            for n, row in enumerate(rows)]  # fmt: skip
    assert all(isinstance(row, ReadRow) for row in read), read
    take(services.store, intake.kinds[kind], read, HandedBy("test", "test"), now=NOW)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("progress"), clock=lambda: NOW)
    fill_more(made)
    keeper = EventKeeper(made.lexicon.regions, load_grouping(CONFIG).family_of)
    with made.store.write() as db:
        for _, signal in documents.signals_after(db, 0, limit=1000)[-40:]:
            keeper.place(db, signal, NOW)
        people: tuple[tuple[str, users.Role, str], ...] = (
            ("sheng", "officer", "360000"), ("nan", "officer", "360100"), ("looks", "viewer", "360000"),
        )  # fmt: skip
        for name, role, territory in people:
            users.create_user(db, name, role=role, territory=territory, display_name=name, password=PASSWORD, now=NOW)
        cell = CellRow("self_check_done", "cable", 1, NOW, "nan", "7", None, "")
        add_cell(db, "2026-W20", "360100", cell, once="a")
        add_cell(db, "2026-W20", "360100", replace(cell, number=2, value="9", reason="更正"), once="b")
        add_cell(db, "2026-W21", "360100", replace(cell, value="1"), once="c")
        for week, value in (("2026-W20", "3"), ("2026-W21", "4")):
            add_cell(db, week, "360100", replace(cell, column="ent_total", value=value), once=f"{week}e")
        add_cell(db, "2025-W21", "360100", replace(cell, value="100"), once="d")
    hand(
        made, "sampling",
        {"product": "电线电缆", "territory": "360102", "outcome": "不合格", "channel": "网络"},
        {"product": "聚氯乙烯绝缘电线电缆", "territory": "360100", "outcome": "合格", "rural": "是"},
        {"product": "没有这类", "territory": "360102", "outcome": "合格"},
        {"product": "没有这类", "territory": "360702"},
        {"product": "电线电缆", "territory": "360102", "at": "2025-05-01", "outcome": "不合格"},
    )  # fmt: skip
    hand(
        made, "self_checks",
        {"firm_name": "甲厂", "territory": "360102", "done": "是", "found": 3, "fixed": 2},
        {"firm_name": "甲厂", "territory": "360103", "done": "是"},
        {"firm_name": "乙厂", "territory": "360102", "done": "否"},
    )  # fmt: skip
    hand(made, "inspections", {"firm_name": "甲厂", "territory": "360102", "found": 2, "fixed": 1},
         {"firm_name": "甲厂", "territory": "360102"})  # fmt: skip
    yield made
    made.store.close()


def test_shares_are_of_the_years_batches_and_firms_count_once(desk: Services) -> None:
    with desk.store.read() as db:
        found = progress(db, Asked("360000", 2026, NOW), desk.lexicon.regions, ProgressRules(), key=KEY)
        below = progress(db, Asked("360100", 2026, NOW), desk.lexicon.regions, ProgressRules(), key=KEY)
    rows = {row.code: row for row in found.rows}
    nan = rows["360100"]
    assert (nan.sampling.batches, nan.sampling.key, nan.sampling.online, nan.sampling.rural) == (3, 2, 1, 1)
    assert nan.sampling.share("failed") == pytest.approx(100 / 3), "of the batches with a result"
    assert rows["360700"].sampling.share("failed") is None
    assert rows["360700"].sampling.share("key") == 0
    assert (found.total.sampling.batches, found.total.sampling.share("key")) == (4, 50)
    assert (nan.self_firms, nan.self_found, nan.self_fixed) == (1, 3, 2), "one firm in two counties is one"
    assert (nan.visits, nan.firms, nan.found, nan.fixed) == (2, 1, 2, 1)
    assert nan.cells == {"self_check_done": 10}, "the newest of each cell, of this year's weeks"
    assert rows["360700"].hazards == 1
    assert (nan.makers, nan.rate(nan.firms, nan.makers)) == (4, 25), "a stand: the last week's, not a sum"
    assert [row.code for row in below.rows if row.sampling.batches] == ["360102", "360100"]
    assert below.rows[-1].own


def test_a_place_of_sale_that_no_batch_tells_is_unknown_and_not_none(desk: Services) -> None:
    with desk.store.read() as db:
        found = progress(db, Asked("360000", 2026, NOW), desk.lexicon.regions, ProgressRules(), key=KEY)
    rows = {row.code: row for row in found.rows}
    told, untold = rows["360100"], rows["360700"]
    assert (told.sampling.share("online"), told.sampling.share("rural")) == (100, 100), "of those that tell it"
    assert (untold.sampling.share("online"), untold.sampling.share("rural")) == (None, None)
    line = next(row for row in csv_of(found).splitlines() if row.startswith("赣州市"))
    assert line.split(",")[4:8] == ["", "", "", ""]
    client = signed_in(create_app(desk), "sheng")
    assert "网络抽样 100.0%（写明的 1 批中）" in client.get("/progress").text
    assert "网络抽样 —，没有一批写明" in client.get("/progress?region=360700").text


def test_a_share_below_the_floor_is_marked_and_every_number_leads_to_its_records(desk: Services) -> None:
    client = signed_in(create_app(desk), "sheng")
    page = client.get("/progress").text
    assert "重点产品抽查 <b>2</b> 批" in page
    assert "不低于 30% 的要求" in page
    records = client.get("/progress/records?kind=sampling&of=key&region=360100").text
    assert "sampling0" in records
    assert "sampling2" not in records
    assert "sampling4" not in records, "of last year"
    assert 'href="/progress/records?kind=sampling&amp;of=key&amp;region=360100"' in page
    assert "甲厂" in client.get("/progress/records?kind=inspections&of=found&region=360100").text
    assert "YH-2026-0001" in client.get("/progress/records?kind=ledger&region=360700").text
    assert client.get("/progress/records?kind=sampling&of=x").status_code == 400
    nan = signed_in(create_app(desk), "nan")
    assert nan.get("/progress?region=360700").status_code == 404
    assert "YH-2026-0001" not in nan.get("/progress/records?kind=ledger").text


def test_a_share_just_below_the_floor_is_not_rounded_up_to_it(desk: Services) -> None:
    hand(desk, "sampling", *({"id": f"near{n}", "at": "2024-05-01", "territory": "360102",
                              "product": "电线电缆" if n < 62 else "没有这类"} for n in range(207)))  # fmt: skip
    with signed_in(create_app(desk), "sheng") as client:
        page = client.get("/progress?year=2024").text
    assert "<b>29.95%</b>，低于 30% 的要求" in page
    assert "30.0%" not in page


def test_files_hold_the_same_rows_and_no_formula(desk: Services) -> None:
    client = signed_in(create_app(desk), "sheng")
    rows = list(csv.reader(io.StringIO(client.get("/progress.csv").content.decode("utf-8-sig"))))
    assert rows[0][:4] == ["属地", "抽查批次", "重点产品批次", "重点产品占比%"]
    assert rows[-1][:4] == ["合计", "4", "2", "50.0"]
    book = load_workbook(io.BytesIO(client.get("/progress.xlsx").content))
    assert book.sheetnames == ["进展", "建议抽样", "口径"]
    assert book["进展"].cell(row=book["进展"].max_row, column=2).value == 4


def test_targets_come_from_events_with_reasons_that_add_up(desk: Services) -> None:
    rules = load_progress(CONFIG).targets
    with desk.store.read() as db:
        found = targets(db, rules, NOW, codes=None, key=KEY)
    assert found
    points = [one.points for one in found]
    assert points == sorted(points, reverse=True)
    for one in found:
        assert one.territory
        assert one.events
        assert one.points == sum(reason.points for reason in one.reasons) > 0
    first = found[0]
    day = (NOW - timedelta(days=3)).date().isoformat()
    row = {"product": desk.lexicon.product_name(first.product), "territory": first.territory, "at": day}
    hand(desk, "sampling", *({**row, "id": f"again{n}"} for n in range(2)))
    with desk.store.read() as db:
        again = {one.key: one for one in targets(db, rules, NOW, codes=None, key=KEY)}
    assert again[first.key].points == first.points + rules.points.sampled
    assert again[first.key].reasons[-1].text == "近期已抽样 2 批"


def decide(client: TestClient, one: Any, **fields: str) -> int:
    csrf = value_of(client.get("/account").text, "csrf")
    form = {"csrf": csrf, "product": one.product, "territory": one.territory, "firm": one.firm,
            "once": f"target-{fields}", **fields}  # fmt: skip
    form["once"] = form["once"][:60]
    return client.post("/progress/targets", data=form).status_code


def test_a_person_takes_a_suggestion_up_or_says_why_not(desk: Services) -> None:
    with desk.store.read() as db:
        one, other = targets(db, load_progress(CONFIG).targets, NOW, codes=None, key=KEY)[:2]
    app = create_app(desk)
    sheng, looks = signed_in(app, "sheng"), signed_in(app, "looks")
    assert decide(looks, one, do="accept") == 403
    assert decide(sheng, one, do="decline") == 400
    assert decide(sheng, replace(one, product="nothing"), do="accept") == 400
    assert decide(sheng, one, do="accept", note="列入三季度抽查") == 303
    assert decide(sheng, other, do="decline", note="已立案") == 303
    page = sheng.get("/progress").text
    assert "列入三季度抽查" in page
    assert "不采纳" in page
    with desk.store.read() as db:
        rows = db.execute(select(sampling_targets.c.do, sampling_targets.c.reason)).all()
    assert [row[0] for row in rows] == ["accept", "decline"]
    assert "独立来源" in rows[0][1]
    elsewhere = replace(one, territory="360702" if one.territory.startswith("3601") else "360102")
    assert decide(signed_in(app, "nan"), elsewhere, do="accept") in (400, 404)


def test_results_of_a_registry_file_count_at_once(desk: Services) -> None:
    with signed_in(create_app(desk), "sheng") as client:
        before = client.get("/progress.csv").text.splitlines()[-1].split(",")
        with desk.store.write() as db:
            firm = db.execute(select(enterprises.c.id).where(enterprises.c.region_code == "360102")).scalars().first()
            assert firm is not None
            fact = FirmFact(firm, FactKind.SAMPLING, number="R1", day=date(2026, 5, 2), product="cable", source="a.csv")
            save_facts(db, [fact], now=NOW + timedelta(seconds=1))
        after = client.get("/progress.csv").text.splitlines()[-1].split(",")
        assert int(after[1]) == int(before[1]) + 1
        with desk.store.write() as db:
            drop_fact(db, fact)


@pytest.mark.parametrize("kind", ["sampling", "ledger"])
def test_a_page_number_that_no_database_takes_is_told(desk: Services, kind: str) -> None:
    with signed_in(create_app(desk), "sheng") as client:
        assert client.get(f"/progress/records?kind={kind}&before={10**30}").status_code < 500


def test_the_command_says_the_same(
    desk: Services, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENGSUI_DATABASE_URL", desk.store.url)  # a command knows its store by the environment
    show(region="360100", year=2026, as_json=True, data=desk.settings.data_dir)
    told = json.loads(capsys.readouterr().out)
    assert told["floor"] == 30
    assert {row["territory"]: row["sampling_batches"] for row in told["rows"] if row["sampling_key"]} == {
        "360102": 2, "360100": 1
    }  # fmt: skip
    assert told["from"] == date(2026, 1, 1).isoformat()
