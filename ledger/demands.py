"""What each step asks for and changes: one function a step, from the entry before it to the entry after it.

Each returns the entry (its state is set by the step) and what the row of the history keeps. Raises UsageError.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection

from core.errors import UsageError
from ledger.book import Deed, Ledger
from ledger.conditions import QUIET, round_of
from ledger.words import PROOF_KINDS, RETESTS, TRANSFER_TO
from store.ledger import Entry, EntryRow

Details = Mapping[str, Any]
Demand = Callable[[Ledger, Connection, Entry, list[EntryRow], Deed], tuple[Entry, Details]]
MOST_TEXT = 200
FIRST_YEAR, LAST_YEAR = 2000, 2100
AMENDABLE = frozenset(
    {
        "title",
        "level",
        "origin",
        "product",
        "model",
        "firm",
        "uscc",
        "issue",
        "territory",
        "person",
        "measures",
        "remark",
        "found_on",
        "due_on",
    }
)


def _dispatch(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    unit = _text(deed, "unit", "派给哪个单位")
    if unit == entry.unit:
        raise UsageError("已派给该单位")
    person = _text(deed, "person", "", needed=False)
    due = ledger.step_due(deed.today, "receive")
    changed = replace(entry, unit=unit, person=person, step_due_on=due)
    return changed, {"unit": unit, "was": entry.unit, "until": due.isoformat()}


def received(entry: Entry, rows: list[EntryRow]) -> bool:
    """Whether the office it was dispatched to has taken receipt."""
    last = next((row.action for row in reversed(rows) if row.action in ("dispatch", "receive")), "")
    return bool(entry.unit) and last == "receive"


def _dispatched(entry: Entry) -> None:
    if not entry.unit:
        raise UsageError("还没有派给承办单位，请先派单")


def _taken(entry: Entry, rows: list[EntryRow]) -> None:
    _dispatched(entry)
    if not received(entry, rows):
        raise UsageError("承办单位还没有签收，请先签收")


def _receive(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    _dispatched(entry)
    if received(entry, rows):
        raise UsageError("已签收")
    person = _text(deed, "person", "", needed=False) or entry.person
    return replace(entry, person=person, step_due_on=ledger.step_due(deed.today, "visit")), {"person": person}


def _visit(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    _taken(entry, rows)
    _told(deed, "核查情况")
    on, measures = _since_found(entry, deed, "核查日期"), _text(deed, "measures", "", needed=False)
    return replace(entry, step_due_on=None, measures=measures or entry.measures), {"on": on.isoformat()}


def _exclude(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    _told(deed, "不构成隐患的理由")
    ledger.refuse_own(entry, rows, deed)
    return replace(entry, step_due_on=None), {}


def _rectify(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    _taken(entry, rows)
    _told(deed, "整改情况")
    on = _since_found(entry, deed, "整改完成日期")
    return replace(entry, done_on=on), {"on": on.isoformat()}


def _recheck(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    _taken(entry, rows)
    on = _since_found(entry, deed, "复查日期")
    persons = [_text(deed, "first", "复查人"), _text(deed, "second", "第二名复查人")]
    if persons[0] == persons[1]:
        raise UsageError("复查须由两人进行，两名复查人相同")
    if deed.typed.get("passed") not in ("yes", "no"):
        raise UsageError("复查结论须选定")
    return entry, {"on": on.isoformat(), "persons": persons, "passed": deed.typed["passed"] == "yes"}


def _file(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    _dispatched(entry)
    number, on = _text(deed, "document", "立案文号"), _day(deed, "on", "立案日期")
    return replace(entry, case_number=number, step_due_on=None), {"document": number, "on": on.isoformat()}


def _proof(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    if deed.proof is None or deed.proof.kind not in PROOF_KINDS:
        raise UsageError("须选定文件和材料种类")
    told = {"kind": deed.proof.kind, "name": deed.proof.name, "sha256": deed.proof.sha256}
    return entry, told


def _apply(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    _taken(entry, rows)
    if entry.done_on is None or not any(row.action == "rectify" for row in round_of(rows)):
        raise UsageError("还没有报告整改完成，不能申请销号")
    return replace(entry, step_due_on=ledger.step_due(deed.today, "decide")), {}


def _close(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    ledger.refuse_own(entry, rows, deed)
    found = ledger.conditions(db, entry, deed.today)
    lacking = [one for one in found if not one.met]
    if lacking:
        raise UsageError(f"还差 {len(lacking)} 项：{'；'.join(f'{one.name}（{one.text}）' for one in lacking)}")
    look = ledger.look_on(entry, deed.today)
    told = {"conditions": {one.key: one.text for one in found}, "look_on": look.isoformat() if look else None}
    return replace(entry, closed_at=deed.now, step_due_on=None, look_on=look), told


def _return(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    refused = [kind for kind in deed.typed.get("refused", ()) if kind in PROOF_KINDS]
    _told(deed, "须补正什么")
    return replace(entry, step_due_on=None), {"refused": refused}


def _again(ledger: Ledger, entry: Entry, deed: Deed) -> Entry:
    """The same number, open again: its clock begins anew, the office that answered is asked to look."""
    step = ledger.step_due(deed.today, "visit" if entry.unit else "receive")
    due = ledger.due(entry.level, deed.today)
    return replace(entry, due_on=due, step_due_on=step, done_on=None, closed_at=None, look_on=None)


def _reopen(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    _told(deed, "重新打开的依据")
    changed = _again(ledger, entry, deed)
    document = str(deed.typed.get("signal", ""))[:40]
    told = {"was_due_on": entry.due_on.isoformat(), "due_on": changed.due_on.isoformat()}
    return changed, told | ({"document": document} if document else {})


def _look_back(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    """Looked at again: it stays closed, or the same number opens again."""
    _told(deed, "回头看情况")
    on = _day(deed, "on", "回头看日期")
    if deed.typed.get("recurred") not in ("yes", "no"):
        raise UsageError("回头看结论须选定")
    told = {"on": on.isoformat(), "recurred": deed.typed["recurred"] == "yes"}
    if not told["recurred"]:
        return replace(entry, look_on=None), told
    changed = _again(ledger, entry, deed)
    reopened = type(entry.state).REOPENED
    return replace(changed, state=reopened), told | {"due_on": changed.due_on.isoformat()}


def extension_of(rows: list[EntryRow]) -> EntryRow | None:
    """The extension that was asked for and not yet decided."""
    last = next((row for row in reversed(rows) if row.action in ("extend", "extend_yes", "extend_no", "reopen")), None)
    return last if last is not None and last.action == "extend" else None


def _extend(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    rules, to = ledger.rules.extend, _day(deed, "to", "延期至", future=True)
    if extension_of(rows):
        raise UsageError("已有一次延期申请待批")
    if sum(row.action == "extend_yes" for row in round_of(rows)) >= rules.most_times:
        raise UsageError(f"已延期 {rules.most_times} 次，不能再延")
    if not 0 < (to - max(entry.due_on, deed.today)).days <= rules.most_days:
        raise UsageError(f"延期须晚于现期限 {entry.due_on}，一次至多 {rules.most_days} 日")
    _told(deed, "延期理由")
    return entry, {"to": to.isoformat(), "from": entry.due_on.isoformat()}


def _decide(approved: bool) -> Demand:
    def do(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
        asked = extension_of(rows)
        if asked is None:
            raise UsageError("没有待批的延期申请")
        if asked.actor == deed.actor:
            raise UsageError(f"{deed.actor} 是申请人，须由另一人审批")
        due = date.fromisoformat(asked.details["to"]) if approved else entry.due_on
        return replace(entry, due_on=due), {"from": entry.due_on.isoformat(), "to": due.isoformat()}

    return do


def _waive(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    _told(deed, "免除的理由")
    ledger.refuse_own(entry, rows, deed)
    quiet = next((one for one in ledger.conditions(db, entry, deed.today) if one.key == QUIET), None)
    if quiet is None or quiet.met:
        raise UsageError("静默条件已满足，无须免除")
    return entry, {"stood": quiet.text}


def _talk(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    _told(deed, "约谈内容和承诺")
    told = {"on": _day(deed, "on", "约谈日期").isoformat(), "whom": _text(deed, "whom", "约谈对象")}
    return entry, told | {"document": _text(deed, "document", "", needed=False)}


def _transfer(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    to = str(deed.typed.get("to", ""))
    if to not in TRANSFER_TO:
        raise UsageError("移送给哪一机关须选定")
    number, on = _text(deed, "document", "移送文号"), _day(deed, "on", "移送日期")
    numbers = "；".join(filter(None, (entry.case_number, number)))
    return replace(entry, case_number=numbers[:MOST_TEXT]), {"to": to, "document": number, "on": on.isoformat()}


def refuse_days(entry: Entry, changes: Mapping[str, Any], today: date) -> None:
    """Raise UsageError where changes would leave an entry found after it is due, in the future or before our time."""
    found_on, due_on = changes.get("found_on", entry.found_on), changes.get("due_on", entry.due_on)
    touched = "found_on" in changes or "due_on" in changes
    if touched and (found_on.year < FIRST_YEAR or found_on > min(due_on, today)):
        raise UsageError(f"发现日 {found_on} 在期限 {due_on} 或今天之后，或不在可用的年份内")


def _amend(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    """typed: changes by field, already read (ledger/imports.py). A later due date needs approval."""
    changes: dict[str, Any] = {
        name: value for name, value in deed.typed.get("changes", {}).items() if getattr(entry, name) != value
    }
    unknown = set(changes) - AMENDABLE
    if unknown or not changes:
        raise UsageError(f"不能这样更正：{'、'.join(sorted(unknown)) or '没有变化'}")
    if changes.get("due_on", entry.due_on) > entry.due_on:
        raise UsageError(f"期限 {changes['due_on']} 晚于现期限 {entry.due_on}，须申请延期并经批准")
    refuse_days(entry, changes, deed.today)
    told = {name: [str(getattr(entry, name)), str(value)] for name, value in changes.items()}
    return replace(entry, **changes), {"changes": told}


def _law(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    """A person says whether an article applies; a later word replaces an earlier one."""
    if deed.typed.get("applies") not in ("yes", "no"):
        raise UsageError("确认还是划去须选定")
    told = {"law": _text(deed, "law", "条款"), "title": _text(deed, "title", "条款")}
    return entry, told | {"applies": deed.typed["applies"] == "yes"}


def _spotcheck(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    """What is known of a failed spot check; empty fields leave what an earlier row said."""
    if entry.origin != "spotcheck":
        raise UsageError("只有来源为抽查的隐患才登记抽查处理")
    texts = ("batch", "sampled", "maker", "failed", "report", "letter")
    told = {name: _text(deed, name, "", needed=False) for name in texts}
    for name, word in (("delivered", "送达日"), ("ordered", "责令日"), ("announced", "公告日")):
        told[name] = _day(deed, name, word).isoformat() if deed.typed.get(name) else ""
    told["retest"] = str(deed.typed.get("retest", ""))
    if told["retest"] and told["retest"] not in RETESTS:
        raise UsageError("复检情况须从列表中选")
    if not any(told.values()):
        raise UsageError("至少填写一项")
    return entry, {name: value for name, value in told.items() if value}


def _note(ledger: Ledger, db: Connection, entry: Entry, rows: list[EntryRow], deed: Deed) -> tuple[Entry, Details]:
    _told(deed, "记录内容")
    return entry, {}


DEMANDS: Mapping[str, Demand] = {
    "amend": _amend,
    "dispatch": _dispatch,
    "receive": _receive,
    "visit": _visit,
    "exclude": _exclude,
    "rectify": _rectify,
    "recheck": _recheck,
    "file": _file,
    "proof": _proof,
    "apply": _apply,
    "close": _close,
    "return": _return,
    "reopen": _reopen,
    "extend": _extend,
    "extend_yes": _decide(True),
    "extend_no": _decide(False),
    "waive": _waive,
    "talk": _talk,
    "transfer": _transfer,
    "look_back": _look_back,
    "law": _law,
    "spotcheck": _spotcheck,
    "note": _note,
}


def _told(deed: Deed, what: str) -> None:
    if len(deed.note.strip()) < 2:
        raise UsageError(f"{what}须写明")


def _text(deed: Deed, name: str, what: str, *, needed: bool = True) -> str:
    text = " ".join(str(deed.typed.get(name, "")).split())
    if needed and not text:
        raise UsageError(f"{what}须填写")
    if len(text) > MOST_TEXT:
        raise UsageError(f"{what or name}过长，至多 {MOST_TEXT} 字")
    return text


def _since_found(entry: Entry, deed: Deed, what: str) -> date:
    """The day of a step of the work: not before the hazard was found."""
    day = _day(deed, "on", what)
    if day < entry.found_on:
        raise UsageError(f"{what} {day} 早于发现日 {entry.found_on}")
    return day


def _day(deed: Deed, name: str, what: str, *, future: bool = False) -> date:
    """A day that was typed; one after today only where it is meant for the future."""
    text = str(deed.typed.get(name, "")).strip()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{what}须写成 {deed.today.isoformat()} 这样的日期") from None
    if not future and day > deed.today:
        raise UsageError(f"{what} {day} 在今天之后")
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise UsageError(f"{what} {day} 不在可用的年份内")
    return day
