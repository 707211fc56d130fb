"""The desk as an ASGI application."""

import logging
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from config.calendar_classes import Calendar
from core.errors import FengsuiError
from core.logs import log_event
from search.frequent import FrequentValues
from store.users import first_admin_token
from web.health import GapWatch
from web.inbox import BadAddress
from web.names import Names
from web.ranking import Ranking
from web.security import SecurityHeaders, Throttle
from web.services import Services
from web.trend import Trends
from web.views import (
    account,
    actions,
    alert,
    alerts,
    analytics,
    analytics_data,
    api,
    canary,
    changes,
    complete,
    documents,
    enterprises,
    events,
    evidence,
    feeds,
    handover,
    home,
    lab,
    lead_time,
    live,
    marks,
    rules,
    search,
    search_export,
    search_parts,
    search_saved,
    signin,
    silences,
    sources,
    status,
    wall,
    why,
)
from web.visit import Refused, SignInNeeded, Visit, find_viewer, make_templates

STATIC = Path(__file__).parent / "static"
PAGES = (
    home, changes, lab, lead_time, marks, alerts, actions, alert, events, search, search_export, search_parts,
    search_saved, analytics, analytics_data, documents, enterprises, sources, rules, status, account, signin, live,
    feeds, api, complete, wall, handover, why, canary, silences, evidence,
)  # fmt: skip
logger = logging.getLogger(__name__)

SENTENCES = {
    404: "这里没有页面。地址可能抄漏了，或所指的内容不在本系统内。",
    405: "这个地址不接受这样的请求。",
    413: "请求过大。",
    422: "地址中的参数不对。",
}


def create_app(services: Services) -> FastAPI:
    """The desk over `services`."""
    app = FastAPI(title="烽燧 Fengsui", version="1", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.services = services
    app.state.names = Names(services)
    app.state.templates = make_templates()
    app.state.frequent = FrequentValues(services.search, services.clock) if services.search else None
    app.state.gap = GapWatch(services)
    app.state.ranking = Ranking()
    app.state.trends = Trends(services.rule_parts.calendar if services.rule_parts else Calendar())
    app.state.pulse = live.Pulse(services)
    app.state.door_throttle = Throttle(limit=20, window=timedelta(minutes=1))
    app.add_middleware(SecurityHeaders)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for page in PAGES:
        app.include_router(page.router)
    app.add_exception_handler(SignInNeeded, _to_the_door)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _bad_parameters)
    app.add_exception_handler(FengsuiError, _our_problem)
    app.add_exception_handler(Exception, _unknown_problem)

    @app.get("/healthz", include_in_schema=False)
    def healthz() -> Response:
        with services.store.read():
            return PlainTextResponse("ok")

    return app


def entry_path(db: Connection, *, services: Services) -> str:
    """The path `fengsui run` prints: it signs the first administrator in, until a password was set; then `/`."""
    secret = first_admin_token(db, now=services.clock())
    return f"/first?token={secret}" if secret else "/"


def _is_api(request: Request) -> bool:
    return request.url.path.startswith("/api/")


def _to_the_door(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, SignInNeeded)
    if _is_api(request) or request.url.path == "/live":
        return _say(request, 401, "请先登录。")
    target = "/signin" if problem.wanted == "/" else f"/signin?next={quote(problem.wanted, safe='/')}"
    return Response(status_code=303, headers={"Location": target})


def _refused(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Refused)
    return _say(request, problem.status, problem.sentence)


def _http_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    return _say(request, problem.status_code, SENTENCES.get(problem.status_code, "这个请求没有做成。"))


def _bad_parameters(request: Request, problem: Exception) -> Response:
    return _say(request, 422, SENTENCES[422])


def _our_problem(request: Request, problem: Exception) -> Response:
    if isinstance(problem, BadAddress):
        return _say(request, 400, str(problem))
    log_event(logger, "page_failed", level=logging.ERROR, path=request.url.path, error=str(problem))
    return _say(request, 503, "现在读不到数据，稍后再试。值班可看系统状态页，原因已记入日志。")


def _unknown_problem(request: Request, problem: Exception) -> Response:
    # Starlette logs the traceback and re-raises after this answer.
    return _say(request, 500, "这一页没有打开，原因已记入日志。请告知管理员时间和地址。")


def _say(request: Request, status: int, sentence: str) -> Response:
    if _is_api(request):
        body = {"type": "about:blank", "title": sentence, "status": status}
        return JSONResponse(body, status_code=status, media_type="application/problem+json")
    try:
        viewer = find_viewer(request)
        if viewer is not None and status != 500:
            return Visit(request, viewer).page("problem.html", status=status, sentence=sentence)
    except FengsuiError as trouble:  # the store itself is the problem: say the sentence without a page around it
        log_event(logger, "problem_page_failed", level=logging.ERROR, error=str(trouble))
    template = request.app.state.templates.get_template("problem_alone.html")
    return Response(template.render(sentence=sentence), status_code=status, media_type="text/html; charset=utf-8")
