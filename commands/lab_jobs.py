"""Starts the rule lab's runs that the desk asked for, one at a time, each in a process of its own at low priority."""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from config.settings import Settings
from core.clock import system_clock
from scheduler import FrequentJob
from store.database import Store
from store.lab_runs import KeptRun, end_lab_run, next_lab_run, start_lab_run

EVERY_SECONDS = 10
NICE = 10
"""A run takes a core for a minute or two; what judges documents goes before it."""
GRACE_SECONDS = 2.0


class LabRunner:
    """Looks for a waiting run and starts it; `stop` ends what it started."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings, self.store = settings, store
        self._child: subprocess.Popen[bytes] | None = None
        self._run = ""

    def job(self) -> FrequentJob:
        """For the job table."""
        return FrequentJob("rule-lab", "规则回放", EVERY_SECONDS, self.look)

    def look(self) -> str:
        """Start the next run, if none is going on. What is the case, in a word."""
        if self._child is not None:
            code = self._child.poll()
            if code is None:
                return f"running {self._run}"
            self._child = None
            self._end(f"回放进程中断（{code}），没有结果；可以再试")
        with self.store.write() as db:
            waiting = next_lab_run(db, now=system_clock())
        if waiting is None:
            return ""
        self._run = waiting.id
        self._child = subprocess.Popen(
            command_of(self.settings, waiting), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=_calm
        )
        return f"started {waiting.id}"

    def stop(self) -> None:
        """End the run that is going on, if any; it is said to have been cut off."""
        if self._child is None or self._child.poll() is not None:
            return
        self._child.terminate()
        try:
            self._child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._end("系统停止时中断，没有结果；可以再试")

    def _end(self, why: str) -> None:
        """A run whose process is gone and which kept nothing has failed; for others this does nothing."""
        now = system_clock()
        with self.store.write() as db:
            start_lab_run(db, self._run, now=now)  # it may have died before it claimed its run
            end_lab_run(db, self._run, now=now, error=why)


def command_of(settings: Settings, run: KeptRun) -> Sequence[str]:
    """`fengsui rules test RULE --past ... --run ID` over the same data."""
    words = [sys.executable, "-m", "cli", "rules", "test", run.rule, "--past", str(run.asked["past"]), "--run", run.id]
    words += _option("--budget", run.asked.get("budget")) + _option("--recall-floor", run.asked.get("recall_floor"))
    return [*words, "--data", str(settings.data_dir), "--profile", settings.profile]


def _option(name: str, value: Any) -> list[str]:
    return [] if value is None else [name, str(value)]


def _calm() -> None:
    os.nice(NICE)
