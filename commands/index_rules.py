"""`fengsui rules run --on-index`: the rules over the search index, by hand."""

import json
import logging
import threading
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from alerts.index_check import check_on_index
from alerts.index_rules import Asker, RuleRun
from commands.assemble import judge_of, open_index, rule_queries
from commands.knowledge import Knowledge, knowledge_of
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from config.rules import Rule
from config.settings import Settings
from core.clock import iso_beijing, parse_published, system_clock
from core.durations import FORM, parse_duration
from core.errors import FengsuiError, UsageError
from core.logs import log_event
from store.alert_log import alerts_of_finding
from store.database import Store
from store.index_queue import backlog

logger = logging.getLogger(__name__)
LOOK_BACK = timedelta(days=7)
CHECK_SECONDS = 600.0
SOON_SECONDS = 30.0
"""After a start, and while signals wait for the index: then it is asked again."""


def run_rules(
    rule: Annotated[str | None, typer.Argument(help="id of one rule; without it all of them")] = None,
    on_index: Annotated[bool, typer.Option("--on-index", help="count on the search index")] = False,
    since: Annotated[str, typer.Option("--since", help="from when: 7d before --at, or an ISO date or time")] = "",
    at: Annotated[str, typer.Option("--at", help="up to when: an ISO date or time (default: now)")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="tell only; no alert is written")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """在检索索引上跑规则 (runs rules of searches and counts on the index: same findings, same ids as the pipeline's;
    what only one of the two knows is told). Without --dry-run, signals that came before a rule was there are judged by
    it now, and its alerts are written."""
    if not on_index:
        raise UsageError("rules run needs --on-index: everywhere else the worker judges each document when it comes")
    settings = settings_of(data, profile, log_level="WARNING")
    store = open_store(settings)
    known = knowledge_of(settings, store)
    engine = judge_of(settings, store, known, notify=not dry_run).engine
    chosen = _chosen(engine.rules, rule)
    until = _moment(at, "--at") or system_clock()
    start = _start(since, until)
    asker = Asker(store, open_index(settings, known), engine, rule_queries(settings, known))
    with store.read() as db:
        waiting = backlog(db).waiting
    if waiting:
        typer.echo(f"fengsui: {waiting} 件待写入检索索引，索引上的计数会少于库", err=True)
    for one in chosen:
        run = asker.run(one, start, until)
        written = bool(run.unasked) and not dry_run
        if written:
            asker.take_up(run, now=system_clock())
            run = asker.run(one, start, until)
        _print(_told(store, run, written=written), as_json=as_json)


def check_rules_until(stop: threading.Event, settings: Settings, store: Store, known: Knowledge) -> None:
    """Check the rules on the index every few minutes until `stop`; an index that is down is none of our business."""
    judge = judge_of(settings, store, known, notify=False)
    index, queries = open_index(settings, known), rule_queries(settings, known)
    wait = SOON_SECONDS
    while not stop.wait(wait):
        try:
            judge.refresh()
            checked = check_on_index(Asker(store, index, judge.engine, queries), system_clock())
        except FengsuiError as problem:
            log_event(logger, "rules not checked on the index", level=logging.WARNING, why=str(problem))
            wait = CHECK_SECONDS
            continue
        except Exception:
            # The index is written by this process: what a check stumbles over must not end it.
            logger.exception("rules not checked on the index")
            wait = CHECK_SECONDS
            continue
        wait = SOON_SECONDS if checked is None else CHECK_SECONDS
        if checked is not None and checked.lost:
            log_event(logger, "index and store differ", level=logging.WARNING, rules=[one.rule for one in checked.told])


def _chosen(rules: tuple[Rule, ...], wanted: str | None) -> list[Rule]:
    found = [rule for rule in rules if wanted in (None, rule.id)]
    if not found:
        raise UsageError(f"{wanted}: no such rule (fengsui rules list shows all)")
    return found


def _moment(text: str, option: str) -> datetime | None:
    if not text:
        return None
    try:
        return parse_published(text)
    except ValueError:
        raise UsageError(f"{option}: {text!r} is no ISO date or date-time (2026-11-23, 2026-11-23T08:00)") from None


def _start(text: str, until: datetime) -> datetime:
    try:
        start = until - parse_duration(text) if text else until - LOOK_BACK
    except ValueError as problem:
        if FORM.fullmatch(text.strip()):
            raise UsageError(f"--since: {problem}") from None
        try:
            start = parse_published(text)
        except ValueError:
            raise UsageError(f"--since: {text!r} is neither 7d nor an ISO date or date-time") from None
    if start >= until:
        raise UsageError(f"--since ({iso_beijing(start)}) is not before --at ({iso_beijing(until)})")
    return start


def _told(store: Store, run: RuleRun, *, written: bool) -> dict[str, Any]:
    with store.read() as db:
        found = [
            {
                "id": finding.id,
                "key": finding.key,
                "at": iso_beijing(finding.fired_at),
                "level": finding.level,
                "reason": finding.reason,
                "documents": list(finding.documents),
                "alerts": alerts_of_finding(db, finding.id),
            }
            for finding in run.findings
        ]
    differences = [
        {
            "finding": one.finding.id,
            "at": iso_beijing(one.finding.fired_at),
            "only_in": one.side,
            "why": one.why,
            "missing": list(one.missing),
            "documents": list(one.finding.documents),
        }
        for one in run.differences
    ]
    return {
        "rule": run.rule.id,
        "title": run.rule.title,
        "on_index": not run.why,
        "why": run.why,
        "groups": run.groups,
        "read": run.read,
        "judged_now": written,
        "findings": found,
        "differences": differences,
    }


def _print(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
        return
    head = f"{told['title']}（{told['rule']}）"
    if not told["on_index"]:
        print(f"{head}：只在流水线判断。{told['why']}")
        return
    print(
        f"{head}：{told['groups']} 组够数，读了 {told['read']} 件信号，触发 {len(told['findings'])} 次，"
        f"与库不同 {len(told['differences'])} 处"
    )
    for one in told["findings"]:
        print(f"    {one['at']}  {one['reason']}；文档 {'、'.join(one['documents'][:5])}")
    for one in told["differences"]:
        where = {"index": "只有索引有", "store": "只有库里有"}[one["only_in"]]
        missing = f"（{'、'.join(one['missing'][:5])}）" if one["missing"] else ""
        print(f"    差异 {one['at']}  {where}：{one['why']}{missing}")
