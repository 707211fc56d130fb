"""系统状态, 帮助: what runs, how to work."""

from collections import Counter

from fastapi import APIRouter
from sqlalchemy import func, select
from starlette.responses import Response

from alerts.index_check import last_check
from store import audit
from store.canaries import SUBJECT, last_failure
from store.canaries import newest as newest_canaries
from store.documents import QUARANTINED, REFUSED, STAGES, count_by_stage, count_documents, set_aside
from store.index_queue import retry_refused
from store.runs import list_jobs, list_processes, stale
from store.schema import alerts, deliveries
from web.health import index_health
from web.source_states import source_states
from web.visit import Here, Posted, Refused, redirect

router = APIRouter(include_in_schema=False)
SHOWN_CANARIES = 24


@router.get("/status")
def show_status(visit: Here, retried: int | None = None) -> Response:
    """Processes, the queue by stage, jobs, the index, deliveries."""
    services = visit.services
    with services.store.read() as db:
        stages = count_by_stage(db)
        sent = db.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state))
        return visit.page(
            "status.html",
            processes=[(process, stale(process, services.clock())) for process in list_processes(db)],
            stages=[(stage, stages.get(stage, 0)) for stage in (*STAGES, QUARANTINED, REFUSED)],
            counts=count_documents(db),
            alert_count=db.execute(select(func.count()).where(alerts.c.subject.not_like(f"{SUBJECT}%"))).scalar_one(),
            canaries=newest_canaries(db, SHOWN_CANARIES),
            canary_failed=last_failure(db),
            canary_on=bool(services.settings.canary_url),
            jobs=list_jobs(db),
            index=index_health(services),
            checked=last_check(services.store),
            sources=Counter(state.state[0] for state in source_states(db, services, count=False)),
            deliveries={row[0]: row[1] for row in sent},
            stuck=set_aside(db, QUARANTINED, limit=10),
            refused=set_aside(db, REFUSED, limit=10),
            retried="" if retried is None else f"已把 {retried} 件排入重写，写入后刷新可见结果。",
            profile=services.settings.profile,
        )


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


@router.get("/help")
def show_help(visit: Here) -> Response:
    """How to work with the desk: keys, the query language, levels."""
    return visit.page("help.html")
