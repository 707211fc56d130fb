"""What the system tells of itself: numbers of the store and of processes, who may read them, dashboard and rules."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import update

from config.settings import PROJECT
from core import measures
from core.clock import fixed_clock
from deploy.grafana.build import TARGET, build
from store.backups import LastBackup, note_backup
from store.canaries import fail, plant
from store.database import Store
from store.processes import beat
from store.runs import save_job
from store.schema import alerts, deliveries, documents
from tests.command_line import run_here
from tests.desk_server import NOW, make_services
from web.app import create_app
from web.metrics import as_text, take_scrape
from web.services import Services

TOKEN = "a-token-of-the-tests-0123456789"
RULES = PROJECT / "deploy" / "prometheus" / "fengsui.rules.yml"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(autouse=True)
def nothing_measured() -> Iterator[None]:
    measures.forget_measures()
    yield
    measures.forget_measures()


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, clock=fixed_clock(NOW))
    yield replace(made, settings=made.settings.model_copy(update={"metrics_token": SecretStr(TOKEN)}))
    made.store.close()


def samples_of(text: str) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, f"{family.name} has no help text"
        assert family.name.startswith("fengsui_"), family.name
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, f"told twice: {key}"
            found[key] = sample.value
    return found


def scraped(store: Store, folder: Path, **more: object) -> Samples:
    return samples_of(as_text(take_scrape(store, NOW, folder=folder, sources=(), **more)).decode())  # type: ignore[arg-type]


def value(found: Samples, name: str, **labels: str) -> float:
    return found[f"fengsui_{name}", frozenset(labels.items())]


def full(services: Services) -> str:
    """A scrape in which every number is told."""
    with services.store.write() as db:
        for measure in measures.MEASURES:
            if measure.seconds:
                measures.took(measure, "one", 0.3)
            else:
                measures.count(measure, "one")
        beat(db, "worker", pid=1, now=NOW)
        canary = plant(db, NOW - timedelta(minutes=9))
        fail(db, canary.id, NOW, "no crawler")
        save_job(db, "digest", what="日报", trigger="每日", next_at=None)
    note_backup(services.store, LastBackup(at=(NOW - timedelta(hours=3)).isoformat(), folder="/b"))
    folder = services.settings.data_dir
    keys = {source.key for source in services.sources}
    return as_text(take_scrape(services.store, NOW, folder=folder, sources=keys)).decode()


# Numbers


def test_queues_tell_how_many_wait_and_how_long(services: Services) -> None:
    with services.store.write() as db:
        db.execute(update(documents).values(stage="indexed"))
        first, second = db.execute(documents.select().order_by(documents.c.seq).limit(2)).mappings().all()
        mine = update(documents).where(documents.c.seq == first["seq"])
        db.execute(mine.values(stage="fetched", stored_at=NOW - timedelta(seconds=75)))
        mine = update(documents).where(documents.c.seq == second["seq"])
        db.execute(mine.values(stage="judged", moved_at=NOW - timedelta(seconds=40)))
    found = scraped(services.store, services.settings.data_dir)
    assert value(found, "documents_waiting", stage="fetched") == value(found, "documents_waiting", stage="judged") == 1
    assert value(found, "documents_waiting", stage="deduped") == 0
    assert value(found, "oldest_document_seconds", stage="fetched") == 75
    assert value(found, "oldest_document_seconds", stage="judged") == 40


def test_alerts_and_deliveries_are_counted_as_they_stand(services: Services) -> None:
    with services.store.write() as db:
        db.execute(update(deliveries).values(state="waiting", next_at=NOW - timedelta(minutes=20)))
        states = [(row.state, row.level) for row in db.execute(alerts.select())]
        sent = len(db.execute(deliveries.select()).all())
    found = scraped(services.store, services.settings.data_dir)
    for state, level in set(states):
        assert value(found, "alerts", state=state, level=str(level)) == states.count((state, level))
    told = [number for (name, _labels), number in found.items() if name == "fengsui_deliveries"]
    assert sum(told) == sent
    assert value(found, "oldest_delivery_seconds") == (20 * 60 if sent else 0)


def test_a_silent_process_a_lost_canary_and_an_old_backup_are_told(services: Services) -> None:
    found = samples_of(full(services))
    assert value(found, "canary_lost") == 1
    assert value(found, "backup_age_seconds") == 3 * 3600
    with services.store.write() as db:
        beat(db, "sender", pid=2, now=NOW - timedelta(minutes=3))
    found = scraped(services.store, services.settings.data_dir)
    assert value(found, "process_beat_age_seconds", process="sender", role="sender") == 180
    assert value(found, "processes_missed") >= 1


def test_without_a_backup_no_age_is_told(store: Store, tmp_path: Path) -> None:
    found = scraped(store, tmp_path)
    assert not [name for name, _labels in found if name == "fengsui_backup_age_seconds"]
    assert value(found, "documents_arrived_total") == 0


def test_what_a_process_measured_comes_with_its_beat(store: Store, tmp_path: Path) -> None:
    for seconds in (0.003, 0.3, 0.3, 5000.0):
        measures.took(measures.STAGE, "judge", seconds)
    measures.count(measures.TRIES, "retry", 3)
    with store.write() as db:
        beat(db, "worker-2", pid=7, now=NOW)
    measures.forget_measures()
    found = scraped(store, tmp_path)
    mine = {"process": "worker-2", "stage": "judge"}
    assert value(found, "stage_seconds_bucket", le="0.005", **mine) == 1
    assert value(found, "stage_seconds_bucket", le="0.5", **mine) == 3
    assert value(found, "stage_seconds_bucket", le="+Inf", **mine) == value(found, "stage_seconds_count", **mine) == 4
    assert value(found, "stage_seconds_sum", **mine) == pytest.approx(5000.603)
    assert value(found, "delivery_tries_total", process="worker-2", outcome="retry") == 3


def test_what_a_dead_process_measured_is_told_no_more(store: Store, tmp_path: Path) -> None:
    measures.count(measures.RUNS, "ok")
    with store.write() as db:
        beat(db, "crawler", pid=7, now=NOW - timedelta(minutes=2))
    assert not [name for name, _labels in scraped(store, tmp_path) if name == "fengsui_crawl_runs_total"]


def test_measures_of_another_version_do_not_break_a_scrape(store: Store, tmp_path: Path) -> None:
    measures.took(measures.STAGE, "judge", 1.0)
    with store.write() as db:
        beat(db, "worker", pid=7, now=NOW)
        odd = '{"fengsui_stage_seconds": {"judge": [[1, 2], 3]}, "fengsui_crawl_runs": 4, "unknown": {}}'
        db.exec_driver_sql("update processes set measures = :odd", {"odd": odd})
    assert value(scraped(store, tmp_path), "documents_waiting", stage="fetched") == 0


def test_names_and_labels_tell_of_no_firm_and_no_person(services: Services) -> None:
    text = full(services)
    assert not re.search(r"[\u4e00-\u9fff]", text), "only ids and states are labels"
    for _name, labels in samples_of(text):
        known = {"stage", "state", "level", "rule", "channel", "process", "role", "task", "version", "le", "outcome"}
        assert {label for label, _value in labels} <= known | {"what", "page", "status"}


# Who may read them


def test_strangers_find_no_metrics_until_a_token_is_set(tmp_path: Path) -> None:
    made = make_services(tmp_path, clock=fixed_clock(NOW))
    assert TestClient(create_app(made)).get("/metrics").status_code == 404
    made.store.close()


def test_metrics_need_their_token_and_are_not_asked_for_too_often(services: Services) -> None:
    desk = TestClient(create_app(services))
    assert desk.get("/metrics").status_code == 401
    assert desk.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}x"}).status_code == 401
    desk.get("/signin")
    answer = desk.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = samples_of(answer.text)
    assert value(found, "http_request_seconds_count", process="desk", page="signin") == 1
    assert value(found, "http_answers_total", process="desk", status="4xx") == 2
    for _ in range(40):
        stranger = desk.get("/metrics", headers={"Authorization": "Bearer guess"})
    assert stranger.status_code == 429
    assert desk.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    for _ in range(40):
        answer = desk.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


def test_the_command_prints_the_same(store: Store, tmp_path: Path) -> None:
    done = run_here("metrics", "--data", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert value(samples_of(done.stdout), "documents_arrived_total") == 0


# What people see of them


def names_in(query: str) -> set[str]:
    return set(re.findall(r"\bfengsui_\w+", query))


def test_dashboard_and_rules_ask_for_numbers_that_are_told(services: Services) -> None:
    told = {name for name, _labels in samples_of(full(services))} | {"fengsui_canary_seconds"}
    panels = json.loads(TARGET.read_text(encoding="utf-8"))["panels"]
    shown = set().union(*(names_in(target["expr"]) for panel in panels for target in panel.get("targets", ())))
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0]["rules"]
    warned = set().union(*(names_in(rule["expr"]) for rule in rules))
    assert shown <= told, shown - told
    assert warned <= told, warned - told
    plain = {re.sub("_(bucket|sum|count|created)$", "_bucket", name) for name in told}
    assert plain <= {*shown, "fengsui_http_answers_total"}, f"in no panel: {plain - shown}"


def test_the_dashboard_is_what_its_table_says_today() -> None:
    assert TARGET.read_text(encoding="utf-8") == build()
    panels = json.loads(build())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    cells = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells)), "panels overlap"


def test_every_rule_says_what_to_do() -> None:
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0]["rules"]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["remedy"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_takes_numbers_and_rules(services: Services) -> None:
    found = subprocess.run(["promtool", "check", "metrics"], input=full(services), capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr
    ruled = subprocess.run(["promtool", "check", "rules", str(RULES)], capture_output=True, text=True)
    assert ruled.returncode == 0, ruled.stdout + ruled.stderr
