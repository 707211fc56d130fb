"""Watch-lists: a new signal of a listed firm alerts, with the list's floor and its reason; by owner and territory."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, event, select

from alerts.engine import AlertEngine
from alerts.rule_examples import STORY_BEGINS, signals_of
from config.rules import ExampleDocument, load_rules
from core.errors import UsageError
from core.records import Signal
from enterprises.watching import (
    end_of_day,
    finish_list,
    make_list,
    put_on,
    read_rows,
    read_text,
    resolve,
    take_off,
    write_row,
)
from store import audit, users
from store.alert_log import list_alerts
from store.database import Store
from store.schema import findings
from store.watchlists import Given, WatchList, find_list, firms_on, watched_as
from tests.desk_server import CONFIG, NOW, make_services
from tests.desk_visits import PASSWORD, value_of, visits
from tests.lab_stories import empty_store, world
from web.services import Services

FIRM, OTHER = "ENT0140", "ENT0043"
START = STORY_BEGINS


@pytest.fixture(scope="module")
def engine() -> AlertEngine:
    parts, _ = world()
    [rule] = [one for one in load_rules(CONFIG) if one.id == "watched_firm"]
    return replace(parts, rules=(rule,)).engine()


def told(**words: Any) -> Signal:
    document = {"kind": "complaint", "product": "cable", "enterprise": FIRM, "jurisdiction": "360981", **words}
    return signals_of([ExampleDocument.model_validate(document)])[0]


def listed(
    db: Connection, *firms: str, level: int = 0, territory: str = "000000", until: str = "", name: str = "重点线缆"
) -> WatchList:
    one = WatchList("", name, "专项", "zhang", territory, "", level, START - timedelta(days=2))
    made = make_list(db, one, once=f"{name}{territory}{level}")
    given = [Given(firm, firm) for firm in firms]
    put_on(db, made, given, reason="多次投诉漏电", by="zhang", now=START - timedelta(days=1), until=end_of_day(until))
    return made


def alerts_of(engine: AlertEngine, db: Connection, signal: Signal) -> list[tuple[int, str]]:
    engine.judge(db, signal, now=signal.document.event_time)
    return [(alert.level, alert.reason) for alert in list_alerts(db)]


def test_the_alert_tells_which_list_who_why_and_until_when_and_keeps_its_floor(engine: AlertEngine) -> None:
    with empty_store() as db:
        listed(db, FIRM, level=3, until="2026-12-31")
        [(level, reason)] = alerts_of(engine, db, told(kind="social"))
        assert level == 3, "one voice of self-media stays blue elsewhere; here a person chose the floor"
        for words in ("重点线缆", "GZ-2026-0001", "由zhang于 2026-03-01 列入", "至 2026-12-31", "多次投诉漏电"):
            assert words in reason
        assert "名单定有级别下限" in reason


@pytest.mark.parametrize(
    ("signal", "until", "territory"),
    [
        ({"enterprise": OTHER}, "", "000000"),
        ({"level": 0}, "", "000000"),
        ({"at": 24 * 9}, "2026-03-05", "000000"),  # its time on the list was over
        ({}, "", "360700"),  # the list of another prefecture
        ({"jurisdiction": ""}, "", "360981"),  # a county sees nothing that has no place
    ],
)
def test_no_alert_where_the_list_does_not_reach(
    engine: AlertEngine, signal: dict[str, Any], until: str, territory: str
) -> None:
    with empty_store() as db:
        listed(db, FIRM, until=until, territory=territory)
        assert alerts_of(engine, db, told(**signal)) == []


def test_a_county_list_acts_in_its_county_and_the_highest_floor_counts(engine: AlertEngine) -> None:
    with empty_store() as db:
        listed(db, FIRM, territory="360981")
        listed(db, FIRM, level=2, territory="360900", name="宜春关注")
        [(level, reason)] = alerts_of(engine, db, told())
        assert level == 2
        assert reason.index("宜春关注") < reason.index("重点线缆")


def test_a_name_put_there_before_the_firm_was_registered_counts(engine: AlertEngine) -> None:
    entry = next(entry for entry in world()[1] if entry.id == FIRM)
    with empty_store() as db:
        listed(db, f"NIL:{entry.name}")
        assert len(alerts_of(engine, db, told())) == 1


def test_judging_again_after_it_was_taken_off_says_the_same(engine: AlertEngine) -> None:
    with empty_store() as db:
        one, signal = listed(db, FIRM), told()
        assert len(alerts_of(engine, db, signal)) == 1
        [row] = firms_on(db, one.id, START)
        take_off(db, row, by="zhang", why="已核实", now=START + timedelta(days=3))
        alerts_of(engine, db, signal)
        standing = select(findings.c.id).where(findings.c.withdrawn_at.is_(None))
        assert len(db.execute(standing).all()) == 1
        later = told(at=24 * 4, title="又有反映")
        later = replace(later, document=replace(later.document, id="later", url="u", canonical_url="u"))
        alerts_of(engine, db, later)
        assert len(db.execute(standing).all()) == 1, "what comes after that is no matter of the list"


def test_judging_asks_once_by_the_firm_however_long_the_lists_are(engine: AlertEngine, store: Store) -> None:
    with store.write() as db:
        listed(db, FIRM, *(f"NIL:厂{number}" for number in range(3_000)))
        asked: list[str] = []
        event.listen(db, "before_cursor_execute", lambda *told: asked.append(told[2]))
        engine.judge(db, told(), now=START)
        engine.judge(db, told(enterprise=None), now=START)
        assert len([text for text in asked if "watched_firms" in text]) == 1, "once for a firm, not at all for none"
        if db.dialect.name != "sqlite":
            return
        plan = db.exec_driver_sql(
            "explain query plan select * from watched_firms w join watchlists l on l.id = w.list where w.firm in ('a')"
        )
        assert any("ix_watched_firms_firm" in row[3] for row in plan)


def test_rows_of_a_file_are_held_against_the_registry_and_what_is_unknown_is_told() -> None:
    services_rows = read_rows("企业名称,理由\n某无名电池厂,夜间生产\n".encode())
    assert services_rows == [("某无名电池厂", "夜间生产")]
    assert read_rows("甲厂，漏电\n\n乙厂\n".encode("gb18030")) == [("甲厂", "漏电"), ("乙厂", "")]
    with pytest.raises(UsageError, match="一次至多 20,000 行"):
        read_rows("\n".join(f"厂{number}" for number in range(20_001)).encode())
    with pytest.raises(UsageError, match="读不出"):
        read_rows(b"PK\x03\x04 no sheet")


# --- the desk -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("watchlists"), clock=lambda: NOW)
    with made.store.write() as db:
        for name, role, territory in (
            ("officer", "officer", "360000"), ("second", "officer", "360000"), ("county", "officer", "360981"),
            ("reader", "viewer", "360000"),
        ):  # fmt: skip
            users.create_user(db, name, role=role, territory=territory, display_name=name, password=PASSWORD, now=NOW)  # type: ignore[arg-type]
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def browse(services: Services) -> Iterator[Callable[[str], TestClient]]:
    yield from visits(services)


def made_by(client: TestClient, **fields: str) -> str:
    page = client.get("/watchlists").text
    form = {"csrf": value_of(page, "csrf"), "once": value_of(page, "once"), "level": "2", "shared": "", **fields}
    answer = client.post("/watchlists", data=form)
    assert answer.status_code == 303, answer.text
    assert client.post("/watchlists", data=form).headers["location"] == answer.headers["location"]  # a second click
    return answer.headers["location"].partition("?")[0]


@pytest.mark.parametrize("row", [("甲，乙厂", "节前，检查"), ('"甲"厂', "a,b"), ("甲厂", ""), ("甲厂", '他说"好，行"')])
def test_a_row_that_was_looked_at_comes_back_as_it_was(row: tuple[str, str]) -> None:
    assert read_text(write_row(*row)) == [row]


def test_a_list_is_made_filled_and_shown_and_each_act_is_in_the_audit_log(
    browse: Callable[[str], TestClient], services: Services
) -> None:
    client = browse("officer")
    path = made_by(client, name="锂电专项", purpose="节前检查")
    csrf = value_of(client.get(path).text, "csrf")
    assert client.get(f"{path}?before={10**30}").status_code < 500
    with services.store.read() as db:
        entry = next(entry for entry in world()[1] if entry.id == FIRM)
        assert resolve(db, [(entry.uscc, "")]).given == (Given(FIRM, entry.name),)
    text = f"{entry.name}\n{entry.uscc}\n无名电池厂，夜间生产\n"
    form = {"csrf": csrf, "names": text, "reason": "节前检查", "until": "2026-12-31"}
    page = client.post(f"{path}/add", data=form, files={"file": ("", b"")}).text
    assert "新列入 2 家" in page
    assert "1 行重复" in page
    assert "名录中没有、按原名列入 1 家" in page
    assert "无名电池厂" in page
    with services.store.read() as db:
        number = path.rsplit("/", 1)[1]
        rows = firms_on(db, number, NOW)
        assert [(row.firm, row.reason) for row in rows] == [("NIL:无名电池厂", "夜间生产"), (FIRM, "节前检查")]
        done = [line.action for line in audit.search(db, object=number)]
        assert done == ["watch_firm", "watchlist_add"]
    assert "夜间生产" in client.get(f"{path}?q=电池").text
    firm = client.get(f"/enterprises/{FIRM}").text
    assert "锂电专项" in firm
    assert re.search(r"officer\s+[\S ]+ 列入，至 2026-12-31：节前检查", re.sub(r"<[^>]*>", "", firm))
    form = {"csrf": csrf, "why": "查明无关"}
    assert client.post(f"{path}/remove/{rows[0].number}", data=form).status_code == 303
    assert "查明无关" in client.get(f"{path}?past=1").text
    refused = client.post(f"{path}/add", data={"csrf": csrf, "names": "甲厂", "reason": "", "until": ""})
    assert refused.status_code == 400
    assert "须写明列入的理由" in refused.text
    assert ">甲厂</textarea>" in refused.text, "what was typed is kept"


def test_rows_are_held_against_the_registry_before_they_are_taken(
    browse: Callable[[str], TestClient], services: Services
) -> None:
    client = browse("officer")
    path = made_by(client, name="核对专项", purpose="")
    form = {"csrf": value_of(client.get(path).text, "csrf"), "reason": "专项", "until": ""}
    names = "江西光明线缆有限公司\n南昌云骓电动车，鼓包多\n江西光明线览有限公司\n光明线缆厂，无照\n没有这样一家坊\n"
    page = client.post(f"{path}/look", data=form | {"names": names}, files={"file": ("", b"")}).text
    assert "1 行与名录完全相同，4 行请选定" in page
    picks = [re.findall(r'<option value="([^"]*)"( selected)?>([^<]*)<', one) for one in page.split('name="pick"')[1:]]
    chosen = [next((value, words) for value, on, words in one if on) for one in picks]
    assert chosen[0][0] == "ENT0043,鼓包多", "a former name, with the row's own reason"
    assert chosen[0][1].startswith("江西云骓智能科技有限公司（红谷滩区，0.97")
    assert chosen[1][0] == "ENT0140", "a wrong character"
    assert chosen[3] == ("没有这样一家坊", "按原名列入，名录外")
    with services.store.read() as db:
        number = path.rsplit("/", 1)[1]
        assert firms_on(db, number, NOW) == [], "nothing is written yet"
    kept = re.search(r'name="names" hidden>([^<]*)<', page)
    assert kept is not None
    data = form | {"names": kept[1], "pick": ["ENT0043,鼓包多", "", "没有这样一家坊"]}
    done = client.post(f"{path}/add", data=data, files={"file": ("", b"")}).text
    assert "新列入 3 家" in done
    with services.store.read() as db:
        rows = {row.firm: row.reason for row in firms_on(db, number, NOW)}
    assert rows == {"ENT0140": "专项", "ENT0043": "鼓包多", "NIL:没有这样一家坊": "专项"}
    empty = client.post(f"{path}/look", data=form | {"names": " "}, files={"file": ("", b"")})
    assert empty.status_code == 400
    assert client.post(f"{path}/end", data={"csrf": form["csrf"], "why": "试完"}).status_code == 303


def test_own_lists_are_their_owners_and_shared_ones_go_by_role_and_territory(
    browse: Callable[[str], TestClient], services: Services
) -> None:
    own = made_by(browse("officer"), name="自己的名单")
    shared = made_by(browse("officer"), name="共用的名单", shared="officer")
    county = made_by(browse("county"), name="县里的名单", shared="officer")
    second = browse("second")
    assert second.get(own).status_code == 404
    assert "共用的名单" in second.get("/watchlists").text
    assert "自己的名单" not in second.get("/watchlists").text
    assert browse("reader").get(shared).status_code == 404, "shared with officers, not with those who only look"
    assert browse("county").get(shared).status_code == 200
    form = {"csrf": value_of(browse("county").get("/watchlists").text, "csrf"), "names": "甲厂", "reason": "核实"}
    assert browse("county").post(f"{shared}/add", data=form).status_code == 403
    form["csrf"] = value_of(second.get("/watchlists").text, "csrf")
    assert second.post(f"{county}/add", data=form).status_code == 200, "the province keeps what its counties share"
    with services.store.read() as db:
        assert find_list(db, county.rsplit("/", 1)[1]).territory == "360981"  # type: ignore[union-attr]
    reader = browse("reader")
    form = {"csrf": value_of(reader.get("/watchlists").text, "csrf"), "once": "12345678", "name": "不行"}
    assert reader.post("/watchlists", data=form).status_code == 403
    assert second.post(f"{county}/add", data={**form, "csrf": "wrong"}).status_code == 403


def test_the_button_of_a_firm_puts_it_on_a_list(browse: Callable[[str], TestClient], services: Services) -> None:
    client = browse("officer")
    path = made_by(client, name="从企业页列入")
    page = client.get(f"/enterprises/{OTHER}").text
    assert "从企业页列入" in page
    form = {"csrf": value_of(page, "csrf"), "firm": OTHER, "list": path.rsplit("/", 1)[1], "reason": "举报待核"}
    assert client.post("/watchlists/watch", data={**form, "until": "2020-01-01"}).status_code == 400
    assert client.post("/watchlists/watch", data=form).status_code == 303
    with services.store.read() as db:
        assert [row.reason for _, row in watched_as(db, OTHER, NOW) if row.added_by == "officer"] == ["举报待核"]
    with services.store.write() as db:
        one = find_list(db, form["list"])
        assert one is not None
        finish_list(db, one, by="officer", why="专项结束", now=NOW)
        assert all(mine.id != one.id for mine, _ in watched_as(db, OTHER, NOW))
        with pytest.raises(UsageError, match="已经结束"):
            put_on(db, find_list(db, one.id) or one, [Given("x", "x")], reason="再来", by="a", now=NOW, until=None)
