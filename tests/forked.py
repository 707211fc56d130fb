"""Commands of `fengsui` in processes of their own, forked off one that has loaded them: a new one takes up to three
seconds of CPU until it begins. tests/test_run.py starts real ones.

`python -m tests.forked` is the one that forks; it serves its parent over the socket that is its stdin.
"""

import atexit
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any

import cli
from config.settings import PROJECT
from tests.command_line import Finished

LONGEST = 1 << 20
NOTHING: Mapping[str, str] = {}
ROOM = "-" * 400
"""Argument that gives the forked ones room for the title under which `ps` shows them."""


@dataclass
class Forked:
    """A command on its way, as subprocess.Popen tells of it."""

    pid: int
    stdout: IO[str]
    stderr: IO[str]
    returncode: int | None = field(default=None)

    def poll(self) -> int | None:
        """The exit code, None while it runs."""
        return self._ended(patient=False)

    def wait(self) -> int:
        """The exit code, when it has ended."""
        code = self._ended(patient=True)
        assert code is not None
        return code

    def send_signal(self, how: int) -> None:
        """To a process that has not been waited for."""
        if self.poll() is None:
            os.kill(self.pid, how)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def communicate(self) -> tuple[str, str]:
        """What it prints to its end, and its errors."""
        found: list[str] = []
        beside = threading.Thread(target=lambda: found.append(self.stderr.read()))
        beside.start()
        out = self.stdout.read()
        beside.join()
        self.wait()
        return out, found[0]

    def _ended(self, *, patient: bool) -> int | None:
        if self.returncode is None:
            self.returncode = ask({"wait": self.pid, "patient": patient})
        return self.returncode


def start(*words: str, log: Path | None = None, environment: Mapping[str, str] = NOTHING) -> Forked:
    """Start a command. log: a file that takes all it says; without one somebody must read what it says, or it waits.
    environment: beside that of the tests."""
    out, out_end = os.pipe()
    err, err_end = os.pipe()
    ends = [out_end, err_end]
    if log is not None:
        ends += [os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)] * 2
    pid = ask({"words": words, "environment": {**os.environ, **environment}}, ends[-2:])
    for end in set(ends):
        os.close(end)
    return Forked(pid, os.fdopen(out), os.fdopen(err))


def run_apart(*words: str, environment: Mapping[str, str] = NOTHING) -> Finished:
    """Run a command to its end."""
    process = start(*words, environment=environment)
    out, err = process.communicate()
    return Finished(process.wait(), out, err)


@cache
def _forker() -> socket.socket:
    """The process that forks, one for each test process; it ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.forked", ROOM]
    process = subprocess.Popen(command, cwd=PROJECT, stdin=theirs.fileno())
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def ask(what: dict[str, Any], handles: Sequence[int] = ()) -> Any:
    """One question to it."""
    socket.send_fds(_forker(), [json.dumps(what).encode()], handles)
    return json.loads(_forker().recv(LONGEST))


def serve(asked: socket.socket) -> None:
    """Fork what is asked for, and tell how it ends."""
    living: set[int] = set()
    while True:
        data, handles, *_ = socket.recv_fds(asked, LONGEST, 2)
        if not data:
            break
        request = json.loads(data)
        if "wait" in request:
            pid, status = os.waitpid(request["wait"], 0 if request["patient"] else os.WNOHANG)
            living.discard(pid)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        else:
            for module, names in cli.GROUPS.items():
                if request["words"][0] in names:
                    importlib.import_module(module)
            answer = os.fork()
            if answer == 0:
                asked.close()
                become(request["words"], request["environment"], handles)
                return
            living.add(answer)
            for handle in handles:
                os.close(handle)
        asked.send(json.dumps(answer).encode())
    for pid in living:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def become(words: Sequence[str], environment: dict[str, str], handles: Sequence[int]) -> None:
    """In the fork: the command, as if its process had been started with it."""
    for handle, place in ((os.open(os.devnull, os.O_RDONLY), 0), (handles[0], 1), (handles[1], 2)):
        os.dup2(handle, place)
        os.close(handle)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:] = ["fengsui", *words]
    cli.main(words)


if __name__ == "__main__":
    serve(socket.socket(fileno=os.dup(0)))
