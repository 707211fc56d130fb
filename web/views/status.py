"""系统状态, 帮助: what runs, how to work."""

from collections import Counter
from datetime import datetime

from fastapi import APIRouter
from sqlalchemy import func, select
from starlette.responses import Response

from alerts.index_check import last_check
from keeping.erase import unfinished
from store import audit
from store.backups import BackupState, last_backup, state_of
from store.canaries import SUBJECT, last_failure
from store.canaries import newest as newest_canaries
from store.checks import last_check as last_kept_check
from store.documents import QUARANTINED, REFUSED, set_aside, tally
from store.index_queue import retry_refused
from store.mail_book import count_failing
from store.processes import list_processes, stale
from store.pulses import held_turns
from store.queues import database_size, queues
from store.runs import Job, list_jobs
from store.schema import alerts, deliveries
from web.faults import Seen, faults, late_by, long_wait
from web.health import index_health
from web.machine import bytes_word, program_version
from web.services import Services
from web.source_states import source_states
from web.times import span_in_words
from web.visit import Here, Posted, Refused, redirect

router = APIRouter(include_in_schema=False)
SHOWN_CANARIES = 24
JOB_STATES = {"ok": ("正常", "done"), "failed": ("失败", "bad"), "misfire": ("错过", "warn")}


@router.get("/status")
def show_status(visit: Here, retried: int | None = None) -> Response:
    """Processes, the queue by stage, jobs, the index, deliveries."""
    services, now = visit.services, visit.services.clock()
    with services.store.read() as db:
        counted, sent = tally(db), select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
        disk = visit.request.app.state.disk.look(now, database_size(db))
        seen = Seen(
            processes=list_processes(db), jobs=sorted(list_jobs(db), key=_newest, reverse=True), queues=queues(db, now),
            index=index_health(services, taken=counted.indexed), canaries=newest_canaries(db, SHOWN_CANARIES),
            canary_on=bool(services.settings.canary_url), disk=disk, least=services.settings.disk_free,
            quarantined=counted.stages.get(QUARANTINED, 0), refused=counted.stages.get(REFUSED, 0), now=now,
            failing=count_failing(db),
            backup=_backup_state(services, now),
            damage=[*last_kept_check(services.store).faults, *(one.fault for one in unfinished(db))],
            held=len(held_turns(db, now)),
        )  # fmt: skip
        return visit.page(
            "status.html",
            seen=seen,
            faults=faults(seen, visit.names),
            processes=[(process, stale(process, now)) for process in seen.processes],
            queues=[(queue, long_wait(queue, now)) for queue in seen.queues],
            stages=counted.stages,
            counts=counted.counts,
            alert_count=db.execute(select(func.count()).where(alerts.c.subject.not_like(f"{SUBJECT}%"))).scalar_one(),
            canary_failed=last_failure(db),
            jobs=[(job, late_by(job, now)) for job in seen.jobs],
            JOB_STATES=JOB_STATES,
            checked=last_check(services.store),
            sources=Counter(state.state[0] for state in source_states(db, services, count=False)),
            deliveries={row[0]: row[1] for row in db.execute(sent)},
            stuck=set_aside(db, QUARANTINED, limit=10),
            refused=set_aside(db, REFUSED, limit=10),
            retried="" if retried is None else f"已把 {retried} 件排入重写，写入后刷新可见结果。",
            profile=services.settings.profile,
            version=program_version(),
            schema=services.store.schema_version(),
            dialect=db.dialect.name,
            size=bytes_word,
            waited=lambda since: span_in_words(now - since),
            told=span_in_words,
        )


def _backup_state(services: Services, now: datetime) -> BackupState:
    rules = services.keeping.backup
    return state_of(last_backup(services.store), now, on=bool(rules.to), late=rules.late)


def _newest(job: Job) -> tuple[bool, float]:
    """Late and failed ones first, then those that ran last."""
    return job.last_status in ("failed", "misfire"), job.last_at.timestamp() if job.last_at else 0.0


@router.post("/status/index/retry")
def retry_index(visit: Here, form: Posted) -> Response:
    """Let the index see again what it refused."""
    if not visit.me.may("index_retry"):
        raise Refused(403, "重写索引由管理员操作。")
    now = visit.services.clock()
    with visit.services.store.write() as db:
        again = retry_refused(db, now=now)
        audit.note(db, visit.me.name, "index_retry", "", at=now, details={"documents": again})
    return redirect(f"/status?retried={again}")
