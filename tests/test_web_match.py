"""The desk and its API find firms by any name."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from store import tokens, users
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, signed_in
from web.app import create_app
from web.bearer import PREFIX
from web.services import Services


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("match"))
    with made.store.write() as db:
        for name, territory in (("boss", "360000"), ("yichun", "360900")):
            users.create_user(
                db, name, role="viewer", territory=territory, display_name=name, password=PASSWORD, now=NOW
            )
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def desk(services: Services) -> Iterator[TestClient]:
    with signed_in(create_app(services), "yichun") as client:
        yield client


def test_the_box_offers_firms_from_the_second_character_own_territory_first(desk: TestClient) -> None:
    assert desk.get("/api/match/suggest?q=喜").json() == {"suggestions": [], "note": ""}
    answer = desk.get("/api/match/suggest?q=喜盈门楼").json()
    assert [one["id"] for one in answer["suggestions"]] == ["ENT0044", "ENT0001"]
    assert "同名提示：另有 1 家" in answer["note"]
    assert answer["suggestions"][1]["where"] == "东乡区"
    coded = desk.get("/api/match/suggest?q=91361003YX91").json()["suggestions"]
    assert ("ENT0001", "信用代码 91361003YX9100005J") in [(one["id"], one["why"]) for one in coded]
    assert desk.get("/api/match/suggest?q=91361").json()["suggestions"] == []


def test_the_list_shows_how_each_firm_fits_and_warns_of_namesakes(desk: TestClient) -> None:
    page = desk.get("/enterprises?q=喜赢门楼涂料").text
    assert "抚州喜盈门楼涂料有限公司" in page
    assert "读音相同" in page
    assert "同名提示" in desk.get("/enterprises?q=喜盈门楼").text
    assert "ENT0001" in desk.get("/enterprises?q=91361003YX").text
    assert "没有与“&lt;b&gt;”相符的企业" in desk.get("/enterprises?q=<b>").text


def test_programs_match_names_one_by_one_and_in_batches(services: Services) -> None:
    with services.store.write() as db:
        secret = tokens.create_token(
            db, "api", user="boss", note="试", now=NOW, details={"scopes": ["read:enterprises"]}
        )
    headers = {"Authorization": f"Bearer {PREFIX}{secret}"}
    with TestClient(create_app(services)) as client:
        answer = client.get("/api/match", params={"name": ["云骓", "通安阀门"], "limit": 2}, headers=headers).json()
        assert [one["query"] for one in answer["matches"]] == ["云骓", "通安阀门"]
        assert answer["matches"][1]["candidates"][0]["id"] == "ENT0002"
        batch = client.post("/api/match", json={"names": ["通安"] * 500, "limit": 1}, headers=headers).json()
        assert {one["candidates"][0]["id"] for one in batch["matches"]} == {"ENT0002"}
        assert client.post("/api/match", json={"names": ["通安"] * 501}, headers=headers).status_code == 422
        assert client.get("/api/match", params={"name": ["a"] * 21}, headers=headers).status_code == 422
        assert client.get("/api/match", headers=headers).status_code == 422
        assert client.get("/api/match?name=a").status_code == 401
