"""An erasure that somebody at the desk asked for: looking and masking take minutes, so that a thread of the desk does
them, one at a time. What was typed stays in memory alone and is forgotten with the work; a desk that goes down in the
middle leaves a note in the store (keeping/erase.py).
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from config.keeping import load_keeping
from core.errors import FengsuiError, UsageError
from core.logs import log_event
from keeping.erase import Eraser, Found
from keeping.handed_files import HandedPlaces
from keeping.person import MARK, Person
from web.services import Services

KEPT = timedelta(minutes=30)
"""So long what was found may be looked at before it is forgotten."""
LOOKING, FOUND, ERASING, DONE, FAILED = "looking", "found", "erasing", "done", "failed"
logger = logging.getLogger(__name__)


@dataclass
class Work:
    """One person's. who: asked for it, and alone sees it.  done, whole: bytes of the archive that were read.

    problem: why it failed.
    """

    who: str
    person: Person
    left_out: frozenset[str]
    at: datetime
    stage: str = LOOKING
    done: int = 0
    whole: int = 0
    found: Found = field(default_factory=Found)
    problem: str = ""

    @property
    def shown(self) -> tuple[str, ...]:
        """What was typed, so far that one can tell it from another's."""
        given = filter(None, (self.person.name, self.person.phone, self.person.number))
        return tuple(one[:1] + MARK * max(1, len(one) - 2) + (one[-1:] if len(one) > 2 else "") for one in given)

    def is_word(self, text: str) -> bool:
        """Whether that is what is to be typed again before anything is changed: the name, else the phone, else the
        number."""
        asked = next(name for name in ("name", "phone", "number") if getattr(self.person, name))
        try:
            again = Person.typed(**{asked: text})
        except UsageError:
            return False
        return bool(getattr(again, asked) == getattr(self.person, asked))

    @property
    def busy(self) -> bool:
        """Whether the thread is at it."""
        return self.stage in (LOOKING, ERASING)

    @property
    def share(self) -> int:
        """How much of the archive was read, in percent."""
        return 100 * self.done // self.whole if self.whole else 0


class Erasures:
    """At most one at a time, for all of the desk."""

    def __init__(self, services: Services) -> None:
        self._services, self._lock = services, threading.Lock()
        self._work: Work | None = None

    def of(self, who: str) -> Work | None:
        """What somebody asked for last, until it is forgotten."""
        with self._lock:
            work = self._work
            if work is not None and not work.busy and self._services.clock() - work.at > KEPT:
                self._work = work = None
        return work if work is not None and work.who == who else None

    def look(self, who: str, person: Person, left_out: frozenset[str]) -> None:
        """Begin to look where a person stands. Raises FengsuiError while somebody else's is at work."""
        with self._lock:
            if self._work is not None and (self._work.busy or self._work.who != who) and self._fresh(self._work):
                raise FengsuiError("另一次按人删除正在进行：等它做完，或半小时后再来")
            self._work = work = Work(who, person, left_out, self._services.clock())
        self._start(work, lambda: self._eraser(work).find(self._services.clock(), self._teller(work)), FOUND)

    def erase(self, who: str, reason: str) -> None:
        """Do what was shown. Raises FengsuiError where nothing was."""
        work = self.of(who)
        with self._lock:
            if work is None or work.stage != FOUND:
                raise FengsuiError("要删的已不在这里（超过半小时，或已经做了）：请重新查找")
            work.stage, work.done = ERASING, 0
        tell, now = self._teller(work), self._services.clock()
        self._start(work, lambda: self._eraser(work).erase(now, by=who, reason=reason, tell=tell), DONE)

    def _forget_old(self) -> None:
        with self._lock:
            if self._work is not None and not self._fresh(self._work):
                self._work = None

    def forget(self, who: str) -> None:
        """Nothing of it stays in memory."""
        with self._lock:
            if self._work is not None and self._work.who == who and not self._work.busy:
                self._work = None

    def _fresh(self, work: Work) -> bool:
        return work.busy or self._services.clock() - work.at <= KEPT

    def _eraser(self, work: Work) -> Eraser:
        settings = self._services.settings
        closed = load_keeping(settings.config).retention.closed_alerts
        places = HandedPlaces.of(settings)
        return Eraser(self._services.store, settings.data_dir, work.person, closed, work.left_out, places)

    def _teller(self, work: Work) -> Callable[[int, int], None]:
        def tell(done: int, whole: int) -> None:
            work.done, work.whole = done, whole

        return tell

    def _start(self, work: Work, do: Callable[[], Found], then: str) -> None:
        def run() -> None:
            try:
                work.found = do()
                stage = then
            except FengsuiError as problem:
                work.problem, stage = str(problem), FAILED
            except Exception as problem:  # noqa: BLE001 a thread has nobody else who would hear of it
                log_event(logger, "erasing_failed", level=logging.ERROR, error=type(problem).__name__)
                work.problem, stage = "内部错误，类别已记入日志", FAILED
            work.at, work.stage = self._services.clock(), stage
            forgetting = threading.Timer(KEPT.total_seconds() + 1, self._forget_old)  # also where nobody looks any more
            forgetting.daemon = True
            forgetting.start()

        threading.Thread(target=run, daemon=True, name="erasing").start()
