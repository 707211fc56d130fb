"""The inbox and the alert page as a shift uses them: one bar for many rows, undo, unread, who is on it, mentions."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from config.routes import Recipient, Routes
from core.errors import UsageError
from core.ids import short_id
from core.records import Alert, AlertState
from store import alert_log, users
from store.watch import waiting_notices
from tests.desk_server import NOW, make_services
from tests.desk_visits import value_of
from web.access import Viewer
from web.app import create_app
from web.inbox import read_wanted
from web.mentions import mentioned
from web.presence import Presence
from web.security import cookie_name
from web.services import Services
from web.views import live

FIRST, SECOND = short_id("a", "I1"), short_id("a", "I2")
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64
MAIL = "gz@bureau.example"


@dataclass
class Desk:
    """A desk whose clock the test moves."""

    services: Services
    browse: Callable[[str], TestClient]
    now: datetime = NOW

    def alert(self, alert_id: str = FIRST) -> Alert:
        with self.services.store.read() as db:
            found = alert_log.find_alert(db, alert_id)
        assert found is not None
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened: list[TestClient] = []
    routes = Routes(recipients=(Recipient(name="局", mail=MAIL, territories=("360702", "360704", "360700", "360981")),))
    made = make_services(tmp_path, clock=lambda: made_desk.now, routes=routes)

    def browse(name: str) -> TestClient:
        client = TestClient(app, follow_redirects=False)
        opened.append(client)
        with made.store.write() as db:  # without a password: making and trying one takes a third of a second
            secret, _ = users.open_session(db, name, now=NOW, how="password", address="", agent="")
        client.cookies.set(cookie_name(made.settings), secret)
        return client

    made_desk = Desk(made, browse)
    with made.store.write() as db:
        for name, role, territory, shown in (
            ("chief", "supervisor", "000000", "带班"), ("li", "officer", "360000", "李四"),
            ("wang", "officer", "360000", "王五"), ("county", "officer", "360981", "丰城"),
            ("reader", "viewer", "360000", "看客"),
        ):  # fmt: skip
            users.create_user(db, name, role=role, territory=territory, display_name=shown, password=None, now=NOW)  # type: ignore[arg-type]
        while alert_log.claim_delivery(db, who="sender", now=NOW):
            pass  # what the sample left waiting
    app = create_app(made)
    yield made_desk
    for client in opened:
        client.close()
    made.store.close()


def press(client: TestClient, path: str, **fields: object) -> str:
    """Send a form; where it leads."""
    page = client.get("/alerts?view=all").text
    form = {"csrf": value_of(page, "csrf"), "once": value_of(page, "once"), **fields}
    answer = client.post(path, data=form)
    assert answer.status_code == 303, answer.text[-800:]
    return answer.headers["location"]


def waiting_ids(client: TestClient) -> list[str]:
    return re.findall(r'<li id="(a[^"]+)"', client.get("/alerts").text)


# --- many at once -------------------------------------------------------------------------------------------------


def test_one_bar_acts_on_all_marked_rows_and_says_who_was_faster(desk: Desk) -> None:
    li, wang = desk.browse("li"), desk.browse("wang")
    ids = waiting_ids(li)
    assert len(ids) >= 3
    press(wang, f"/alerts/{ids[0]}/accept")
    place = press(li, "/alerts/batch", do="accept", alert=ids, back="?sort=level")
    assert place.startswith("/alerts?sort=level&")
    page = li.get(place).text
    assert f"已受理 {len(ids) - 1} 条，1 条未生效。" in page
    assert f"{desk.alert(ids[0]).number} 现为已受理" in page
    assert "王五 11-23 14:32 受理" in page
    back = press(li, "/alerts/batch", do="undo", batch=parse_qs(urlsplit(place).query)["batch"][0], back="?")
    assert f"已撤销 {len(ids) - 1} 条。" in li.get(back).text
    assert [desk.alert(one).state.value for one in ids] == ["accepted"] + ["new"] * (len(ids) - 1)


def test_levels_reasons_and_colleagues_are_given_to_many_at_once(desk: Desk) -> None:
    chief = desk.browse("chief")
    ids = waiting_ids(chief)
    assert "已调级 2 条" in chief.get(press(chief, "/alerts/batch", do="level:4", alert=ids[:2])).text
    assert {desk.alert(one).level for one in ids[:2]} == {4}
    assert "已指派 2 条" in chief.get(press(chief, "/alerts/batch", do="assign", person="wang", alert=ids[:2])).text
    assert sorted(re.findall(r'<li id="(a[^"]+)"', desk.browse("wang").get("/alerts?view=mine").text)) == sorted(
        ids[:2]
    )
    told = chief.get(
        press(chief, "/alerts/batch", do="dismiss", reason="old_news", note="去年的旧闻", alert=ids[2:3])
    ).text
    assert "已判为不构成风险 1 条" in told
    assert "没有选中预警" in chief.get(press(chief, "/alerts/batch", do="accept")).text


def test_a_batch_leads_nowhere_but_back_to_the_list(desk: Desk) -> None:
    client = desk.browse("li")
    for back in ("https://evil.example", "//evil.example", "?next=//evil.example", "?" + "x" * 900):
        assert press(client, "/alerts/batch", do="read", back=back).startswith("/alerts?")
    assert client.get("/alerts?said=accept-9999999-x&refused=nobody&batch=short").status_code == 200


def test_a_step_from_the_list_leads_back_to_it_with_the_undo_bar(desk: Desk) -> None:
    client = desk.browse("li")
    pane = client.get(f"/alerts/{FIRST}?pane=1&back=%3Fsort%3Dlevel").text
    assert value_of(pane, "back") == "?sort=level"
    place = press(client, f"/alerts/{FIRST}/accept", back="?sort=level")
    page = client.get(place).text
    assert place.startswith("/alerts?sort=level&did=")
    assert f"已受理 {desk.alert().number}" in page
    assert 'data-seconds="10"' in page
    assert FIRST not in re.findall(r'<li id="(a[^"]+)"', page)
    assert press(client, f"/alerts/{FIRST}/undo", back="?sort=level").startswith("/alerts?sort=level")
    assert desk.alert().state is AlertState.NEW


# --- undo ---------------------------------------------------------------------------------------------------------


def test_the_history_offers_the_undo_after_the_bar_is_gone_and_only_to_who_did_it(desk: Desk) -> None:
    li, wang = desk.browse("li"), desk.browse("wang")
    press(li, f"/alerts/{FIRST}/accept")
    assert f'action="/alerts/{FIRST}/undo"' in li.get(f"/alerts/{FIRST}").text
    assert f'action="/alerts/{FIRST}/undo"' not in wang.get(f"/alerts/{FIRST}").text
    page = wang.get("/alerts?view=all").text
    form = {"csrf": value_of(page, "csrf"), "once": value_of(page, "once")}
    refused = wang.post(f"/alerts/{FIRST}/undo", data=form)
    assert refused.status_code == 409
    assert "由 li 已于 11-23 14:32 受理" in refused.text
    desk.now += timedelta(hours=3)
    press(li, f"/alerts/{FIRST}/undo")
    assert desk.alert().state is AlertState.NEW


def test_what_leaves_the_house_waits_half_a_minute_and_an_undo_takes_it_back(desk: Desk) -> None:
    client = desk.browse("li")
    place = press(client, f"/alerts/{FIRST}/dispatch", territory="360702")
    assert f"通知 30 秒后发往 {MAIL}，此前撤销则不发" in client.get(place).text
    with desk.services.store.write() as db:
        assert [notice.next_at for notice in waiting_notices(db, FIRST)] == [NOW + timedelta(seconds=30)]
        assert alert_log.claim_delivery(db, who="sender", now=NOW + timedelta(seconds=29)) is None
    press(client, f"/alerts/{FIRST}/undo")
    with desk.services.store.write() as db:
        assert alert_log.claim_delivery(db, who="sender", now=NOW + timedelta(hours=1)) is None
    assert "未发，已撤回" in client.get(f"/alerts/{FIRST}").text


def test_a_dispatch_that_was_told_already_is_called_back_by_mail(desk: Desk) -> None:
    client = desk.browse("li")
    press(client, f"/alerts/{FIRST}/dispatch", territory="360702")
    with desk.services.store.write() as db:
        sent = alert_log.claim_delivery(db, who="sender", now=NOW + timedelta(seconds=31))
    assert sent is not None
    press(client, f"/alerts/{FIRST}/undo")
    with desk.services.store.write() as db:
        back = alert_log.claim_delivery(db, who="sender", now=NOW + timedelta(seconds=31))
    assert back is not None
    assert (back.notification.recipient, "派单撤销" in back.notification.subject) == (MAIL, True)


def test_a_territory_nobody_is_named_for_is_said(desk: Desk) -> None:
    client = desk.browse("li")
    page = client.get(press(client, f"/alerts/{FIRST}/dispatch", territory="360000")).text
    assert "该属地没有登记邮件收件人，请电话通知后记一笔" in page


# --- what I have read, who is on it -------------------------------------------------------------------------------


def unread_ids(client: TestClient) -> list[str]:
    return re.findall(r'<li id="(a[^"]+)"', client.get("/alerts?view=all&unread=1").text)


def test_unread_is_what_i_have_not_opened_since_others_changed_it(desk: Desk) -> None:
    li, wang = desk.browse("li"), desk.browse("wang")
    assert FIRST in unread_ids(li)
    li.get(f"/alerts/{FIRST}")
    assert FIRST not in unread_ids(li)
    press(li, f"/alerts/{FIRST}/accept")
    assert FIRST not in unread_ids(li)  # what I did myself is no news to me
    assert FIRST in unread_ids(wang)
    wang.get(f"/alerts/{FIRST}?pane=1")
    assert FIRST not in unread_ids(wang)
    press(wang, f"/alerts/{FIRST}/note", note="已电话核实")
    assert FIRST in unread_ids(li)
    assert '<span class="tag">新</span>' in li.get(f"/alerts/{FIRST}").text
    press(li, "/alerts/batch", do="unread", alert=FIRST)
    assert FIRST in unread_ids(li)
    count = re.search(r"未读<span class=\"dim\">(\d+)</span>", li.get("/alerts?view=all").text)
    assert count is not None
    assert int(count[1]) == len(unread_ids(li))


def test_a_list_says_whose_an_alert_is_who_has_it_open_and_who_acted_last(desk: Desk) -> None:
    li, wang = desk.browse("li"), desk.browse("wang")
    press(li, f"/alerts/{FIRST}/accept")
    wang.get(f"/alerts/{FIRST}")
    row = re.search(rf'<li id="{FIRST}".*?</li>', li.get("/alerts?view=work").text, re.S)
    assert row is not None
    assert "李四 负责 · 王五 正在看 · 李四 受理" in re.sub(r"<[^>]+>", "", row[0])
    assert "王五 正在看这条预警" in li.get(f"/alerts/{FIRST}").text
    assert "王五 正在看这条预警" not in wang.get(f"/alerts/{FIRST}").text
    press(li, f"/alerts/{FIRST}/undo")
    assert FIRST not in li.get("/alerts?view=mine").text  # the undo of an acceptance gives it back, too


def test_nobody_is_given_what_they_may_not_see(desk: Desk) -> None:
    client = desk.browse("li")
    page = client.get("/alerts").text
    for person in ("county", "reader", "nobody"):
        form = {"csrf": value_of(page, "csrf"), "once": f"{value_of(page, 'once')}{person}", "person": person}
        answer = client.post(f"/alerts/{FIRST}/assign", data=form)
        assert answer.status_code == 409
        assert f"不能指派给 {person}" in answer.text


def test_who_has_a_page_open_is_forgotten_when_it_is_left() -> None:
    now = [0.0]
    presence = Presence(lambda: now[0])
    presence.here("a1", "li", 90)
    presence.here("a1", "wang", 40)
    assert presence.looking(["a1", "a2"], but="li") == {"a1": ["wang"]}
    now[0] = 41
    assert presence.looking(["a1"], but="nobody") == {"a1": ["li"]}
    presence.gone("a1", "li")
    assert presence.looking(["a1"], but="nobody") == {}


def test_the_way_through_a_list_leads_on_and_back_to_it(desk: Desk) -> None:
    client = desk.browse("li")
    ids = re.findall(r'<li id="(a[^"]+)"', client.get("/alerts?view=all&sort=new").text)
    page = client.get(f"/alerts/{ids[1]}?in=view%3Dall%26sort%3Dnew").text
    assert f"第 2 条，共 {len(ids)} 条" in page
    assert f'href="/alerts/{ids[2]}?in=view%3Dall%26sort%3Dnew" data-key="j"' in page
    assert f'href="/alerts/{ids[0]}?in=view%3Dall%26sort%3Dnew" data-key="k"' in page
    assert 'href="/alerts?view=all&amp;sort=new"' in page
    assert client.get(f"/alerts/{ids[1]}?in=view%3Dnonsense").status_code == 200


# --- notes, files -------------------------------------------------------------------------------------------------


def test_who_is_named_in_a_note_finds_it_and_the_count_is_true(desk: Desk) -> None:
    li, wang = desk.browse("li"), desk.browse("wang")
    assert "@我未读" not in wang.get("/").text
    press(li, f"/alerts/{FIRST}/note", note="@王五请看一下，抄 @chief；邮箱 a@li.example 不算")
    assert '<a href="/alerts?view=at&amp;unread=1">@我未读 <b>1</b> 条</a>' in wang.get("/").text
    assert re.findall(r'<li id="(a[^"]+)"', wang.get("/alerts?view=at&unread=1").text) == [FIRST]
    assert re.findall(r'<li id="(a[^"]+)"', desk.browse("chief").get("/alerts?view=at").text) == [FIRST]
    assert re.findall(r'<li id="(a[^"]+)"', li.get("/alerts?view=at").text) == []
    wang.get(f"/alerts/{FIRST}")
    assert "@我未读" not in wang.get("/").text
    assert re.findall(r'<li id="(a[^"]+)"', wang.get("/alerts?view=at").text) == [FIRST]


@pytest.mark.parametrize("word", ["county", "丰城", "所有人"])
def test_a_name_that_may_not_see_the_alert_is_told_and_the_text_is_kept(desk: Desk, word: str) -> None:
    client = desk.browse("li")
    page = client.get("/alerts").text
    form = {"csrf": value_of(page, "csrf"), "once": value_of(page, "once"), "note": f"请 @{word} 核实"}
    answer = client.post(f"/alerts/{FIRST}/note", data=form)
    assert answer.status_code == 409
    assert f"“@{word}”不是能看到这条预警的账号" in answer.text
    assert f"请 @{word} 核实</textarea>" in answer.text
    assert "wang（王五）" in answer.text


def test_the_longest_name_is_meant_and_one_that_several_bear_is_asked_for(desk: Desk) -> None:
    with desk.services.store.read() as db:
        known = users.list_users(db)
    known += [replace(known[0], name="lisi", display_name="李四光"), replace(known[0], name="li2", display_name="王五")]
    assert mentioned("@lisi 与 @李四光", known) == ["lisi"]
    assert mentioned("@李四，@LI。", known) == ["li"]
    with pytest.raises(UsageError, match="有 2 人"):
        mentioned("@王五", known)


def test_a_file_is_known_by_its_bytes_and_only_handed_out(desk: Desk) -> None:
    li, reader, county = desk.browse("li"), desk.browse("reader"), desk.browse("county")

    def send(client: TestClient, body: bytes, name: str = "现场 照片.exe") -> int:
        page = client.get("/alerts?view=all").text
        form = {"csrf": value_of(page, "csrf"), "once": value_of(page, "once"), "note": "厂区"}
        return client.post(f"/alerts/{FIRST}/file", data=form, files={"file": (name, body)}).status_code

    assert send(li, PNG) == 303
    page = li.get(f"/alerts/{FIRST}").text
    place = re.search(rf'href="(/alerts/{FIRST}/files/\d+)">现场 照片\.png</a>', page)
    assert place is not None
    got = reader.get(place[1])
    assert (got.content, got.headers["content-type"]) == (PNG, "image/png")
    assert got.headers["content-disposition"].startswith("attachment")
    assert county.get(place[1]).status_code == 404
    assert send(li, b"MZ" + b"0" * 64) == 409
    assert send(li, PNG) == 409  # the same bytes a second time
    assert send(reader, PNG) == 403
    assert "附上文件，李四" in re.sub(r"<[^>]+>", "", page)


# --- the stream ---------------------------------------------------------------------------------------------------


def test_a_stream_tells_whether_a_new_alert_is_in_the_list_and_how_rows_stand(desk: Desk) -> None:
    desk.browse("li")
    with desk.services.store.write() as db:
        new = replace(desk.alert(), id="anew", number="YJ-2026-0099", level=2, created_at=NOW + timedelta(seconds=1))
        alert_log.save_alert(db, new, details={})
        user = users.find_user(db, "li")
        viewer = Viewer(user, desk.services.lexicon.regions)  # type: ignore[arg-type]
    waiting = live.Waiting(new.id, 2, new.created_at, (new.territory,))
    changed = live.Changed(FIRST, 4, AlertState.ACCEPTED, "wang", (new.territory,))
    for query, here in (("level=red", False), ("level=yellow", True)):
        page = live.Page("", read_wanted({"level": query.partition("=")[2]}), {"wang": "王五"})
        told = live.Told(desk.services, viewer, NOW, page)
        events = told.news(live.Beat((waiting,), (changed,)))
        assert ("alert", {"id": "anew", "level": 2, "here": here}) in events
        assert ("row", {"id": FIRST, "level": 4, "state": "已受理", "who": "王五 负责"}) in events
        assert told.news(live.Beat((waiting,), (changed,))) == []


# --- the account --------------------------------------------------------------------------------------------------


def test_shortcuts_can_be_switched_off_in_the_account(desk: Desk) -> None:
    client = desk.browse("li")
    assert 'data-keys="off"' not in client.get("/alerts").text
    press(client, "/account/keys", keys="off")
    assert 'data-keys="off"' in client.get("/alerts").text
    press(client, "/account/keys", keys="on")
    assert 'data-keys="off"' not in client.get("/alerts").text
