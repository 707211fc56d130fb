"""Spans over OTLP/HTTP by OpenTelemetry's SDK; loaded only where core.traces is told of a collector.

What the standard says of OTEL_ variables (headers, timeout, service name, sampler) is read by the SDK itself.
"""

import os
import socket
import threading
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags, set_span_in_context

from core.traces import FLUSH_SECONDS

ROOT = "fetch"
PATH = "/v1/traces"
NANO = 1_000_000_000


class _Ids(RandomIdGenerator):
    """Ids of a root span are given; those of all others are drawn."""

    def __init__(self) -> None:
        self.given = threading.local()

    def generate_trace_id(self) -> int:
        given: int | None = getattr(self.given, "trace", None)
        return given if given is not None else super().generate_trace_id()

    def generate_span_id(self) -> int:
        given: int | None = getattr(self.given, "span", None)
        return given if given is not None else super().generate_span_id()


class OtlpTeller:
    """Implements core.traces.Teller. Sends in the background; a collector that is away costs nothing but its spans."""

    def __init__(self, url: str) -> None:
        whole = url if url.rstrip("/").endswith(PATH) else url.rstrip("/") + PATH
        ours = {"service.instance.id": f"{socket.gethostname()}-{os.getpid()}"}
        if str(Resource.create().attributes["service.name"]).startswith(
            "unknown_service"
        ):  # OTEL_SERVICE_NAME has none
            ours["service.name"] = "fengsui"
        named = Resource.create(ours)
        self._ids = _Ids()
        self._provider = TracerProvider(resource=named, id_generator=self._ids, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=whole)))
        self._tracer = self._provider.get_tracer("fengsui")

    def tell(self, name: str, trace: int, root: int, start: float, end: float, attributes: dict[str, Any]) -> None:
        """See Teller."""
        context = None
        if name == ROOT:
            self._ids.given.trace, self._ids.given.span = trace, root
        else:
            # The root is told by another process, which decides of this trace as we do: by its id.
            kept = self._provider.sampler.should_sample(None, trace, ROOT).decision is Decision.RECORD_AND_SAMPLE
            flags = TraceFlags(TraceFlags.SAMPLED if kept else TraceFlags.DEFAULT)
            context = set_span_in_context(NonRecordingSpan(SpanContext(trace, root, is_remote=True, trace_flags=flags)))
        try:
            span = self._tracer.start_span(name, context, attributes=attributes, start_time=int(start * NANO))
        finally:
            self._ids.given.trace = self._ids.given.span = None
        if "fengsui.error" in attributes:
            span.set_status(Status(StatusCode.ERROR, attributes["fengsui.error"]))
        span.end(int(max(start, end) * NANO))

    def close(self) -> None:
        """See Teller."""
        # The SDK waits for its tries at a collector that is away, whatever it is told; a stop must not.
        flushing = threading.Thread(target=self._provider.force_flush, name="last spans", daemon=True)
        flushing.start()
        flushing.join(FLUSH_SECONDS)
