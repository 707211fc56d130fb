"""The link an administrator hands on: whoever opens it sets the account's password, once."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from core.errors import UsageError
from store import audit, tokens, users
from web.security import address_of, cross_site, same
from web.services import Services
from web.views.signin import DOOR, TOO_MANY, at_the_door, let_in
from web.visit import redirect

router = APIRouter(include_in_schema=False)
GONE = "这个链接已用过、已过期或已被新的代替。请向管理员要一个新的。"


@router.get("/invite")
def show_invite(request: Request, token: str = "") -> Response:
    """The form. Looking at it does not use the link up: mail scanners look too."""
    owner = _owner(request, token)
    if owner is None:
        return at_the_door(request, "invite.html", status=403, token="", owner=None, problem=GONE, field="")
    return at_the_door(request, "invite.html", status=200, token=token, owner=owner, problem="", field="")


@router.post("/invite")
async def take_invite(request: Request) -> Response:
    """Set the password and sign in; through the second step where the account has one."""
    form = await request.form(max_files=0, max_fields=10)
    token, new, again = (str(form.get(name, "")) for name in ("token", "new", "again"))
    if cross_site(request) or not same(form.get("door"), request.cookies.get(DOOR, "")):
        return _again(request, token, "页面已过期，请再试一次。", status=403)
    if new != again:
        return _again(request, token, "两次输入的新密码不同。", field="again")
    return await run_in_threadpool(_take, request, token, new)


def _take(request: Request, token: str, password: str) -> Response:
    services: Services = request.app.state.services
    now = services.clock()
    if not request.app.state.door_throttle.allows(address_of(request), now):
        return _again(request, token, TOO_MANY, status=429)
    owner = _owner(request, token)
    if owner is None:
        return _again(request, token, GONE, status=403)
    try:
        hashed = users.hash_password(password)
    except UsageError as problem:
        return _again(request, token, f"{problem}。", field="new")
    with services.store.write() as db:
        if tokens.spend_token(db, token[:100], purpose="invite", now=now) is None:
            return _again(request, token, GONE, status=403)
        users.set_hashed_password(db, owner.name, hashed)
        audit.note(db, owner.name, "set_password", owner.name, at=now, details={"how": "invite link"})
    if owner.two_step:
        return redirect("/signin")
    return let_in(request, owner.name, "/", how="link", told="invite link")


def _owner(request: Request, token: str) -> users.User | None:
    services: Services = request.app.state.services
    if "\0" in token:
        return None
    with services.store.read() as db:
        found = tokens.find_token(db, token[:100], purpose="invite", now=services.clock())
        owner = users.find_user(db, found.user) if found and found.user else None
    return owner if owner and owner.active else None


def _again(request: Request, token: str, problem: str, *, field: str = "", status: int = 400) -> Response:
    owner = _owner(request, token)
    return at_the_door(
        request, "invite.html", status=status, token=token if owner else "", owner=owner, problem=problem, field=field
    )
