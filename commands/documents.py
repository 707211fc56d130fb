"""Documents by hand: ingest, reanalyze, reindex, search, query."""

import json
import math
import os
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from commands.asking import print_completion, print_json, print_parsed, query_names, texts_of
from commands.assemble import build_indexer, build_pipeline, judge_of, open_index
from commands.knowledge import knowledge_of
from commands.options import DataOption, JsonOption, ProfileOption, RegistryOption, settings_of
from commands.stores import open_store
from core.clock import iso_beijing, parse_published, system_clock
from core.errors import UsageError
from facts.as_json import recall_json
from facts.recalls import RECALLS, recall_of
from pipelines.indexing import Indexer
from pipelines.ingest import StoryClock, ingest_lines, read_lines
from search.backend import SearchRequest
from search.completion import complete
from search.frequent import FrequentValues
from search.query import NO_SYNONYMS, read_query
from search.results import query_json, search_json
from store.database import Store
from store.documents import SETTLED, count_by_stage, find_document, mark_for_analysis, signals_after
from store.index_queue import backlog, refuse_rebuilt, retry_refused

PAGE = 500


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    for command in (ingest, reanalyze, reindex, search, query):
        app.command()(command)


def ingest(
    file: Annotated[Path, typer.Argument(help="JSON lines {id?, source, source_type?, url?, title, text, published}")],
    registry: RegistryOption = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """按发布时间把文档走完全流程，不发送 (the whole pipeline in story order; nothing is sent)."""
    settings = settings_of(data, profile, log_level="WARNING")
    with file.open(encoding="utf-8-sig", errors="strict") as stream:
        try:
            lines = read_lines(stream, file=str(file))
        except UnicodeDecodeError as problem:
            raise UsageError(f"{file}: not UTF-8 at byte {problem.start}; convert it first") from problem
    store, clock, started = open_store(settings, synchronous="NORMAL"), StoryClock(), time.monotonic()
    known = knowledge_of(settings, store, registry)
    judge = judge_of(settings, store, known, notify=False)
    judge.count_in(system_clock(), seconds=math.inf)
    who = f"ingest-{os.getpid()}"
    indexer = build_indexer(settings, store, known, who=who)
    pipeline = build_pipeline(settings, store, known, who=who, clock=clock, notify=False, judge=judge)
    counts: dict[str, int] = {}
    with _progress() as bar:
        task = bar.add_task("ingest", total=len(lines))
        for counts in ingest_lines(lines, pipeline, indexer, clock, pass_time=judge.pass_time):
            bar.update(task, completed=sum(counts.get(name, 0) for name in ("new", "changed", "unchanged")))
    seconds = time.monotonic() - started
    summary = {"read": len(lines), **counts, "seconds": round(seconds, 2), "per_second": round(len(lines) / seconds, 1)}
    print(json.dumps(summary) if as_json else "  ".join(f"{name} {value}" for name, value in summary.items()))
    say_what_waits(indexer)


def reanalyze(
    since: Annotated[str | None, typer.Option("--since", help="ISO date or time; all documents without it")] = None,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """用今天的词表重新研读 (reads stored documents again; a running worker takes them, else this process does)."""
    settings = settings_of(data, profile, log_level="WARNING")
    store = open_store(settings)
    with store.write() as db:
        marked = mark_for_analysis(db, _moment(since) if since else None)
    known, who = knowledge_of(settings, store), f"reanalyze-{os.getpid()}"
    indexer = build_indexer(settings, store, known, who=who)
    pipeline = build_pipeline(settings, store, known, who=who)
    with _progress() as bar:
        task = bar.add_task("reanalyze", total=marked)
        while pipeline.step():
            with store.read() as db:
                waiting = sum(n for stage, n in count_by_stage(db).items() if stage not in SETTLED)
            bar.update(task, completed=max(0, marked - waiting))
        indexer.drain()
    print(f"已重新研读 {marked} 件")
    say_what_waits(indexer)


def reindex(data: DataOption = None, profile: ProfileOption = None) -> None:
    """在旁边重建索引后切换 (builds a new index beside the old one, then switches)."""
    settings = settings_of(data, profile, log_level="WARNING")
    store = open_store(settings)
    indexer = build_indexer(settings, store, knowledge_of(settings, store), who=f"reindex-{os.getpid()}")
    after, written, refused = 0, 0, dict[str, str]()
    with store.write() as db:
        retry_refused(db, now=system_clock())
    with _progress() as bar, indexer.index.rebuild() as builder:
        task = bar.add_task("reindex", total=None)
        while True:
            with store.read() as db:
                page = signals_after(db, after, limit=PAGE)
            if not page:
                break
            told = builder.index([indexer.entry_of(signal) for _seq, signal in page])
            refused |= {no.id: no.reason for no in told}
            after, written = page[-1][0], written + len(page) - len(told)
            bar.update(task, completed=written)
    with store.write() as db:
        refuse_rebuilt(db, refused, now=system_clock())
    indexer.drain()
    for document_id, reason in refused.items():
        print(f"索引拒收 {document_id}：{reason}", file=sys.stderr)
    print(f"已重建索引 {written} 件")
    say_what_waits(indexer)


def search(
    text: Annotated[str, typer.Argument(metavar="QUERY", help="产品:电动自行车 and 级别>=2")] = "",
    from_: Annotated[str | None, typer.Option("--from", help="ISO date or time, included")] = None,
    to: Annotated[str | None, typer.Option("--to", help="ISO date or time, not included")] = None,
    size: Annotated[int, typer.Option("--size", min=0, max=1000)] = 20,
    synonyms: Annotated[bool, typer.Option("--synonyms/--no-synonyms", help="电瓶车 finds 电动自行车 too")] = True,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """检索信号 (searches the index in the desk's query language)."""
    settings = settings_of(data, profile, log_level="WARNING")
    store = open_store(settings)
    known = knowledge_of(settings, store)
    others = known.lexicon.synonyms if synonyms else NO_SYNONYMS
    asked = read_query(text, names=query_names(settings, known), now=system_clock(), synonyms=others)
    request = SearchRequest(
        where=asked.where, from_=_moment(from_) if from_ else None, to=_moment(to) if to else None, size=size
    )
    result = open_index(settings, known).search(request)
    if as_json:
        print_json(_with_recalls(search_json(asked, result), store))
        return
    for warning in asked.warnings:
        print(warning, file=sys.stderr)
    for hit in result.hits:
        print(f"{iso_beijing(hit.fields['event_time'])[:16]}  {hit.fields['level']}  {hit.id}  {hit.title.text}")
    print(f"共 {result.total} 件，用时 {result.took_ms:.0f} 毫秒")


def _with_recalls(answer: dict[str, Any], store: Store) -> dict[str, Any]:
    """The hits that are recalls with their record."""
    with store.read() as db:
        for hit in answer["hits"]:
            document = find_document(db, hit["id"]) if hit["kind"] in RECALLS else None
            recall = recall_of(document) if document else None
            if recall:
                hit["recall"] = recall_json(recall)
    return answer


def query(
    text: Annotated[str, typer.Argument(metavar="QUERY", help="a query; - reads one JSON string a line")],
    at: Annotated[
        int | None, typer.Option("--complete", min=0, help="what could follow at this many characters")
    ] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """只解析检索式 (parses only). Exit 1 when one given on the command line is not valid."""
    settings = settings_of(data, profile, log_level="WARNING")
    store = open_store(settings)
    known = knowledge_of(settings, store)
    names, now = query_names(settings, known), system_clock()
    if at is not None:
        values = FrequentValues(open_index(settings, known), system_clock).of(None)
        print_completion(complete(text, at, names=names, values=values, now=now), as_json=as_json)
    elif text == "-":
        for line in texts_of(sys.stdin.buffer):
            print_json(query_json(line, names=names, now=now))
    elif not print_parsed(query_json(text, names=names, now=now), as_json=as_json):
        raise typer.Exit(1)


def say_what_waits(indexer: Indexer) -> None:
    """Tell on stderr what the index still lacks, why, and what will happen to it."""
    with indexer.store.read() as db:
        waiting = backlog(db).waiting
    if waiting:
        why = f"（{indexer.down}）" if indexer.down else ""
        remedy = "已入库不会丢：系统运行时自动补写，也可运行 fengsui index retry"
        print(f"fengsui: {waiting} 件待写入检索索引{why}；{remedy}", file=sys.stderr)


def _moment(text: str) -> datetime:
    try:
        return parse_published(text)
    except ValueError as problem:
        raise UsageError(f"{text!r} is no ISO date or date-time (accepted: 2026-11-23, 2026-11-23T14:00)") from problem


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
