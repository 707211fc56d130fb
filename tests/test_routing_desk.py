"""Routing where people meet it: the command, the alert's page, the dispatch that follows it, and the mails."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts.mailing import MailPlanner
from alerts.router import Router
from cli import main
from config.lexicon import Lexicon
from config.orgs import load_orgs
from config.routes import Recipient, Routes
from config.settings import PROJECT
from core.ids import short_id
from core.records import Alert, AlertState
from store.alert_log import delivery_log, find_alert, save_alert
from store.database import Store
from tests.desk_server import make_services, running_desk

ALERT = short_id("a", "I1")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Store]]:
    services = make_services(tmp_path_factory.mktemp("desk"))
    with running_desk(services) as desk, httpx.Client(follow_redirects=True, timeout=30) as found:
        found.base_url = httpx.URL(desk.base)
        found.get(desk.entry())
        yield found, services.store
    services.store.close()


def test_the_alert_page_shows_who_gets_it_and_by_which_rule(client: tuple[httpx.Client, Store]) -> None:
    page = client[0].get(f"/alerts/{ALERT}").text
    panel = page[page.index('id="ro"') :]
    assert "江西省市场监督管理局" in panel
    assert "同一事件涉及2个以上设区市" in panel
    assert "红谷滩区市场监督管理局" in panel
    assert "orgs.yaml alerts 3 copy" in panel
    assert "派单 江西省" in page


def test_a_dispatch_goes_where_the_routing_proposes(client: tuple[httpx.Client, Store]) -> None:
    browser, store = client
    page = browser.get(f"/alerts/{ALERT}").text
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    form = {"csrf": csrf, "once": "once-for-route-1"}
    wrong = browser.post(f"/alerts/{ALERT}/dispatch", data={**form, "territory": "361102"})
    assert wrong.status_code == 409
    assert "不能派给 361102" in wrong.text
    assert browser.post(f"/alerts/{ALERT}/dispatch", data=form).status_code == 200
    with store.read() as db:
        alert = find_alert(db, ALERT)
    assert alert is not None
    assert (alert.state, alert.territory) == (AlertState.DISPATCHED, "360000")
    assert "admin 已派单至此" in browser.get(f"/alerts/{ALERT}").text


STORY = [
    {"id": "x1", "source": "amr", "source_type": "spotcheck", "title": "抽查通报：江西光明线缆有限公司电线电缆不合格",
     "text": "丰城市市场监管局通报，江西光明线缆有限公司生产的电线电缆绝缘厚度不合格，导体电阻不合格，责令停产整改。",
     "published": "2026-11-20T09:00:00+08:00", "url": "https://amr.example/x1"},
]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one story, read by the whole pipeline."""
    folder = tmp_path_factory.mktemp("data")
    lines = folder / "story.jsonl"
    lines.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in STORY), encoding="utf-8")
    done(["ingest", str(lines), "--data", str(folder)])
    return folder


def done(words: list[str]) -> int:
    """Run a command; its exit code."""
    try:
        main(words)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_the_command_explains_step_by_step(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert done(["route", "YJ-2026-0001", "--data", str(data)]) == 0
    said = capsys.readouterr().out
    assert "属地：生产者所在地丰城市（360981，丰城市市场监督管理局）" in said
    assert "承办  丰城市市场监督管理局（360981）" in said
    assert "省直管县（市），抄送其设区市局" in said
    assert "没有收件人" in said


def test_the_command_prints_the_same_as_json(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENGSUI_MAIL_TO", "desk@x.example")
    assert done(["route", "YJ-2026-0001", "--json", "--data", str(data)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["owner"]["code"], found["owner"]["role"]) == ("360981", "承办")
    assert "360900" in {one["code"] for one in found["told"]}
    [mailed] = found["recipients"]
    assert (mailed["mail"], "省局席位" in mailed["why"]) == ("desk@x.example", True)


def test_an_alert_that_is_not_there_is_a_wrong_use(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert done(["route", "YJ-2026-9999", "--data", str(data)]) == 2
    assert "没有预警 YJ-2026-9999" in capsys.readouterr().err


def test_check_names_a_mistake_of_the_organisations_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(PROJECT / "config", tmp_path / "config", ignore=shutil.ignore_patterns("models", "*.py"))
    file = tmp_path / "config" / "lexicons" / "orgs.yaml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("copy: [质量监督处]", "copy: [质量监管处]"), encoding="utf-8"
    )
    monkeypatch.setenv("FENGSUI_CONFIG", str(tmp_path / "config"))
    assert done(["check", "--data", str(tmp_path / "data")]) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if "质量监管处" in line]
    assert len(told) == 1
    assert "lexicons/orgs.yaml: alerts.1.copy: '质量监管处' is nobody known" in told[0]


# -- mails ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def alert(noon: datetime) -> Alert:
    return Alert(
        id="a1", number="YJ-2026-0001", subject="ENT0043", level=3, state=AlertState.NEW, first_at=noon,
        updated_at=noon, created_at=noon, title="云骓电池起火", rule="fire", reason="3 个独立来源",
        products=("ebike_power",), enterprises=("ENT0043",), issues=("fire",), territory="360113",
        territories=("360113", "360100"), documents=(), findings=(),
    )  # fmt: skip


def somebody(mail: str, **wishes: Any) -> Recipient:
    return Recipient.model_validate({"name": "某处", "mail": mail, **wishes})


def planned(
    store: Store, lexicon: Lexicon, alert: Alert, noon: datetime, *to: Recipient, what: str = "opened"
) -> set[str]:
    router = Router(load_orgs(PROJECT / "config", lexicon), lexicon, lambda _firm: None)
    planner = MailPlanner(Routes(recipients=to), lexicon.regions, "http://127.0.0.1:8000", router=router)
    with store.write() as db:
        save_alert(db, alert, details={})
        planner.plan(db, alert, what=what, number=1, now=noon)
        return {line.recipient for line in delivery_log(db)}


def test_organisations_are_mailed_what_is_routed_to_them(
    store: Store, lexicon: Lexicon, alert: Alert, noon: datetime
) -> None:
    to = (
        somebody("enforcement@x.example", orgs=["zfjc"]),
        somebody("county@x.example", orgs=["360113"]),
        somebody("licences@x.example", orgs=["gxz"]),
        somebody("government@x.example", orgs=["government_duty"]),
        somebody("city@x.example", territories=["360100"]),
    )
    assert planned(store, lexicon, alert, noon, *to) == {
        "enforcement@x.example", "county@x.example", "city@x.example",
    }  # fmt: skip


def test_what_only_people_send_is_never_mailed_even_on_red(
    store: Store, lexicon: Lexicon, alert: Alert, noon: datetime
) -> None:
    to = [somebody(f"{code}@x.example", orgs=[code]) for code in ("government_duty", "000000", "leader")]
    assert planned(store, lexicon, replace(alert, level=4), noon, *to) == {"leader@x.example"}


def test_a_rise_reaches_those_whom_only_the_higher_level_tells(
    store: Store, lexicon: Lexicon, alert: Alert, noon: datetime
) -> None:
    enforcement = somebody("enforcement@x.example", orgs=["zfjc"])
    assert planned(store, lexicon, replace(alert, level=2), noon, enforcement) == set()
    assert planned(store, lexicon, alert, noon, enforcement, what="raised") == {"enforcement@x.example"}
