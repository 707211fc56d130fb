"""Signing in through another house: there and back again."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from core.errors import UsageError
from core.logs import log_event
from store import audit, tokens, users
from store.identities import Identity, arrive
from web.oidc import OidcClient, OidcProblem
from web.security import address_of, safe_next, same
from web.services import Services
from web.views.signin import TOO_MANY, let_in, show_problem
from web.visit import find_viewer, redirect

router = APIRouter(include_in_schema=False)
logger = logging.getLogger(__name__)
TRIP = "fengsui_oidc"
"""Says which sign-in this browser began; the rest lies in the store, and is used once."""
TRIP_LENGTH = timedelta(minutes=10)
CALLBACK = "/signin/oidc/callback"


def make_client(services: Services) -> OidcClient | None:
    """The client of the configured provider; None: there is none."""
    config = services.sign_in.oidc
    if config is None:
        return None
    return OidcClient(config, services.settings.oidc_secret, services.settings.public_url.rstrip("/") + CALLBACK)


@router.get("/signin/oidc")
def leave(request: Request, next: str = "/") -> Response:
    """Send the browser to the provider."""
    services: Services = request.app.state.services
    client: OidcClient | None = request.app.state.oidc
    wanted, now = safe_next(next), services.clock()
    if client is None or find_viewer(request) is not None:
        return redirect(wanted if client else "/signin")
    if not request.app.state.door_throttle.allows(address_of(request), now):
        return show_problem(request, TOO_MANY, wanted=wanted, status=429)
    try:
        start = client.start(now)
    except OidcProblem as problem:
        return _failed(request, problem, wanted)
    kept = {"state": start.state, "nonce": start.nonce, "verifier": start.verifier, "next": wanted}
    with services.store.write() as db:
        secret = tokens.create_token(
            db, "oidc", user=None, note="", now=now, expires_at=now + TRIP_LENGTH, details=kept
        )
    answer = RedirectResponse(start.address, status_code=303)
    secure = services.settings.public_url.startswith("https://")
    # Lax: the way back comes from the provider's site.
    answer.set_cookie(TRIP, secret, path="/signin/oidc", httponly=True, samesite="lax", secure=secure)
    return answer


@router.get(CALLBACK)
def come_back(request: Request, code: str = "", state: str = "", error: str = "", iss: str = "") -> Response:
    """Check what the provider sends, and let its person in with the role and territory the file gives."""
    services: Services = request.app.state.services
    client: OidcClient | None = request.app.state.oidc
    if client is None:
        return redirect("/signin")
    now = services.clock()
    with services.store.write() as db:
        trip = tokens.spend_token(db, request.cookies.get(TRIP, "")[:100], purpose="oidc", now=now)
    if trip is None or not same(state, str(trip.details["state"])):
        return show_problem(request, "这次登录不是从这里开始的，或已过 10 分钟。请再试一次。", wanted="/", status=403)
    wanted = safe_next(trip.details["next"])
    try:
        if error or not code or (iss and iss != client.config.issuer):
            raise OidcProblem("统一认证没有让您进入")
        kept = trip.details
        claims = client.finish(code[:4000], verifier=str(kept["verifier"]), nonce=str(kept["nonce"]), now=now)
        who = _identity(services, client, claims)
        with services.store.write() as db:
            name = arrive(db, who, by=client.config.title, now=now).name
    except (OidcProblem, UsageError) as problem:
        return _failed(request, problem, wanted)
    answer = let_in(request, name, wanted, how="oidc")
    answer.delete_cookie(TRIP, path="/signin/oidc")
    return answer


def _identity(services: Services, client: OidcClient, claims: Mapping[str, Any]) -> Identity:
    """What the claims mean here. Raises OidcProblem."""
    config = client.config
    granted = config.grant_for(claims)
    if granted is None:
        raise OidcProblem("您的账号还没有分到本系统的角色，请联系管理员")
    role, territory = granted
    if territory != users.EVERYWHERE and territory not in services.lexicon.regions:
        raise OidcProblem("统一认证给出的属地代码不在本系统内，请联系管理员")
    subject = str(claims["sub"])[:255]
    shown = " ".join(str(claims.get(config.display_claim) or "").split())[:40]
    return Identity(config.issuer, subject, str(claims.get(config.name_claim) or "")[:64], shown, role, territory)


def _failed(request: Request, problem: Exception, wanted: str) -> Response:
    services: Services = request.app.state.services
    log_event(logger, "oidc_failed", level=logging.WARNING, error=str(problem))
    with services.store.write() as db:
        audit.note(db, "统一认证", "sign_in_refused", "", at=services.clock(), details={"why": str(problem)})
    down = isinstance(problem, OidcProblem) and problem.down
    sentence = f"{problem}。" + ("可先用本地账号登录。" if down else "")
    return show_problem(request, sentence, wanted=wanted, status=503 if down else 403)
