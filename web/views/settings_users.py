"""管理 - 账号: new ones with an invitation link, role and territory, closing, resetting; for administrators.

An administrator looks after the accounts of the own territory and below, and gives nobody more than that.
"""

from dataclasses import dataclass

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.responses import Response

from core.errors import UsageError
from store import account_care, audit, second_factor, users
from store.users import EVERYWHERE, Role, User
from web.access import ROLE_NAMES
from web.views.settings import managing, own_accounts
from web.visit import Here, Posted, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)
LONGEST_NAME = 40
SAID = {
    "changed": "已保存。",
    "off": "已停用，其所有登录随即退出。",
    "on": "已启用。",
    "two_step_off": "两步验证已重置，其所有登录随即退出。",
}
VIEWS = {"": "全部", "waiting": "未设密码", "locked": "锁定", "lacking": "缺两步验证", "off": "停用"}


@dataclass(frozen=True)
class AccountForm:
    """What stands in the fields, as typed."""

    name: str = ""
    display_name: str = ""
    role: str = "officer"
    territory: str = ""


@router.get("/settings/users")
def show_users(visit: Here, view: str = "") -> Response:
    """All accounts one looks after."""
    managing(visit)
    if view not in VIEWS:
        raise Refused(400, f"地址中的 view={view[:20]} 不存在。")
    found = own_accounts(visit)
    shown = {key: [one for one in found if _in_view(visit, one, key)] for key in VIEWS}
    return visit.page(
        "settings_users.html", found=shown[view], view=view, views=VIEWS,
        counts={key: len(of) for key, of in shown.items()}, now_real=visit.services.clock(),
    )  # fmt: skip


@router.get("/settings/users/new")
def new_user(visit: Here) -> Response:
    """An empty form."""
    managing(visit)
    return _form_page(visit, AccountForm())


@router.post("/settings/users/new")
def create_user(visit: Here, form: Posted) -> Response:
    """Make an account without a password; the link that sets one is shown on this answer and never again."""
    managing(visit)
    typed, now = _typed(form), visit.services.clock()
    try:
        role = _checked(visit, typed)
        with visit.services.store.write() as db:
            made = users.create_user(
                db, typed.name, role=role, territory=typed.territory, display_name=typed.display_name,
                password=None, now=now,
            )  # fmt: skip
            secret = account_care.invite(db, made.name, now=now, reset=False)
            details = {"role": role, "territory": typed.territory, "name": made.display_name}
            audit.note(db, visit.me.name, "user_create", made.name, at=now, details=details)
    except UsageError as problem:
        return _form_page(visit, typed, wrong=str(problem), status=400)
    return _link_page(visit, made, secret)


@router.get("/settings/users/{name}")
def show_user(visit: Here, name: str, said: str = "") -> Response:
    """One account: what it is, what can be done, what was done to it."""
    return _user_page(visit, name, said=SAID.get(said, ""))


@router.post("/settings/users/{name}")
def change_user(visit: Here, form: Posted, name: str) -> Response:
    """Another role, territory or name. Nobody changes the own role or territory."""
    typed, now = _typed(form), visit.services.clock()
    try:
        role = _checked(visit, typed)
        with visit.services.store.write() as db:
            was = _managed(visit, db, name)
            if was.name == visit.me.name and (role, typed.territory) != (was.role, was.territory):
                raise UsageError("自己的角色和属地由另一位管理员改")
            account_care.change_user(db, name, role=role, territory=typed.territory, display_name=typed.display_name)
            after = {"role": role, "territory": typed.territory, "name": typed.display_name or name}
            before = {"role": was.role, "territory": was.territory, "name": was.display_name}
            changed = {key: f"{before[key]} → {value}" for key, value in after.items() if before[key] != value}
            if changed:
                audit.note(db, visit.me.name, "user_change", name, at=now, details=changed)
    except UsageError as problem:
        return _user_page(visit, name, wrong=str(problem), typed=typed, status=400)
    return redirect(f"/settings/users/{name}?said=changed")


@router.post("/settings/users/{name}/off")
def close_user(visit: Here, form: Posted, name: str) -> Response:
    """Close an account."""
    with visit.services.store.write() as db:
        _managed(visit, db, name, not_self="停用")
        try:
            account_care.close_account(db, name)
        except UsageError as problem:
            raise Refused(409, f"没有停用：{problem}。") from problem
        audit.note(db, visit.me.name, "user_off", name, at=visit.services.clock())
    return redirect(f"/settings/users/{name}?said=off")


@router.post("/settings/users/{name}/on")
def open_user(visit: Here, form: Posted, name: str) -> Response:
    """Open a closed account again."""
    with visit.services.store.write() as db:
        _managed(visit, db, name)
        users.set_active(db, name, True)
        audit.note(db, visit.me.name, "user_on", name, at=visit.services.clock())
    return redirect(f"/settings/users/{name}?said=on")


@router.post("/settings/users/{name}/invite")
def invite_user(visit: Here, form: Posted, name: str) -> Response:
    """A link that sets a password. Where there is one, it ends at once, and so do all sessions."""
    now = visit.services.clock()
    with visit.services.store.write() as db:
        user = _managed(visit, db, name, not_self="重置密码")
        if not user.active:
            raise Refused(409, "账号已停用。先启用，再发链接。")
        if user.outside:
            raise Refused(409, "这个账号由统一认证登录，密码在那里改。")
        secret = account_care.invite(db, name, now=now, reset=user.has_password)
        audit.note(db, visit.me.name, "user_invite", name, at=now, details={"reset": user.has_password})
    return _link_page(visit, user, secret)


@router.post("/settings/users/{name}/two-step-off")
def reset_two_step(visit: Here, form: Posted, name: str) -> Response:
    """Take the second step off, for a lost phone; all sessions end."""
    with visit.services.store.write() as db:
        _managed(visit, db, name, not_self="重置两步验证")
        if second_factor.remove(db, name):
            users.end_everything(db, name)
            audit.note(db, visit.me.name, "user_two_step_off", name, at=visit.services.clock())
    return redirect(f"/settings/users/{name}?said=two_step_off")


def _managed(visit: Visit, db: Connection, name: str, *, not_self: str = "") -> User:
    """The account, if this administrator looks after it. Raises Refused. not_self: what nobody does to themselves."""
    managing(visit)
    user = users.find_user(db, name)
    if user is None or not visit.me.may_manage(user):
        raise Refused(404, "没有这个账号，或不归您管。")
    if not_self and user.name == visit.me.name:
        raise Refused(409, f"{not_self}须由另一位管理员操作；自己的密码和两步验证在账号页改。")
    return user


def _typed(form: FormData) -> AccountForm:
    given = {name: str(form.get(name, "")).strip() for name in ("name", "display_name", "role", "territory")}
    return AccountForm(
        given["name"].lower()[:64], " ".join(given["display_name"].split())[:LONGEST_NAME], given["role"][:20],
        given["territory"][:6],
    )  # fmt: skip


def _checked(visit: Visit, typed: AccountForm) -> Role:
    """The role. Raises UsageError for a role or territory that cannot be given."""
    managing(visit)
    role = next((one for one in ROLE_NAMES if one == typed.role), None)
    if role is None:
        raise UsageError("请选一个角色")
    known = typed.territory == EVERYWHERE or typed.territory in visit.services.lexicon.regions
    if not known or not visit.me.may_place(typed.territory):
        raise UsageError("请选一个属地，不能超出自己的属地")
    return role


def _in_view(visit: Visit, user: User, view: str) -> bool:
    if view in ("", "off"):
        return not view or not user.active
    locked = user.locked_until is not None and user.locked_until > visit.services.clock()
    lacking = user.role in visit.services.sign_in.two_step_for and not user.two_step and not user.outside
    return (
        user.active
        and {"waiting": not user.has_password and not user.outside, "locked": locked, "lacking": lacking}[view]
    )


def _territories(visit: Visit) -> list[tuple[str, str]]:
    """Code and name of what this administrator may give, each below what it lies in."""
    regions, found = visit.services.lexicon.regions, []
    if visit.me.everywhere:
        found.append((EVERYWHERE, "全部属地"))
    for region in sorted(regions, key=lambda one: one.code):
        chain = regions.chain(region.code)
        if chain[-1] == regions.home and visit.me.may_place(region.code):
            found.append((region.code, "　" * (len(chain) - 1) + region.name))
    return found


def _form_page(visit: Visit, typed: AccountForm, *, wrong: str = "", status: int = 200) -> Response:
    return visit.page("settings_user_new.html", status=status, form=typed, wrong=wrong, territories=_territories(visit))


def _user_page(
    visit: Visit, name: str, *, said: str = "", wrong: str = "", typed: AccountForm | None = None, status: int = 200
) -> Response:
    now = visit.services.clock()
    with visit.services.store.read() as db:
        user = _managed(visit, db, name)
        opened = users.list_sessions(db, name, now=now)
        done = [line for line in audit.search(db, object=name, limit=200) if line.object == name][:20]
    form = typed or AccountForm(user.name, user.display_name, user.role, user.territory)
    return visit.page(
        "settings_user.html", status=status, user=user, form=form, said=said, wrong=wrong, sessions=len(opened),
        locked=user.locked_until is not None and user.locked_until > now, lines=done, own=user.name == visit.me.name,
        territories=_territories(visit),
    )  # fmt: skip


def _link_page(visit: Visit, user: User, secret: str) -> Response:
    link = f"{visit.services.settings.public_url.rstrip('/')}/invite?token={secret}"
    days = account_care.INVITE_LENGTH.days
    return visit.page("settings_user_link.html", user=user, address=link, days=days)
