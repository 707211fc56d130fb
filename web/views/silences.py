"""静默: which alerts are not told of for a while, who said so and why; new ones with a preview."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.responses import Response

from alerts.duty import Duty
from alerts.lifecycle import OPEN
from alerts.silences import Draft, Preview, add_silence, draft_of, expire_silence, preview
from alerts.telling import Teller
from config.alert_life import AlertLife
from config.matchers import LABELS
from core.durations import format_duration, parse_duration
from core.errors import UsageError
from store import audit
from store.alert_log import list_alerts
from store.silences import Silence, find_silence, list_silences
from store.users import EVERYWHERE
from web.access import ROLE_NAMES
from web.history import people
from web.inbox import standing_alerts
from web.mutes import Muted, mutes_of
from web.visit import Here, Posted, Refused, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
SPANS = {
    "1h": "1 小时",
    "4h": "4 小时",
    "8h": "8 小时",
    "1d": "1 日",
    "3d": "3 日",
    "7d": "7 日",
    "30d": "30 日",
    "90d": "90 日",
}
HINT = (
    "写法：标签=值；另有 !=（不等）、=~（符合正则表达式，须整值符合）、!~（不符合）。如 product=ebike_power、"
    'firm=~"云骓.*"、territory=360100（含所辖县区）。一个标签有几个值时，有一个符合即可。'
)
STATES = {"active": ("生效", "work"), "planned": ("未到时", ""), "ended": ("已结束", "done")}
MOST_TRACES = 50


@dataclass(frozen=True)
class SilenceForm:
    """What stands in the fields, as typed. match: a matcher a line."""

    match: str = ""
    reason: str = ""
    span: str = "8h"
    replaces: str = ""

    @property
    def lines(self) -> list[str]:
        """The matchers."""
        return [line for line in self.match.splitlines() if line.strip()]


@router.get("/silences")
def show_silences(visit: Here, said: str = "") -> Response:
    """All of them: in force and planned first, then those that are over."""
    now = visit.services.clock()
    with visit.services.store.read() as db:
        found = [one for one in list_silences(db) if visit.me.sees_rule(one.territory)]
        muted = mutes_of(db, visit.me.alerts(list_alerts(db, states=OPEN)), now)
        traces = audit.newest(db, 500, actions=("silence_add", "silence_expire"))
        who = people(db)
    seen = {one.id for one in found}
    order = {"active": 0, "planned": 1, "ended": 2}
    return visit.page(
        "silences.html", silences=sorted(found, key=lambda one: order[one.state_at(now)]), clock=now, people=who,
        states=STATES, said=_said(said), counts=_counts(muted.values()), may_end=visit.me.may_silence,
        traces=[line for line in traces if line.object in seen][:MOST_TRACES],
    )  # fmt: skip


@router.get("/silences/new")
def new_silence(visit: Here, match: str = "", replaces: str = "") -> Response:
    """An empty form, one for what is in the address, or one that replaces another."""
    _may(visit)
    form = SilenceForm(match=match[:2000])
    if replaces:
        with visit.services.store.read() as db:
            old = _open(db, visit, replaces)
        form = SilenceForm("\n".join(old.matchers), old.reason, replaces=old.id)
    return _form_page(visit, form)


@router.post("/silences/new")
def create_silence(visit: Here, form: Posted) -> Response:
    """Try it, or save it. Wrong fields: the form again with what is wrong."""
    _may(visit)
    typed, now = _typed(form), visit.services.clock()
    try:
        draft = _draft(visit, typed, now, saving=form.get("do") == "save")
    except UsageError as problem:
        return _form_page(visit, typed, wrong=str(problem), once=once_of(form), status=400)
    if form.get("do") != "save":
        return _form_page(visit, typed, draft=draft, once=once_of(form))
    try:
        with visit.services.store.write() as db:
            if typed.replaces:
                _mine(db, visit, typed.replaces)
            made = add_silence(
                db, draft, author=visit.me.name, now=now, once=once_of(form), replaces=typed.replaces or None
            )
            _teller(visit).apply_silences(db, now)
    except UsageError as problem:
        return _form_page(visit, typed, wrong=str(problem), once=once_of(form), status=409)
    return redirect(f"/silences?said=added#{made.id}")


@router.post("/silences/{silence_id}/expire")
def end_silence(visit: Here, form: Posted, silence_id: str) -> Response:
    """End one early, with a reason."""
    _may(visit)
    why = str(form.get("why", "")).strip()
    if len(why) < 2:
        raise Refused(400, "没有解除：须写明理由。请返回填写。")
    try:
        with visit.services.store.write() as db:
            one = _mine(db, visit, silence_id)
            expire_silence(db, one.id, by=visit.me.name, why=why, now=visit.services.clock())
    except UsageError as problem:
        raise Refused(409, f"没有解除：{problem}。") from problem
    return redirect("/silences?said=expired")


def _said(code: str) -> str:
    return {
        "added": "已建静默，符合的预警即时起不再告知，仍在列表中。",
        "expired": "已解除；仍待受理的预警随即告知一次。",
    }.get(code, "")


def _counts(found: Iterable[Muted]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in found:
        name = one.link.partition("#")[2]
        counts[name] = counts.get(name, 0) + 1
    return counts


def _may(visit: Visit) -> None:
    if not visit.me.may("silence"):
        raise Refused(403, f"静默由{ROLE_NAMES['officer']}及以上角色设置。")


def _open(db: Connection, visit: Visit, silence_id: str) -> Silence:
    one = find_silence(db, silence_id)
    if one is None or not visit.me.sees_rule(one.territory):
        raise Refused(404, f"没有静默规则 {silence_id[:40]}，或不在您的属地之内。")
    return one


def _mine(db: Connection, visit: Visit, silence_id: str) -> Silence:
    one = _open(db, visit, silence_id)
    if not visit.me.may_silence(one.territory):
        raise Refused(403, f"这条静默由{visit.names.region(one.territory)}及以上设置，只能查看。")
    return one


def _typed(form: FormData) -> SilenceForm:
    span = str(form.get("span", "8h"))
    return SilenceForm(
        match=str(form.get("match", ""))[:5000],
        reason=str(form.get("reason", ""))[:1000],
        span=span if span in SPANS else "8h",
        replaces=str(form.get("replaces", ""))[:40],
    )


def _draft(visit: Visit, typed: SilenceForm, now: datetime, *, saving: bool) -> Draft:
    """Raises UsageError. A trial needs no reason."""
    draft = draft_of(
        typed.lines, reason=typed.reason if saving else typed.reason or "试看", starts_at=now,
        ends_at=now + parse_duration(typed.span), now=now, longest=_life(visit).silence.longest,
        lexicon=visit.services.lexicon, territory=visit.me.user.territory,
        rules={*(rule.id for rule in visit.services.rules), *visit.services.shelf.rules()},
    )  # fmt: skip
    if draft.covers_red and not visit.me.may("silence_red"):
        raise UsageError(f"红色预警的静默由{ROLE_NAMES['supervisor']}及以上角色设置")
    return draft


def _form_page(
    visit: Visit, form: SilenceForm, *, draft: Draft | None = None, wrong: str = "", once: str = "", status: int = 200
) -> Response:
    shown: Preview | None = None
    longest = _life(visit).silence.longest
    if draft is not None:
        with visit.services.store.read() as db:
            mine = standing_alerts(db, visit.me, states=OPEN)
            shown = preview(db, draft, visit.services.lexicon, mine)
    territory = visit.me.user.territory
    spans = {key: words for key, words in SPANS.items() if parse_duration(key) <= longest}
    return visit.page(
        "silence_form.html", status=status, form=form, wrong=wrong, preview=shown, key=once, spans=spans, labels=LABELS,
        longest=format_duration(longest), cut="" if territory == EVERYWHERE else visit.names.region(territory),
        hint=HINT,
    )  # fmt: skip


def _life(visit: Visit) -> AlertLife:
    parts = visit.services.rule_parts
    return parts.life if parts else AlertLife()


def _teller(visit: Visit) -> Teller:
    """Marks alerts; mails are planned by the watch."""
    return Teller(Duty(), _life(visit), visit.services.lexicon)
