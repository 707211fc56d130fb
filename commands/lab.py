"""The rule lab by hand: a rule or a detector replayed on what is stored (`fengsui rules test RULE --past 365d`)."""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from alerts.lab.report import as_json
from alerts.lab.run import LabAsk, LabRun, run_lab
from alerts.lab.series import BY_NAME, Detector
from alerts.lab.text import lines_of
from alerts.rule_query import RuleQueries
from alerts.setup import EngineParts
from commands.assemble import rule_queries
from commands.knowledge import Knowledge, knowledge_of
from commands.rule_files import one_rule
from commands.stores import open_store, store_exists
from config.calendar_classes import load_calendar
from config.conditions import AnomalyCondition
from config.grouping import load_grouping
from config.rules import Rule
from config.settings import Settings
from core.clock import parse_published, system_clock
from core.durations import parse_duration
from core.errors import FengsuiError, UsageError
from core.ids import short_id
from search.query import QueryError
from store.database import Store
from store.lab_runs import end_lab_run, find_lab_run, keep_lab_run, start_lab_run

PastOption = Annotated[str | None, typer.Option("--past", help="rule lab: how far back to replay, such as 365d")]
UntilOption = Annotated[str | None, typer.Option("--until", help="rule lab: end of it (default: the newest signal)")]
AgainstOption = Annotated[
    str | None, typer.Option("--against", help="rule lab: another rule or version (desk_1@2, FILE.yml) to compare with")
]
BudgetOption = Annotated[
    float | None, typer.Option("--budget", help="rule lab: propose thresholds for so many alerts a shift of 8 hours")
]
FloorOption = Annotated[
    float | None, typer.Option("--recall-floor", help="rule lab: of the incidents at least this share caught (0 to 1)")
]
SaveOption = Annotated[bool, typer.Option("--save", help="rule lab: keep the result for the desk")]
RunOption = Annotated[str | None, typer.Option("--run", hidden=True, help="of a run that the desk asked for")]
SLOW = 2.0
"""Seconds without a word."""


@dataclass(frozen=True)
class LabOptions:
    """What the command line asks for."""

    rule: str
    past: str
    until: str | None = None
    against: str | None = None
    budget: float | None = None
    floor: float | None = None
    save: bool = False
    run: str | None = None
    as_json: bool = False

    def asked(self) -> LabAsk:
        """Checked. Raises UsageError naming the option."""
        try:
            past = parse_duration(self.past)
        except ValueError as problem:
            raise UsageError(f"--past: {problem}") from None
        if not timedelta(hours=1) <= past <= timedelta(days=3660):
            raise UsageError(f"--past: {self.past} (accepted: 1h to 3660d)")
        if self.budget is not None and not 0 < self.budget <= 100_000:
            raise UsageError(f"--budget: {self.budget:g} (accepted: alerts in eight hours, above 0)")
        if self.floor is not None and self.budget is None:
            raise UsageError("--recall-floor goes with --budget: alerts in eight hours that can be looked at")
        if self.floor is not None and not 0 <= self.floor <= 1:
            raise UsageError(f"--recall-floor: {self.floor:g} (accepted: a share from 0 to 1, such as 0.8)")
        return LabAsk(past, self._until(), self.budget, self.floor or 0.0)

    def _until(self) -> datetime | None:
        try:
            return parse_published(self.until) if self.until else None
        except ValueError:
            raise UsageError(f"--until: {self.until!r} is no ISO date or date-time") from None

    def kept(self) -> Mapping[str, Any]:
        """What is remembered of it."""
        told = {"past": self.past, "until": self.until, "against": self.against}
        return told | {"budget": self.budget, "recall_floor": self.floor}


def run_past(settings: Settings, options: LabOptions, folder: Path | None, registry: Path | None) -> None:
    """Replay, print, and keep it where that is asked for."""
    ask = options.asked()
    if not store_exists(settings):
        raise UsageError(f"{settings.data_dir}: nothing is stored there; crawl or ingest first, or give another --data")
    store = open_store(settings)
    try:
        if options.run is not None:
            _run_asked(settings, store, options, ask)
            return
        started = system_clock()
        told = _replay(settings, store, options, ask, folder, registry)
        if options.save:
            run_id = short_id("l", options.rule, started.isoformat())
            with store.write() as db:
                keep_lab_run(
                    db, run_id, options.rule.partition("@")[0], options.kept(), told, actor="fengsui",
                    started=started, now=system_clock(),
                )  # fmt: skip
        if options.as_json:
            print(json.dumps(told, ensure_ascii=False))
        else:
            print("\n".join(lines_of(told)))
    finally:
        store.close()


def _run_asked(settings: Settings, store: Store, options: LabOptions, ask: LabAsk) -> None:
    """A run the desk asked for: claimed once, its result or its failure kept."""
    run_id = options.run or ""
    with store.write() as db:
        if not start_lab_run(db, run_id, now=system_clock()):
            known = find_lab_run(db, run_id)
            raise UsageError(f"--run {run_id}: {'already ' + known.state if known else 'no such run'}")
    try:
        told, error = _replay(settings, store, options, ask, None, None), None
    except FengsuiError as problem:
        told, error = None, str(problem)
    with store.write() as db:
        end_lab_run(db, run_id, now=system_clock(), result=told, error=error)
    if error:
        raise UsageError(error)


def _replay(
    settings: Settings, store: Store, options: LabOptions, ask: LabAsk, folder: Path | None, registry: Path | None
) -> dict[str, Any]:
    known = knowledge_of(settings, store, registry)
    queries = rule_queries(settings, known)
    parts = _parts(settings, known, queries)
    rule, detector = _chosen(options.rule, settings, known, queries, folder)
    against = one_rule(options.against, settings, known.lexicon, queries, folder) if options.against else None
    progress = Progress()
    try:
        run: LabRun = run_lab(
            store, rule, parts, ask, now=system_clock(), against=against, detector=detector, progress=progress
        )
    except QueryError as problem:
        raise UsageError(f"{options.rule}: column {problem.column}: {problem.message}") from None
    progress.end()
    return as_json(run)


def _parts(settings: Settings, known: Knowledge, queries: RuleQueries) -> EngineParts:
    firms = {entry.id: entry for entry in known.registry}
    return EngineParts((), known.lexicon, load_grouping(settings.config), firms.get, {}, None, queries)


def _chosen(
    name: str, settings: Settings, known: Knowledge, queries: RuleQueries, folder: Path | None
) -> tuple[Rule, Detector | None]:
    """A rule; or for a detector's name what it counts (product and issue of all signals) and the detector."""
    if name not in BY_NAME:
        rule = one_rule(name, settings, known.lexicon, queries, folder)
        return rule, _detector(rule, settings)
    rule = Rule.model_validate({
        "id": name, "title": f"{name}：各产品、各问题的每日来源数", "why": "直接回放检测器", "level": "yellow",
        "condition": {"type": "frequency", "window": "1d", "at_least": 2}, "group_by": ["product", "issue"],
    })  # fmt: skip
    return rule, Detector(name, {}, load_calendar(settings.config))


def _detector(rule: Rule, settings: Settings) -> Detector | None:
    """What an anomaly rule asks; None for a rule of another type."""
    condition = rule.condition
    if not isinstance(condition, AnomalyCondition):
        return None
    name: str = condition.detector
    parameters = dict(condition.parameters)
    if name.startswith("ears_"):
        name, parameters["method"] = "ears", name.removeprefix("ears_").upper()
    if condition.threshold is not None:
        parameters["threshold"] = condition.threshold
    return Detector(name, parameters, load_calendar(settings.config))


class Progress:
    """Says on stderr what is being done, once it takes longer than people like to wait without a word."""

    def __init__(self) -> None:
        self._began = self._said = time.monotonic()
        self._spoke = False

    def __call__(self, what: str, count: int) -> None:
        """A word, at most every two seconds."""
        now = time.monotonic()
        if now - self._said < SLOW:
            return
        self._said, self._spoke = now, True
        some = f" {count:,} 条" if count else ""
        print(f"{what}{some}，已 {now - self._began:.0f} 秒", file=sys.stderr, flush=True)

    def end(self) -> None:
        """The last word, where any was said."""
        if self._spoke:
            print(f"完成，{time.monotonic() - self._began:.0f} 秒", file=sys.stderr, flush=True)
