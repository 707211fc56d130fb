"""Open data: the dictionary is that of the code, rows masked and cut, cells no formulas, nothing held whole."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice

import pytest
from fastapi.testclient import TestClient

from config.settings import PROJECT
from core.ids import short_id
from store import alert_log, tokens, users
from store.database import Store
from tests.desk_pages import fill_more
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, signed_in
from web.app import create_app
from web.bearer import PREFIX
from web.open_data import PIECE, SHAPES, alert_row, dictionary, rows_of, written
from web.services import Services

FIRE = short_id("a", "I1")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("open"), clock=lambda: NOW)
    fill_more(made)
    with made.store.write() as db:
        people: tuple[tuple[str, users.Role, str], ...] = (
            ("chief", "officer", "000000"),
            ("feng", "officer", "360981"),
        )
        for name, role, territory in people:
            users.create_user(db, name, role=role, territory=territory, display_name=name, password=PASSWORD, now=NOW)
        first = alert_log.find_alert(db, FIRE)
        assert first is not None
        bad = replace(
            first, id="formula", number="YJ-2026-9001", title="=HYPERLINK(1)，电话13907910001", updated_at=NOW
        )
        alert_log.save_alert(db, bad, details={})
    yield made
    made.store.close()


def lines(client: TestClient, path: str) -> list[dict[str, object]]:
    answer = client.get(path)
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.text.splitlines()]


def test_the_dictionary_in_docs_is_that_of_the_code() -> None:
    """After a change of SHAPES: fengsui export --dictionary > docs/data_dictionary.md."""
    assert (PROJECT / "docs" / "data_dictionary.md").read_text(encoding="utf-8") == dictionary()


@pytest.mark.parametrize("what", list(SHAPES))
def test_every_row_has_the_fields_of_its_shape_and_both_formats_the_same_rows(desk: Services, what: str) -> None:
    client = signed_in(create_app(desk), "chief")
    rows = lines(client, f"/export/{what}.jsonl")
    names = [field.name for field in SHAPES[what].fields]  # type: ignore[index]
    assert rows
    assert all(list(row) == names for row in rows)
    key = SHAPES[what].key  # type: ignore[index]
    assert len({row[key] for row in rows}) == len(rows)
    table = list(csv.DictReader(io.StringIO(client.get(f"/export/{what}.csv").content.decode("utf-8-sig"))))
    assert [row[key] for row in table] == [row[key] for row in rows]


def test_rows_are_masked_and_no_cell_is_a_formula(desk: Services) -> None:
    client = signed_in(create_app(desk), "chief")
    [row] = [one for one in lines(client, "/export/alerts.jsonl") if one["id"] == "formula"]
    assert "13907910001" not in str(row)
    text = client.get("/export/alerts.csv").content.decode("utf-8-sig")
    [cells] = [one for one in csv.DictReader(io.StringIO(text)) if one["id"] == "formula"]
    assert cells["title"].startswith("'=")
    assert cells["unconfirmed"] in ("true", "false")


def test_each_sees_his_own_territory_and_what_changed_since(desk: Services) -> None:
    app = create_app(desk)
    everything = lines(signed_in(app, "chief"), "/export/alerts.jsonl")
    own = lines(signed_in(app, "feng"), "/export/alerts.jsonl")
    assert 0 < len(own) < len(everything)
    late = lines(signed_in(app, "chief"), f"/export/alerts.jsonl?since={(NOW - timedelta(minutes=1)).date()}")
    assert 0 < len(late) < len(everything)
    assert all("360981" in [row["territory"], *row["territories"]] for row in own)  # type: ignore[misc]
    assert signed_in(app, "chief").get("/export/alerts.csv?since=gestern").status_code == 400


def test_a_program_takes_them_with_the_scope_of_the_set(desk: Services) -> None:
    def ask(path: str, *scopes: str) -> int:
        with desk.store.write() as db:
            secret = tokens.create_token(db, "api", user="chief", note="x", now=NOW, details={"scopes": list(scopes)})
        with TestClient(create_app(desk)) as client:
            answer = client.get(f"/api/export/{path}", headers={"Authorization": f"Bearer {PREFIX}{secret}"})
        if answer.status_code == 200:
            assert "etag" not in answer.headers, "it is never held whole"
        else:
            assert answer.headers["content-type"].startswith("application/problem+json")
        return answer.status_code

    assert ask("alerts", "read:alerts") == 200
    assert ask("events?format=csv", "read:events") == 200
    assert ask("recalls", "read:documents") == 200
    assert ask("recalls", "read:alerts") == 403
    assert ask("alerts?since=x", "read:alerts") == 422
    assert ask("alerts?format=xml", "read:alerts") == 422


def test_a_long_set_goes_out_piece_by_piece(store: Store, desk: Services) -> None:
    with desk.store.read() as db:
        first = alert_log.find_alert(db, FIRE)
    assert first is not None
    with store.write() as db:
        for number in range(600):
            one = replace(
                first, id=f"x{number}", number=f"YJ-2025-{number:04}", created_at=NOW - timedelta(minutes=number)
            )
            alert_log.save_alert(db, one, details={})
    read: list[int] = []

    def counted() -> Iterator[dict[str, object]]:
        for number, row in enumerate(rows_of(store, "alerts", None, None)):
            read.append(number)
            yield row

    pieces = written("alerts", counted(), "jsonl")
    [piece] = islice(pieces, 1)
    assert len(piece) >= PIECE
    assert len(read) < 500, "the first piece went out before the rest was read"
    assert sum(text.count("\n") for text in (piece, *pieces)) == 600


def test_a_text_is_masked_before_it_is_cut_and_firms_that_no_list_has_too(desk: Services) -> None:
    with desk.store.read() as db:
        one = alert_log.find_alert(db, "YJ-2026-0001")
        assert one is not None
        odd = replace(one, reason=f"{'长' * 3995}13812345678", enterprises=("ENT0043", "NIL:张三13812345678"))
    row = alert_row(odd)
    assert "1381" not in row["reason"]
    assert row["firms"][0] == "ENT0043"
    assert "13812345678" not in row["firms"][1]
