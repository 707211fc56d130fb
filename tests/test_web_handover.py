"""Hand-over, wall and missed-event reviews over HTTP: what is written stays, is signed, and is cut to the territory."""

import re
from collections.abc import Callable, Iterator
from html import unescape

import pytest
from fastapi.testclient import TestClient

from core.ids import short_id
from store import audit, users
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, signed_in
from web.app import create_app
from web.services import Services

ACCOUNTS = (
    ("one", "officer", "360000"), ("two", "officer", "360000"), ("county", "officer", "360981"),
    ("reader", "viewer", "360000"), ("city", "officer", "360100"),
)  # fmt: skip
ALERT = short_id("a", "I2")
SHIFT = "2026-11-23T08:30"
Browse = Callable[[str], TestClient]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("handover"), clock=lambda: NOW)
    with made.store.write() as db:
        for name, role, territory in ACCOUNTS:
            users.create_user(db, name, role=role, territory=territory, display_name=name, password=PASSWORD, now=NOW)  # type: ignore[arg-type]
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def browse(services: Services) -> Browse:
    opened: dict[str, TestClient] = {}

    def sign_in(name: str) -> TestClient:
        if name not in opened:
            opened[name] = signed_in(create_app(services), name)
        return opened[name]

    return sign_in


def send(client: TestClient, path: str, once: str, **fields: str) -> int:
    token = re.search(r'name="csrf" value="([^"]+)"', client.get("/account").text)
    assert token
    form = {"csrf": unescape(token[1]), "once": once, **fields}
    status: int = client.post(path, data=form).status_code
    return status


def test_a_note_is_signed_and_stands_once(browse: Browse) -> None:
    for _ in range(2):  # a double click
        assert send(browse("one"), "/handover/note", "note-1", shift=SHIFT, text="夜里盯 <b>丰城</b> 的回应") == 303
    page = browse("two").get(f"/handover?shift={SHIFT}").text
    assert page.count("夜里盯 &lt;b&gt;丰城&lt;/b&gt; 的回应") == 1
    assert "<b>one</b>" in page


def test_a_note_about_an_alert_stands_beside_it(browse: Browse) -> None:
    client = browse("one")
    assert send(client, "/handover/note", "note-2", shift=SHIFT, text="已口头知悉", alert=ALERT) == 303
    row = client.get("/handover").text.split(f'<tr id="{ALERT}">')[1].split("</tr>")[0]
    assert "已口头知悉" in row


def test_notes_are_of_one_desk(browse: Browse) -> None:
    assert "丰城</b>" not in browse("county").get("/handover").text
    assert "夜里盯" not in browse("county").get("/handover").text
    hidden = short_id("a", "I1")
    assert send(browse("county"), "/handover/note", "note-3", shift=SHIFT, text="别处的", alert=hidden) == 404


def test_who_may_only_look_writes_nothing(browse: Browse) -> None:
    assert send(browse("reader"), "/handover/note", "note-4", shift=SHIFT, text="不该有") == 403
    assert "写一句交代" not in browse("reader").get("/handover").text


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"text": " "}, 400), ({"text": "字" * 2001}, 400), ({"text": "好", "shift": "2030-01-01T00:00"}, 400)],
)
def test_what_cannot_be_kept_is_refused(browse: Browse, fields: dict[str, str], status: int) -> None:
    assert send(browse("one"), "/handover/note", "note-5", **{"shift": SHIFT, **fields}) == status


def test_a_shift_is_handed_over_by_one_and_taken_by_another(browse: Browse, services: Services) -> None:
    assert send(browse("two"), "/handover/take", "take-0", shift=SHIFT) == 409  # nothing was handed over
    assert send(browse("one"), "/handover/give", "give-1", shift=SHIFT) == 303
    assert send(browse("two"), "/handover/give", "give-2", shift=SHIFT) == 409
    assert send(browse("one"), "/handover/take", "take-1", shift=SHIFT) == 409
    assert send(browse("two"), "/handover/take", "take-2", shift=SHIFT) == 303
    page = browse("one").get("/handover").text
    assert "已接班" in page
    assert send(browse("one"), "/handover/note", "late", shift=SHIFT, text="还有一件") == 303
    assert "交班后补记" in browse("one").get("/handover").text
    with services.store.read() as db:
        assert {"give_shift", "take_shift"} <= {line.action for line in audit.newest(db)}


def test_a_past_shift_shows_what_was_open_then(browse: Browse) -> None:
    page = browse("one").get("/handover?shift=2026-11-22T10:00").text
    assert "交班时未了" in page
    assert short_id("a", "I3") in page  # accepted that morning
    assert short_id("a", "I1") not in page  # came a day later


def test_numbers_of_the_sheet_lead_to_their_rows(browse: Browse) -> None:
    client = browse("one")
    page = client.get("/handover?shift=2026-11-22T10:00").text
    found = re.findall(r'<a href="(/changes\?[^"]*did=[^"]+)">[^<]*<b>(\d+)</b>', page)
    assert found
    for href, count in found:
        assert client.get(unescape(href)).text.count("<tr>") - 1 == int(count), href


# -- the wall ----------------------------------------------------------------------------------------------------


def new_wall(client: TestClient) -> str:
    token = re.search(r'name="csrf" value="([^"]+)"', client.get("/account").text)
    assert token
    shown = client.post("/account/walls", data={"csrf": unescape(token[1]), "note": "指挥室"}).text
    address = re.search(r"<code>[^<]*(/wall/[^<]+)</code>", shown)
    assert address
    return address[1]


def test_the_address_of_a_wall_opens_the_wall_alone_and_ends_when_revoked(browse: Browse, services: Services) -> None:
    owner = browse("city")
    address = new_wall(owner)
    screen = TestClient(create_app(services), follow_redirects=False)
    opened = screen.get(f"{address}?firms=off")
    assert (opened.status_code, opened.headers["location"]) == (303, "/wall?firms=off")  # no secret in the address bar
    assert 'class="wall"' in screen.get("/wall").text
    for path in ("/", "/alerts", f"/alerts/{ALERT}", "/handover", "/api/alerts"):
        assert screen.get(path).status_code in (303, 401), path
    key = re.search(r'name="key" value="([^"]+)"><button[^>]*aria-label="作废 指挥室"', owner.get("/account").text)
    assert key
    assert send(owner, "/account/feeds/revoke", "x", key=key[1]) == 303
    assert screen.get("/wall").status_code == 303
    assert screen.get(address).status_code == 404


def test_the_wall_is_cut_to_its_territory(browse: Browse) -> None:
    page = browse("city").get("/wall").text
    assert "云骓" in page  # of Nanchang
    assert "红谷滩" in page
    assert "另一设区市再现" not in page  # of Yichun
    assert "九江" not in page


def test_names_of_firms_can_be_off(browse: Browse) -> None:
    assert "江西云骓智能科技有限公司" in browse("one").get("/wall").text
    without = browse("one").get("/wall?firms=off").text
    assert "云骓" not in without  # nor the brand in a title
    assert "电动自行车充电器和电池" in without
    assert browse("one").get("/wall?firms=maybe").status_code == 400


def test_a_wall_has_nothing_to_click(browse: Browse) -> None:
    body = browse("one").get("/wall").text.split("<body", 1)[1]
    assert "<a " not in body
    assert "<button" not in body


# -- missed events -----------------------------------------------------------------------------------------------


def test_an_address_nobody_crawls_gets_a_draft_of_a_source(browse: Browse) -> None:
    page = browse("one").get("/why", params={"q": "https://nobody.example/news/2026/a'b.html"}).text
    assert "没有信源覆盖 nobody.example" in page
    assert "fengsui source new &#39;https://nobody.example/news/2026/a%27b.html&#39;" in page
    assert "list_url: https://nobody.example/news/2026/" in page


def test_a_signal_that_no_rule_found_leads_to_a_filled_form(browse: Browse, services: Services) -> None:
    client = browse("one")
    page = client.get("/why", params={"q": lost_signal(services)}).text
    links = [unescape(found) for found in re.findall(r'href="(/rules/new\?[^"]+)"', page)]
    assert links
    form = client.get(links[0]).text
    query = re.search(r'<textarea[^>]*name="query"[^>]*>([^<]+)<', form)
    assert query
    assert query[1].strip()


def lost_signal(services: Services) -> str:
    """A risk signal that is in no alert and no repost."""
    with services.store.read() as db:
        row = db.exec_driver_sql(
            "select id from documents where is_risk and latest and repost_of is null and withdrawn_at is null"
            " and product is not null and id not in (select document from alert_documents) order by seq desc limit 1"
        ).one()
    return str(row[0])


def test_a_review_is_kept_as_it_was_told_and_counted_by_stage(browse: Browse) -> None:
    client = browse("one")
    asked = "https://nobody.example/news/1.html"
    for _ in range(2):
        assert send(client, "/why/register", "review-1", q=asked, note="县局 11-23 来电反映") == 303
    page = client.get("/why").text
    assert page.count("县局 11-23 来电反映") == 1
    link = re.search(r'href="(/why/reviews/\d+)"', page)
    assert link
    kept = client.get(link[1]).text
    assert "没有信源覆盖 nobody.example" in kept
    assert "fengsui source new" in kept
    assert browse("county").get(link[1]).status_code == 404
    assert "县局 11-23 来电反映" not in browse("county").get("/why").text
    assert send(browse("reader"), "/why/register", "review-2", q=asked) == 403
    assert send(client, "/why/register", "review-3", q="") == 400
