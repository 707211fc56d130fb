"""Spans of a document's way, told over OTLP to a server of ours."""

import gzip
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from alerts.sender import send_due
from commands.assemble import build_pipeline, judge_of
from commands.knowledge import knowledge_of
from commands.options import settings_of
from config.settings import PROJECT, Settings
from core import traces
from core.clock import system_clock
from core.records import Notification
from pipelines.indexing import Indexer
from pipelines.intake import StoreIntake
from search.backend import SearchBackend
from store.alert_log import add_delivery
from store.database import Store
from store.schema import alerts, documents
from tests.test_log_command import FIRE


@dataclass
class Collector:
    """Speaks OTLP/HTTP; keeps the spans it was told."""

    url: str = ""
    paths: set[str] = field(default_factory=set)
    services: set[str] = field(default_factory=set)
    spans: list[Any] = field(default_factory=list)

    def of(self, trace: int) -> dict[str, Any]:
        return {span.name: span for span in self.spans if int.from_bytes(span.trace_id, "big") == trace}


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            made.paths.add(self.path)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                named = {one.key: one.value.string_value for one in resource.resource.attributes}
                made.services.add(named["service.name"])
                for scope in resource.scope_spans:
                    made.spans += scope.spans
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()

        def log_message(self, *_told: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        traces.end_traces()
        server.shutdown()


class TakesAll:
    def index(self, entries: object) -> list[object]:
        return []


def test_one_document_is_one_trace_from_fetch_to_delivery(store: Store, tmp_path: Path, collector: Collector) -> None:
    settings = settings_of(tmp_path, "demo", log_level="ERROR")
    traces.start_traces(collector.url)
    traces.note_fetch(FIRE.url, 0.25)
    StoreIntake(store, system_clock).save(FIRE)
    traces.end_traces()  # as another process does it: nothing is handed on but the store
    traces.start_traces(collector.url + "/v1/traces")
    known = knowledge_of(settings, store)
    judge = judge_of(settings, store, known, notify=True)
    build_pipeline(settings, store, known, who="worker", judge=judge).drain()
    index: SearchBackend = TakesAll()  # type: ignore[assignment]
    Indexer(store, index, lambda signal: signal, who="indexer").drain()  # type: ignore[arg-type,return-value]
    with store.write() as db:
        document = db.execute(documents.select()).mappings().one()
        alert = db.execute(alerts.select()).mappings().first()
        assert alert is not None
        add_delivery(db, Notification("n1", "none", "a", "s", "t", "", alert=alert["id"]), now=system_clock())
    send_due(store, {}, clock=system_clock, who="sender")
    traces.end_traces()

    assert collector.paths == {"/v1/traces"}
    assert collector.services == {"fengsui"}
    trace, root = traces.ids_of(document["id"], 1)
    found = collector.of(trace)
    assert list(found) == ["fetch", "store", "clean", "attach", "analyse", "judge", "index", "deliver"]
    fetch = found.pop("fetch")
    assert int.from_bytes(fetch.span_id, "big") == root
    assert not fetch.parent_span_id
    assert fetch.end_time_unix_nano - fetch.start_time_unix_nano == pytest.approx(0.25e9, rel=0.01)
    for span in found.values():
        assert int.from_bytes(span.parent_span_id, "big") == root
        assert span.start_time_unix_nano <= span.end_time_unix_nano
    assert len({span.trace_id for span in collector.spans}) == 1
    told = {one.key: one.value.string_value for one in found["deliver"].attributes}
    assert (told["fengsui.alert"], told["fengsui.outcome"]) == (alert["id"], "retry")


def test_a_step_that_fails_is_told_with_its_kind_and_another_revision_is_another_trace(collector: Collector) -> None:
    traces.start_traces(collector.url)
    with pytest.raises(ValueError, match="a secret"), traces.spanning("analyse", "d1", 2):
        raise ValueError("a secret of the text")
    traces.end_traces()
    (span,) = collector.spans
    assert (span.status.code, span.status.message) == (2, "ValueError")
    assert "secret" not in str(span)
    assert int.from_bytes(span.trace_id, "big") == traces.ids_of("d1", 2)[0] != traces.ids_of("d1", 1)[0]


def test_a_collector_that_is_away_holds_nothing_up(store: Store) -> None:
    traces.start_traces("http://127.0.0.1:9")
    StoreIntake(store, system_clock).save(replace(FIRE, external_id="7"))
    began = time.monotonic()
    traces.end_traces()
    assert time.monotonic() - began < 2 * traces.FLUSH_SECONDS, "a stop has 3.5 s for all"
    with store.read() as db:
        assert len(db.execute(documents.select()).all()) == 1


def test_off_nothing_of_it_is_loaded() -> None:
    asked = "import sys, core.traces as t; t.start_traces(''); t.tell_span('a', 'd', 1, start=0, end=1)\n"
    asked += "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", asked], cwd=PROJECT, timeout=60).returncode == 0


def test_where_spans_go_is_said_by_our_setting_or_the_standards(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().traces_url == ""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318")
    assert Settings().traces_url == "http://a:4318"
    monkeypatch.setenv("FENGSUI_OTLP_URL", "http://b:4318")
    assert Settings().traces_url == "http://b:4318"
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert Settings().traces_url == ""


def test_the_packages_for_it_are_pinned_once() -> None:
    wanted, dev = (
        {line for line in (PROJECT / name).read_text().splitlines() if line and not line.startswith(("#", "-"))}
        for name in ("requirements-traces.txt", "requirements-dev.txt")
    )
    assert wanted <= dev
