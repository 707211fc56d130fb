"""Writes fengsui.json beside this file: the dashboard of the system's own numbers (docs/watching.md).

    python -m deploy.grafana.build

A row a subject, a panel a number. Numbers of the store are the same from every desk: `max by` keeps one of them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

TARGET = Path(__file__).with_name("fengsui.json")
SCHEMA = 39
"""Of Grafana 10 and later."""
JOB = 'job=~"$job"'
SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, HEIGHT = 24, 7


@dataclass(frozen=True)
class Line:
    """A query and how its curves are called. unit: as Grafana names it."""

    query: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """title.  kind: timeseries | stat.  red: the value from which it is shown in red; None: never.  below: it is red
    below."""

    title: str
    lines: Sequence[Line]
    unit: str = "short"
    kind: str = "timeseries"
    red: float | None = None
    below: bool = False
    width: int = 6


def kept(name: str, by: str = "", more: str = "") -> str:
    """A number of the store, once however many desks tell it."""
    return f"max{f' by ({by})' if by else ''} (fengsui_{name}{{{JOB}{more}}})"


def rate(name: str, by: str) -> str:
    """How often a second something happens."""
    return f"sum by ({by}) (rate(fengsui_{name}{{{JOB}}}[$__rate_interval]))"


def quantile(share: float, name: str, by: str) -> Line:
    """A quantile of a histogram of seconds."""
    inner = f"sum by (le, {by}) (rate(fengsui_{name}_seconds_bucket{{{JOB}}}[$__rate_interval]))"
    return Line(f"histogram_quantile({share}, {inner})", f"{{{{{by}}}}} p{share * 100:.0f}")


def spread(title: str, name: str, by: str, *, width: int = 8, red: float | None = None) -> Panel:
    """Half and 95 of 100 are faster than this."""
    return Panel(title, [quantile(0.5, name, by), quantile(0.95, name, by)], unit="s", width=width, red=red)


def stat(title: str, query: str, unit: str = "short", *, red: float, below: bool = False) -> Panel:
    """One number, red when it is bad."""
    return Panel(title, [Line(query)], unit=unit, kind="stat", red=red, below=below, width=4)


ROWS: Sequence[tuple[str, Sequence[Panel]]] = (
    ("要看的 / What needs a look", (
        stat("停了的进程 / Silent processes", kept("processes_missed"), red=1),
        stat("链路自检 / Canary lost", kept("canary_lost"), red=1),
        stat("晚发预警（24 小时）/ Late alerts", kept("alerts_late"), red=1),
        stat("最久待研读 / Oldest unread", kept("oldest_document_seconds", more=',stage="fetched"'), "s", red=60),
        stat("最久待入索引 / Index lag", kept("oldest_document_seconds", more=',stage="judged"'), "s", red=60),
        stat("备份 / Age of backup", kept("backup_age_seconds"), "s", red=129_600),
        stat("备份失败 / Backup failed", kept("backup_failed"), red=1),
        stat("迟到信源 / Late sources", kept("sources_late"), red=5),
        stat("最迟 / Latest by", kept("source_lateness_seconds"), "s", red=3_600),
        stat("磁盘余量 / Disk free", kept("disk_free_bytes") + " / " + kept("disk_size_bytes"), "percentunit",
             red=0.1, below=True),
        stat("待发最久 / Oldest delivery", kept("oldest_delivery_seconds"), "s", red=900),
        stat("版本 / Version", f"max by (version) (fengsui_build_info{{{JOB}}})", red=2),
    )),
    ("文档 / Documents", (
        Panel("在排队 / Waiting", [Line(kept("documents_waiting", "stage"), "{{stage}}")], width=8),
        Panel("等了多久 / Oldest", [Line(kept("oldest_document_seconds", "stage"), "{{stage}}")], "s", width=8),
        Panel("每秒入库 / Arriving a second",
              [Line(f"max (rate(fengsui_documents_arrived_total{{{JOB}}}[$__rate_interval]))", "入库"),
               Line(rate("documents_stored_total", "outcome"), "{{outcome}}")], "ops", width=8),
        spread("每步用时 / Seconds a step", "stage", "stage", width=12),
        Panel("失败的步 / Failed steps", [Line(rate("steps_failed_total", "stage"), "{{stage}}")], "ops"),
        Panel("搁置 / Set aside", [Line(kept("documents_set_aside", "stage"), "{{stage}}")]),
    )),
    ("采集 / Sources", (
        Panel("信源状态 / States", [Line(kept("sources", "state"), "{{state}}")]),
        Panel("迟到 / Lateness", [
            Line(kept("source_lateness_seconds"), "最迟"), Line(kept("sources_late"), "个数"),
            Line(kept("sources_held"), "推后"),
        ]),
        spread("抓取用时 / Fetch", "fetch", "outcome", width=6),
        Panel("采集结果 / Runs", [Line(rate("crawl_runs_total", "status"), "{{status}}")], "ops"),
    )),
    ("预警 / Alerts", (
        spread("抓取到预警 / Fetch to alert", "alert_latency", "what", red=10),
        Panel("预警 / Alerts", [Line(kept("alerts", "state, level"), "{{state}} {{level}}")], width=8),
        Panel("规则命中 / Findings", [Line(kept("findings", "rule"), "{{rule}}")], width=8),
        Panel("链路自检用时 / Canary",
              [Line(kept("canary_seconds"), "秒"), Line(kept("canary_age_seconds"), "距今")], "s"),
    )),
    ("发送 / Deliveries", (
        Panel("各状态 / By state", [Line(kept("deliveries", "channel, state"), "{{channel}} {{state}}")], width=8),
        Panel("发送结果 / Tries", [Line(rate("delivery_tries_total", "outcome"), "{{outcome}}")], "ops", width=8),
        spread("每次用时 / Seconds a try", "delivery_try", "channel"),
    )),
    ("进程与网页 / Processes and desk", (
        Panel("距上次心跳 / Since the last beat",
              [Line(kept("process_beat_age_seconds", "process"), "{{process}}")], "s", red=30),
        Panel("启动 / Starts",
              [Line(f"changes({kept('process_start_time_seconds', 'process')}[1h:1m])", "{{process}}")]),
        Panel("任务 / Jobs", [Line(kept("job_failed", "task"), "{{task}}"),
                              Line(kept("job_misfires_total", "task"), "{{task}} 错过")]),
        Panel("网页应答 / Answers", [Line(rate("http_answers_total", "status"), "{{status}}")], "reqps"),
        spread("网页用时 / Requests", "http_request", "page", width=24),
    )),
)  # fmt: skip


def build() -> str:
    """The file's text."""
    panels: list[Json] = []
    top = 0
    for title, row in ROWS:
        panels.append({"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1}})  # fmt: skip
        top, left = top + 1, 0
        high = HEIGHT
        for panel in row:
            high = 4 if panel.kind == "stat" else HEIGHT
            if left + panel.width > WIDTH:
                top, left = top + high, 0
            panels.append(_panel(panel, len(panels) + 1, {"x": left, "y": top, "w": panel.width, "h": high}))
            left += panel.width
        top += high
    return json.dumps(_dashboard(panels), ensure_ascii=False, indent=1) + "\n"


def _dashboard(panels: list[Json]) -> Json:
    return {
        "uid": "fengsui",
        "title": "烽燧 · 系统自身 / Fengsui itself",
        "tags": ["fengsui"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": True,
        "timezone": "Asia/Shanghai",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "数据源"},
                {
                    "name": "job",
                    "type": "query",
                    "label": "系统",
                    "datasource": SOURCE,
                    "query": {"query": "label_values(fengsui_build_info, job)", "refId": "job"},
                    "refresh": 2,
                    "includeAll": True,
                    "multi": True,
                    "current": {"text": "All", "value": "$__all"},
                },
            ]
        },
        "annotations": {"list": []},
        "panels": panels,
    }


def _panel(panel: Panel, number: int, place: Json) -> Json:
    steps: list[Json] = [{"color": "green", "value": None}]
    if panel.red is not None:
        first, then = ("red", "green") if panel.below else ("green", "red")
        steps = [{"color": first, "value": None}, {"color": then, "value": panel.red}]
    options: Json = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
    if panel.kind == "stat":
        options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "none"}
        if "version" in panel.lines[0].query:
            options |= {"textMode": "name"}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": place,
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": SOURCE,
                "expr": line.query,
                "legendFormat": line.legend or "{{version}}",
            }
            for index, line in enumerate(panel.lines)
        ],
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "options": options,
    }


if __name__ == "__main__":
    TARGET.write_text(build(), encoding="utf-8")
    print(TARGET)
