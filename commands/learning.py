"""What the desk's marks say by hand: mark, rules marks, rules rerank."""

import json
import secrets
from typing import Annotated, Any

import typer

from alerts.marks import MARK_WORDS, Precision, mark_alert, precision_of_rules, standing_marks
from alerts.rank_cases import marked_cases
from alerts.reranking_measure import measure
from alerts.setup import load_ack_hours
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from core.clock import system_clock
from core.errors import UsageError
from store import audit
from store.rankings import keep_ranking, last_ranking


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("mark")(mark)


def mark(
    alert: Annotated[str, typer.Argument(help="id or number of the alert: YJ-2026-0001")],
    what: Annotated[str, typer.Argument(help=" | ".join(MARK_WORDS))],
    by: Annotated[str, typer.Option("--by", help="who says so")],
    note: Annotated[str, typer.Option("--note", help="why")] = "",
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """标记一条预警：属实、误报、重复 (what became of an alert; its state stays; `none` takes the mark back)."""
    if not by.strip():
        raise UsageError("--by: who says so? A mark needs a name")
    store = open_store(settings_of(data, profile, log_level="WARNING"))
    now = system_clock()
    with store.write() as db:
        marked = mark_alert(
            db, alert, what, actor=by.strip()[:80], note=note[:2000], now=now, once=secrets.token_urlsafe(12)
        )
        audit.note(db, by.strip()[:80], "alert_mark", marked.id, at=now, details={"mark": what})
    if as_json:
        print(json.dumps({"alert": marked.id, "number": marked.number, "mark": what}, ensure_ascii=False))
    else:
        print(f"{marked.number} 已标记：{MARK_WORDS[what]}")


def marks_of_rules(
    versions: Annotated[bool, typer.Option("--versions", help="a line for each version of a rule")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """各规则的属实率 (how often the desk found a rule's alerts true, with Wilson's 95 % interval)."""
    store = open_store(settings_of(data, profile, log_level="WARNING"))
    with store.read() as db:
        lines = precision_of_rules(db, standing_marks(db), by_version=versions)
    for line in lines:
        print(json.dumps(_told(line), ensure_ascii=False) if as_json else _words(line))
    if not lines and not as_json:
        print("还没有预警")


def _told(line: Precision) -> dict[str, Any]:
    share, low, high = line.interval or (None, None, None)
    told: dict[str, Any] = {"rule": line.rule, "version": line.version or None, "alerts": line.fired}
    told |= {"confirmed": line.confirmed, "false": line.false, "duplicate": line.duplicate}
    return told | {"precision": share, "precision_low": low, "precision_high": high}


def _words(line: Precision) -> str:
    name = f"{line.rule} {line.version}".strip()
    counts = f"预警 {line.fired}，属实 {line.confirmed}、误报 {line.false}、重复 {line.duplicate}"
    if line.interval is None:
        return f"{name}：{counts}；还没有可算属实率的标记"
    share, low, high = line.interval
    return f"{name}：{counts}；属实率 {share:.0%}（{low:.0%}–{high:.0%}）"


def rerank(
    measured: Annotated[bool, typer.Option("--measure", help="measure now; use the order if it is better")] = False,
    off: Annotated[bool, typer.Option("--off", help="go back to the order without it")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """预警排序学习 (the learnt order of alerts: what was measured last; --measure measures it on later marks against
    the order without, and switches it on only where it is better beyond chance)."""
    settings = settings_of(data, profile, log_level="WARNING")
    store = open_store(settings)
    if measured and off:
        raise UsageError("--measure and --off: one of them")
    if measured:
        with store.read() as db:
            cases = marked_cases(db)
        figures, model = measure(cases, load_ack_hours(settings.config))
        told = figures.as_json()
        with store.write() as db:
            kept = model.as_json() if model is not None else {}
            keep_ranking(db, active=figures.active, measured=told, model=kept, now=system_clock())
    elif off:
        told = {"active": False, "why": "人工停用，顺序不变"}
        with store.write() as db:
            keep_ranking(db, active=False, measured=told, model={}, now=system_clock())
    else:
        with store.read() as db:
            last = last_ranking(db)
        told = dict(last.measured) if last else {"active": False, "why": "还没有测过：fengsui rules rerank --measure"}
    print(json.dumps(told, ensure_ascii=False) if as_json else _measured_words(told))


def _measured_words(told: dict[str, Any]) -> str:
    lines = [str(told["why"])]
    for name, word in (("without", "不学"), ("with", "学后")):
        if told.get(name):
            figures = told[name]
            lines.append(
                f"  {word}：NDCG {figures['ndcg']:.3f}，前五属实 {figures['precision']:.0%}，"
                f"属实者平均位置 {figures['rank']:.0%}（0% 为最前）"
            )
    if told.get("lists"):
        lines.append(f"  标记 {told['marks']} 条，前 {told['learnt_from']} 条用来学，其后 {told['lists']} 份清单用来比")
    return "\n".join(lines)
