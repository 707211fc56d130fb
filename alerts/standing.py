"""What becomes of an alert when its matter was replayed: level, state, time limit, and why.

The rules raise; only a person or an authority lowers. What people decided stays: the state they set, a level they chose
(until the facts ask for a higher one). Orange and red are ended by a person; the system proposes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alerts.replay import Outcome, Step
from config.alert_life import AlertLife
from core.clock import start_of_beijing_day
from core.records import Alert, AlertState

SYSTEM = "system"
OPEN_TO_SYSTEM = (AlertState.NEW, AlertState.ACCEPTED)
ENDED = (AlertState.CLOSED, AlertState.DISMISSED)
HOW_TOLD = frozenset({"complaint", "opinion", "talk", "penalty"})
"""Issues that say how a matter was taken up: a text with nothing else does not wake an ended alert."""

Due = Callable[[int, datetime], datetime]
"""Until when an alert of a level that somebody is told of at a moment is to be accepted."""
Elsewhere = Callable[[set[str]], bool]
"""Whether these documents, which the alert held, rest in another alert now."""


@dataclass(frozen=True)
class Turn:
    """What happened: opened | raised | lowered | reopened | dismissed | cleared | grown | same, with its reason
    (alerts.reasons).

    proposed: the reason why the system proposes to end the alert; None where it does not.  held: the level the rules
    ask for now, where the alert keeps a higher one.
    """

    alert: Alert
    what: str = "same"
    reason: str = ""
    note: str = ""
    proposed: str | None = None
    held: int | None = None


def turn_of(
    shape: Alert,
    old: Alert | None,
    outcome: Outcome,
    details: dict[str, Any],
    *,
    now: datetime,
    due: Due,
    life: AlertLife,
    elsewhere: Elsewhere,
) -> Turn:
    """The alert that `shape` (as the rules see it) becomes of the `old` one. details: changed in place."""
    last = outcome.last
    if old is None:
        return _opened(shape, outcome, details, due, now, life)
    if last.level == 0:
        return _ground_gone(shape, old, outcome, details, life)
    chosen = details.get("person_level")
    level = shape.level
    if chosen is not None and level <= details.get("system_level_then", 0):
        level = int(chosen)
    if old.state in ENDED:
        return _ended(replace(shape, level=level), old, outcome, details, due(level, now), life)
    if level < old.level:
        return _lower(replace(shape, level=level), old, outcome, elsewhere)
    if level == old.level:
        return Turn(shape if level == shape.level else replace(shape, level=level))
    clock = due(level, now) if old.state is AlertState.NEW else old.due_at
    return Turn(replace(shape, level=level, due_at=clock), "raised", last.fact)


def _opened(shape: Alert, outcome: Outcome, details: dict[str, Any], due: Due, now: datetime, life: AlertLife) -> Turn:
    last, peak = outcome.last, max(1, outcome.peak)
    if last.level == 0 and (not last.cleared or life.all_clear.may_close(peak, gone=True)):
        details["dismissed_by"] = SYSTEM
        ended = replace(shape, level=peak, state=_end_of(last), due_at=None)
        return Turn(ended, "opened", outcome.steps[0].fact if last.cleared else gone_by(last, outcome))
    details["dismissed_by"] = None
    level, proposed = (peak, gone_by(last, outcome)) if last.level == 0 else (shape.level, None)
    alert = replace(shape, level=level, state=AlertState.NEW, due_at=due(level, now))
    return Turn(alert, "opened", outcome.steps[0].fact, proposed=proposed)


def _ground_gone(shape: Alert, old: Alert, outcome: Outcome, details: dict[str, Any], life: AlertLife) -> Turn:
    """Nothing of its ground is left, or it is over: a low one nobody accepted is ended, else its end is proposed."""
    last, end = outcome.last, _end_of(outcome.last)
    told_otherwise = ended_by_system(old, details, not_as=end)
    if old.state in ENDED and not told_otherwise:
        return Turn(replace(shape, level=old.level))
    reason = gone_by(last, outcome)
    worst = max(old.level, min(outcome.peak, 4), int(details.get("worst", 1)))
    if told_otherwise or (old.state is AlertState.NEW and life.all_clear.may_close(worst, gone=True)):
        details["dismissed_by"] = SYSTEM
        ended = replace(shape, level=max(1, outcome.peak), state=end, due_at=None)
        return Turn(ended, "cleared" if last.cleared else "dismissed", reason)
    proposed = None if details.get("all_clear") else reason
    if last.official and old.level > 1:
        return Turn(replace(shape, level=1), "lowered", "official_statement", proposed=proposed)
    return Turn(replace(shape, level=old.level), proposed=proposed)


def _end_of(last: Step) -> AlertState:
    """What is over is closed; what has lost its ground is dismissed."""
    return AlertState.CLOSED if last.cleared else AlertState.DISMISSED


def ended_by_system(alert: Alert, details: Mapping[str, Any], *, not_as: AlertState) -> bool:
    """Whether no person but the system ended it, and otherwise than so."""
    return alert.state in ENDED and alert.state is not not_as and details.get("dismissed_by") == SYSTEM


def gone_by(last: Step, outcome: Outcome) -> str:
    """Who took the ground away: an authority, the press, or whoever had said it; or that it is over."""
    if last.cleared:
        return "recovered"
    if last.official:
        return "official_statement"
    cleared = any(card.at == last.at and card.trusted for card in outcome.matter.clearers)
    return "refuted" if cleared else "withdrawn"


def _ended(shape: Alert, old: Alert, outcome: Outcome, details: dict[str, Any], due: datetime, life: AlertLife) -> Turn:
    by_system = details.get("dismissed_by") == SYSTEM
    if by_system:
        reason, note = "ground_returned", ""
    elif shape.level > details.get("level_at_end", old.level):
        reason, note = "level_rose", ""
    else:
        reason, note = "new_evidence", awakening(outcome, details, life)
        if not note:
            return Turn(replace(shape, level=old.level))
    details |= {"dismissed_by": None, "all_clear": None}
    return Turn(replace(shape, state=AlertState.NEW, due_at=due), "reopened", reason, note)


def awakening(outcome: Outcome, details: Mapping[str, Any], life: AlertLife) -> str:
    """What woke an ended alert, in words; empty while it sleeps.

    Counted are sources of origins published since the day of its end that it did not hold then, and that say what is
    wrong: copies, texts that were there before, and news of the penalty alone do not count.
    """
    ended_at = details.get("ended_at")
    if ended_at is None:
        return ""
    # Sources that give a day and no hour date to its beginning.
    since, known = start_of_beijing_day(datetime.fromisoformat(ended_at)), set(details.get("documents_at_end", ()))
    fresh = [
        card
        for card in outcome.cards
        if card.is_origin and card.at >= since and card.document not in known and set(card.issues) - HOW_TOLD
    ]
    sources = {card.source for card in fresh}
    trusted = {card.source for card in fresh if card.trusted}
    if len(trusted) >= life.reopen.trusted:
        return f"办结后有 {len(sources)} 个新的独立来源，其中媒体或官方 {len(trusted)} 个"
    if len(sources) >= life.reopen.origins:
        return f"办结后有 {len(sources)} 个新的独立来源"
    return ""


def _lower(shape: Alert, old: Alert, outcome: Outcome, elsewhere: Elsewhere) -> Turn:
    """The rules ask for less: granted only to an authority, or where the facts went into another alert."""
    if outcome.peak >= old.level and any(step.official for step in outcome.steps):
        return Turn(shape, "lowered", "official_statement", outcome.last.why)
    moved = set(old.documents) - set(shape.documents)
    if moved and elsewhere(moved):
        return Turn(shape, "lowered", "moved", "所据文档归入另一预警")
    return Turn(replace(shape, level=old.level, reason=old.reason), held=shape.level)
