"""A command of `fengsui` run in this process: what it prints and how it ends, without the seconds a new one takes."""

from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO

import cli


@dataclass(frozen=True)
class Finished:
    """As subprocess tells it."""

    returncode: int
    stdout: str
    stderr: str


def run_here(*words: str) -> Finished:
    """Run it to its end."""
    out, err, code = StringIO(), StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main(words)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Finished(code, out.getvalue(), err.getvalue())
