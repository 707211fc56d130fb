"""Signing in and out: password, then a code where the account has a second step; and the first administrator's link."""

import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from core.clock import beijing
from store import audit, second_factor, tokens, users
from web.language.choice import DOOR_COOKIE, KEPT, LANGUAGES, address_in, language_of
from web.security import address_of, cookie_name, cross_site, safe_next, same, set_session_cookie, told_by
from web.services import Services
from web.shift import now_shift, write_row
from web.visit import Here, Posted, find_viewer, redirect

router = APIRouter(include_in_schema=False)
STEP = "fengsui_step"
"""Says whose password was right a moment ago, while the code is asked for."""
STEP_LENGTH = timedelta(minutes=5)
TOO_MANY = "这台机器一分钟内试得太多。请一分钟后再试。"
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
    if not request.app.state.door_throttle.allows(address_of(request), now):
        return _door(request, wanted=wanted, name=name, problem=TOO_MANY, status=429)
    attempt = users.sign_in(services.store, name, password, now=now)
    if attempt.user is None:
        with services.store.write() as db:
            audit.note(db, name[:64], "sign_in_refused", name[:64], at=now)
        return _door(request, wanted=wanted, name=name, problem=_refusal(attempt, now), status=401)
    if attempt.user.two_step:
        return _to_the_code(request, attempt.user.name, wanted)
    return let_in(request, attempt.user.name, wanted, how="password")


def _refusal(attempt: users.Attempt, now: datetime) -> str:
    if attempt.locked_until is not None:
        return f"账号已锁定，{beijing(attempt.locked_until):%H:%M} 后可再试。"
    return f"账号或密码不对。还可再试 {attempt.left} 次，之后锁定 15 分钟。"


# --- the second step --------------------------------------------------------------------------------------------


def _to_the_code(request: Request, name: str, wanted: str) -> Response:
    """The password was right: for some minutes this browser may bring the code that goes with it."""
    services: Services = request.app.state.services
    now = services.clock()
    with services.store.write() as db:
        secret = tokens.create_token(db, "second_step", user=name, note="", now=now, expires_at=now + STEP_LENGTH)
    answer = redirect("/signin/code" if wanted == "/" else f"/signin/code?{urlencode({'next': wanted})}")
    secure = services.settings.public_url.startswith("https://")
    answer.set_cookie(STEP, secret, path="/signin", httponly=True, samesite="strict", secure=secure)
    return answer


@router.get("/signin/code")
def show_code(request: Request, next: str = "/") -> Response:
    """Where the code is typed."""
    return _code_page(request, wanted=safe_next(next)) if _half_in(request) else redirect("/signin")


@router.post("/signin/code")
async def sign_in_with_code(request: Request) -> Response:
    """Check a time code or a recovery code."""
    form = await request.form(max_files=0, max_fields=10)
    wanted = safe_next(form.get("next"))
    if cross_site(request) or not same(form.get("door"), request.cookies.get(DOOR, "")):
        return _code_page(request, wanted=wanted, problem="页面已过期，请再试一次。", status=403)
    return await run_in_threadpool(_try_code, request, str(form.get("code", ""))[:40], wanted)


def _try_code(request: Request, code: str, wanted: str) -> Response:
    services: Services = request.app.state.services
    now, name = services.clock(), _half_in(request)
    if name is None:
        return _door(request, wanted=wanted, problem="输入密码后已过 5 分钟。请从密码重新开始。", status=403)
    if not request.app.state.door_throttle.allows(address_of(request), now):
        return _code_page(request, wanted=wanted, problem=TOO_MANY, status=429)
    attempt = second_factor.check(services.store, name, code, services.vault, now=now)
    if not attempt.right:
        with services.store.write() as db:
            audit.note(db, name, "two_step_refused", name, at=now)
        return _code_page(request, wanted=wanted, problem=code_refusal(attempt), status=401)
    with services.store.write() as db:
        spent = tokens.spend_token(db, request.cookies.get(STEP, "")[:100], purpose="second_step", now=now)
    if spent is None:
        return _door(request, wanted=wanted, problem="这次登录已用过。请从密码重新开始。", status=403)
    answer = let_in(request, name, wanted, how="code", told="recovery code" if attempt.recovery else "code")
    answer.delete_cookie(STEP, path="/signin")
    return answer


def code_refusal(attempt: second_factor.CodeAttempt) -> str:
    """Why a code was not taken."""
    if attempt.locked_until is not None:
        return f"两步验证已锁定，{beijing(attempt.locked_until):%H:%M} 后可再试。"
    return f"动态码不对，或已用过。还可再试 {attempt.left} 次，之后锁定 15 分钟。"


def _half_in(request: Request) -> str | None:
    """Whose password was right in this browser some minutes ago."""
    services: Services = request.app.state.services
    with services.store.read() as db:
        secret, now = request.cookies.get(STEP, "")[:100], services.clock()
        token = tokens.find_token(db, secret, purpose="second_step", now=now)
        owner = users.find_user(db, token.user) if token and token.user else None
    return owner.name if owner and owner.active else None


def _code_page(request: Request, *, wanted: str, problem: str = "", status: int = 200) -> Response:
    return at_the_door(request, "signin_code.html", status=status, wanted=wanted, problem=problem)


# --- links and the way out --------------------------------------------------------------------------------------


@router.get("/first")
def first(request: Request, token: str = "") -> Response:
    """The printed link: signs the first administrator in, once."""
    services: Services = request.app.state.services
    if find_viewer(request) is not None:
        return redirect("/")
    with services.store.write() as db:
        spent = tokens.spend_token(db, token[:100], purpose="first_admin", now=services.clock())
    if spent is None or spent.user is None:
        problem = "这个登录地址已用过或已过期。未设密码时，重新启动系统会给出新的地址。"
        return _door(request, wanted="/", problem=problem, status=403)
    return let_in(request, spent.user, "/", how="link", told="first link")


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


def let_in(request: Request, name: str, wanted: str, *, how: str, told: str = "") -> RedirectResponse:
    """Open a session of `name` in this browser and go on to `wanted`. told: `how` as the audit log says it."""
    services: Services = request.app.state.services
    now = services.clock()
    with services.store.write() as db:
        secret, _ = users.open_session(db, name, now=now, how=how, **told_by(request))
        audit.note(db, name, "sign_in", name, at=now, details={"how": told or how})
        if (chosen := request.cookies.get(DOOR_COOKIE)) in LANGUAGES:
            users.set_language(db, name, str(chosen))
    answer = redirect(wanted)
    set_session_cookie(answer, services.settings, secret)
    answer.delete_cookie(DOOR, path="/")
    answer.delete_cookie(DOOR_COOKIE, path="/")
    return answer


def show_problem(request: Request, problem: str, *, wanted: str, status: int) -> Response:
    """The sign-in page with what went wrong elsewhere than in its fields."""
    return at_the_door(
        request, "signin.html", status=status, wanted=wanted, name="", problem="", trouble=problem,
        oidc=_other_house(request),
    )  # fmt: skip


def _other_house(request: Request) -> str:
    services: Services = request.app.state.services
    return services.sign_in.oidc.title if services.sign_in.oidc else ""


def _door(request: Request, *, wanted: str, name: str = "", problem: str = "", status: int = 200) -> Response:
    return at_the_door(
        request, "signin.html", status=status, wanted=wanted, name=name, problem=problem, trouble="",
        oidc=_other_house(request),
    )  # fmt: skip


def at_the_door(request: Request, template: str, *, status: int, **context: Any) -> Response:
    """A page for somebody who is not signed in, with what guards its form."""
    services: Services = request.app.state.services
    door = request.cookies.get(DOOR) or secrets.token_urlsafe(16)
    language = language_of(request)
    page = request.app.state.templates[language].get_template(template)
    html = page.render(door=door, demo=services.demo, in_language=lambda other: address_in(request, other), **context)
    answer = Response(html, status_code=status, media_type="text/html; charset=utf-8")
    secure = services.settings.public_url.startswith("https://")
    answer.set_cookie(DOOR, door, path="/", httponly=True, samesite="strict", secure=secure)
    if request.query_params.get("lang") in LANGUAGES:
        answer.set_cookie(DOOR_COOKIE, language, max_age=KEPT, httponly=True, samesite="strict", secure=secure)
    return answer
