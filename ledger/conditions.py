"""What an entry needs before it is closed, and how much of it is there. Counts what came since it was last opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from config.ledger import LedgerRules, at_least
from core.clock import beijing
from ledger.words import PROOF_KINDS
from store.ledger import Entry, EntryRow, NewSignal, Proof

WORK = ("visit", "rectify", "recheck", "file", "proof", "apply", "extend")
"""Steps of those who do the work: who took one of them does not close."""
QUIET = "quiet"


@dataclass(frozen=True)
class Condition:
    """One of them. key: a kind of proof, or `quiet`.  text: what is there or lacking.  waived: by a supervisor."""

    key: str
    name: str
    met: bool
    text: str
    waived: bool = False


@dataclass(frozen=True)
class Known:
    """What conditions are judged by besides the entry: whether its product is a key one, its newest signal."""

    key_product: bool
    last_signal: NewSignal | None
    today: date


def round_of(rows: Sequence[EntryRow]) -> list[EntryRow]:
    """The rows since the entry was last opened."""
    opened = max((row.number for row in rows if row.action in ("add", "reopen") or _fell_back(row)), default=0)
    return [row for row in rows if row.number >= opened]


def _fell_back(row: EntryRow) -> bool:
    return row.action == "look_back" and bool(row.details.get("recurred"))


def workers(rows: Sequence[EntryRow]) -> set[str]:
    """Who did something for it since it was last opened."""
    return {row.actor for row in round_of(rows) if row.action in WORK}


def recheckers(rows: Sequence[EntryRow]) -> set[str]:
    """Whom the records of its re-checks name since it was last opened, as typed."""
    return {person for row in round_of(rows) if row.action == "recheck" for person in row.details["persons"]}


def standing_proofs(rows: Sequence[EntryRow], proofs: Sequence[Proof]) -> list[Proof]:
    """The files that count: since it was last opened, not sent back, and not taken back. rows: standing ones."""
    there = {row.number for row in rows}
    since = min((row.number for row in round_of(rows)), default=0)
    refused: dict[str, int] = {}
    for row in rows:
        if row.action == "return":
            refused |= dict.fromkeys(row.details.get("refused", ()), row.number)
    return [
        proof
        for proof in proofs
        if proof.number in there and proof.number >= since and proof.number > refused.get(proof.kind, 0)
    ]


def proofs_needed(entry: Entry, rows: Sequence[EntryRow], rules: LedgerRules, *, key_product: bool) -> list[str]:
    """The kinds of files that apply."""
    close = rules.close
    needed = ["report", "recheck"]
    key = key_product and close.retest.key_products and at_least(entry.level, close.retest.from_level)
    if key or entry.issue in close.retest.issues:
        needed.append("retest")
    if entry.case_number or any(row.action in ("file", "transfer") for row in rows):
        needed.append("case")
    if at_least(entry.level, close.goods.from_level) or entry.origin in close.goods.origins:
        needed.append("goods")
    return needed


def conditions_of(
    entry: Entry, rows: Sequence[EntryRow], proofs: Sequence[Proof], rules: LedgerRules, known: Known
) -> list[Condition]:
    """All that apply, in a fixed order."""
    standing = standing_proofs(rows, proofs)
    found = []
    for kind in proofs_needed(entry, rows, rules, key_product=known.key_product):
        mine = [proof for proof in standing if proof.kind == kind]
        if kind == "recheck":
            found.append(_recheck(round_of(rows), mine))
        else:
            name = PROOF_KINDS[kind]
            found.append(Condition(kind, name, bool(mine), _uploaded(rows, mine)))
    if rules.close.quiet_days:
        found.append(_quiet(entry, rows, rules, known))
    return found


def _uploaded(rows: Sequence[EntryRow], mine: Sequence[Proof]) -> str:
    if not mine:
        return "未上传"
    at = {row.number: row.at for row in rows}
    return f"{beijing(at[mine[-1].number]):%m-%d} 上传" + (f"，共 {len(mine)} 份" if len(mine) > 1 else "")


def _recheck(rows: Sequence[EntryRow], mine: Sequence[Proof]) -> Condition:
    """A record by two persons that says the hazard is gone: the last one counts."""
    name = "属地复查笔录（两人）"
    last = next((row for row in reversed(rows) if row.action == "recheck"), None)
    if last is None:
        return Condition("recheck", name, False, f"未登记复查；笔录{_uploaded(rows, mine)}")
    on, persons = date.fromisoformat(last.details["on"]), "、".join(last.details["persons"])
    told = f"{on:%m-%d} {persons} 复查{'合格' if last.details['passed'] else '未合格'}"
    done = max((date.fromisoformat(row.details["on"]) for row in rows if row.action == "rectify"), default=on)
    if on < done:
        return Condition("recheck", name, False, f"{told}，早于 {done:%m-%d} 整改完成，须再复查")
    return Condition("recheck", name, bool(last.details["passed"] and mine), f"{told}；笔录{_uploaded(rows, mine)}")


def _quiet(entry: Entry, rows: Sequence[EntryRow], rules: LedgerRules, known: Known) -> Condition:
    count = rules.close.quiet_days
    name = f"{count} 日内无同企业同产品新信号"
    waiver = next((row for row in reversed(round_of(rows)) if row.action == "waive"), None)
    if not (entry.firm and entry.product):
        text, met = "企业或产品未识别，系统无从核对", False
    else:
        last = beijing(known.last_signal.at).date() if known.last_signal else entry.found_on
        since = max(last, entry.found_on)
        until, passed = since + timedelta(days=count), (known.today - since).days
        met = known.today >= until
        text = f"自 {since:%m-%d} 已满 {passed} 日" + ("" if met else f"，到 {until:%m-%d} 满")
    if not met and waiver is not None:
        return Condition(QUIET, name, True, f"{text}；已由 {waiver.actor} 免除：{waiver.note}", waived=True)
    return Condition(QUIET, name, met, text)


def is_new_signal(signal: NewSignal) -> bool:
    """Whether a signal tells of more than what authorities did about the matter."""
    return not signal.issues or bool(set(signal.issues) - AFTERMATH)


AFTERMATH = frozenset({"penalty", "talk", "seize", "order", "revoke", "transfer"})
"""Issues that say how authorities dealt with a matter; a recall is a signal of its own."""
