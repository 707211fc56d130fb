"""An alert that a search on a real Elasticsearch node sets off, and the same alert while that node is dead."""

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.settings import PROJECT
from tests.command_line import Finished, run_here
from tests.elasticsearch import EIGHT, running_node
from tests.elasticsearch_fixture import built

RULE = """
title: 一天内多起电动自行车充电起火
why: 多地同时出现，常指向同一批次或同一部件
scope: {query: "起火 and 充电 and not 演练"}
condition: {type: frequency, window: 24h, at_least: 4}
group_by: [prefecture]
level: orange
examples:
  fires:
    - - {same: 4, kind: news, title: 充电起火, product: ebike_power, jurisdiction: '360100', issues: [fire], level: 2}
  quiet:
    - - {same: 3, kind: news, title: 充电起火, product: ebike_power, jurisdiction: '360100', issues: [fire], level: 2}
"""
FIRES = {
    "南昌市青山湖区": "一车棚昨夜起火，一辆电动自行车充电时冒烟后烧毁，无人员伤亡。",
    "南昌市西湖区": "居民楼道内停放的电动自行车在充电过程中突然起火，消防员到场后十分钟将火扑灭。",
    "南昌市红谷滩区": "今晨，某小区架空层一台正在充电的电动自行车起火，引燃旁边两台车，住户自行疏散。",
    "南昌市东湖区": "一家沿街店铺门口的电动自行车充电时起火，店主用灭火器控制了火势，店招被烧坏。",
    "南昌市新建区": "外卖站点夜间集中充电，其中一辆电动自行车起火，站长说电池买来才三个月。",
    "赣州市章贡区": "城中村出租屋院内电动自行车充电起火，邻居合力泼水灭火，房东随后拆除了插座。",
}
LINES = [
    {
        "id": f"x{number}",
        "source": f"paper{number}",
        "title": f"{place}一电动自行车充电时起火",
        "text": place + told,
        "published": f"2026-11-{20 + number // 5}T{8 + number % 5:02d}:00:00",
    }
    for number, (place, told) in enumerate(FIRES.items())
]
SPAN = ("--since", "2026-11-15", "--at", "2026-11-25")


class Desk:
    """A data folder and a config folder of its own, and the commands over them."""

    def __init__(self, folder: Path, url: str, *, with_rule: bool) -> None:
        self.data, self.config, self.url = folder / "data", folder / "config", url
        ignored = shutil.ignore_patterns("*.py", "__pycache__")
        shutil.copytree(PROJECT / "config", self.config, ignore=ignored)
        for path in (self.config / "rules").glob("*.yml"):
            path.unlink()
        if with_rule:
            self.make_rule()

    def make_rule(self) -> None:
        (self.config / "rules" / "charging_fires.yml").write_text(RULE, encoding="utf-8")

    def fengsui(self, *words: str) -> Finished:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FENGSUI_ELASTICSEARCH_URL", self.url)
            patch.setenv("FENGSUI_CONFIG", str(self.config))
            return run_here(*words, "--data", str(self.data))

    def ingest(self) -> dict[str, Any]:
        file = self.data.parent / "lines.jsonl"
        file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in LINES), encoding="utf-8")
        done = self.fengsui("ingest", str(file), "--json")
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def run_on_index(self, *more: str) -> dict[str, Any]:
        done = self.fengsui("rules", "run", "charging_fires", "--on-index", *SPAN, "--json", *more)
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def alerts(self) -> list[dict[str, Any]]:
        done = self.fengsui("alerts", "--json")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


def story(alert: dict[str, Any]) -> dict[str, Any]:
    """An alert but for the clock on the wall when somebody came to know of it, and what follows from that clock."""
    history = [{name: value for name, value in row.items() if name != "at"} for row in alert["history"]]
    return {
        **{name: value for name, value in alert.items() if name not in ("due_at", "late", "late_seconds")},
        "history": history,
    }


def test_the_same_alert_on_a_live_node_and_without_it(tmp_path: Path) -> None:
    built(EIGHT)
    for name in ("live", "dead"):
        (tmp_path / name).mkdir()
    with running_node(tmp_path / "node") as url:
        live = Desk(tmp_path / "live", url, with_rule=False)
        assert live.ingest()["index_waiting"] == 0
        httpx.post(f"{url}/*/_refresh").raise_for_status()  # what was written shows after a second at the latest
        assert live.alerts() == []
        live.make_rule()
        tried = live.run_on_index("--dry-run")
        assert [one["only_in"] for one in tried["differences"]] == ["index"]
        assert live.alerts() == []
        ran = live.run_on_index()
        [finding], [alert] = ran["findings"], live.alerts()
        assert ran["differences"] == []
        assert finding["alerts"] == [alert["id"]]
        assert live.run_on_index()["judged_now"] is False
        assert live.alerts() == [alert]
    # The node was killed just now (kill -9).
    dead = Desk(tmp_path / "dead", url, with_rule=True)
    assert dead.ingest()["index_waiting"] == len(LINES)
    [same] = dead.alerts()
    assert story(same) == story(alert)
    assert same["documents"] == finding["documents"] == ["x0", "x1", "x2", "x3"]
    assert (same["rule"], same["level"]) == ("charging_fires", 3)
    told = dead.fengsui("rules", "run", "charging_fires", "--on-index", *SPAN)
    assert told.returncode == 1
    assert "Elasticsearch" in told.stderr
    assert dead.alerts() == [same]
