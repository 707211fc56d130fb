"""Which replayer a rule is replayed by, and how far before the span its cards are read.

A condition type that is none of the engine's (a detector over series) brings a replayer of its own: an entry of
REPLAYERS, made of the rule and what it is asked with, fed with the cards of the span in order of time.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from alerts.cards import Card, counts_everything
from alerts.lab.crowds import CrowdReplayer
from alerts.lab.matters import MatterReplayer
from alerts.lab.reading import Asked, Progress, counted, read_cards
from alerts.lab.replayed import Replayed
from alerts.lab.series import HISTORY, Detector, SeriesReplayer
from alerts.lab.silences import SilenceReplayer
from alerts.replay import Seen
from alerts.wording import Names
from config.conditions import FlatlineCondition, NewTermCondition, SeriesCondition, SingleCondition, WindowCondition
from core.errors import UsageError

CONTEXT = timedelta(days=90)
"""So far before the span cards say whose matter is whose, and which runs are still going on."""
STEP = 20_000
"""Cards between two words of progress."""


class Replayer(Protocol):
    """Takes cards in order of event time, each with the marks of the rule, then says what came of them."""

    def feed(self, cards: Iterable[Card]) -> None:
        """Some more cards."""

    def result(self) -> Replayed:
        """After the last one."""


@dataclass(frozen=True)
class Setting:
    """What a replayer may need. earlier: whether a key was there before the first card.  start, end: of the span.

    detector: what to replay in place of the rule's condition; the rule then says what is counted, and by which key.
    """

    asked: Asked
    names: Names
    earlier: Seen
    start: datetime
    end: datetime
    detector: Detector | None = None


def _replayer(setting: Setting) -> Replayer:
    rule = setting.asked.rule
    if setting.detector is not None:
        return SeriesReplayer(rule, setting.detector, setting.asked.view.regions, setting.start, setting.end)
    if rule.condition.type in REPLAYERS:
        return REPLAYERS[rule.condition.type](setting)
    if not isinstance(rule.condition, SingleCondition | NewTermCondition | WindowCondition):
        raise UsageError(f"{rule.id}: 回放还不认得 {rule.condition.type} 这种条件")
    if rule.in_matter:
        return MatterReplayer(rule, setting.asked.view, setting.names, setting.earlier)
    return CrowdReplayer(rule, setting.asked.view.regions)


def _silences(setting: Setting) -> Replayer:
    return SilenceReplayer(setting.asked.rule, setting.names, setting.asked.view.regions, setting.end)


REPLAYERS: Mapping[str, Callable[[Setting], Replayer]] = {"flatline": _silences}
"""By condition type; the others are counted as the engine counts them."""


def reading_from(setting: Setting) -> datetime:
    """From when on the cards of a replay are read."""
    rule, start = setting.asked.rule, setting.start
    if setting.detector is not None:
        return start - HISTORY
    if isinstance(rule.condition, SingleCondition | SeriesCondition):
        return start - CONTEXT
    if isinstance(rule.condition, FlatlineCondition):
        return start - 2 * (rule.condition.forget_after + rule.condition.window)
    if rule.condition.type == "new_term":
        return start - (CONTEXT if rule.in_matter else rule.look_back + rule.condition.window)
    quiet = rule.repeat_after or rule.condition.window
    return start - max(CONTEXT, rule.look_back + quiet) if rule.in_matter else start - rule.look_back - quiet


def replay_cards(
    db: Connection,
    setting: Setting,
    *,
    also: Callable[[Card], None] = lambda card: None,
    progress: Progress = lambda what, count: None,
) -> Replayed:
    """Replay a rule over the cards of a span and of what its windows reach back to.

    also: is shown every card on the way, so that nothing is read twice.
    """
    replayer = _replayer(setting)

    def passing() -> Iterable[Card]:
        everything = counts_everything(setting.asked.rule)
        cards = read_cards(db, reading_from(setting), setting.end, everything=everything)
        for number, card in enumerate(counted(db, cards, setting.asked), 1):
            also(card)
            if number % STEP == 0:
                progress("读取", number)
            yield card

    replayer.feed(passing())
    progress("推演", 0)
    return replayer.result()
