"""规则回放: what a rule would have done, and what its thresholds cost; asked for here, run in the background."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from alerts.lab.text import INCIDENT_WORDS, THRESHOLD_WORDS, hours
from alerts.marks import precision_of_rules, standing_marks
from charts.svg import Tick, bars, small
from config.rules import Rule
from core.ids import short_id
from store import audit
from store.lab_runs import ask_for_lab_run, lab_runs_of, last_result
from store.users import EVERYWHERE
from web.access import ROLE_NAMES
from web.visit import Here, Posted, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)
SPANS: Mapping[str, str] = {"30d": "30 天", "90d": "90 天", "180d": "半年", "365d": "一年"}
STATES: Mapping[str, tuple[str, str]] = {
    "waiting": ("排队中", "warn"), "running": ("回放中", "warn"), "done": ("完成", "done"),
    "failed": ("没有做成", "bad"),
}  # fmt: skip


@router.get("/rules/{rule_id}/lab")
def show_lab(visit: Here, rule_id: str) -> Response:
    """The newest result with its curves, and the runs so far."""
    rule = _rule(visit, rule_id)
    with visit.services.store.read() as db:
        runs, last = lab_runs_of(db, rule.id), last_result(db, rule.id)
        lines = precision_of_rules(db, standing_marks(db), by_version=True)
    result = last.result if last is not None else None
    return visit.page(
        "rule_lab.html", rule=rule, runs=runs, last=last, told=result, SPANS=SPANS, LAB_STATES=STATES, hours=hours,
        curves=[Shown(curve) for curve in result["curves"]] if result else [],
        days=_days_chart(result) if result else "",
        INCIDENTS=INCIDENT_WORDS, versions=[line for line in lines if line.rule == rule.id],
        open_run=next((run for run in runs if run.state in ("waiting", "running")), None),
        examples=_sees_everything(visit, rule.id), stale=bool(result and result["rule"]["version"] != rule.version),
    )  # fmt: skip


@router.post("/rules/{rule_id}/lab")
def start_lab(visit: Here, form: Posted, rule_id: str) -> Response:
    """Put a run in line; the scheduler starts it in a process of its own."""
    if not visit.me.may("rule"):
        raise Refused(403, f"回放由{ROLE_NAMES['officer']}及以上角色开始。")
    rule = _rule(visit, rule_id)
    once = str(form.get("once", ""))
    if not 8 <= len(once) <= 64:
        raise Refused(400, "操作未生效：表单不完整。请刷新后再试。")
    asked, now = _asked(form), visit.services.clock()
    with visit.services.store.write() as db:
        run_id = short_id("l", rule.id, once)
        if ask_for_lab_run(db, run_id, rule.id, asked, actor=visit.me.name, now=now, once=once):
            audit.note(db, visit.me.name, "rule_lab", rule.id, at=now, details={"asked": asked})
    return redirect(f"/rules/{rule.id}/lab")


def _asked(form: Mapping[str, Any]) -> dict[str, Any]:
    past = str(form.get("past", "365d"))
    if past not in SPANS:
        raise Refused(400, f"没有“{past[:20]}”这一时段。可用：{'、'.join(SPANS)}。")
    budget, floor = _number(form, "budget", 0.01, 100_000), _number(form, "floor", 0, 100)
    return {"past": past, "budget": budget, "recall_floor": None if budget is None or floor is None else floor / 100}


def _number(form: Mapping[str, Any], name: str, least: float, most: float) -> float | None:
    text = str(form.get(name, "")).strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise Refused(400, f"“{text[:20]}”不是数。") from None
    if not least <= value <= most:
        raise Refused(400, f"{text[:20]} 不在 {least:g} 到 {most:g} 之间。")
    return value


def _rule(visit: Visit, rule_id: str) -> Rule:
    """A rule of a file, or one of the desk that this viewer sees."""
    made = visit.services.shelf.find(rule_id)
    if made is not None and not visit.me.sees_rule(made.last.territory):
        made = None
    rule = made.rule if made is not None else visit.services.rule_by_id.get(rule_id)
    if rule is None:
        raise Refused(404, f"没有规则 {rule_id[:40]}，或不在您的属地之内，或现在读不出。")
    return rule


def _sees_everything(visit: Visit, rule_id: str) -> bool:
    """Whether the titles of single alerts are this viewer's: a run looks at all that is stored."""
    made = visit.services.shelf.find(rule_id)
    own = made is not None and made.last.territory != EVERYWHERE and visit.me.sees_code(made.last.territory)
    return visit.me.everywhere or own


class Shown:
    """A threshold with its table and two drawn lines: alerts a day, and incidents caught."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.name: str = told["threshold"]
        self.word = THRESHOLD_WORDS.get(self.name, self.name)
        self.own: float = told["own"]
        self.points: Sequence[Mapping[str, Any]] = told["points"]
        self.alerts = self._line("a_day", f"{self.word}越高，每日预警越少：由 {{}} 到 {{}}")
        self.caught = self._line("caught", f"{self.word}越高，赶上的事件越少：由 {{}} 到 {{}}")

    @property
    def flat(self) -> bool:
        """Whether it makes no difference."""
        return len({(point["a_day"], point["caught"]) for point in self.points}) == 1

    def _line(self, figure: str, label: str) -> "Drawn":
        values = [float(point[figure]) for point in self.points]
        last = max(1, len(values) - 1)
        ticks: list[Tick] = [(100 * at / last, f"{point['value']:g}") for at, point in enumerate(self.points)]
        told = label.format(f"{values[0]:g}", f"{values[-1]:g}")
        return Drawn(small(values, top=max(values) or 1.0, label=told, ticks=ticks, height=90))


class Drawn:
    """A chart, and nothing that came from outside."""

    def __init__(self, drawn: str) -> None:
        self.drawn = drawn


def _days_chart(told: Mapping[str, Any]) -> str:
    """Alerts by day; by week where there are many days."""
    days = told["alerts"]["calendar"]
    size = 7 if len(days) > 92 else 1
    some = [days[first : first + size] for first in range(0, len(days), size)]
    stacks = [[0, *(sum(day["levels"].get(str(level), 0) for day in part) for level in range(1, 5))] for part in some]
    step = max(1, len(some) // 7)
    ticks: list[Tick] = [(100 * (at + 0.5) / len(some), some[at][0]["day"][5:]) for at in range(0, len(some), step)]
    word = "每周" if size == 7 else "每日"
    label = f"{word}预警：共 {told['alerts']['total']} 条，每日平均 {told['alerts']['a_day']['mean']:g} 条"
    return bars(stacks, label=label, ticks=ticks, height=84, unit=" 条")
