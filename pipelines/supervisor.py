"""Keeps the processes of one machine running, and stops them all together.

They are forks of the one that `fengsui run` is: what all of them need is loaded once, so a start takes a third of the
time and half of the memory of seven interpreters. What must not be shared is opened after the fork: who forks holds no
database connection and no thread.
"""

import ctypes
import gc
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from setproctitle import setproctitle

from config.settings import enter_environment
from core.errors import FengsuiError
from core.logs import log_event
from core.stopping import StopSignals

logger = logging.getLogger(__name__)
GRACE_SECONDS = 3.0  # Ctrl-C must end everything within 5 s
RESTART_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
LOOK_SECONDS = 0.25
SHORT_SECONDS = 0.02
_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h
CALM_SECONDS = 60.0  # a process that ran this long starts again without waiting
Work = Callable[[], None]


@dataclass
class Child:
    """One kept process. pid: None while it does not run.  code: with which it ended last (negative: by that signal)."""

    name: str
    work: Work
    pid: int | None = None
    code: int | None = None
    started: float = 0.0
    deaths: int = 0
    due: float = 0.0

    def runs(self) -> bool:
        """Whether it lives."""
        if self.pid is not None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self.pid, self.code = None, os.waitstatus_to_exitcode(status)
        return self.pid is not None


@dataclass
class Supervisor:
    """Starts children in sessions of their own (Ctrl-C reaches only us) and restarts what dies.

    folder: the data folder, shown by `ps`.  logs: folder where each child writes NAME.log.
    Every file that we hold open is the children's, too: a lock we hold is held until the last of them has ended.
    Each child's stdin is a pipe whose other end only we hold: when we are killed, it closes, and the child ends.
    """

    environment: Mapping[str, str]
    folder: Path
    logs: Path
    stopping: StopSignals
    children: list[Child] = field(default_factory=list)

    def __post_init__(self) -> None:
        _few_heaps()
        self._alive, self._hold = os.pipe()

    def start(self, name: str, work: Work) -> None:
        """Start `work` as a kept child."""
        child = Child(name, work)
        self.children.append(child)
        gc.collect()
        gc.freeze()  # no collection of a fork walks through what it shares: that would copy it
        self._spawn(child)

    def watch(self) -> None:
        """Restart what dies until `stopping` is set, then stop everything."""
        try:
            while not self.stopping.wait(LOOK_SECONDS):
                self.look_after()
        finally:
            self.stop()

    def look_after(self) -> None:
        """Start again what has died and whose wait is over."""
        for child in self.children:
            self._look_after(child)

    def stop(self) -> None:
        """TERM to all, KILL to what is left after the grace."""
        for child in self.children:
            _signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while any(child.runs() for child in self.children) and time.monotonic() < deadline:
            time.sleep(SHORT_SECONDS)
        for child in self.children:
            if child.runs():
                log_event(logger, "child killed", level=logging.WARNING, name=child.name, pid=child.pid)
                _signal_group(child, signal.SIGKILL)
        while any(child.runs() for child in self.children):
            time.sleep(SHORT_SECONDS)

    def _spawn(self, child: Child) -> None:
        child.started = time.monotonic()
        sys.stdout.flush()
        sys.stderr.flush()
        with self.stopping.held():  # a signal that comes in between is not lost on either of the two
            child.pid = os.fork()
            if child.pid == 0:
                self.stopping.forget()
        if child.pid == 0:
            self._be(child)

    def _be(self, child: Child) -> NoReturn:
        """Be the child until its end."""
        code = 1
        try:
            os.setsid()
            os.dup2(self._alive, sys.stdin.fileno() if sys.stdin else 0)
            os.close(self._hold)
            os.dup2(2, 1)  # our stdout is for the one address that a person is told
            # Before the environment is changed: the title is written over where it lies.
            setproctitle(f"fengsui {child.name} --data {self.folder}")
            enter_environment({**self.environment, "FENGSUI_LOG_FILE": str(self.logs / f"{child.name}.log")})
            child.work()
            code = 0
        except FengsuiError as problem:
            print(f"fengsui {child.name}: {problem}", file=sys.stderr)
            code = problem.exit_code
        except BaseException:  # noqa: BLE001 - told, and the end of this process
            traceback.print_exc()
        finally:
            logging.shutdown()
            os._exit(code)

    def _look_after(self, child: Child) -> None:
        now, lived = time.monotonic(), child.pid is not None
        if lived and not child.runs():
            child.deaths = 0 if now - child.started > CALM_SECONDS else child.deaths + 1
            wait = RESTART_SECONDS[min(child.deaths, len(RESTART_SECONDS) - 1)]
            log_event(
                logger, "child died", level=logging.ERROR, name=child.name, code=child.code, again_in_seconds=wait
            )
            child.due = now + wait
        if child.pid is None and now >= child.due:
            self._spawn(child)
            log_event(logger, "child started again", level=logging.WARNING, name=child.name, deaths=child.deaths)


def _few_heaps() -> None:
    """Let the threads of each process share one heap. By itself glibc gives each thread one, and what a job took once
    is never given back: the scheduler with its thirteen threads held 40 MB more. Other libraries have no such call."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def _signal_group(child: Child, which: signal.Signals) -> None:
    """To the child and what it started. One that was just forked may not lead a group yet."""
    if child.pid is None:
        return
    try:
        os.killpg(child.pid, which)
    except ProcessLookupError:
        if child.runs():
            os.kill(child.pid, which)
