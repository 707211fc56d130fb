"""The rules as the pipeline's judge: those of the files, and the desk's, taken up while it runs."""

import logging
import time
from datetime import datetime

from sqlalchemy import Connection

from alerts.cards import card_of
from alerts.clockwork import Clockwork
from alerts.desk_rules import DeskRule, read_desk_rules
from alerts.engine import AlertEngine
from alerts.setup import EngineParts
from core.clock import system_clock
from core.logs import log_event
from core.measures import ALERT, took
from core.records import Signal
from store.database import Store
from store.desk_rules import all_versions, last_change, note_counted
from store.documents import risks_arrived

logger = logging.getLogger(__name__)
PAGE = 200
COUNTING_SECONDS = 0.5
"""So long at a time documents wait while earlier ones are counted for a new rule."""


class RuleJudge:
    """Call it with a connection, a signal and the time. `refresh` takes up what was changed on the desk.

    A rule of the desk that cannot be read judges nothing and stops nothing; it is logged when it is first seen so.
    """

    def __init__(self, store: Store, parts: EngineParts) -> None:
        self.store, self.parts = store, parts
        self._mark = -1
        self._uncounted: list[DeskRule] = []
        self.engine: AlertEngine
        self.clockwork: Clockwork
        self.refresh()

    def __call__(self, db: Connection, signal: Signal, now: datetime) -> None:
        document = signal.document
        for change in self.engine.judge(db, signal, now=now).changes:
            log_event(logger, f"alert {change.what}", alert=change.alert, document=document.id)
            if change.what in ("opened", "raised"):
                took(ALERT, change.what, (system_clock() - document.fetched_at).total_seconds())

    def refresh(self) -> bool:
        """Take the desk's rules as they are now. Whether anything had changed."""
        with self.store.read() as db:
            mark = last_change(db)
            if mark == self._mark:
                return False
            versions = all_versions(db)
        desk = read_desk_rules(versions, self.parts.queries)
        self.engine = self.parts.engine(desk)
        self.clockwork = Clockwork(self.store, self.engine)
        self.clockwork.begin()
        self._mark = mark
        self._uncounted = [one for one in desk if one.judging and one.rule and one.rule.look_back]
        for one in desk:
            if one.broken and one.last.state == "on":
                log_event(logger, "desk rule broken", level=logging.WARNING, rule=one.id, why=one.broken)
        log_event(logger, "rules taken up", files=len(self.parts.rules), desk=sum(one.judging for one in desk))
        return True

    def take_up(self, now: datetime) -> None:
        """What a running worker does every few seconds: refresh, and count in for a moment."""
        self.refresh()
        self.count_in(now, seconds=COUNTING_SECONDS)
        self.pass_time(now, seconds=COUNTING_SECONDS)

    def pass_time(self, now: datetime, *, seconds: float = float("inf")) -> bool:
        """What happens because time has passed; for about so long. Whether nothing is left to do for now."""
        return self.clockwork.run(now, seconds=seconds)

    def count_in(self, now: datetime, *, seconds: float) -> bool:
        """Let what came before a rule was made count in its windows; for about so long, then again where it stopped.

        Whether nothing is left to do. What is counted alone makes no rule fire.
        """
        end = time.monotonic() + seconds
        while self._uncounted:
            if self._count_page(self._uncounted[0], now):
                self._uncounted.pop(0)
            elif time.monotonic() > end:
                return False
        return True

    def _count_page(self, one: DeskRule, now: datetime) -> bool:
        version, rule = one.last, one.rule
        with self.store.read() as db:
            version = all_versions(db)[one.id][-1]
            done = version.counted or 0
            if rule is None or version.number != one.last.number or done >= version.since:
                return True
            page = risks_arrived(db, done, version.since, within=rule.look_back, limit=PAGE)
        view = self.engine.view
        mine = [signal for number, signal in page if one.id in card_of(signal, view, number=number).before]
        up_to = page[-1][0] if page else version.since
        with self.store.write() as db:
            if note_counted(db, version, up_to):
                for signal in mine:
                    self.engine.judge(db, signal, now=now)
        return False
