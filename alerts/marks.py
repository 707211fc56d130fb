"""What the desk made of an alert: confirmed, false, or a duplicate of another one.

A mark is read out of the history: a closing or dismissing step says it by its reason, and `mark` says it outright. The
newest word counts; taking a step back or opening again takes it away. Nothing is stored twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from typing import Literal

from sqlalchemy import Connection, select

from core.errors import UsageError
from core.records import Alert, AlertEvent
from store.alert_log import add_history, find_alert, history_row_of_form, next_history_number, standing_alert
from store.schema import alert_history, findings

Mark = Literal["confirmed", "false", "duplicate"]
MARK_WORDS: Mapping[str, str] = {"confirmed": "属实", "false": "误报", "duplicate": "重复", "none": "取消标记"}
OF_REASON: Mapping[tuple[str, str], Mark] = {
    ("close", "remedied"): "confirmed",
    ("close", "recalled"): "confirmed",
    ("close", "handed_over"): "confirmed",
    ("close", "no_fault"): "false",
    ("dismiss", "duplicate"): "duplicate",
    ("dismiss", "not_quality"): "false",
    ("dismiss", "wrong_object"): "false",
    ("dismiss", "refuted"): "false",
    ("dismiss", "old_news"): "false",
    ("dismiss", "not_event"): "false",
    ("dismiss", "other"): "false",
}
"""What an end says of the alert, by lifecycle's reasons. One that was closed for another reason says nothing."""
SPEAKING = ("mark", "close", "dismiss", "reopen", "undo")
SYSTEM = "system"
AT_ONCE = 400


@dataclass(frozen=True)
class Marked:
    """An alert's mark as it stands. at, story_at: when it was given, by the machine's clock and by the story's.

    number: of the row of its history that said so.
    """

    alert: str
    mark: Mark
    at: datetime
    story_at: datetime
    actor: str
    number: int


def mark_alert(db: Connection, alert_id: str, mark: str, *, actor: str, note: str, now: datetime, once: str) -> Alert:
    """Say what became of an alert, in a write transaction; its state stays. mark: a word of MARK_WORDS.

    An alert that went into another one is marked there: a matter has one mark. Returns the one that is marked.

    once: key of the form; the same form a second time changes nothing. Raises UsageError in words for the desk.
    """
    alert = find_alert(db, alert_id)
    if alert is None:
        raise UsageError(f"没有预警 {alert_id[:40]}")
    if mark not in MARK_WORDS:
        raise UsageError(f"没有“{mark[:20]}”这一标记（可用：{'、'.join(MARK_WORDS)}）")
    alert = standing_alert(db, alert)
    if history_row_of_form(db, once) is not None:
        return alert
    row = AlertEvent(
        alert=alert.id,
        number=next_history_number(db, alert.id),
        at=now,
        story_at=now,
        actor=actor,
        action="mark",
        level=alert.level,
        state=alert.state,
        note="：".join(filter(None, (MARK_WORDS[mark], note.strip()))),
        details={"mark": mark},
    )
    add_history(db, row, once=once)
    return alert


def standing_marks(db: Connection, *, before: datetime | None = None) -> dict[str, Marked]:
    """The mark of every alert that has one, by id, in the order they were given. before: as it was then."""
    history = alert_history.c
    query = select(alert_history).where(history.action.in_(SPEAKING), history.actor != SYSTEM)
    if before is not None:
        query = query.where(history.at < before)
    found: dict[str, Marked] = {}
    for row in db.execute(query.order_by(history.at, history.alert, history.number)).mappings():
        _hear(found, AlertEvent(**{name: row[name] for name in AlertEvent.__dataclass_fields__}))
    return dict(sorted(found.items(), key=lambda item: (item[1].at, item[0])))


def mark_of(db: Connection, alert: str) -> Marked | None:
    """The mark of one alert."""
    return marks_of(db, [alert]).get(alert)


def marks_of(db: Connection, alerts: Sequence[str]) -> dict[str, Marked]:
    """The marks of those of these alerts that have one, by id; a question for each 400 of them."""
    history, found = alert_history.c, dict[str, Marked]()
    spoken = (history.action.in_(SPEAKING), history.actor != SYSTEM)
    for start in range(0, len(alerts), AT_ONCE):
        query = select(alert_history).where(history.alert.in_(alerts[start : start + AT_ONCE]), *spoken)
        for row in db.execute(query.order_by(history.alert, history.number)).mappings():
            _hear(found, AlertEvent(**{name: row[name] for name in AlertEvent.__dataclass_fields__}))
    return found


def _hear(found: dict[str, Marked], row: AlertEvent) -> None:
    """What a row of the history does to an alert's mark."""
    if row.action in ("reopen", "undo"):
        held = found.get(row.alert)
        if held is not None and (row.action == "reopen" or row.details.get("undone") == held.number):
            del found[row.alert]
        return
    if row.action == "mark":
        said = row.details.get("mark")
    else:
        said = OF_REASON.get((row.action, str(row.details.get("reason", ""))))
    if said in ("confirmed", "false", "duplicate"):
        found[row.alert] = Marked(row.alert, said, row.at, row.story_at, row.actor, row.number)
    elif row.action == "mark":
        found.pop(row.alert, None)


# --- precision of rules -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Precision:
    """How often a rule was right. fired: alerts in which it stands.  share, low, high: of the confirmed among those
    that were judged (duplicates are neither right nor wrong); Wilson's interval of 95 %, None where none was judged.
    """

    rule: str
    version: str
    fired: int
    confirmed: int
    false: int
    duplicate: int

    @property
    def judged(self) -> int:
        """Alerts that say something about the rule."""
        return self.confirmed + self.false

    @property
    def interval(self) -> tuple[float, float, float] | None:
        """(share, low, high)."""
        return wilson(self.confirmed, self.judged)


def wilson(hits: int, of: int, z: float = 1.959964) -> tuple[float, float, float] | None:
    """Share with Wilson's score interval (E. B. Wilson, JASA 22, 1927); None of nothing."""
    if of <= 0:
        return None
    share, square = hits / of, z * z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = z * sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return share, max(0.0, middle - half), min(1.0, middle + half)


def precision_of_rules(db: Connection, marks: Mapping[str, Marked], *, by_version: bool = False) -> list[Precision]:
    """One line a rule (or a rule and version), those that fired most first. A rule that only echoes another one's
    alert is judged by it as well."""
    columns = (findings.c.rule, findings.c.rule_version, findings.c.alert)
    query = select(*columns).where(findings.c.alert.is_not(None)).distinct()
    fired: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for rule, version, alert in db.execute(query):
        fired[rule, version if by_version else ""].add(alert)
    lines = [_precision(rule, version, alerts, marks) for (rule, version), alerts in fired.items()]
    return sorted(lines, key=lambda line: (-line.fired, line.rule, line.version))


def _precision(rule: str, version: str, alerts: Iterable[str], marks: Mapping[str, Marked]) -> Precision:
    given = [marks[alert].mark if alert in marks else "" for alert in alerts]
    return Precision(
        rule, version, len(given), given.count("confirmed"), given.count("false"), given.count("duplicate")
    )
