"""Keeps the processes of one machine running, and stops them all together."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.logs import log_event

logger = logging.getLogger(__name__)
GRACE_SECONDS = 3.5  # Ctrl-C must end everything within 5 s
RESTART_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
LOOK_SECONDS = 0.25
CALM_SECONDS = 60.0  # a process that ran this long starts again without waiting


@dataclass
class Child:
    """One kept process."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    due: float = 0.0


@dataclass
class Supervisor:
    """Starts children in sessions of their own (Ctrl-C reaches only us) and restarts what dies.

    logs: folder where each child writes NAME.log.  lock: an open file that each child inherits, so that its lock is
    held until the last of them has ended.
    Each child's stdin is a pipe that we hold: when we are killed, it closes, and a child started `--kept` ends.
    """

    environment: Mapping[str, str]
    logs: Path
    lock: int
    children: list[Child] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def start(self, name: str, *arguments: str) -> None:
        """Start `python -m cli ARGUMENTS` as a kept child."""
        child = Child(name, (sys.executable, "-m", "cli", *arguments, "--kept"))
        self.children.append(child)
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
        alive = [(child, child.process) for child in self.children if child.process and child.process.poll() is None]
        for _child, process in alive:
            _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for child, process in alive:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log_event(logger, "child killed", level=logging.WARNING, name=child.name, pid=process.pid)
                _signal_group(process, signal.SIGKILL)
                process.wait()

    def _spawn(self, child: Child) -> None:
        child.started = time.monotonic()
        environment = {**self.environment, "FENGSUI_LOG_FILE": str(self.logs / f"{child.name}.log")}
        child.process = subprocess.Popen(
            child.command,
            stdin=subprocess.PIPE,
            stdout=sys.stderr,
            env=environment,
            start_new_session=True,
            pass_fds=(self.lock,),
        )

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is not None and child.process.poll() is not None:
            child.deaths = 0 if now - child.started > CALM_SECONDS else child.deaths + 1
            wait = RESTART_SECONDS[min(child.deaths, len(RESTART_SECONDS) - 1)]
            code = child.process.returncode
            log_event(logger, "child died", level=logging.ERROR, name=child.name, code=code, again_in_seconds=wait)
            _close_pipe(child.process)
            child.process, child.due = None, now + wait
        if child.process is None and now >= child.due:
            self._spawn(child)
            log_event(logger, "child started again", level=logging.WARNING, name=child.name, deaths=child.deaths)


def _close_pipe(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()


def _signal_group(process: subprocess.Popen[bytes], which: signal.Signals) -> None:
    try:
        os.killpg(process.pid, which)
    except ProcessLookupError:
        return
