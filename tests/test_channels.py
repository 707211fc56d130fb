"""Channels beside mail: robots that speak their vendors' documented protocol, webhooks, an SMS gateway."""

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from alerts.mailing import MailPlanner
from alerts.notifiers import posting
from alerts.notifiers.kinds import notifier_of
from alerts.notifiers.posting import Pace
from alerts.sender import send_due
from config.channels import ChannelConfig, load_channels
from config.lexicon import Lexicon
from config.routes import Recipient, Routes, load_routes
from core.clock import fixed_clock
from core.errors import ConfigError, DeliveryError
from core.records import Alert, AlertState, Notification
from store.alert_log import add_delivery, delivery_log, save_alert
from store.database import Store
from tests.crawl_server import Asked, Reply, Site
from tests.mail_server import dripping

KEY = "k3y-that-nobody-may-see"
SECRET = "SECabcdef"


@pytest.fixture
def site() -> Iterator[Site]:
    opened = Site()
    yield opened
    opened.close()


TEXT = "为什么预警：三个独立来源\n办理：https://desk.example/alerts/a1"


def told(text: str = TEXT, subject: str = "[橙] 起火") -> Notification:
    return Notification("n1", "c", "channel:c", subject, text, "", "a1", 3)


def channel(site: Site, kind: str, path: str, **more: Any) -> ChannelConfig:
    given = {"kind": kind, "title": "群", "address": f"{site.base}{path}", "private": True, **more}
    return ChannelConfig.model_validate(given)


def posted(channel: ChannelConfig, notice: Notification | None = None) -> str:
    return notifier_of(channel).send(notice or told(), lambda: None)


def refused(channel: ChannelConfig, notice: Notification | None = None) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        posted(channel, notice)
    assert KEY not in str(caught.value)
    return caught.value


def answer(**values: object) -> Reply:
    return Reply(json.dumps(values, ensure_ascii=False), headers={"Content-Type": "application/json"})


# --- each vendor's protocol ---------------------------------------------------------------------------------------


def wecom(asked: Asked) -> Reply:
    """https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=..., as documented."""
    body = json.loads(asked.body)
    if parse_qs(urlsplit(asked.path).query).get("key") != [KEY]:
        return answer(errcode=93000, errmsg="invalid webhook url")
    if body["msgtype"] != "text" or len(body["text"]["content"].encode()) > 2048:
        return answer(errcode=40058, errmsg="content exceed max length")
    return answer(errcode=0, errmsg="ok")


def dingtalk(asked: Asked) -> Reply:
    """https://oapi.dingtalk.com/robot/send?access_token=...&timestamp=...&sign=..., as documented."""
    query = parse_qs(urlsplit(asked.path).query)
    stamp = query.get("timestamp", ["0"])[0]
    sign = base64.b64encode(hmac.new(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), hashlib.sha256).digest()).decode()
    if query.get("access_token") != [KEY]:
        return answer(errcode=300005, errmsg="token is not exist")
    if query.get("sign") != [sign]:
        return answer(errcode=310000, errmsg="sign not match")
    return answer(errcode=0, errmsg="ok") if json.loads(asked.body)["text"]["content"] else answer(errcode=1, errmsg="")


def feishu(asked: Asked) -> Reply:
    """https://open.feishu.cn/open-apis/bot/v2/hook/..., as documented."""
    body = json.loads(asked.body)
    key = f"{body.get('timestamp')}\n{SECRET}".encode()
    if body.get("sign") != base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode():
        return answer(code=19021, msg="sign match fail or timestamp is not within one hour from current time")
    if "<at" in body["content"]["text"]:
        return answer(code=1, msg="somebody was called")
    return answer(code=0, msg="success", data={})


ROBOTS: dict[str, tuple[str, Callable[[Asked], Reply], dict[str, Any]]] = {
    "wecom": (f"/cgi-bin/webhook/send?key={KEY}", wecom, {}),
    "dingtalk": (f"/robot/send?access_token={KEY}", dingtalk, {"secret": SECRET}),
    "feishu": (f"/open-apis/bot/v2/hook/{KEY}", feishu, {"secret": SECRET}),
}


@pytest.fixture(params=ROBOTS)
def robot(request: pytest.FixtureRequest, site: Site) -> ChannelConfig:
    path, route, more = ROBOTS[request.param]
    site.routes[path.partition("?")[0]] = route
    return channel(site, request.param, path, **more)


def test_a_robot_takes_what_its_vendor_documents(robot: ChannelConfig, site: Site) -> None:
    assert "0" in posted(robot)
    sent = site.asked[-1].body.decode()
    assert "三个独立来源" in sent
    assert "https://desk.example/alerts/a1" in sent


def test_a_long_text_is_cut_and_keeps_its_link(robot: ChannelConfig, site: Site) -> None:
    long = told("很长的一段。" * 9000 + "\n办理：https://desk.example/alerts/a1")
    assert "0" in posted(robot, long)
    assert "https://desk.example/alerts/a1" in site.asked[-1].body.decode()


def test_a_title_from_outside_calls_nobody(robot: ChannelConfig) -> None:
    assert "0" in posted(robot, told(subject='<at user_id="all">所有人</at> @all [点我](https://evil.example)'))


def test_signs_that_grow_when_they_are_made_harmless_stay_within_the_size(site: Site) -> None:
    path, route, more = ROBOTS["feishu"]
    site.routes[path] = route
    posted(channel(site, "feishu", path, **more), told("<" * 17_000 + "\n办理：https://desk.example/alerts/a1"))
    assert len(site.asked[-1].body) <= 20_000
    assert "https://desk.example/alerts/a1" in site.asked[-1].body.decode()


@pytest.mark.parametrize(
    ("kind", "code", "retried", "after"),
    [
        ("wecom", 45009, True, timedelta(minutes=1)),
        ("wecom", 93000, False, None),
        ("dingtalk", 130101, True, timedelta(minutes=10)),
        ("dingtalk", 310000, False, None),
        ("feishu", 11232, True, timedelta(minutes=1)),
        ("feishu", 19024, False, None),
    ],
)
def test_a_refusal_inside_http_200_is_one(
    site: Site, kind: str, code: int, retried: bool, after: timedelta | None
) -> None:
    path, _, more = ROBOTS[kind]
    name = "code" if kind == "feishu" else "errcode"
    site.routes[path.partition("?")[0]] = answer(**{name: code, "errmsg": "no", "msg": "no"})
    problem = refused(channel(site, kind, path, **more))
    assert (problem.retry, problem.after, problem.unsure) == (retried, after, False)
    assert str(code) in str(problem)


def test_a_wrong_key_or_signature_is_refused_for_good(site: Site) -> None:
    for kind in ("dingtalk", "feishu"):
        path, route, _ = ROBOTS[kind]
        site.routes[path.partition("?")[0]] = route
        assert not refused(channel(site, kind, path, secret="another")).retry


def test_an_answer_that_is_none_leaves_it_unsure(robot: ChannelConfig, site: Site) -> None:
    for path in list(site.routes):
        site.routes[path] = Reply("<html>gateway</html>")
    assert refused(robot).unsure


@pytest.mark.parametrize(("status", "retried"), [(429, True), (503, True), (403, False), (302, False)])
def test_http_errors_are_told_apart(robot: ChannelConfig, site: Site, status: int, retried: bool) -> None:
    for path in list(site.routes):
        site.routes[path] = Reply("no", status, {"Retry-After": "90", "Location": "https://elsewhere.example/"})
    problem = refused(robot)
    assert problem.retry is retried
    assert problem.after == (timedelta(seconds=90) if retried else None)


def test_nobody_there_is_tried_again(robot: ChannelConfig, site: Site) -> None:
    site.close()
    problem = refused(robot)
    assert problem.retry
    assert not problem.unsure


def test_a_private_address_is_not_posted_to_unless_allowed(site: Site) -> None:
    given = {"kind": "wecom", "title": "群", "address": f"{site.base}/x?key={KEY}"}
    problem = refused(ChannelConfig.model_validate(given))
    assert "private: true" in str(problem)
    assert not site.asked


def test_the_pace_puts_off_what_is_too_much() -> None:
    now = [0.0]
    pace = Pace(2, lambda: now[0])
    pace.take()
    now[0] = 10
    pace.take()
    with pytest.raises(DeliveryError) as caught:
        pace.take()
    assert caught.value.retry
    assert caught.value.after == timedelta(seconds=50)
    now[0] = 60
    pace.take()


def test_a_pace_by_the_second_is_kept_too() -> None:
    now = [0.0]
    pace = Pace(100, lambda: now[0], per_second=5)
    for _ in range(5):
        pace.take()
    with pytest.raises(DeliveryError) as caught:
        pace.take()
    assert caught.value.after == timedelta(seconds=1)
    now[0] = 1.0
    pace.take()


def test_too_fast_inside_http_400_is_tried_again_and_other_400s_are_not(site: Site) -> None:
    path, _, more = ROBOTS["feishu"]
    said = [json.dumps({"code": 11232, "msg": "frequency limited"}), json.dumps({"code": 9499000}), "no json"]
    site.routes[path] = lambda asked: Reply(said.pop(0), status=400)
    found = [refused(channel(site, "feishu", path, **more)) for _ in range(3)]
    assert [one.retry for one in found] == [True, False, False]
    assert not any(one.unsure for one in found)


# --- webhook and SMS ----------------------------------------------------------------------------------------------


def test_a_receiver_can_check_a_webhook_by_the_published_rule(site: Site) -> None:
    key = base64.b64encode(b"0123456789abcdef").decode()
    site.routes["/hook"] = Reply("taken")
    posted(channel(site, "webhook", "/hook", secret=f"whsec_{key}"))
    asked = site.asked[-1]
    headers = {name.lower(): value for name, value in asked.headers.items()}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + asked.body
    made = base64.b64encode(hmac.new(b"0123456789abcdef", signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{made}"
    assert json.loads(asked.body)["alert"] == "a1"


def test_an_answer_that_does_not_come_is_sent_again_only_where_the_other_end_knows_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "TIMEOUT", httpx.Timeout(0.5))
    site.routes["/hook"] = Reply(b"x", endless=True)
    webhook = refused(channel(site, "webhook", "/hook", secret="s"))
    assert (webhook.retry, webhook.unsure) == (True, False)
    assert refused(channel(site, "wecom", "/hook")).unsure


def test_an_sms_gateway_gets_the_number_and_a_short_text(site: Site) -> None:
    site.routes["/sms"] = answer(code=0)
    body = '{"mobile": "{phone}", "content": "{text}"}'
    gateway = channel(site, "sms", f"/sms?app={KEY}", body=body, ok='"code": *0', most_chars=20)
    notice = Notification("n1", "c", "channel:c:13800000000", '[红] "爆炸" {phone} ' + "长" * 50, "", "", "a1", 4)
    posted(gateway, notice)
    sent = json.loads(site.asked[-1].body)
    assert sent["mobile"] == "13800000000"
    assert len(sent["content"]) == 20
    assert "{phone}" in sent["content"]  # what stands in a title is no template
    site.routes["/sms"] = answer(code=7, message="余额不足")
    assert "余额不足" in str(refused(gateway, notice))


# --- from the alert to the channel --------------------------------------------------------------------------------


def test_an_alert_reaches_the_group_of_its_territory_once(
    site: Site, store: Store, lexicon: Lexicon, noon: datetime
) -> None:
    path, route, _ = ROBOTS["wecom"]
    site.routes[path.partition("?")[0]] = route
    group = {"name": "群", "channel": "desk", "territories": ("360100",)}
    other = {"name": "他群", "channel": "desk2", "territories": ("360700",)}
    routes = Routes(recipients=tuple(map(Recipient.model_validate, (group, other))))
    planner = MailPlanner(routes, lexicon.regions, "https://desk.example", by_mail=False)
    alert = Alert(
        id="a1", number="YJ-2026-0001", subject="ENT0043", level=3, state=AlertState.NEW, first_at=noon,
        updated_at=noon, created_at=noon, title="电池起火", rule="fire", reason="3 个独立来源",
        products=("ebike_power",), enterprises=(), issues=("fire",), territory="360113",
        territories=("360113",), documents=(), findings=(),
    )  # fmt: skip
    with store.write() as db:
        save_alert(db, alert, details={})
        assert planner.plan(db, alert, what="opened", number=1, now=noon) == 1
        assert planner.plan(db, alert, what="opened", number=1, now=noon) == 0
    channels = {"desk": notifier_of(channel(site, "wecom", path))}
    assert send_due(store, channels, clock=fixed_clock(noon), who="one") == 1
    assert send_due(store, channels, clock=fixed_clock(noon), who="two") == 0
    assert len(site.asked) == 1
    assert "电池起火" in site.asked[0].body.decode()


def test_no_key_is_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    path, route, more = ROBOTS["dingtalk"]
    site.routes[path.partition("?")[0]] = route
    robot = channel(site, "dingtalk", path, **more)
    posted(robot)
    assert KEY not in caplog.text
    assert SECRET not in caplog.text
    assert KEY not in repr(robot)


# --- config -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 404, 500])
def test_an_answer_that_repeats_the_key_is_told_without_it(robot: ChannelConfig, site: Site, status: int) -> None:
    path = urlsplit(robot.address.get_secret_value()).path
    site.routes[path] = lambda asked: Reply(
        json.dumps({"errcode": 1, "code": 1, "errmsg": asked.path, "msg": asked.path}), status=status
    )
    said = str(refused(robot))  # which looks for the key
    assert "***" in said


def test_a_gateway_that_repeats_what_it_was_asked_is_told_without_keys(site: Site) -> None:
    site.routes["/send"] = lambda asked: Reply(f"no: {asked.path} {asked.body.decode()} {asked.headers}")
    sms = channel(
        site, "sms", f"/send?appkey={KEY}&to={{phone}}", body='{"token": "0123456789abcdef0123", "text": "{text}"}',
        headers={"Authorization": f"Bearer {SECRET}"}, ok="never",
    )  # fmt: skip
    said = str(refused(sms, replace(told(), recipient="channel:s:13800000000")))
    assert SECRET not in said
    assert "0123456789abcdef0123" not in said
    assert "起火" in said


def test_every_mistake_in_the_file_is_named_and_no_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "channels.yml").write_text(
        "channels:\n"
        f"  a: {{kind: wecom, title: 群, address: 'ftp://x/{KEY}'}}\n"
        f"  b: {{kind: webhook, title: 群, address: 'https://x.example/{KEY}'}}\n"
        "  c: {kind: sms, title: 短信, address: 'https://x.example/'}\n"
        "  mail: {kind: wecom, title: 群, address: 'https://x.example/'}\n"
        "  d: {kind: wecom, title: 群, address_file: nowhere}\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        load_channels(tmp_path)
    text = str(caught.value)
    assert KEY not in text
    for part in ("channels.a", "channels.b", "secret", "channels.c", "{phone}", "channels.mail", "address_file"):
        assert part in text, text


def test_a_key_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"https://x.example/{KEY}\n", encoding="utf-8")
    (tmp_path / "channels.yml").write_text(
        "channels: {a: {kind: wecom, title: 群, address_file: key}}", encoding="utf-8"
    )
    assert load_channels(tmp_path)["a"].address == SecretStr(f"https://x.example/{KEY}")


def test_a_recipient_of_an_unknown_channel_stops_the_start(tmp_path: Path, lexicon: Lexicon) -> None:
    (tmp_path / "routes.yml").write_text(
        "recipients: [{name: 群, channel: nobody, territories: ['360100']}]", encoding="utf-8"
    )
    with pytest.raises(ConfigError, match="'nobody' is no channel"):
        load_routes(tmp_path, regions=lexicon.regions, products=lexicon.products)


def test_what_waits_is_in_the_log_with_the_reason(site: Site, store: Store, noon: datetime) -> None:
    site.routes["/r"] = answer(errcode=45009, errmsg="api freq out of limit")
    with store.write() as db:
        add_delivery(db, told(), now=noon)
    channels = {"c": notifier_of(channel(site, "wecom", "/r"))}
    assert send_due(store, channels, clock=fixed_clock(noon), who="one") == 0
    with store.read() as db:
        rows = delivery_log(db, limit=5)
    assert "45009" in repr(rows)


def test_an_answer_that_drips_is_cut_off_and_unsure(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "LONGEST", 0.4)
    with dripping(0) as port:
        begun = time.monotonic()
        problem = refused(channel(site, "wecom", "/x", address=f"http://127.0.0.1:{port}/x"))
        assert time.monotonic() - begun < 5
    assert problem.unsure
