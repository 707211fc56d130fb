"""Sources, rules, the state of the system and the audit log over the API."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from config.rules import Rule
from store import audit, users
from store.documents import tally
from store.processes import list_processes, stale
from store.runs import list_jobs
from store.users import EVERYWHERE
from web.api_shapes import Moment, Page, Paged, masked
from web.bearer import Auditor, SystemReader
from web.cursors import a_number, read_cursor, write_cursor
from web.health import index_health, index_lag
from web.source_states import SourceState, source_states
from web.visit import Refused, Visit

router = APIRouter(prefix="/api")


class SourceOut(BaseModel):
    """A source and how it is. state: well, silent, surging, layout_changed, blocked, failed; null: never judged."""

    key: str
    title: str
    kind: str
    enabled: bool
    state: str | None
    since: Moment | None
    word: str
    why: str
    documents: int
    signals: int
    newest: Moment | None
    last_ok: Moment | None
    every_seconds: float


class SourcesOut(BaseModel):
    """All sources, those in trouble first."""

    items: list[SourceOut]


class RuleOut(BaseModel):
    """A rule. state: file (of config/rules), on, off. territory: it is cut to; 000000: no cut."""

    id: str
    title: str
    why: str
    level: str
    state: str
    territory: str
    version: str
    scope: dict[str, Any]
    condition: dict[str, Any]


class RulesOut(BaseModel):
    """The rules that judge for the caller."""

    items: list[RuleOut]


class ProcessOut(BaseModel):
    """A process. alive: gave a sign of life lately."""

    name: str
    alive: bool
    beat_at: Moment


class JobOut(BaseModel):
    """A job of the scheduler."""

    id: str
    what: str
    next_at: Moment | None
    last_at: Moment | None
    last_status: str | None


class StatusOut(BaseModel):
    """Is the system itself well. waiting: documents that wait for the index."""

    at: Moment
    index_well: bool
    index_documents: int
    waiting: int
    waiting_since: Moment | None
    documents: dict[str, int]
    stages: dict[str, int]
    processes: list[ProcessOut]
    jobs: list[JobOut]


class AuditOut(BaseModel):
    """A row of the audit log. hash: over the row and the hash before."""

    number: int
    at: Moment
    actor: str
    action: str
    object: str
    details: dict[str, Any]
    hash: str


@router.get("/sources")
def list_sources(visit: SystemReader) -> SourcesOut:
    """All configured sources, those in trouble first."""
    with visit.services.store.read() as db:
        return SourcesOut(items=[_source(state) for state in source_states(db, visit.services)])


@router.get("/sources/{key}")
def one_source(visit: SystemReader, key: str) -> SourceOut:
    """One source by key."""
    with visit.services.store.read() as db:
        for state in source_states(db, visit.services, only=key):
            return _source(state)
    raise Refused(404, f"没有信源 {key[:40]}。")


def _source(state: SourceState) -> SourceOut:
    source, present = state.source, state.present
    return SourceOut(
        key=source.key, title=source.title, kind=source.kind.value, enabled=source.enabled,
        state=present.state if present else None, since=present.at if present else None, word=state.state[0],
        why=state.why, documents=state.documents, signals=state.signals, newest=state.newest, last_ok=state.last_ok,
        every_seconds=state.pace.total_seconds(),
    )  # fmt: skip


@router.get("/rules")
def list_rules(visit: SystemReader) -> RulesOut:
    """The rules of the files and those made on the desk for the own territory; deleted ones are left out."""
    return RulesOut(items=list(_rules(visit)))


def _rules(visit: Visit) -> Iterator[RuleOut]:
    for rule in visit.services.rules:
        yield _rule(rule, "file", EVERYWHERE)
    for one in visit.services.shelf.rules().values():
        last = one.last
        if one.rule is not None and last.state != "deleted" and visit.me.sees_rule(last.territory):
            yield _rule(one.rule, last.state, last.territory)


def _rule(rule: Rule, state: str, territory: str) -> RuleOut:
    words = rule.model_dump(mode="json", include={"scope", "condition"})
    return RuleOut(
        id=rule.id, title=rule.title, why=rule.why, level=rule.level, state=state, territory=territory,
        version=rule.version, scope=words["scope"], condition=words["condition"],
    )  # fmt: skip


@router.get("/status")
def show_status(visit: SystemReader) -> StatusOut:
    """Processes, jobs, the queue by stage, the index."""
    services, now = visit.services, visit.services.clock()
    with services.store.read() as db:
        lag, jobs = index_lag(db, now), list_jobs(db)
        processes = [
            ProcessOut(name=one.name, alive=not stale(one, now), beat_at=one.beat_at) for one in list_processes(db)
        ]
        counted = tally(db)
    index = index_health(services, taken=counted.indexed)
    names = JobOut.model_fields
    return StatusOut(
        at=now, index_well=index.well, index_documents=index.documents, waiting=lag.waiting, waiting_since=lag.since,
        documents=counted.counts, stages=counted.stages, processes=processes,
        jobs=[JobOut(**{name: getattr(job, name) for name in names}) for job in jobs],
    )  # fmt: skip


@router.get("/audit")
def list_audit(visit: Auditor, asked: Annotated[Paged, Query()]) -> Page[AuditOut]:
    """The audit log, newest first, cut to the accounts of the own territory."""
    behind = read_cursor("audit", asked.cursor, a_number)
    with visit.services.store.read() as db:
        within = visit.me.accounts(users.list_users(db))
        lines = audit.search(db, before=behind[0] if behind else None, within=within, limit=asked.limit)
    last = write_cursor("audit", lines[-1].number) if len(lines) == asked.limit else None
    names = [name for name in AuditOut.model_fields if name != "details"]
    rows = [
        AuditOut(**{name: getattr(line, name) for name in names}, details=masked(dict(line.details))) for line in lines
    ]
    return Page(items=rows, next=last)
