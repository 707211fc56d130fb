"""A signal that comes while the process waits for it ends the wait, at whatever instruction it comes."""

import signal
import subprocess
import sys

from config.settings import PROJECT

IN_THE_WAIT = """
import os, signal
from core.stopping import stop_on
stop = stop_on(signal.SIGUSR1)
with stop._cond:  # as Event.wait holds it for an instant
    os.kill(os.getpid(), signal.SIGUSR1)
print("ended" if stop.wait(30) else "still waiting")
"""


def test_a_signal_inside_the_wait_ends_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_THE_WAIT], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "ended\n", done.stderr


def test_a_fork_neither_loses_a_signal_nor_hears_its_parents() -> None:
    script = """
import os, signal
from core.stopping import StopSignals
stop = StopSignals(signal.SIGTERM)
with stop.held():
    os.kill(os.getpid(), signal.SIGTERM)
    child = os.fork()
    if child == 0:
        stop.forget()
if child == 0:
    signal.raise_signal(signal.SIGTERM)
_, status = os.wait()
print(os.waitstatus_to_exitcode(status), stop.wait(30))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.stdout == f"{-signal.SIGTERM} True\n", done.stderr
