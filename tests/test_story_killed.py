"""kill -9 inside the judging transaction, at each place where it writes: afterwards all is as if never killed."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

import pytest

from config.settings import PROJECT
from store.database import Store
from tests.killed_judge import PLACES, fill
from tests.random_stories import found_in

KILLS = (1, 7)
"""In the how-many-th call the first two processes die; the third one ends the work."""


@dataclass(frozen=True)
class Judges:
    """Starts processes that judge."""

    forker: "subprocess.Popen[str]"

    def run(self, folder: Path, place: str, count: int) -> int:
        """The exit code of one that dies in the count-th call of `place`; 0: never."""
        assert self.forker.stdin is not None
        assert self.forker.stdout is not None
        print(json.dumps([str(folder), place, count]), file=self.forker.stdin, flush=True)
        return int(self.forker.stdout.readline())


@pytest.fixture(scope="module")
def judges() -> Iterator[Judges]:
    command = [sys.executable, "-m", "tests.killed_judge"]
    with subprocess.Popen(command, cwd=PROJECT, stdin=PIPE, stdout=PIPE, text=True) as forker:
        yield Judges(forker)
        assert forker.stdin is not None
        forker.stdin.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store whose pages wait to be judged."""
    folder = tmp_path_factory.mktemp("filled")
    fill(folder)
    return folder


@pytest.fixture(scope="module")
def calm(filled: Path, judges: Judges, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after a run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("calm")
    shutil.copytree(filled, folder, dirs_exist_ok=True)
    assert judges.run(folder, "card saved", 0) == 0
    return folder


@pytest.mark.parametrize("place", PLACES)
def test_killed_at_any_place_nothing_is_lost_and_nothing_doubled(
    place: str, judges: Judges, filled: Path, calm: Path, tmp_path: Path
) -> None:
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    died = [judges.run(tmp_path, place, count) for count in KILLS]
    assert died[0] == -signal.SIGKILL, "the place was never reached"
    assert judges.run(tmp_path, place, 0) == 0
    expected, found = (found_in(Store(f"sqlite:///{folder / 'fengsui.db'}")) for folder in (calm, tmp_path))
    assert len(expected["findings"]) > 20
    assert found == expected
