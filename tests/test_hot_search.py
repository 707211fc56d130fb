"""Hot-search topics of years replay through the real pipeline; the streams here are invented."""

import gzip
import json
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.hot_search import main, read_incidents, read_topics, replay
from benchmarks.hot_search_score import Incident, Snapshot, Topic, score
from commands.knowledge import knowledge_of
from commands.stores import open_store
from config.settings import Settings

BEGINS = datetime.fromisoformat("2022-05-02T09:00:00+08:00")  # a Monday
EVERYDAY = ("今天的云真好看", "某歌手新专辑上线", "女排三比零取胜", "周末去哪里露营", "小猫第一次看见雪")
STORY = (
    (30.0, "连锁火锅店使用过期食材"),
    (31.0, "涉事火锅店过期食材画面曝光"),
    (33.0, "市监局突查过期食材火锅店"),
)
QUAKE = ((60.0, "某县地震致3人死亡"), (61.0, "某县地震救援现场"), (62.0, "某县地震已致9人死亡"))


def told(hours: float, title: str, *, timed: bool = True) -> str:
    at = BEGINS + timedelta(hours=hours)
    return f"{at.isoformat() if timed else ''}\t{at.date()}\t{title}"


@pytest.fixture
def streams(tmp_path: Path) -> Path:
    """Three weeks; the incident and the control lie in the first, the others are ordinary."""
    lines = [told(hours, title) for hours, title in (*STORY, *QUAKE)]
    lines.append(told(40, "连锁火锅店使用过期食材"))  # stands on the list of another day, too
    for day in range(21):
        lines += [told(day * 24 + n / 10, f"{EVERYDAY[n % 5]}{day}之{n}") for n in range(60)]
    lines += [
        told(9 * 24 + 3, "奶茶店饮料喝出蟑螂"),
        told(10 * 24 + 3, "某主持人离开电视台"),
        told(11 * 24, "不知几时的话题", timed=False),
    ]
    (tmp_path / "weibo_hot").mkdir()
    with gzip.open(tmp_path / "weibo_hot" / "weibo_hot_2022.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("first_seen\tlist_day\ttitle\n" + "\n".join(lines) + "\n")
    window = {"window": ["2022-05-02", "2022-05-06"]}
    rows = [
        {"id": "hotpot", "name": "火锅", **window, "title_regex": "火锅店", "product_quality": True},
        {"id": "quake", "name": "地震", **window, "title_regex": "地震", "product_quality": False},
    ]
    (tmp_path / "incidents.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return tmp_path


def test_an_incident_is_alerted_a_control_is_not_and_ordinary_weeks_are_counted(
    streams: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "figures.json"
    monkeypatch.setattr("sys.argv", ["hot_search", str(streams), "--json", str(out)])
    assert main() == 0
    figures: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    hotpot, quake = figures["incidents"]
    assert hotpot["in_time"] == {"loose": True, "most": True, "loose_above": True, "most_above": True}
    assert (hotpot["first"], hotpot["third"]) == ("2022-05-03T15:00:00+08:00", "2022-05-03T18:00:00+08:00")
    assert hotpot["alerted"]["most_above"] == "2022-05-03T15:00:00+08:00"
    assert hotpot["event"]["read"] == 3
    assert not any(quake["alerted"].values())
    assert figures["ordinary_days"] == 14
    assert figures["alerts_a_day_above_iv"] == pytest.approx(1 / 14, abs=0.001)
    assert [row["topics"] for row in figures["ordinary_alerts"]] == [["奶茶店饮料喝出蟑螂"]]
    printed = capsys.readouterr().out
    assert "controls alarmed: none" in printed
    assert "奶茶店饮料喝出蟑螂" in printed


def test_topics_that_concern_nobody_may_be_left_out_of_the_store(streams: Path, tmp_path: Path) -> None:
    topics = [topic for topic in read_topics(streams, date(2022, 5, 1), date(2022, 5, 31)) if topic.at < _utc(50)]
    seen = []
    for whole in (False, True):
        settings = Settings(profile="live", data=tmp_path / str(whole))
        store = open_store(settings, synchronous="NORMAL")
        seen.append(replay(topics, settings, store, knowledge_of(settings, store), whole=whole))
        store.close()
    assert seen[0]
    assert seen[0] == seen[1]


def _utc(hours: float) -> datetime:
    return BEGINS + timedelta(hours=hours)


def test_a_topic_counts_once_at_its_first_sighting_and_untimed_ones_at_the_end_of_their_day(streams: Path) -> None:
    topics = read_topics(streams, date(2022, 5, 1), date(2022, 5, 31))
    [story] = [topic for topic in topics if topic.title == STORY[0][1]]
    assert story.at == _utc(30)
    [untimed] = [topic for topic in topics if not topic.timed]
    assert untimed.at == datetime.fromisoformat("2022-05-13T23:59:59+08:00")


def test_the_third_title_of_the_file_is_the_one_that_counts(streams: Path) -> None:
    rows = json.loads((streams / "incidents.json").read_text(encoding="utf-8"))
    rows[0] |= {"first_seen": "2022-05-02T10:00:00+08:00", "third_title": "2022-05-02T12:00:00+08:00"}
    (streams / "incidents.json").write_text(json.dumps(rows), encoding="utf-8")
    incidents = read_incidents(streams / "incidents.json", date(2022, 5, 1), date(2022, 5, 31))
    row = score([], {}, incidents, {}).rows[0]
    assert row.due == datetime.fromisoformat("2022-05-02T18:00:00+08:00")
    assert not row.in_time(datetime.fromisoformat("2022-05-02T18:00:01+08:00"))
    assert row.in_time(datetime.fromisoformat("2022-05-02T18:00:00+08:00"))


@pytest.mark.parametrize(("foreign", "most"), [(0, True), (1, False), (2, False)])
def test_an_alert_tells_of_an_incident_when_most_of_its_documents_do(foreign: int, most: bool) -> None:
    day = date(2022, 5, 3)
    topics = {
        f"d{n}": Topic("火锅店" if n >= foreign else "别的", _utc(30), day, timed=True) for n in range(foreign + 1)
    }
    incident = Incident("x", "x", day, day, re.compile("火锅店"), product=True, note="")
    shot = Snapshot(_utc(31), "a", 2, "new", "t", "r", tuple(topics), 0.9)
    found = score([shot], topics, [incident], {}).rows[0].found
    assert (found.loose, found.most) == (_utc(31), _utc(31) if most else None)
