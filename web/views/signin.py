"""Signing in and out, and the link that signs the first administrator in."""

import secrets
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from core.clock import beijing
from store import audit, users
from web.security import cookie_name, cross_site, safe_next, same, set_session_cookie
from web.services import Services
from web.shift import now_shift, write_row
from web.visit import Here, Posted, find_viewer, redirect

router = APIRouter(include_in_schema=False)
DOOR = "fengsui_door"
"""A random value in cookie and form: nobody else's page can sign a visitor in under a foreign name."""


@router.get("/signin")
def show_door(request: Request, next: str = "/") -> Response:
    """The sign-in page; whoever is signed in already is sent on."""
    if find_viewer(request) is not None:
        return redirect(safe_next(next))
    return _door(request, wanted=safe_next(next))


@router.post("/signin")
async def sign_in(request: Request) -> Response:
    """Check name and password. A new session every time: an old cookie never becomes somebody's."""
    form = await request.form(max_files=0, max_fields=10)
    wanted = safe_next(form.get("next"))
    if cross_site(request) or not same(form.get("door"), request.cookies.get(DOOR, "")):
        return _door(request, wanted=wanted, problem="页面已过期，请再试一次。", status=403)
    name, password = str(form.get("username", ""))[:64].strip().lower(), str(form.get("password", ""))
    return await run_in_threadpool(_try, request, name, password, wanted)


def _try(request: Request, name: str, password: str, wanted: str) -> Response:
    services: Services = request.app.state.services
    now = services.clock()
    who = request.client.host if request.client else ""
    if not request.app.state.door_throttle.allows(who, now):
        return _door(
            request, wanted=wanted, name=name, problem="这台机器一分钟内试得太多。请一分钟后再试。", status=429
        )
    attempt = users.sign_in(services.store, name, password, now=now)
    if attempt.user is None:
        with services.store.write() as db:
            audit.note(db, name[:64], "sign_in_refused", name[:64], at=now)
        return _door(request, wanted=wanted, name=name, problem=_refusal(attempt, now), status=401)
    return _let_in(request, attempt.user.name, wanted, how="password")


def _refusal(attempt: users.Attempt, now: datetime) -> str:
    if attempt.locked_until is not None:
        return f"账号已锁定，{beijing(attempt.locked_until):%H:%M} 后可再试。"
    return f"账号或密码不对。还可再试 {attempt.left} 次，之后锁定 15 分钟。"


@router.get("/first")
def first(request: Request, token: str = "") -> Response:
    """The printed link: signs the first administrator in, once."""
    services: Services = request.app.state.services
    if find_viewer(request) is not None:
        return redirect("/")
    with services.store.write() as db:
        spent = users.spend_token(db, token[:100], purpose="first_admin", now=services.clock())
    if spent is None or spent.user is None:
        problem = "这个登录地址已用过或已过期。未设密码时，重新启动系统会给出新的地址。"
        return _door(request, wanted="/", problem=problem, status=403)
    return _let_in(request, spent.user, "/", how="first link")


@router.post("/signout")
def sign_out(visit: Here, form: Posted) -> Response:
    """End this session."""
    services = visit.services
    with services.store.write() as db:
        users.end_session(db, visit.me.session)
        write_row(db, visit, "left", now_shift(visit), once=secrets.token_urlsafe(12))
        audit.note(db, visit.me.name, "sign_out", visit.me.name, at=services.clock())
    answer = redirect("/signin")
    answer.delete_cookie(cookie_name(services.settings), path="/")
    return answer


def _let_in(request: Request, name: str, wanted: str, *, how: str) -> RedirectResponse:
    services: Services = request.app.state.services
    now = services.clock()
    with services.store.write() as db:
        secret, _ = users.open_session(db, name, now=now)
        audit.note(db, name, "sign_in", name, at=now, details={"how": how})
    answer = redirect(wanted)
    set_session_cookie(answer, services.settings, secret)
    answer.delete_cookie(DOOR, path="/")
    return answer


def _door(request: Request, *, wanted: str, name: str = "", problem: str = "", status: int = 200) -> Response:
    services: Services = request.app.state.services
    door = request.cookies.get(DOOR) or secrets.token_urlsafe(16)
    template = request.app.state.templates.get_template("signin.html")
    html = template.render(wanted=wanted, name=name, problem=problem, door=door, demo=services.demo)
    answer = Response(html, status_code=status, media_type="text/html; charset=utf-8")
    secure = services.settings.public_url.startswith("https://")
    answer.set_cookie(DOOR, door, path="/", httponly=True, samesite="strict", secure=secure)
    return answer
