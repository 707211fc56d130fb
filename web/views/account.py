"""账号: password, look, private addresses of feeds and of the wall; the rest of signing in is in account_sign_in.py."""

from collections.abc import Mapping
from typing import Any, Literal

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import Response

from core.errors import UsageError
from core.records import LEVEL_IDS
from store import audit, second_factor, tokens, users
from web.devices import WAYS, device_word
from web.feed_view import FeedView, view_of
from web.security import safe_next, set_session_cookie, told_by
from web.visit import Here, Posted, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)
MOST_FEEDS = 20
NOTHING: Mapping[str, Any] = {}
EVERYTHING = FeedView()
SAID = {
    "password": "密码已更新，其他地方的登录已退出。",
    "theme": "外观已更新。",
    "language": "语言已更新。",
    "keys": "快捷键设置已更新。",
    "revoked": "地址已作废。",
    "two_step_off": "两步验证已停用。",
    "ended": "已退出。",
}


@router.get("/account")
def show_account(visit: Here, said: str = "") -> Response:
    """The account's page. An address with filters of the inbox offers a feed of what they show."""
    return account_page(visit, said=SAID.get(said, ""), view=FeedView.read(visit.request.query_params))


@router.post("/account/password")
def change_password(visit: Here, form: Posted) -> Response:
    """Set a password. The old one is asked for where there is one; every other session ends."""
    services, name = visit.services, visit.me.name
    now = services.clock()
    if visit.me.user.outside:
        raise Refused(409, "这个账号由统一认证登录，密码在那里改。")
    new, again = str(form.get("new", "")), str(form.get("again", ""))
    if visit.me.user.has_password:
        attempt = users.sign_in(services.store, name, str(form.get("old", "")), now=now)
        if attempt.user is None:
            return account_page(visit, problem="原密码不对。", field="old", status=400)
    if new != again:
        return account_page(visit, problem="两次输入的新密码不同。", field="again", status=400)
    try:
        with services.store.write() as db:
            users.set_password(db, name, new)
            secret, _ = users.open_session(db, name, now=now, how=visit.me.how, **told_by(visit.request))
            audit.note(db, name, "set_password", name, at=now)
    except UsageError as problem:
        return account_page(visit, problem=f"{problem}。", field="new", status=400)
    answer = redirect("/account?said=password")
    set_session_cookie(answer, services.settings, secret)
    return answer


@router.post("/account/theme")
def change_theme(visit: Here, form: Posted) -> Response:
    """Choose the look."""
    try:
        with visit.services.store.write() as db:
            users.set_theme(db, visit.me.name, str(form.get("theme", "")))
    except UsageError as problem:
        raise Refused(400, f"{problem}。") from problem
    return redirect("/account?said=theme")


@router.post("/account/language")
def change_language(visit: Here, form: Posted) -> Response:
    """Choose the language; the menu's button comes back to the page it was pressed on."""
    try:
        with visit.services.store.write() as db:
            users.set_language(db, visit.me.name, str(form.get("language", "")))
    except UsageError as problem:
        raise Refused(400, f"{problem}。") from problem
    back = safe_next(form.get("back"))
    return redirect(back if form.get("back") else "/account?said=language")


@router.post("/account/keys")
def change_keys(visit: Here, form: Posted) -> Response:
    """Switch shortcuts on or off (WCAG 2.1.4)."""
    with visit.services.store.write() as db:
        users.set_keys(db, visit.me.name, form.get("keys") == "on")
    return redirect("/account?said=keys")


@router.post("/account/feeds")
def create_feed(visit: Here, form: Posted) -> Response:
    """Make a private feed address, of one view where the form names one. It is shown on this answer and never again."""
    view = FeedView.read({name: form.get(name, "") for name in FeedView.__dataclass_fields__})
    if form.get("level") and not view.level:  # else a mistyped level would show everything
        raise Refused(400, f"没有级别 {str(form['level'])[:20]}。可用：{'、'.join(LEVEL_IDS)}。")
    with visit.services.store.read() as db:
        if not view.open_to(db, visit.me):
            raise Refused(404, f"没有关注名单 {view.watchlist[:20]}，或已结束、不对您共享。")
    details = {"view": view.as_json()} if view.as_json() else {}
    return account_page(visit, feed=_new_address(visit, form, "feed", "订阅", details))


@router.post("/account/walls")
def create_wall(visit: Here, form: Posted) -> Response:
    """Make an address that opens the wall and nothing else. It is shown on this answer and never again."""
    return account_page(visit, wall=_new_address(visit, form, "wall", "大屏"))


def _new_address(
    visit: Visit, form: FormData, purpose: Literal["feed", "wall"], word: str, details: Mapping[str, Any] = NOTHING
) -> str:
    now = visit.services.clock()
    note = str(form.get("note", "")).strip()[:60] or word
    with visit.services.store.write() as db:
        if len(tokens.list_tokens(db, visit.me.name, purpose=purpose)) >= MOST_FEEDS:
            raise Refused(409, f"{word}地址已有 {MOST_FEEDS} 个。请先作废不用的。")
        secret = tokens.create_token(db, purpose, user=visit.me.name, note=note, now=now, details=details)
        audit.note(db, visit.me.name, f"create_{purpose}", note, at=now)
    return f"{visit.services.settings.public_url.rstrip('/')}/{purpose}{'s' if purpose == 'feed' else ''}/{secret}"


@router.post("/account/feeds/revoke")
def revoke_feed(visit: Here, form: Posted) -> Response:
    """End one of the own feed addresses."""
    now = visit.services.clock()
    with visit.services.store.write() as db:
        if tokens.revoke_token(db, visit.me.name, str(form.get("key", "")), now=now):
            audit.note(db, visit.me.name, "revoke_feed", "", at=now)
    return redirect("/account?said=revoked")


def account_page(
    visit: Visit,
    *,
    said: str = "",
    problem: str = "",
    field: str = "",
    feed: str = "",
    wall: str = "",
    view: FeedView = EVERYTHING,
    status: int = 200,
) -> Response:
    """The page; problem: what was wrong with a field of it."""
    with visit.services.store.read() as db:
        feeds = tokens.list_tokens(db, visit.me.name, purpose="feed")
        walls = tokens.list_tokens(db, visit.me.name, purpose="wall")
        opened = users.list_sessions(db, visit.me.name, now=visit.services.clock())
        factor = second_factor.find_factor(db, visit.me.name)
        views = {one.key: view_of(one).words(db, visit.names) for one in feeds}
        view = view if view.open_to(db, visit.me) else EVERYTHING
        words = view.words(db, visit.names)
    return visit.page(
        "account.html", status=status, said=said, problem=problem, problem_field=field, feed=feed, feeds=feeds,
        wall=wall, walls=walls, view=view.as_json(), view_words=words, views=views,
        shortest=users.MIN_PASSWORD, sessions=opened, factor=factor if factor and factor.confirmed_at else None,
        two_step_asked=visit.me.user.role in visit.services.sign_in.two_step_for,
        two_step_lacks=visit.me.lacks_two_step(visit.services.sign_in.two_step_for), ways=WAYS, device=device_word,
    )  # fmt: skip
