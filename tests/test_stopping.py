"""A signal that comes while the process waits for it ends the wait, at whatever instruction it comes."""

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
