"""`fengsui run` as a person starts it: its processes, its address, its end."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from config.settings import PROJECT
from store.database import Store

PATIENCE = 300.0
"""Seconds after which a test gives up on the machine; no promise of the product."""


def until(what: str, look: Callable[[], bool], *, seconds: float = PATIENCE) -> float:
    """Look until it is so; the seconds it took."""
    started = time.monotonic()
    while not look():
        if time.monotonic() - started > seconds:
            raise AssertionError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)
    return time.monotonic() - started


@dataclass
class System:
    """One data folder and the system that runs on it. Started as a group of its own, as by a shell.
    environment: beside that of the tests."""

    folder: Path
    options: tuple[str, ...] = ()
    profile: str = "demo"
    environment: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes]" = field(init=False)

    def start(self) -> None:
        """Start; does not wait."""
        # Each start writes files of its own, so that an old address is never taken for the new one.
        self.folder.mkdir(parents=True, exist_ok=True)
        self._out, self._err = self.folder.parent / "run.out", self.folder.parent / "run.err"
        command = [sys.executable, "-m", "cli", "run", "--port", "0", "--profile", self.profile]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [*command, "--data", str(self.folder), *self.options],
                cwd=PROJECT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def address(self) -> str:
        """The one line on its output, as soon as it is there."""
        until("the address", lambda: self._out.read_text().endswith("\n") or self.process.poll() is not None)
        text = self._out.read_text()
        assert text.count("\n") == 1, self._err.read_text()
        return text.strip()

    def said(self) -> str:
        """What it told on stderr."""
        return self._err.read_text(encoding="utf-8")

    def processes(self) -> dict[int, str]:
        """Pid and command of all that lives and works on this folder, whoever its parent is."""
        title = re.compile(rf"fengsui (\S+) --data {re.escape(str(self.folder.resolve()))}\0*")
        found = {}
        for place in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                shown = title.fullmatch((place / "cmdline").read_text()) if place.name.isdecimal() else None
                if shown:
                    found[int(place.name)] = shown[1]
        if self.process.poll() is None:
            found[self.process.pid] = "run"
        return found

    def pid_of(self, name: str) -> int | None:
        """The process of this name, None while there is none."""
        return next((pid for pid, command in self.processes().items() if command == name), None)

    def end(self, how: signal.Signals, *, group: bool = False) -> float:
        """Signal the supervisor (or its group, as a terminal's Ctrl-C does); seconds until all processes have ended."""
        (os.killpg if group else os.kill)(self.process.pid, how)
        return until("the end of all processes", lambda: not self.processes())

    def clear(self) -> None:
        """Leave nothing behind, whatever the test did."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def store(self) -> Store:
        """Its database."""
        return Store(f"sqlite:///{self.folder / 'fengsui.db'}")
