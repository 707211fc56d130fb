"""The system's own numbers as Prometheus reads them: what the store knows now, and what each process measured.

Labels are stages, states, levels, ids of rules and names of processes: no person, no firm, no text.
"""

import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from core.measures import BOUNDS, MEASURES, Measure, buckets_of, told_of
from store.backups import LastBackup, last_backup
from store.database import Store
from store.figures import Figures, read_figures
from store.processes import measures_of_processes, missed
from web.machine import program_version

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Scrape:
    """What one scrape found. measures: by process.  backup: the last one.  free, disk: bytes."""

    now: datetime
    figures: Figures
    measures: Mapping[str, Mapping[str, Any]]
    backup: LastBackup
    free: int
    disk: int


def take_scrape(
    store: Store,
    now: datetime,
    *,
    folder: Path,
    sources: Collection[str],
    own: Mapping[str, Mapping[str, Any]] | None = None,
) -> Scrape:
    """Look once. folder: of the data.  sources: enabled ones.  own: what this process measured, by its name."""
    with store.read() as db:
        figures, told = read_figures(db, now, sources=sources), measures_of_processes(db, now)
    used = shutil.disk_usage(folder)
    return Scrape(now, figures, {**told, **(own or {})}, last_backup(store), used.free, used.total)


def as_text(scrape: Scrape) -> bytes:
    """In the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(scrape))
    return generate_latest(registry)


class _Once(Collector):
    def __init__(self, scrape: Scrape) -> None:
        self._scrape = scrape

    def collect(self) -> Iterable[Metric]:
        yield from _of_work(self._scrape.figures)
        yield from _of_alerts(self._scrape.figures)
        yield from _of_sources(self._scrape.figures)
        yield from _of_processes(self._scrape)
        yield from _of_keeping(self._scrape)
        for measure in MEASURES:
            yield _of_measure(measure, self._scrape.measures)


Labels = TypeVar("Labels", bound=tuple[str, ...])


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(f"fengsui_{name}", told, value=value)


def _gauges(name: str, told: str, labels: tuple[str, ...], values: Mapping[Labels, float]) -> Metric:
    family = GaugeMetricFamily(f"fengsui_{name}", told, labels=labels)
    for label, value in values.items():
        family.add_metric(list(label), value)
    return family


def _of_work(figures: Figures) -> Iterator[Metric]:
    waiting = {(stage,): float(count) for stage, count in figures.waiting.items()}
    oldest = {(stage,): seconds for stage, seconds in figures.oldest.items()}
    aside = {(stage,): float(count) for stage, count in figures.aside.items()}
    yield _gauges("documents_waiting", "Documents that wait for a step, by stage; judged: for the index.",
                  ("stage",), waiting)  # fmt: skip
    yield _gauges("oldest_document_seconds", "How long the document that waits longest has waited.",
                  ("stage",), oldest)  # fmt: skip
    yield _gauges("documents_set_aside", "Documents no try could read (quarantined) or the index refused.",
                  ("stage",), aside)  # fmt: skip
    yield CounterMetricFamily("fengsui_documents_arrived", "Documents and revisions ever stored.",
                              value=figures.arrived)  # fmt: skip


def _of_alerts(figures: Figures) -> Iterator[Metric]:
    counts = {(state, str(level)): float(count) for (state, level), count in figures.alerts.items()}
    sent = {pair: float(count) for pair, count in figures.deliveries.items()}
    found = {(rule,): float(count) for rule, count in figures.findings.items()}
    yield _gauges("alerts", "Alerts by state and level (4 is the gravest).", ("state", "level"), counts)
    yield _gauge("alerts_late", "Alerts of the last day that were opened too late.", figures.late_alerts)
    yield _gauges("findings", "What rules and detectors found so far, by id of the rule.", ("rule",), found)
    yield _gauges("deliveries", "Messages by channel and state.", ("channel", "state"), sent)
    yield _gauge("oldest_delivery_seconds", "How long the message that is due longest is overdue.", figures.due)


def _of_sources(figures: Figures) -> Iterator[Metric]:
    states = {(state,): float(count) for state, count in figures.source_states.items()}
    yield _gauges("sources", "Enabled sources by state.", ("state",), states)
    yield _gauge("sources_late", "Sources whose turn was a minute ago or longer.", figures.late_sources)
    yield _gauge("sources_held", "Sources that give way because too much waits to be read.", figures.held)
    yield _gauge("source_lateness_seconds", "By how much the source that is latest is late.", figures.latest)


def _of_processes(scrape: Scrape) -> Iterator[Metric]:
    now, known = scrape.now, scrape.figures.processes
    ages = {(one.name, one.role): max(0.0, (now - one.beat_at).total_seconds()) for one in known}
    starts = {(one.name, one.role): one.started_at.timestamp() for one in known}
    failed = {(job.id,): float(job.last_status == "failed") for job in scrape.figures.jobs}
    misfires = CounterMetricFamily("fengsui_job_misfires", "Times that a job did not start in time.", labels=("task",))
    for job in scrape.figures.jobs:
        misfires.add_metric([job.id], job.misfires)
    yield _gauges("process_beat_age_seconds", "Since a process last said that it lives; it does every 10 s.",
                  ("process", "role"), ages)  # fmt: skip
    yield _gauges("process_start_time_seconds", "When a process started.", ("process", "role"), starts)
    yield _gauge("processes_missed", "Processes that fell silent and nobody stands in for.", len(missed(known, now)))
    yield _gauges("job_failed", "1 where the last run of a job of the scheduler failed.", ("task",), failed)
    yield misfires


def _of_keeping(scrape: Scrape) -> Iterator[Metric]:
    canary, backup = scrape.figures.canary, scrape.backup
    build = GaugeMetricFamily("fengsui_build_info", "The version of the program.", labels=("version",))
    build.add_metric([program_version()], 1)
    yield build
    yield _gauge("disk_free_bytes", "Free on the disk of the data folder.", scrape.free)
    yield _gauge("disk_size_bytes", "Size of that disk.", scrape.disk)
    # Without one there is no age: the rule for that asks whether the number is there.
    if backup.moment is not None:
        age = (scrape.now - backup.moment).total_seconds()
        yield _gauge("backup_age_seconds", "Since the last finished backup.", age)
    yield _gauge("backup_failed", "1 where the last try failed, or what was read back did not fit.",
                 bool(backup.failed_at) or backup.verified is False)  # fmt: skip
    if canary is not None:
        age = (scrape.now - canary.planted_at).total_seconds()
        yield _gauge("canary_age_seconds", "Since the last canary was planted; one is each hour.", age)
        yield _gauge("canary_lost", "1 where the last canary did not come through.", canary.failed_at is not None)
        if canary.seconds is not None:
            yield _gauge("canary_seconds", "From planting the last canary to the feed.", canary.seconds)


def _of_measure(measure: Measure, processes: Mapping[str, Mapping[str, Any]]) -> Metric:
    labels = ("process", measure.label)
    if not measure.seconds:
        counts = CounterMetricFamily(measure.name, measure.help, labels=labels)
        for process, kept in processes.items():
            for label, value in told_of(kept, measure).items():
                if isinstance(value, int):
                    counts.add_metric([process, label], value)
        return counts
    family = HistogramMetricFamily(measure.name, measure.help, labels=labels)
    for process, kept in processes.items():
        for label, value in told_of(kept, measure).items():
            if (found := buckets_of(value)) is not None:
                family.add_metric([process, label], _cumulated(found[0]), found[1])
    return family


def _cumulated(counts: list[int]) -> list[tuple[str, float]]:
    """Prometheus counts in each bucket what lies in those below, too."""
    total, told = 0, []
    for bound, count in zip([*map(str, BOUNDS), "+Inf"], counts, strict=True):
        total += count
        told.append((bound, float(total)))
    return told
