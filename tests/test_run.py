"""`fengsui run` as a whole, over real HTTP: from a fresh folder to alerts on the desk, and to a prompt end."""

import json
import re
import signal
from collections.abc import Iterator

import httpx
import pytest

from store.runs import recent_runs
from tests.forked import run_apart
from tests.running_system import System, until


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("run") / "data", ("--speed", "2000"))
    yield system
    system.clear()


@pytest.fixture(scope="module")
def person() -> Iterator[httpx.Client]:
    """A browser's cookies."""
    with httpx.Client(follow_redirects=True, timeout=30) as client:
        yield client


def told(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{seconds}", end=" ")


def in_mid_crawl(system: System) -> bool:
    store = system.store()
    with store.read() as db:
        running = any(run.status == "running" for run in recent_runs(db))
    store.close()
    return running


# The tests of this file are one story and run in this order: a start costs seconds.


def test_a_fresh_folder_gives_one_address_that_signs_in_once(
    system: System, person: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    system.start()
    first = system.address()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/first\?token=\S{20,}", first)
    home = person.get(first)
    assert (home.status_code, home.url.path) == (200, "/")
    assert "演示数据：企业、媒体、事件均为虚构" in home.text
    assert httpx.get(first).status_code == 403
    base = first.partition("/first")[0]
    seconds = until("documents on the desk", lambda: 'href="/documents/' in person.get(f"{base}/search").text)
    told(f"documents on the desk {seconds:.1f} s after sign-in;", capsys)
    seconds = until("alerts on the desk", lambda: 'href="/alerts/' in person.get(f"{base}/alerts").text)
    told(f"alerts {seconds:.1f} s later", capsys)


def test_a_second_system_on_the_folder_is_refused(system: System) -> None:
    for words in (["run", "--port", "0"], ["demo-reset"]):
        refused = run_apart(*words, "--data", str(system.folder))
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "another `fengsui run` uses this data folder; stop it first" in refused.stderr


def test_ctrl_c_in_mid_crawl_ends_all_processes(system: System, capsys: pytest.CaptureFixture[str]) -> None:
    until("a crawl", lambda: in_mid_crawl(system))
    assert set(system.processes().values()) == {
        "run", "desk", "demo-site", "worker", "indexer", "crawler", "scheduler", "sender"
    }  # fmt: skip
    seconds = system.end(signal.SIGINT, group=True)
    told(f"Ctrl-C to the end of all processes: {seconds:.1f} s", capsys)
    assert system.process.wait() == 0
    assert "Traceback" not in system.said()


def test_a_second_start_keeps_everything(
    system: System, person: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    before = count(system)
    system.start()
    address = system.address()
    home = person.get(address)
    assert (home.status_code, home.url.path) == (200, "/")
    assert 'href="/alerts/' in person.get(f"{address.partition('/first')[0].rstrip('/')}/alerts").text
    assert count(system) >= before > 0
    until("a crawl", lambda: in_mid_crawl(system))
    desk = address.partition("/first")[0].rstrip("/")
    sent = run_apart("canary", "--url", desk, "--data", str(system.folder), "--patience", "60", "--json")
    assert sent.returncode == 0, sent.stderr
    assert json.loads(sent.stdout)["stage"] == "reached"
    assert "最近失败</dt><dd>没有" in person.get(f"{desk}/status").text
    seconds = system.end(signal.SIGINT)
    told(f"SIGINT to the supervisor alone: {seconds:.1f} s", capsys)


def test_ctrl_c_while_it_starts_ends_all_processes(system: System, capsys: pytest.CaptureFixture[str]) -> None:
    system.start()
    until("the first children", lambda: len(system.processes()) > 2)
    told(f"Ctrl-C while it starts: {system.end(signal.SIGINT, group=True):.1f} s", capsys)


def test_live_never_starts_on_the_demos_data(system: System) -> None:
    live = {"FENGSUI_CONTACT": "desk@bureau.example.org"}
    words = ("run", "--port", "0", "--profile", "live", "--data", str(system.folder))
    refused = run_apart(*words, environment=live)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "this database holds the profile 'demo', not 'live': give another --data" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_demo_reset_empties_the_demo(system: System) -> None:
    assert run_apart("demo-reset", "--data", str(system.folder)).returncode == 0
    assert not system.folder.exists()


def count(system: System) -> int:
    store = system.store()
    with store.read() as db:
        found = len(recent_runs(db, limit=1000))
    store.close()
    return found
