"""The dossier as docx: facts with their evidence, numbers that lead to the list; the facts of the demo."""

from collections.abc import Iterator
from datetime import date
from io import BytesIO
from urllib.parse import unquote

import pytest
from docx import Document
from fastapi.testclient import TestClient
from sqlalchemy import select

from config.lexicon import load_registry_csv
from core.firms import PaperState
from demo.firm_facts import demo_facts, demo_ties
from reports.paper import Evidence, Paper
from store import users
from store.firm_facts import fact_id, save_facts, save_ties
from store.schema import audit
from tests.desk_server import CONFIG, NOW, make_services
from tests.desk_visits import PASSWORD, signed_in
from web.app import create_app
from web.services import Services

DAY = date(2026, 11, 23)
FIRM = "ENT0043"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("paper"), clock=lambda: NOW)
    with made.store.write() as db:
        for name, territory in (("chief", "000000"), ("county", "360922")):
            users.create_user(
                db, name, role="officer", territory=territory, display_name=name, password=PASSWORD, now=NOW
            )
        save_facts(db, demo_facts([], DAY), now=NOW)
        save_ties(db, demo_ties(DAY), now=NOW)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def chief(services: Services) -> Iterator[TestClient]:
    client = signed_in(create_app(services), "chief")
    yield client
    client.close()


def texts_of(body: bytes) -> list[str]:
    """Paragraphs, then the cells of tables row by row."""
    made = Document(BytesIO(body))
    cells = [" | ".join(cell.text for cell in row.cells) for table in made.tables for row in table.rows]
    return [*(paragraph.text for paragraph in made.paragraphs), *cells]


def test_the_paper_tells_what_the_page_tells_with_evidence(chief: TestClient, services: Services) -> None:
    answer = chief.get(f"/enterprises/{FIRM}/dossier.docx")
    assert answer.status_code == 200
    assert "企业档案_江西云骓智能科技有限公司_2026-11-23.docx" in unquote(answer.headers["content-disposition"])
    texts = texts_of(answer.content)
    [lapsed] = [text for text in texts if "2023011120990043（" in text]
    assert "当日已过期 12 天" in lapsed
    assert lapsed.endswith("]")
    marks = {text.split(" | ")[-1] for text in texts if "云骓召回第四天" in text}
    assert any(text.startswith(f"{mark} | 云骓召回第四天") for mark in marks for text in texts)
    with services.store.read() as db:
        assert "export_dossier" in set(db.execute(select(audit.c.action)).scalars())


def test_the_paper_is_cut_to_the_territory_and_to_the_day(services: Services, chief: TestClient) -> None:
    county = signed_in(create_app(services), "county")
    mine = "\n".join(texts_of(county.get(f"/enterprises/{FIRM}/dossier.docx").content))
    then = "\n".join(texts_of(chief.get(f"/enterprises/{FIRM}/dossier.docx?asof=2026-11-01").content))
    county.close()
    assert "云骓召回第四天" not in mine + then
    assert "当日已过期" in mine
    assert "当日已过期" not in then
    assert chief.get("/enterprises/NIL:没有这家/dossier.docx").status_code == 404


def test_evidence_is_numbered_as_it_comes_and_what_is_not_known_is_listed() -> None:
    paper = Paper(title="标题\x00", head="内部使用")
    paper.sentence("先说乙。", ["b"])
    paper.sentence("再说甲和乙。", ["a", "b", "a"])
    texts = texts_of(paper.close({"a": Evidence("a", "甲的材料")}))
    assert "再说甲和乙。[2][1]" in texts
    assert any(text.startswith("[1] | 待核") and "b" in text for text in texts)
    assert any(text.startswith("[2] | 甲的材料") for text in texts)
    assert "标题" in texts


def test_the_demos_facts_are_of_its_firms_and_some_papers_do_not_cover_today() -> None:
    entries = load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv")
    facts, known = demo_facts(entries, DAY), {entry.id for entry in entries}
    assert {fact.firm for fact in facts} <= known
    assert len({fact_id(fact) for fact in facts}) == len(facts)
    states = {fact.number: fact.state_on(DAY) for fact in facts if fact.kind in ("ccc", "licence")}
    assert states["2023011120990043"] is PaperState.LAPSED
    assert states["2024011120990143"] is PaperState.SUSPENDED
    assert states["2022011119900128"] is PaperState.VALID
    firms = {firm for tie in demo_ties(DAY) for firm in (tie.one, tie.other)}
    assert {firm for firm in firms if not firm.startswith("NIL:")} <= known
