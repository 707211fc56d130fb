"""信源: who is silent, failing or surging; the job table; run now."""

from fastapi import APIRouter
from starlette.responses import Response

from charts.svg import runs as draw_runs
from store import audit
from store.runs import Job, ask_for_run, list_jobs, recent_runs
from web.health import SourceState, source_states
from web.visit import Here, Posted, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)
VIEWS = {"": "全部", "ill": "异常", "off": "停用"}
LATE = 60
"""Seconds after which a job that should have run is late."""


def _chosen(states: list[SourceState], view: str) -> list[SourceState]:
    if view == "ill":
        return [state for state in states if state.bad]
    return [state for state in states if not state.source.enabled] if view == "off" else states


@router.get("/sources")
def show_sources(visit: Here, s: str = "") -> Response:
    """All sources, those in trouble first, and the job table."""
    if s not in VIEWS:
        raise Refused(400, f"地址中的 s={s[:20]} 不存在。可用：ill、off。")
    with visit.services.store.read() as db:
        states = source_states(db, visit.services)
        return visit.page(
            "sources.html",
            states=_chosen(states, s),
            views=[(key, word, len(_chosen(states, key))) for key, word in VIEWS.items()],
            view=s,
            total=len(states),
            fine=sum(state.state[1] == "done" for state in states),
            failing=sum(state.state[1] == "bad" for state in states),
            odd=sum(state.state[1] == "warn" for state in states),
            off=sum(not state.source.enabled for state in states),
            documents=sum(state.documents for state in states),
            signals=sum(state.signals for state in states),
            runs=draw_marks,
            jobs=list_jobs(db),
            late=lambda job: is_late(job, visit),
        )


def draw_marks(state: SourceState) -> str:
    """The last 24 runs as bars."""
    failed, idle = state.marks.count("f"), state.marks.count("z")
    return draw_runs(state.marks, label=f"近 {len(state.marks)} 次：失败 {failed} 次，无新内容 {idle} 次")


def is_late(job: Job, visit: Visit) -> bool:
    """Whether a job should have run by now."""
    return job.next_at is not None and (visit.services.clock() - job.next_at).total_seconds() > LATE


@router.get("/sources/{key}")
def show_source(visit: Here, key: str, asked: str = "") -> Response:
    """One source: its health, its last runs, what its file says."""
    with visit.services.store.read() as db:
        state = _find(source_states(db, visit.services), key)
        jobs = [job for job in list_jobs(db) if job.id == key or job.id.endswith(f":{key}")]
        said = {"1": "已排入抓取，稍后刷新可见结果。", "0": "这个信源正在抓取，没有另排。"}.get(asked, "")
        return visit.page(
            "source.html",
            state=state,
            source=state.source,
            runs=recent_runs(db, source=key, limit=20),
            marks=draw_marks(state),
            jobs=jobs,
            said=said,
        )


@router.post("/sources/{key}/run")
def run_now(visit: Here, form: Posted, key: str) -> Response:
    """Ask for a crawl of one source."""
    if not visit.me.may("run_source"):
        raise Refused(403, "立即抓取由值班员及以上角色操作。")
    source = visit.services.source_by_key.get(key)
    if source is None:
        raise Refused(404, f"没有信源 {key[:40]}。")
    if not source.enabled:
        raise Refused(409, f"信源 {source.title} 已停用。在 config/sources 中启用后再抓取。")
    now = visit.services.clock()
    with visit.services.store.write() as db:
        asked = ask_for_run(db, key, reason="hand", now=now)
        audit.note(db, visit.me.name, "run_source", key, at=now, details={"asked": asked})
    return redirect(f"/sources/{key}?asked={int(asked)}")


def _find(states: list[SourceState], key: str) -> SourceState:
    for state in states:
        if state.source.key == key:
            return state
    raise Refused(404, f"没有信源 {key[:40]}。")
