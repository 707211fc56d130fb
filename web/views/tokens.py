"""接口令牌: personal tokens of the API, made with the scopes they are good for, shown once, revoked at will."""

from datetime import timedelta

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import Response

from store import audit, tokens
from web.access import SCOPES
from web.bearer import PREFIX
from web.visit import Here, Posted, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)
MOST_TOKENS = 20
LONGEST_NOTE = 60
SPANS = {"30": "30 日", "90": "90 日", "365": "一年"}
USUAL_SPAN = "90"


@router.get("/account/tokens")
def show_tokens(visit: Here, did: str = "") -> Response:
    """The own tokens; never their secrets."""
    return _page(visit, said="令牌已作废，即刻失效。" if did == "revoked" else "")


@router.post("/account/tokens")
def create_token(visit: Here, form: Posted) -> Response:
    """Make one. Its secret is on this answer and never again."""
    note = str(form.get("note", "")).strip()[:LONGEST_NOTE]
    chosen = [scope for scope in SCOPES if scope in form.getlist("scope")]
    if problem := _mistake(visit, form, note, chosen):
        return _page(visit, problem=problem, note=note, chosen=chosen, status=400)
    now = visit.services.clock()
    ends = now + timedelta(days=int(str(form["days"])))
    with visit.services.store.write() as db:
        if len(tokens.list_tokens(db, visit.me.name, purpose="api")) >= MOST_TOKENS:
            raise Refused(409, f"令牌已有 {MOST_TOKENS} 个。请先作废不用的。")
        secret = tokens.create_token(
            db, "api", user=visit.me.name, note=note, now=now, expires_at=ends, details={"scopes": chosen}
        )
        audit.note(db, visit.me.name, "create_token", note, at=now, details={"scopes": chosen})
    return _page(visit, made=PREFIX + secret)


@router.post("/account/tokens/revoke")
def revoke_token(visit: Here, form: Posted) -> Response:
    """End one of the own tokens."""
    now = visit.services.clock()
    with visit.services.store.write() as db:
        if tokens.revoke_token(db, visit.me.name, str(form.get("key", "")), now=now):
            audit.note(db, visit.me.name, "revoke_token", str(form.get("note", ""))[:LONGEST_NOTE], at=now)
    return redirect("/account/tokens?did=revoked")


def _mistake(visit: Visit, form: FormData, note: str, chosen: list[str]) -> str:
    if not note:
        return "没有写用途。请写明谁用、用在哪里，以后好认。"
    if form.get("days") not in SPANS:
        return f"期限不对。可用：{'、'.join(SPANS.values())}。"
    if not chosen:
        return "没有选权限。请至少选一项。"
    if beyond := [scope for scope in chosen if not visit.me.holds(scope)]:
        return f"您的角色不能给出权限 {'、'.join(beyond)}。"
    return ""


def _page(
    visit: Visit, *, said: str = "", problem: str = "", made: str = "", note: str = "",
    chosen: list[str] | None = None, status: int = 200,
) -> Response:  # fmt: skip
    with visit.services.store.read() as db:
        held = tokens.list_tokens(db, visit.me.name, purpose="api")
    return visit.page(
        "tokens.html", status=status, said=said, problem=problem, made=made, note=note, chosen=chosen or [],
        tokens=held, spans=SPANS, usual=USUAL_SPAN, clock=visit.services.clock(), longest=LONGEST_NOTE,
        scopes={scope: word for scope, (word, _) in SCOPES.items() if visit.me.holds(scope)},
    )  # fmt: skip
