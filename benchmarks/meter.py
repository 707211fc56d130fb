"""CPU time and memory of running processes, from /proc."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Meter:
    """CPU seconds and memory of a process and of all that it started."""

    pid: int
    peak_mb: float = 0.0
    cpu: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Look each second."""
        while not self.over.wait(1.0):
            self.look()

    def look(self) -> None:
        """Once."""
        pids = list(tree(self.pid))
        self.peak_mb = max(self.peak_mb, sum(map(pss_mb, pids)))
        self.cpu = max(self.cpu, sum(map(cpu_seconds, pids)))  # what has ended has none any more

    @classmethod
    @contextmanager
    def on(cls, pid: int) -> Iterator["Meter"]:
        """Measure for as long as the block runs."""
        meter = cls(pid)
        thread = threading.Thread(target=meter.run)
        thread.start()
        try:
            yield meter
            meter.look()
        finally:
            meter.over.set()
            thread.join()


def tree(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from tree(int(child))


def pss_mb(pid: int) -> float:
    with suppress(OSError):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        return int(next(line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:"))) / 1024
    return 0.0


def cpu_seconds(pid: int) -> float:
    """User and system time, also of children that have ended."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0
