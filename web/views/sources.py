"""信源: who is silent, failing or surging; the job table; run now."""

from collections import Counter
from datetime import date
from functools import lru_cache

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from alerts.source_health.verdict import STATE_WORDS
from alerts.source_health.watch import SourceWatch
from charts.svg import bars
from charts.svg import runs as draw_runs
from core.clock import beijing
from store import audit
from store.pulses import days_since, held_turns
from store.runs import Job, ask_for_run, list_jobs, recent_runs
from store.source_states import changes_of
from web.source_states import HEALTH, SourceState, marks_of, source_states
from web.visit import Here, Posted, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)
VIEWS = {"": "全部", "fine": "正常", "ill": "异常", "off": "停用"}
LATE = 60
"""Seconds after which a job that should have run is late."""
PAGE_SIZE = 100
SHOWN_DAYS = 42
BUSY = 1.5
"""An hour that brings so many times the average is one of those in which a source mostly has news."""


def _chosen(states: list[SourceState], view: str) -> list[SourceState]:
    if view == "fine":
        return [state for state in states if state.source.enabled and not state.bad]
    if view == "ill":
        return [state for state in states if state.bad]
    return [state for state in states if not state.source.enabled] if view == "off" else states


@router.get("/sources")
def show_sources(visit: Here, s: str = "", page: int = 1) -> Response:
    """All sources, those in trouble first, a page of them; and the job table."""
    if s not in VIEWS:
        raise Refused(400, f"地址中的 s={s[:20]} 不存在。可用：fine、ill、off。")
    if not 1 <= page <= 100_000:
        raise Refused(400, "页码须为 1 以上的整数。")
    with visit.services.store.read() as db:
        states = source_states(db, visit.services)
        chosen, start = _chosen(states, s), (page - 1) * PAGE_SIZE
        here = chosen[start : start + PAGE_SIZE]
        marks = marks_of(db, visit.services.clock(), [state.source.key for state in here])
        return visit.page(
            "sources.html",
            states=here,
            first_row=start + 1,
            last_row=start + len(here),
            chosen=len(chosen),
            page=page,
            pages=-(-len(chosen) // PAGE_SIZE),
            views=[(key, word, len(_chosen(states, key))) for key, word in VIEWS.items()],
            view=s,
            total=len(states),
            fine=sum(state.state[1] == "done" for state in states),
            other=sum(state.bad and state.ill is None for state in states),
            off=sum(not state.source.enabled for state in states),
            documents=sum(state.documents for state in states),
            signals=sum(state.signals for state in states),
            runs=lambda state: draw_marks(marks.get(state.source.key, "")),
            jobs=list_jobs(db),
            kinds=_kinds(states),
            held=len(held_turns(db, visit.services.clock())),
            overdue=sum(state.late(visit.services.clock()) for state in states),
            clock=visit.services.clock(),
            late=lambda job: is_late(job, visit),
        )


def _kinds(states: list[SourceState]) -> str:
    """`静默 2 个、激增 1 个`: how many are in each state that is not well."""
    counts = Counter(state.ill.state for state in states if state.ill)
    return "、".join(f"{word} {counts[key]} 个" for key, word in STATE_WORDS.items() if counts[key])


@lru_cache(maxsize=2_000)  # a hundred sources on a page, and mostly the same few patterns
def draw_marks(marks: str) -> str:
    """The last 24 runs as bars."""
    failed, idle = marks.count("f"), marks.count("z")
    return draw_runs(marks, label=f"近 {len(marks)} 次：失败 {failed} 次，无新内容 {idle} 次")


def is_late(job: Job, visit: Visit) -> bool:
    """Whether a job should have run by now."""
    return job.next_at is not None and (visit.services.clock() - job.next_at).total_seconds() > LATE


@router.get("/sources/{key}")
def show_source(visit: Here, key: str, asked: str = "") -> Response:
    """One source: its health and states, its days, its last runs, what its file says."""
    with visit.services.store.read() as db:
        state = _find(source_states(db, visit.services, only=key), key)
        said = {"1": "已排入抓取，稍后刷新可见结果。", "0": "这个信源正在抓取，没有另排。"}.get(asked, "")
        watch = SourceWatch(visit.services.store, [state.source], visit.services.duty.is_workday)
        return visit.page(
            "source.html",
            state=state,
            source=state.source,
            runs=recent_runs(db, source=key, limit=20),
            marks=draw_marks(marks_of(db, visit.services.clock(), [key]).get(key, "")),
            said=said,
            verdict=watch.look(db, visit.services.clock()).get(key),
            usual=watch.usual_words(key),
            changes=changes_of(db, key),
            health=HEALTH,
            days=_draw_days(db, visit, key),
            busy=busy_words(state.pulse.hours) if state.pulse else "",
            late=state.late(visit.services.clock()),
        )


def _draw_days(db: Connection, visit: Visit, key: str) -> str:
    """What each of the last weeks' days brought; empty where there was nothing at all."""
    today = beijing(visit.services.clock()).toordinal()
    first = today - SHOWN_DAYS + 1
    found = {day.day: day.found for day in days_since(db, [key], first)[key]}
    counts = [found.get(day, 0) for day in range(first, today + 1)]
    if not any(counts):
        return ""
    shown = [(index, date.fromordinal(first + index)) for index in range(3, SHOWN_DAYS, 9)]
    ticks = [((index + 0.5) * 100 / SHOWN_DAYS, f"{day:%m-%d}") for index, day in shown]
    told = f"近 {SHOWN_DAYS} 天每天的新文档：共 {sum(counts)} 篇，最多一天 {max(counts)} 篇，今日 {counts[-1]} 篇"
    return bars([[0, count] for count in counts], label=told, ticks=ticks, height=84, css="s")


def busy_words(hours: tuple[float, ...]) -> str:
    """`8–11、14–17 时`: the hours in which a source mostly has news; empty where it has none of its own yet."""
    total = sum(hours)
    if total < 10:
        return ""
    busy = [hour for hour in range(24) if hours[hour] * 24 / total >= BUSY]
    spans: list[list[int]] = []
    for hour in busy:
        if spans and spans[-1][1] == hour:
            spans[-1][1] = hour + 1
        else:
            spans.append([hour, hour + 1])
    return "、".join(f"{start}–{end}" for start, end in spans) + " 时" if spans else ""


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
