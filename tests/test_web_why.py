"""The page that tells why: the same stages as the command, for those who may see what it is about."""

import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from core.ids import short_id
from store.database import Store
from store.documents import signals_after
from store.users import create_user
from tests.desk_server import NOW, RunningDesk, make_services, running_desk

ALERT = short_id("a", "I1")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    services = make_services(tmp_path_factory.mktemp("desk"))
    with running_desk(services) as running:
        yield running
    services.store.close()


@pytest.fixture(scope="module")
def admin(desk: RunningDesk) -> Iterator[httpx.Client]:
    with httpx.Client(follow_redirects=True, timeout=30, base_url=desk.base) as client:
        client.get(desk.entry())
        yield client


def no_risk(store: Store) -> str:
    with store.read() as db:
        return next(signal.document.id for _, signal in signals_after(db, 0, limit=500) if not signal.analysis.is_risk)


def test_the_stages_stand_in_order_with_the_one_that_stopped(admin: httpx.Client, desk: RunningDesk) -> None:
    page = admin.get("/why", params={"q": no_risk(desk.services.store)}).text
    names = [page.index(f"<b>{name}</b>") for name in ("抓取", "去重", "研读")]
    assert names == sorted(names)
    assert page.count('class="stopped"') == 1
    assert "读作非风险信号：得分 0.10，需 0.50" in page


def test_words_of_several_titles_ask_which_one_is_meant(admin: httpx.Client) -> None:
    page = admin.get("/why", params={"q": "起火"}).text
    assert "要问哪一篇" in page
    assert "逐个阶段" not in page
    first = re.search(r'href="/why\?q=(d[0-9a-f]+)">([^<]*起火[^<]*)</a>', page)
    assert first
    chosen = admin.get("/why", params={"q": first[1]}).text
    assert "逐个阶段" in chosen
    assert f"{first[2]}</a></h2>" in chosen
    whole = admin.get("/why", params={"q": unescape(first[2])}).text
    assert "逐个阶段" in whole


def test_an_alert_is_explained_on_the_page(admin: httpx.Client) -> None:
    page = admin.get("/why", params={"q": "YJ-2026-0001"}).text
    assert "怎样会变" in page
    assert 'class="stopped"' not in page


def test_alerts_hits_and_an_empty_search_lead_there(admin: httpx.Client, desk: RunningDesk) -> None:
    assert '/why?q=YJ-2026-0001"' in admin.get(f"/alerts/{ALERT}").text
    assert "/why?q=d" in admin.get("/search", params={"q": "起火", "from": "all"}).text
    empty = admin.get("/search", params={"q": "没有这样的词", "from": "all"}).text
    assert "查它为什么没有预警" in empty
    document = no_risk(desk.services.store)
    assert f'/why?q={document}"' in admin.get(f"/documents/{document}").text


def test_what_comes_from_the_address_is_escaped(admin: httpx.Client) -> None:
    page = admin.get("/why", params={"q": "https://x.example/<script>alert(1)</script>"}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_a_question_that_is_none_is_refused(admin: httpx.Client) -> None:
    answer = admin.get("/why", params={"q": "长" * 2001})
    assert answer.status_code == 400
    assert "至多 2000 字" in answer.text


def test_another_county_s_alert_answers_as_if_it_were_not_there(desk: RunningDesk) -> None:
    with desk.services.store.write() as db:
        create_user(
            db, "far", role="officer", territory="361102", display_name="外地", password="long enough 42", now=NOW
        )
    with httpx.Client(follow_redirects=True, timeout=30, base_url=desk.base) as client:
        page = client.get("/signin").text
        door = page.split('name="door" value="')[1].split('"')[0]
        client.post("/signin", data={"door": door, "username": "far", "password": "long enough 42"})
        told = client.get("/why", params={"q": "YJ-2026-0001"}).text
    assert "库中没有这个编号" in told
    assert "云骓" not in told


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("javascript:alert(1)", "javascript: 开头的不是网页地址"),
        ("file:///etc/passwd", "信源只读 http 和 https"),
        ("http://", "这个地址不完整"),
        ("http://host.example:99999/x", "这个地址不完整"),
        ("问" * 2_001, "至多 2000 字"),
    ],
)
def test_what_no_crawler_opens_is_refused_with_the_way_out(admin: httpx.Client, asked: str, said: str) -> None:
    answer = admin.get("/why", params={"q": asked})
    assert answer.status_code == 400
    assert said in answer.text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("sj-2026-0001", "SJ-2026-0001 是事件编号"),
        ("www.nowhere.example", "没有信源覆盖 www.nowhere.example"),
    ],
)
def test_what_is_not_there_is_named(admin: httpx.Client, asked: str, said: str) -> None:
    assert said in admin.get("/why", params={"q": asked}).text


def test_the_number_of_an_alert_may_be_written_small(admin: httpx.Client) -> None:
    assert "怎样会变" in admin.get("/why", params={"q": "yj-2026-0001"}).text


def test_an_address_inside_is_neither_visited_nor_proposed_as_a_source(admin: httpx.Client) -> None:
    page = admin.get("/why", params={"q": "http://169.254.169.254/latest/meta-data"}).text
    assert "169.254.169.254 是本机或内网地址" in page
    assert "fengsui source new" not in page


def test_a_password_in_an_address_is_not_proposed_as_part_of_a_source(admin: httpx.Client) -> None:
    page = admin.get("/why", params={"q": "https://officer:hunter2@nowhere.example/a"}).text
    assert "fengsui source new &#39;https://nowhere.example/a&#39;" in page
    assert "officer:hunter2@nowhere.example/\n" not in page
