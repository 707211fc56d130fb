"""The hourly self-test: what it says where the way is broken, and that nothing counts it (the way: test_run.py)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

import cli
from alerts.canary import with_canary, write_source
from config.lexicon import Lexicon
from config.sources import load_sources
from core.errors import ConfigError
from core.records import CANARY, Kind, RawDocument
from crawlers.feed import read_feed
from nlp.analyze import Analyzer
from pipelines.canary import canary_source, send_canary
from pipelines.intake import StoreIntake
from pipelines.stages import Pipeline
from store.alert_log import list_alerts
from store.canaries import Canary, find, newest, plant
from store.database import Store
from store.documents import count_by_stage, count_documents

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
NOBODY = "http://127.0.0.1:9"


def fetched(store: Store, canary: Canary, *, title: str = "", text: str = "") -> None:
    """As the crawler saves it from the source's own feed."""
    raw = RawDocument(
        source=CANARY,
        kind=Kind.NEWS,
        url=f"{NOBODY}/canary/{canary.id}",
        title=title or "自检：电动自行车充电时起火",
        text=text or write_source([canary], NOBODY).decode().split("<description>")[1].split("</description>")[0],
        fetched_at=NOW,
        published=NOW,
    )
    StoreIntake(store, lambda: NOW).save(raw)


def worker(store: Store, lexicon: Lexicon) -> Pipeline:
    def rules(*_: object) -> None:
        raise AssertionError("a rule saw the canary")

    analyzer = Analyzer(lexicon, ())
    return Pipeline(store=store, analyzer=analyzer, judge=with_canary(rules), clock=lambda: NOW, who="w", place=rules)


def test_nobody_comes_for_it(store: Store) -> None:
    lost = send_canary(store, NOBODY, clock=lambda: NOW, stop=Event(), patience=0)
    assert (lost.stage, lost.failed_at, lost.reached_at) == ("planted", NOW, None)
    assert "没有采到" in lost.note


def test_the_worker_sleeps(store: Store) -> None:
    with store.write() as db:
        canary = plant(db, NOW)
    fetched(store, canary)
    with store.write() as db:
        plant(db, NOW + timedelta(hours=1))
        lost = find(db, canary.id)
        assert count_documents(db)["documents"] == 0, "what it left is swept away"
    assert lost is not None
    assert (lost.stage, lost.note) == ("fetched", "研读进程没有处理完")


def test_it_is_read_judged_and_counted_nowhere(store: Store, lexicon: Lexicon) -> None:
    with store.write() as db:
        canary = plant(db, NOW)
    fetched(store, canary)
    worker(store, lexicon).drain()
    with store.read() as db:
        told = find(db, canary.id)
        assert count_by_stage(db) == {}
        assert count_documents(db)["documents"] == 0
        assert list_alerts(db) == []
    assert told is not None
    assert (told.alerted_at, told.note) == (NOW, "")


def test_one_that_is_misread_says_so(store: Store, lexicon: Lexicon) -> None:
    with store.write() as db:
        canary = plant(db, NOW)
    fetched(store, canary, title="电动自行车充电知识讲座举行", text="讲座介绍了怎样充电。")
    worker(store, lexicon).drain()
    lost = send_canary(store, NOBODY, clock=lambda: NOW + timedelta(hours=1), stop=Event(), patience=0)
    with store.read() as db:
        first = find(db, canary.id)
        assert [one.id for one in newest(db, 5)] == [lost.id, canary.id]
    assert first is not None
    assert first.stage == "read"
    assert "读作非风险" in first.note


def test_what_is_no_canary_raises_none(store: Store, lexicon: Lexicon) -> None:
    stranger = Canary("20200101000000", NOW, None, None, None, "planted", "")
    fetched(store, stranger)
    worker(store, lexicon).drain()
    with store.read() as db:
        assert find(db, stranger.id) is None
        assert list_alerts(db) == []


def test_its_source_is_a_feed_like_any_other() -> None:
    canary = Canary("20261125040000", NOW, None, None, None, "planted", "")
    feed = read_feed(write_source([canary], NOBODY), url=NOBODY, now=NOW)
    assert [entry.published for entry in feed.entries] == [NOW]
    assert canary_source("http://127.0.0.1:8000").allow_private == ("127.0.0.1:8000",)


def test_no_source_file_may_take_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "sources" / "live"
    folder.mkdir(parents=True)
    (folder / "canary.yml").write_text("family: feed\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="the system's own source"):
        load_sources(tmp_path, "live")


def test_an_address_that_is_none_is_refused_before_anything_is_planted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["canary", "--url", "desk", "--data", str(tmp_path)])
    assert ended.value.code == 2
    assert "--url: 'desk' is no address" in capsys.readouterr().err
