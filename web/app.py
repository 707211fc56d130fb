"""The desk as an ASGI application."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match
from starlette.staticfiles import StaticFiles

from config.calendar_classes import Calendar
from core.errors import FengsuiError
from core.logs import log_event
from reports.progress import Kept
from reports.records import Marks
from reports.weekly import Before
from search.frequent import FrequentValues
from store.users import first_admin_token
from web.api_answers import ApiAnswers
from web.buckets import Buckets
from web.erasing import Erasures
from web.health import GapWatch
from web.inbox import BadAddress
from web.language.catalogue import load_catalogue
from web.language.choice import CHINESE, ENGLISH, language_of
from web.machine import DiskWatch
from web.names import EnglishNames, Names
from web.pace import Pace
from web.presence import Presence
from web.problems import mistakes, problem, sentence_of
from web.ranking import Ranking
from web.security import MAX_BODY, SecurityHeaders, Throttle, headers_of, put_headers
from web.services import Services
from web.streams import OpenStreams
from web.timing import Timing
from web.trend import Trends
from web.views import (
    account,
    account_sign_in,
    actions,
    alert,
    alert_batch,
    alert_files,
    alerts,
    analytics,
    api,
    api_intake,
    audit,
    calendar,
    canary,
    changes,
    clusters,
    complete,
    deliveries,
    documents,
    dossier,
    enterprises,
    events,
    evidence,
    export,
    feeds,
    grades,
    handover,
    help,
    home,
    invite,
    keeping,
    lab,
    lead_time,
    ledger,
    ledger_entry,
    ledger_laws,
    ledger_lookback,
    ledger_sheet,
    ledger_steps,
    ledger_supervised,
    live,
    mail_door,
    marks,
    match,
    metrics,
    mirror,
    oidc,
    papers,
    progress,
    reports,
    rules,
    search,
    search_export,
    search_parts,
    search_saved,
    sensitive,
    settings,
    settings_users,
    signin,
    silences,
    sources,
    status,
    tokens,
    trace,
    wall,
    watchlists,
    why,
)
from web.visit import Refused, SignInNeeded, TwoStepNeeded, Visit, find_viewer, make_templates, redirect

STATIC = Path(__file__).parent / "static"
PAGES = (
    home, changes, lab, lead_time, marks, alerts, alert_batch, alert_files, actions, alert, events, search,
    search_export, search_parts, search_saved, analytics, documents, trace, mirror, clusters, enterprises, sources,
    rules, status, account, signin, live, feeds, api, complete, wall, handover, why, canary, silences, evidence,
    ledger, ledger_sheet, ledger_supervised, ledger_steps, ledger_lookback, ledger_laws, ledger_entry, audit,
    account_sign_in, invite, settings, settings_users, oidc, tokens, reports, papers, deliveries, help, watchlists,
    grades, sensitive, dossier, calendar, progress, export, mail_door, keeping,
    metrics,
)  # fmt: skip
logger = logging.getLogger(__name__)

METHODS = ("GET", "POST")
KEYS = ("feeds", "wall", "mail")
"""Addresses behind which a key stands: it is not told to a log."""
SENTENCES = {
    404: "这里没有页面。地址可能抄漏了，或所指的内容不在本系统内。",
    405: "这个地址不接受这样的请求。",
    422: "地址中的参数不对。",
}


def create_app(services: Services) -> FastAPI:
    """The desk over `services`."""
    app = FastAPI(title="烽燧 Fengsui", version="1", openapi_url=None, docs_url=None, redoc_url=None)
    app.openapi = lambda: api.describe(app)  # type: ignore[method-assign]  # FastAPI's own way to change it
    app.state.services = services
    catalogue = load_catalogue()
    app.state.names = {CHINESE: Names(services), ENGLISH: EnglishNames(services, catalogue.told)}
    app.state.templates = make_templates(catalogue)
    app.state.frequent = FrequentValues(services.search, services.clock) if services.search else None
    app.state.gap = GapWatch(services)
    app.state.ranking = Ranking()
    app.state.marks, app.state.week_before = Marks(), Before()
    app.state.disk = DiskWatch(services.settings.data_dir)
    app.state.trends = Trends(services.rule_parts.calendar if services.rule_parts else Calendar())
    app.state.presence = Presence()
    app.state.pulse = live.Pulse(services)
    app.state.streams = OpenStreams()
    app.state.oidc = oidc.make_client(services)
    app.state.door_throttle = Throttle(limit=20, window=timedelta(minutes=1))
    app.state.progress = Kept()
    app.state.erasures = Erasures(services)
    app.state.keeper = api_intake.Keeper(services)
    app.state.mail_throttle = Throttle(limit=120, window=timedelta(minutes=1))  # an office may sit behind one address
    app.state.buckets = Buckets(services.settings.api_per_minute)
    app.state.metrics_buckets = Buckets(metrics.PER_MINUTE)
    app.add_middleware(ApiAnswers)
    app.state.headers = headers_of(services.settings)
    app.state.pace = Pace(services.settings)
    app.add_middleware(SecurityHeaders, every=app.state.headers, files=services.ledger.proofs.most_bytes + MAX_BODY)
    app.add_middleware(Timing)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.include_router(match.suggestions)
    for page in PAGES:
        app.include_router(page.router)
    app.add_exception_handler(SignInNeeded, _to_the_door)
    app.add_exception_handler(TwoStepNeeded, _to_the_account)
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


def _to_the_door(request: Request, trouble: Exception) -> Response:
    assert isinstance(trouble, SignInNeeded)
    if _is_api(request) or request.url.path == "/live":
        return _say(request, 401, "请先登录。")
    target = "/signin" if trouble.wanted == "/" else f"/signin?next={quote(trouble.wanted, safe='/')}"
    return Response(status_code=303, headers={"Location": target})


def _to_the_account(request: Request, trouble: Exception) -> Response:
    if _is_api(request) or request.url.path == "/live":
        return _say(request, 403, "请先在账号页设置两步验证。")
    return redirect("/account#two-step")


def _refused(request: Request, trouble: Exception) -> Response:
    assert isinstance(trouble, Refused)
    return _say(request, trouble.status, trouble.sentence, more=trouble.more, headers=trouble.headers)


def _http_problem(request: Request, trouble: Exception) -> Response:
    assert isinstance(trouble, HTTPException)
    ours = trouble.detail if trouble.status_code == 413 else "这个请求没有做成。"
    sentence = SENTENCES.get(trouble.status_code, ours)
    headers = {"Allow": _allowed(request)} if trouble.status_code == 405 else trouble.headers
    return _say(request, trouble.status_code, sentence, headers=headers)


def _allowed(request: Request) -> str:
    """The methods that an address takes: the framework names those of its first route alone."""
    routes = request.app.routes
    takes = [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    return ", ".join(takes)


def _bad_parameters(request: Request, trouble: Exception) -> Response:
    assert isinstance(trouble, RequestValidationError)
    told = mistakes(trouble.errors())
    return _say(request, 422, sentence_of(told) if _is_api(request) else SENTENCES[422], more=told)


def _our_problem(request: Request, trouble: Exception) -> Response:
    if isinstance(trouble, BadAddress):
        return _say(request, 400, str(trouble))
    first, _, rest = request.url.path.removeprefix("/").partition("/")
    path = f"/{first}/…" if rest and first in KEYS else request.url.path
    log_event(logger, "page_failed", level=logging.ERROR, path=path, error=str(trouble))
    return _say(request, 503, "现在读不到数据，稍后再试。值班可看系统状态页，原因已记入日志。")


def _unknown_problem(request: Request, trouble: Exception) -> Response:
    # Starlette logs the traceback and re-raises after this answer, outside of everything that puts headers on answers.
    answer = _say(request, 500, "这一页没有打开，原因已记入日志。请告知管理员时间和地址。")
    put_headers(answer.headers, request.url.path, request.app.state.headers)
    return answer


def _say(
    request: Request,
    status: int,
    sentence: str,
    *,
    more: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    if _is_api(request):
        return problem(status, sentence, more=more, headers=headers)
    try:
        viewer = find_viewer(request)
        if viewer is not None and status != 500:
            shown = Visit(request, viewer).page("problem.html", status=status, sentence=sentence)
            shown.headers.update(headers or {})
            return shown
    except FengsuiError as trouble:  # the store itself is the problem: say the sentence without a page around it
        log_event(logger, "problem_page_failed", level=logging.ERROR, error=str(trouble))
    template = request.app.state.templates[language_of(request)].get_template("problem_alone.html")
    html, more_headers = template.render(sentence=sentence), dict(headers or {})
    return Response(html, status_code=status, headers=more_headers, media_type="text/html; charset=utf-8")
