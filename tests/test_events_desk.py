"""The pages of events: who sees what, and that splitting and merging do what they say."""

import re
from collections.abc import Callable, Iterator
from html import unescape

import pytest
from fastapi.testclient import TestClient

from config.grouping import load_grouping
from config.settings import PROJECT
from pipelines.events import EventKeeper
from store import events as book
from store import users
from store.documents import signals_after
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, signed_in
from web.app import create_app
from web.services import Services

Browse = Callable[[str], TestClient]


@pytest.fixture
def services(tmp_path) -> Iterator[Services]:
    made = make_services(tmp_path, clock=lambda: NOW)
    keeper = EventKeeper(made.lexicon.regions, load_grouping(PROJECT / "config").family_of)
    with made.store.write() as db:
        for name, role, territory in (("chief", "supervisor", "000000"), ("county", "officer", "360981"),
                                      ("reader", "viewer", "360000")):  # fmt: skip
            users.create_user(db, name, role=role, territory=territory, display_name=name, password=PASSWORD, now=NOW)  # type: ignore[arg-type]
        for _, signal in signals_after(db, 0, limit=1000):
            keeper.place(db, signal, NOW)
    yield made
    made.store.close()


@pytest.fixture
def browse(services: Services) -> Iterator[Browse]:
    opened: list[TestClient] = []

    def sign_in(name: str) -> TestClient:
        client = signed_in(create_app(services), name)
        opened.append(client)
        return client

    yield sign_in
    for client in opened:
        client.close()


def field(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, f"no field {name}"
    return unescape(found[1])


def biggest(services: Services) -> book.Event:
    with services.store.read() as db:
        return max(book.list_events(db, limit=500), key=lambda event: (event.documents, event.number))


def test_events_are_listed_and_each_has_a_page(services, browse):
    event, client = biggest(services), browse("chief")
    assert event.documents > 3
    listed = client.get("/events?view=all").text
    assert f'href="/events/{event.number}"' in listed
    page = client.get(f"/events/{event.number}").text
    assert event.title in unescape(page)
    assert f"<b>{event.documents}</b> 篇" in page
    with services.store.read() as db:
        one = book.members_of(db, event.id)[0].document
    assert f'href="/events/{event.number}"' in client.get(f"/documents/{one}").text
    for docs in ("reply", "all"):
        assert client.get(f"/events/{event.number}?docs={docs}").status_code == 200
    for view in ("", "single"):
        assert client.get(f"/events?view={view}").status_code == 200
    assert client.get("/events?view=nonsense").status_code == 404


def test_an_event_of_another_territory_answers_as_if_it_were_not_there(services, browse):
    with services.store.read() as db:
        events = book.list_events(db, limit=500)
    far = next(event for event in events if not any(code.startswith("360981") for code in event.facts["territories"])
               and "360000" not in event.facts["territories"])  # fmt: skip
    client = browse("county")
    assert client.get(f"/events/{far.number}").status_code == 404
    assert far.number not in client.get("/events?view=single").text
    assert client.get("/events/SJ-2026-9999").status_code == 404


def test_a_viewer_reads_but_does_not_split(services, browse):
    event, client = biggest(services), browse("reader")
    page = client.get(f"/events/{event.number}").text
    assert "拆出所选" not in page
    answer = client.post(f"/events/{event.number}/split", data={"csrf": field(page, "csrf"), "doc": "x"})
    assert answer.status_code == 403


def test_marked_documents_are_split_off_and_come_back(services, browse):
    event, client = biggest(services), browse("chief")
    with services.store.read() as db:
        first, *_, last = [m for m in book.members_of(db, event.id) if m.traits["origin"] == m.document]
    page = client.get(f"/events/{event.number}").text
    form = {"csrf": field(page, "csrf"), "doc": last.document}
    answer = client.post(f"/events/{event.number}/split", data=form)
    assert answer.status_code == 303
    new = client.get(answer.headers["location"]).text
    assert "已拆出" in new
    assert last.document in new
    assert first.document not in new
    number = re.search(r"SJ-\d+-\d+", answer.headers["location"])
    assert number
    back = client.post(f"/events/{event.number}/merge", data={"csrf": form["csrf"], "from": number[0]})
    assert back.headers["location"] == f"/events/{event.number}?did=merge"
    moved = client.get(f"/events/{number[0]}")
    assert (moved.status_code, moved.headers["location"]) == (303, f"/events/{event.number}")


def test_a_split_of_nothing_or_everything_is_refused_in_words(services, browse):
    event, client = biggest(services), browse("chief")
    form = {"csrf": field(client.get(f"/events/{event.number}").text, "csrf")}
    nothing = client.post(f"/events/{event.number}/split", data=form)
    assert nothing.status_code == 409
    assert "没有选中文档" in nothing.text
    with services.store.read() as db:
        every = [member.document for member in book.members_of(db, event.id)]
    everything = client.post(f"/events/{event.number}/split", data={**form, "doc": every})
    assert everything.status_code == 409
    assert "至少留一篇" in everything.text


def test_a_form_from_elsewhere_does_nothing(services, browse):
    event = biggest(services)
    answer = browse("chief").post(f"/events/{event.number}/split", data={"csrf": "wrong", "doc": "x"})
    assert answer.status_code == 403


def alone(services: Services) -> list[book.Event]:
    with services.store.read() as db:
        return [event for event in book.list_events(db, limit=500, least=1) if event.documents]


def documents_of(services: Services, event: book.Event) -> set[str]:
    with services.store.read() as db:
        return {member.document for member in book.members_of(db, event.id, limit=1000)}


def test_a_merge_is_taken_back_with_the_numbers_and_documents_of_before(services, browse):
    client, event = browse("chief"), biggest(services)
    firms = set(event.facts.get("firms", ()))
    other = next(one for one in alone(services) if one.id != event.id and not set(one.facts.get("firms", ())) - firms)
    before = {one.id: documents_of(services, one) for one in (event, other)}
    csrf = field(client.get(f"/events/{event.number}").text, "csrf")
    done = client.post(f"/events/{event.number}/merge", data={"csrf": csrf, "from": other.number})
    page = client.get(done.headers["location"]).text
    assert 'class="undo"' in page
    kept, gone = sorted((event, other), key=lambda one: (one.created_at, one.number))
    assert f"{gone.number} 并入 {kept.number}" in page
    assert client.get(f"/events/{gone.number}").headers["location"] == f"/events/{kept.number}"
    move = field(page, "move")
    back = client.post(f"/events/{kept.number}/undo", data={"csrf": csrf, "move": move})
    assert back.headers["location"] == f"/events/{kept.number}?did=undo"
    assert client.get(f"/events/{gone.number}").status_code == 200
    assert {one.id: documents_of(services, one) for one in (event, other)} == before
    with services.store.read() as db:
        after = book.find_events(db, [event.id, other.id])
    assert {one.id: (one.documents, one.origins, one.title) for one in (event, other)} == {
        one.id: (one.documents, one.origins, one.title) for one in after.values()
    }
    again = client.post(f"/events/{kept.number}/undo", data={"csrf": csrf, "move": move})
    assert again.status_code == 409
    assert "已由 chief 于 11-23 14:32 撤销" in again.text


def test_a_split_is_taken_back_unless_a_later_step_builds_on_it(services, browse):
    client, event = browse("chief"), biggest(services)
    before = documents_of(services, event)
    page = client.get(f"/events/{event.number}").text
    csrf, chosen = field(page, "csrf"), re.findall(r'name="doc" value="([^"]+)"', page)
    place = client.post(f"/events/{event.number}/split", data={"csrf": csrf, "doc": chosen[-1]}).headers["location"]
    new = place.partition("?")[0].rpartition("/")[2]
    first = field(client.get(place).text, "move")
    rest = re.findall(r'name="doc" value="([^"]+)"', client.get(f"/events/{event.number}").text)
    second_place = client.post(f"/events/{event.number}/split", data={"csrf": csrf, "doc": rest[0]}).headers["location"]
    refused = client.post(f"/events/{new}/undo", data={"csrf": csrf, "move": first})
    assert refused.status_code == 409
    assert "其后 chief 于 11-23 14:32 又做了拆出，先撤销那一步" in refused.text
    second = field(client.get(second_place).text, "move")
    assert client.post(f"{second_place.partition('?')[0]}/undo", data={"csrf": csrf, "move": second}).status_code == 303
    assert client.post(f"/events/{new}/undo", data={"csrf": csrf, "move": first}).status_code == 303
    assert documents_of(services, event) == before
    assert client.get(f"/events/{new}").headers["location"] == f"/events/{event.number}"
    strange = client.post(f"/events/{event.number}/undo", data={"csrf": csrf, "move": "999"})
    assert strange.status_code == 409
    assert browse("reader").post(f"/events/{event.number}/undo", data={"csrf": "x", "move": first}).status_code == 403


def test_each_dot_and_each_count_of_the_spread_leads_to_its_documents(services, browse):
    client, event = browse("chief"), biggest(services)
    page = client.get(f"/events/{event.number}").text
    chart = page[page.index('class="lanes"') : page.index('class="half"')]
    doors = re.findall(r'<a href="/documents/([^"]+)"', chart)
    assert set(doors) <= documents_of(services, event)
    assert len(doors) >= event.documents  # once by channel, once by territory
    assert client.get(f"/documents/{doors[0]}").status_code == 200
    counts = re.findall(rf'href="(/events/{event.number}\?(?:channel|place)=[^"#]+)#docs">(\d+)</a>', page)
    assert len(counts) >= 2
    for address, count in counts:
        assert len(re.findall(r'name="doc"', client.get(unescape(address)).text)) == int(count), address
