"""规则: what fires and how often; a rule made of a search, tried on what is stored, kept with every version."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection, select
from starlette.datastructures import FormData
from starlette.responses import Response

from alerts.desk_rules import DeskRule, as_yaml, export_note
from alerts.marks import precision_of_rules, standing_marks
from alerts.rule_trial import Trial, try_rule
from alerts.setup import EngineParts
from charts.svg import Tick, bars
from core.errors import UsageError
from core.records import AlertLine
from store import audit, desk_rules
from store.alert_log import count_by_rule, find_alerts
from store.desk_rules import Overtaken, RuleVersion
from store.rankings import last_ranking
from store.schema import findings
from store.users import EVERYWHERE
from web.access import ROLE_NAMES
from web.history import people
from web.inbox import standing_lines
from web.names import firm_names
from web.rule_form import (
    DAYS,
    GROUPS,
    LEVELS,
    NAMING,
    REPEATS,
    TYPES,
    WINDOWS,
    Checked,
    RuleForm,
    check,
    compared,
    differences,
    form_from,
    form_of,
)  # fmt: skip
from web.rule_search import search_text
from web.search_state import read_asked
from web.visit import Here, Posted, Refused, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
MOST_SHOWN = 50
LONGEST_NOTE = 300
CHOICES: Mapping[str, Any] = {
    "LEVELS": LEVELS, "TYPES": TYPES, "WINDOWS": WINDOWS, "GROUPS": GROUPS, "REPEATS": REPEATS, "DAYS": DAYS,
}  # fmt: skip
STATES = {"on": ("启用", "done"), "off": ("停用", ""), "deleted": ("已删除", "")}
BROKEN = ("读不出", "bad")
ACTIONS: Mapping[str, str] = {"created": "新建", "changed": "修改", "off": "停用", "on": "启用", "deleted": "删除"}
SAID = {
    "created": "已新建，几秒内生效；只判此后到来的信号。", "changed": "已修改，几秒内生效。",
    "off": "已停用，已有预警不变。", "on": "已启用，只判此后到来的信号。",
    "deleted": "已删除，历次版本和已有预警保留。",
}  # fmt: skip


@router.get("/rules")
def show_rules(visit: Here) -> Response:
    """Every rule in words, with how often it fired: those of the desk this viewer may see, then those of the files."""
    with visit.services.store.read() as db:
        fired = Counter(count_by_rule(db, lambda codes: any(map(visit.me.sees_code, codes))))
        who = people(db)
        precision = {line.rule: line for line in precision_of_rules(db, standing_marks(db))}
        ranking = last_ranking(db)
    made = [one for one in visit.services.shelf.rules().values() if visit.me.sees_rule(one.last.territory)]
    return visit.page(
        "rules.html", rules=visit.services.rules, fired=fired, people=who, state=state_of, precision=precision,
        ranking=ranking.measured["why"] if ranking else "还没有测过，按时限排列",
        made=[one for one in made if one.last.state != "deleted"],
        deleted=[one for one in made if one.last.state == "deleted"],
    )  # fmt: skip


def state_of(one: DeskRule) -> tuple[str, str]:
    """What a rule of the desk is now, and how that is marked."""
    return BROKEN if one.broken and one.last.state == "on" else STATES[one.last.state]


@router.get("/rules/new")
def new_rule(visit: Here) -> Response:
    """An empty form, or one filled from the search in the address."""
    _parts(visit)
    asked = read_asked(visit)
    text = search_text(asked, visit.names, visit.services.query_names)
    form = RuleForm(query=text.query, synonyms=asked.synonyms, title=asked.text[:40])
    return _form_page(visit, Checked(form, {}), notes=text.left_out)


@router.post("/rules/new")
def create_rule(visit: Here, form: Posted) -> Response:
    """Try it, or save it. Wrong fields: the form again, each with what is wrong beside it."""
    parts = _parts(visit)
    territory = visit.me.user.territory
    checked = check(form_from(form), parts.queries, territory=territory)
    if checked.errors or form.get("do") != "save":
        return _tried(visit, checked, form)
    now, once = visit.services.clock(), once_of(form)
    with visit.services.store.write() as db:
        before = desk_rules.last_change(db)
        made = desk_rules.create_rule(
            db, checked.definition, actor=visit.me.name, territory=territory, now=now, once=once
        )
        if made.serial > before:  # a second click finds what the first one made
            _note(db, visit, made, [])
    return redirect(f"/rules/{made.rule}?said=created")


@router.get("/rules/{rule_id}")
def show_rule(visit: Here, rule_id: str, said: str = "") -> Response:
    """One rule of the desk: what it says, what it found, every version of it."""
    one = _open(visit, rule_id)
    return _rule_page(visit, one, said=SAID.get(said, ""))


@router.get("/rules/{rule_id}/export")
def export_rule(visit: Here, rule_id: str) -> Response:
    """The rule as a file of config/rules."""
    one = _open(visit, rule_id)
    if one.rule is None:
        raise Refused(409, f"规则 {one.id} 读不出，不能导出：{one.broken}")
    headers = {"Content-Disposition": f'attachment; filename="{one.id}.yml"'}
    return Response(as_yaml(one.rule, export_note(one)), media_type="application/yaml", headers=headers)


@router.get("/rules/{rule_id}/versions")
def compare_versions(visit: Here, rule_id: str, a: str = "", b: str = "") -> Response:
    """Two versions side by side: what each says, what differs."""
    one = _open(visit, rule_id)
    new = _version(one, b) if b else one.last
    old = _version(one, a) if a else one.versions[max(0, new.number - 2)]
    with visit.services.store.read() as db:
        who = people(db)
    return visit.page(
        "rule_versions.html", one=one, old=old, new=new, people=who, ACTIONS=ACTIONS, state=state_of(one),
        lines=compared(old.definition, new.definition), may_change=_may_change(visit, one),
    )  # fmt: skip


@router.get("/rules/{rule_id}/edit")
def edit_rule(visit: Here, rule_id: str, version: str = "") -> Response:
    """The form with what was saved last, or with what an earlier version said."""
    one = _mine(visit, rule_id)
    if version:
        back = _version(one, version)
        queries, territory = _parts(visit).queries, one.last.territory
        checked = check(form_of(back.definition), queries, territory=territory)
        return _form_page(visit, checked, one=one, note=f"恢复第 {back.number} 版内容：")
    return _form_page(
        visit, Checked(form_of(one.last.definition), {"query": one.broken} if one.broken else {}), one=one
    )


@router.post("/rules/{rule_id}/edit")
def change_rule(visit: Here, form: Posted, rule_id: str) -> Response:
    """Try the changed words, or save them as the next version."""
    one, parts = _mine(visit, rule_id), _parts(visit)
    checked = check(form_from(form), parts.queries, territory=one.last.territory)
    if form.get("do") == "save" and (wrong := _note_mistake(_reason(form))):
        checked = replace(checked, errors={**checked.errors, "note": wrong})
    if checked.errors or form.get("do") != "save":
        return _tried(visit, checked, form, one)
    try:
        _save(visit, one, "changed", form, checked.definition)
    except Overtaken as problem:
        told, seen = _overtaken(visit, problem), problem.version.number
        return _form_page(visit, checked, one=one, overtaken=told, seen=seen, note=_reason(form))
    return redirect(f"/rules/{one.id}?said=changed")


@router.post("/rules/{rule_id}/{action}")
def switch_rule(visit: Here, form: Posted, rule_id: str, action: str) -> Response:
    """Off, on or deleted."""
    if action not in ("off", "on", "deleted"):
        raise Refused(404, "这里没有页面。地址可能抄漏了，或所指的内容不在本系统内。")
    one = _mine(visit, rule_id)
    try:
        _save(visit, one, action, form, None)  # type: ignore[arg-type]  # one of the three, above
    except Overtaken as problem:
        return _rule_page(visit, _open(visit, rule_id), refused=_overtaken(visit, problem), status=409)
    return redirect(f"/rules/{one.id}?said={action}")


def _parts(visit: Visit) -> EngineParts:
    if not visit.me.may("rule"):
        raise Refused(403, f"规则由{ROLE_NAMES['officer']}及以上角色建立和修改。")
    if visit.services.rule_parts is None:
        raise Refused(503, "现在不能建规则：规则部分没有装上。请告知管理员。")
    return visit.services.rule_parts


def _open(visit: Visit, rule_id: str) -> DeskRule:
    one = visit.services.shelf.find(rule_id)
    if one is None or not visit.me.sees_rule(one.last.territory):
        raise Refused(404, f"没有规则 {rule_id[:40]}，或不在您的属地之内。")
    return one


def _mine(visit: Visit, rule_id: str) -> DeskRule:
    """A rule that this viewer may change and that is not deleted."""
    _parts(visit)
    one = _open(visit, rule_id)
    if not visit.me.may_change_rule(one.last.territory):
        raise Refused(403, f"这条规则由{visit.names.region(one.last.territory)}及以上建立，只能查看。")
    if one.last.state == "deleted":
        raise Refused(409, f"规则 {one.id} 已删除，只能查看。")
    return one


def _version(one: DeskRule, number: str) -> RuleVersion:
    found = [version for version in one.versions if str(version.number) == number]
    if not found:
        raise Refused(404, f"规则 {one.id} 没有第 {number[:10]} 版，现有 1 至 {one.last.number} 版。")
    return found[0]


def _may_change(visit: Visit, one: DeskRule) -> bool:
    return visit.me.may_change_rule(one.last.territory) and one.last.state != "deleted"


def _reason(form: FormData) -> str:
    return str(form.get("note", "")).strip()[:LONGEST_NOTE]


def _note_mistake(note: str) -> str:
    plain = re.sub(r"^恢复第 \d+ 版内容：$", "", note)
    return "" if len(plain) >= 2 else "写明为什么改，2 至 300 字；以后查版本时会看到。"


def _save(
    visit: Visit, one: DeskRule, action: desk_rules.Action, form: FormData, definition: Mapping[str, Any] | None
) -> None:
    now = visit.services.clock()
    with visit.services.store.write() as db:
        before = desk_rules.last_change(db)
        try:
            made = desk_rules.change_rule(
                db, one.id, action, seen=_seen(form), actor=visit.me.name, now=now, once=once_of(form),
                definition=definition, note=_reason(form),
            )  # fmt: skip
        except Overtaken:
            raise
        except UsageError as problem:
            raise Refused(409, f"规则没有改动：{problem}。") from problem
        if made.serial > before:
            _note(db, visit, made, differences(one.last.definition, definition) if definition else [])


def _note(db: Connection, visit: Visit, made: RuleVersion, changed: list[str]) -> None:
    details = {"version": made.number, "title": made.definition["title"], "changed": changed, "why": made.note}
    audit.note(db, visit.me.name, f"rule_{made.action}", made.rule, at=made.at, details=details)


def _overtaken(visit: Visit, problem: Overtaken) -> str:
    version = problem.version
    with visit.services.store.read() as db:
        who = people(db).get(version.actor, version.actor)
    what = f"{who} 刚刚{ACTIONS[version.action]}了这条规则，现为第 {version.number} 版"
    return f"没有保存：{what}。下面是您填的内容，核对后再保存。"


def _seen(form: FormData) -> int:
    text = str(form.get("seen", ""))
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise Refused(400, "操作未生效：表单不完整。请刷新后再试。")
    return int(text)


# --- pages --------------------------------------------------------------------------------------------------------


def _tried(visit: Visit, checked: Checked, form: FormData, one: DeskRule | None = None) -> Response:
    """The form with what the rule would have done; only that, where the page asks for its part."""
    saving = form.get("do") == "save"
    if not saving:
        checked = replace(checked, errors={name: each for name, each in checked.errors.items() if name not in NAMING})
    trial = _trial(visit, checked) if not saving else None
    if visit.request.query_params.get("part"):
        return visit.page("rule_trial_alone.html", form=checked.form, errors=checked.errors, trial=trial)
    return _form_page(
        visit, checked, one=one, trial=trial, once=once_of(form), seen=_seen(form), saving=saving, note=_reason(form)
    )


def _form_page(
    visit: Visit,
    checked: Checked,
    *,
    one: DeskRule | None = None,
    trial: "Shown | None" = None,
    notes: tuple[str, ...] = (),
    once: str = "",
    seen: int | None = None,
    overtaken: str = "",
    saving: bool = False,
    note: str = "",
) -> Response:
    territory = one.last.territory if one else visit.me.user.territory
    status = 409 if overtaken else 400 if saving else 200
    return visit.page(
        "rule_form.html", status=status, form=checked.form, errors=checked.errors, one=one, trial=trial, notes=notes,
        key=once, seen=seen or (one.last.number if one else 0), overtaken=overtaken, saving=saving, note=note,
        **CHOICES,
        cut="" if territory == EVERYWHERE else visit.names.region(territory),
    )  # fmt: skip


def _rule_page(visit: Visit, one: DeskRule, *, said: str = "", refused: str = "", status: int = 200) -> Response:
    with visit.services.store.read() as db:
        fired = _alerts_of(db, visit, one.id)
        alerts = find_alerts(db, [line.id for line in fired[:MOST_SHOWN]])
        firms = firm_names(db, (firm for alert in alerts for firm in alert.enterprises[:1]))
        who = people(db)
    changes = [
        (version, differences(before.definition, version.definition) if version.action == "changed" else [])
        for before, version in zip((one.first, *one.versions), one.versions, strict=False)
    ]
    return visit.page(
        "rule.html", status=status, one=one, alerts=alerts, fired=len(fired), firms=firms, people=who,
        said=refused or said, refused=bool(refused), changes=changes[::-1], state=state_of(one), ACTIONS=ACTIONS,
        may_change=_may_change(visit, one),
        form=form_of(one.last.definition), **CHOICES,
    )  # fmt: skip


def _alerts_of(db: Connection, visit: Visit, rule_id: str) -> list[AlertLine]:
    """The alerts this viewer sees in which the rule fired, newest first, also those that another rule opened."""
    query = select(findings.c.alert).where(findings.c.rule == rule_id, findings.c.withdrawn_at.is_(None))
    ids = set(db.execute(query.distinct()).scalars())
    return [alert for alert in standing_lines(db, visit.me) if alert.id in ids or alert.rule == rule_id]


class Shown:
    """A trial as its panel shows it."""

    def __init__(self, visit: Visit, trial: Trial) -> None:
        self.trial = trial
        self.alerts = trial.alerts[:MOST_SHOWN]
        self.hits = trial.hits[:MOST_SHOWN]
        self.a_day = len(trial.alerts) / trial.days
        with visit.services.store.read() as db:
            self.firms = firm_names(db, (firm for alert in self.alerts for firm in alert.enterprises[:1]))
        self.chart = _chart(trial)


def _trial(visit: Visit, checked: Checked) -> Shown | None:
    parts = visit.services.rule_parts
    if checked.rule is None or parts is None:
        return None
    days = checked.form.span
    return Shown(visit, try_rule(visit.services.store, checked.rule, parts, now=visit.now, days=days))


def _chart(trial: Trial) -> str:
    if not trial.alerts:
        return ""
    days = list(trial.a_day.items())
    stacks = [[0, *(counts[level] for level in range(1, 5))] for _, counts in days]
    step = max(1, len(days) // 7)
    ticks: list[Tick] = [(100 * (i + 0.5) / len(days), f"{days[i][0]:%m-%d}") for i in range(0, len(days), step)]
    most_day, most = max(days, key=lambda each: each[1].total())
    label = f"每日预警：共 {len(trial.alerts)} 条，最多一日 {most_day:%m-%d} {most.total()} 条"
    return bars(stacks, label=label, ticks=ticks, height=84, unit=" 条")
