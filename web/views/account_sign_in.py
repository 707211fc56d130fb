"""账号, what belongs to signing in: setting up the second step, recovery codes, other places that are signed in."""

from fastapi import APIRouter
from starlette.responses import Response

from core.errors import UsageError
from store import audit, second_factor, users
from web.qr import qr_code
from web.views.account import account_page
from web.views.signin import code_refusal
from web.visit import Here, Posted, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)


@router.post("/account/two-step/begin")
def begin_two_step(visit: Here, form: Posted) -> Response:
    """Make a secret to set up; a page that is opened again shows the same one."""
    try:
        with visit.services.store.write() as db:
            second_factor.begin(db, visit.me.name, visit.services.vault)
    except UsageError as problem:
        raise Refused(409, f"{problem}。") from problem
    return redirect("/account/two-step")


@router.get("/account/two-step")
def show_two_step(visit: Here) -> Response:
    """The secret as text and QR code, until it is confirmed."""
    return _set_up(visit)


@router.post("/account/two-step/confirm")
def confirm_two_step(visit: Here, form: Posted) -> Response:
    """A right code takes the second step into use; the recovery codes are shown this once."""
    services, name = visit.services, visit.me.name
    now = services.clock()
    if not visit.request.app.state.door_throttle.allows(f"two-step {name}", now):
        return _set_up(visit, problem="一分钟内试得太多。请一分钟后再试。", status=429)
    codes = second_factor.make_codes()
    typed = "".join(str(form.get("code", "")).split())[:40]
    with services.store.write() as db:
        right = second_factor.confirm(db, name, typed, codes, services.vault, now=now)
        if right:
            users.end_sessions(db, name, but=visit.me.session)
            audit.note(db, name, "two_step_on", name, at=now)
    if not right:
        problem = "动态码不对。请核对手机的时间，等下一个动态码再填。"
        return _set_up(visit, problem=problem, status=400)
    return visit.page("recovery_codes.html", codes=codes.clear, fresh=True)


@router.post("/account/two-step/change")
def change_two_step(visit: Here, form: Posted) -> Response:
    """New recovery codes, or no second step any more; either asks for a code."""
    services, name = visit.services, visit.me.name
    now, off = services.clock(), form.get("do") == "off"
    if off and visit.me.user.role in services.sign_in.two_step_for:
        raise Refused(409, "这个角色须用两步验证，不能停用。换手机请由管理员重置。")
    attempt = second_factor.check(services.store, name, str(form.get("code", "")), services.vault, now=now)
    if not attempt.right:
        return account_page(visit, problem=code_refusal(attempt), field="code", status=400)
    codes = second_factor.make_codes()
    with services.store.write() as db:
        if off:
            second_factor.remove(db, name)
        else:
            second_factor.replace_codes(db, name, codes)
        audit.note(db, name, "two_step_off" if off else "two_step_codes", name, at=now)
    if off:
        return redirect("/account?said=two_step_off")
    return visit.page("recovery_codes.html", codes=codes.clear, fresh=False)


@router.post("/account/sessions/end")
def end_session(visit: Here, form: Posted) -> Response:
    """Sign out another place, or all others."""
    name, key = visit.me.name, str(form.get("key", ""))
    with visit.services.store.write() as db:
        if key == "others":
            users.end_sessions(db, name, but=visit.me.session)
        elif key == visit.me.session or not users.end_own_session(db, name, key):
            return redirect("/account?said=ended")
        audit.note(db, name, "session_end", name, at=visit.services.clock(), details={"all": key == "others"})
    return redirect("/account?said=ended")


def _set_up(visit: Visit, *, problem: str = "", status: int = 200) -> Response:
    with visit.services.store.read() as db:
        factor = second_factor.find_factor(db, visit.me.name)
    if factor is None or factor.confirmed_at is not None:
        return redirect("/account#two-step")
    secret = visit.services.vault.open(visit.me.name, factor.sealed)
    address = second_factor.setup_address(secret, visit.me.name)
    grouped = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return visit.page(
        "two_step.html", status=status, problem=problem, secret=grouped, qr=qr_code(address), address=address
    )
