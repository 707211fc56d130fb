"""管理: what there is to look after, and everybody's feed addresses and API tokens; for administrators."""

from collections import Counter
from datetime import datetime, timedelta

from fastapi import APIRouter
from starlette.responses import Response

from store import account_care, audit, tokens, users
from web.visit import Here, Posted, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)
IDLE = timedelta(days=90)
"""A token nobody used for so long is marked: it could go."""
PURPOSES = {"feed": "订阅地址", "api": "接口令牌", "wall": "大屏地址"}
SAID = {"revoked": "已作废，再用这个地址或令牌会被拒绝。"}


def managing(visit: Visit) -> None:
    """Raises Refused for whoever does not look after accounts."""
    if not visit.me.may("accounts"):
        raise Refused(403, "账号和令牌由管理员管理。")


def own_accounts(visit: Visit) -> list[users.User]:
    """The accounts this administrator looks after, by name."""
    with visit.services.store.read() as db:
        return [one for one in users.list_users(db) if visit.me.may_manage(one)]


@router.get("/settings")
def show_settings(visit: Here) -> Response:
    """How things stand, each with its page."""
    managing(visit)
    found, now, asked = own_accounts(visit), visit.services.clock(), visit.services.sign_in.two_step_for
    opened = [one for one in found if one.active]
    with visit.services.store.read() as db:
        living = _tokens(visit, account_care.list_all_tokens(db), found)
        lines = audit.count(db) if visit.me.everywhere else None
    return visit.page(
        "settings.html", accounts=len(found), opened=len(opened), roles=Counter(one.role for one in opened),
        unset=[one for one in opened if not one.has_password and not one.outside],
        locked=[one for one in opened if one.locked_until is not None and one.locked_until > now],
        lacking=[one for one in opened if one.role in asked and not one.two_step and not one.outside], asked=asked,
        tokens=Counter(one.purpose for one in living), idle=sum(_idle(one, now) for one in living), lines=lines,
        purposes=PURPOSES, other_house=visit.services.sign_in.oidc.title if visit.services.sign_in.oidc else "",
    )  # fmt: skip


@router.get("/settings/tokens")
def show_tokens(visit: Here, said: str = "", who: str = "") -> Response:
    """Everybody's living tokens, newest first. Their secrets are nowhere to be seen."""
    managing(visit)
    found, now = own_accounts(visit), visit.services.clock()
    with visit.services.store.read() as db:
        living = _tokens(visit, account_care.list_all_tokens(db), found)
    shown = [one for one in living if not who or one.user == who]
    return visit.page(
        "settings_tokens.html", tokens=shown, people={one.name: one for one in found}, purposes=PURPOSES,
        said=SAID.get(said, ""), who=who[:64], idle={one.key for one in shown if _idle(one, now)},
    )  # fmt: skip


@router.post("/settings/tokens/revoke")
def revoke_token(visit: Here, form: Posted) -> Response:
    """End somebody's token."""
    managing(visit)
    key, found, now = str(form.get("key", "")), own_accounts(visit), visit.services.clock()
    with visit.services.store.write() as db:
        mine = _tokens(visit, account_care.list_all_tokens(db), found)
        token = next((one for one in mine if one.key == key), None)
        if token is not None and tokens.revoke_token(db, token.user or "", key, now=now):
            details = {"purpose": token.purpose, "note": token.note}
            audit.note(db, visit.me.name, "user_token_revoke", token.user or "", at=now, details=details)
    return redirect("/settings/tokens?said=revoked")


def _tokens(visit: Visit, tokens: list[tokens.Token], found: list[users.User]) -> list[tokens.Token]:
    names = {one.name for one in found}
    now = visit.services.clock()
    return [one for one in tokens if one.user in names and (one.expires_at is None or one.expires_at > now)]


def _idle(token: tokens.Token, now: datetime) -> bool:
    return now - (token.used_at or token.created_at) > IDLE
