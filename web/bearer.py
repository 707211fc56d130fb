"""Who calls the API: a personal token, or for reading the session of a signed-in browser.

A token stands for its account: it sees what the account sees, and does of that what its scopes name (web/access.py).
It is read from the header `Authorization: Bearer` only: addresses end up in logs and histories.
"""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from sqlalchemy import Connection

from core.clock import Clock
from store.tokens import TOKEN_STEP, Token, find_token, touch_token
from store.users import find_user
from web.access import ROLE_NAMES, SCOPES, Viewer
from web.buckets import Buckets
from web.services import Services
from web.visit import Refused, Visit, address_without_nul, admitted

PREFIX = "fengsui_"
"""How every token begins, so that scanners know one that was published by mistake."""
LONGEST = 100
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="fengsui"'}
SAFE = ("GET", "HEAD")
bearer = HTTPBearer(auto_error=False, scheme_name="token", description="个人令牌，在“账号 · 接口令牌”新建。")


def caller(
    request: Request, scopes: SecurityScopes, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Visit:
    """The visit of who calls, if all `scopes` are open to them and they are not too fast. Raises Refused."""
    key, viewer = _who(request, given)
    buckets: Buckets = request.app.state.buckets
    clock: Clock = request.app.state.services.clock
    level = buckets.take(key, clock())
    request.state.rate = level.headers
    if level.wait:
        sentence = f"请求过快：每分钟至多 {level.per_minute} 次。请在 {level.wait} 秒后再试。"
        raise Refused(429, sentence, headers=level.headers)
    address_without_nul(request)
    for scope in scopes.scopes:
        if not viewer.holds(scope):
            raise Refused(403, _lacking(viewer, scope), headers={"WWW-Authenticate": _insufficient(scope)})
    return Visit(request, viewer)


def _who(request: Request, given: HTTPAuthorizationCredentials | None) -> tuple[str, Viewer]:
    services: Services = request.app.state.services
    if "authorization" in request.headers:
        if given is None:
            raise Refused(401, "请求头 Authorization 须为 Bearer 加令牌。", headers=CHALLENGE)
        with services.store.read() as db:
            token, viewer = _owner(db, services, given.credentials)
        _note_use(services, token)
        return token.key, viewer
    found = admitted(request)
    if found is None:
        raise Refused(401, "请先登录，或在请求头 Authorization 中给出令牌。", headers=CHALLENGE)
    if request.method not in SAFE:
        raise Refused(403, "这一操作须用令牌：浏览器的登录只能经接口查看。")
    return f"session {found.session}", found


def _owner(db: Connection, services: Services, secret: str) -> tuple[Token, Viewer]:
    token = find_token(db, secret.removeprefix(PREFIX)[:LONGEST], purpose="api", now=services.clock())
    owner = find_user(db, token.user) if token and token.user else None
    if token is None or owner is None or not owner.active:
        raise Refused(401, "令牌不对、已作废或已到期。", headers={"WWW-Authenticate": _challenge("invalid_token")})
    scopes = frozenset(scope for scope in token.details.get("scopes", ()) if scope in SCOPES)
    return token, Viewer(owner, services.lexicon.regions, scopes=scopes)


def _note_use(services: Services, token: Token) -> None:
    now = services.clock()
    if token.used_at is None or now - token.used_at > TOKEN_STEP:
        with services.store.write() as db:
            touch_token(db, token.key, now=now)


def _challenge(error: str) -> str:
    return f'{CHALLENGE["WWW-Authenticate"]}, error="{error}"'


def _insufficient(scope: str) -> str:
    return f'{_challenge("insufficient_scope")}, scope="{scope}"'


def _lacking(viewer: Viewer, scope: str) -> str:
    if viewer.scopes is not None and scope not in viewer.scopes:
        return f"令牌没有权限 {scope}（{SCOPES[scope][0]}）。请在账号页新建带这一权限的令牌。"
    return f"“{SCOPES[scope][0]}”由{ROLE_NAMES[SCOPES[scope][1]]}及以上角色操作。"


AnyCaller = Annotated[Visit, Security(caller)]
AlertReader = Annotated[Visit, Security(caller, scopes=["read:alerts"])]
AlertWriter = Annotated[Visit, Security(caller, scopes=["write:alerts"])]
DocumentReader = Annotated[Visit, Security(caller, scopes=["read:documents"])]
EventReader = Annotated[Visit, Security(caller, scopes=["read:events"])]
FirmReader = Annotated[Visit, Security(caller, scopes=["read:enterprises"])]
SystemReader = Annotated[Visit, Security(caller, scopes=["read:system"])]
IntakeWriter = Annotated[Visit, Security(caller, scopes=["write:intake"])]
Auditor = Annotated[Visit, Security(caller, scopes=["admin"])]
