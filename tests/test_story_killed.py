"""kill -9 inside the judging transaction, at each place where it writes: afterwards all is as if never killed."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import PROJECT
from store.database import Store
from tests.killed_judge import PLACES, fill
from tests.random_stories import found_in

KILLS = (1, 7)
"""In the how-many-th call the first two processes die; the third one ends the work."""


def run(folder: Path, place: str, count: int) -> int:
    command = [sys.executable, "-m", "tests.killed_judge", str(folder), place, str(count)]
    return subprocess.run(command, cwd=PROJECT, stdin=subprocess.DEVNULL, check=False).returncode


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store whose pages wait to be judged."""
    folder = tmp_path_factory.mktemp("filled")
    fill(folder)
    return folder


@pytest.fixture(scope="module")
def calm(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after a run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("calm")
    shutil.copytree(filled, folder, dirs_exist_ok=True)
    assert run(folder, "card saved", 0) == 0
    return folder


@pytest.mark.parametrize("place", PLACES)
def test_killed_at_any_place_nothing_is_lost_and_nothing_doubled(
    place: str, filled: Path, calm: Path, tmp_path: Path
) -> None:
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    died = [run(tmp_path, place, count) for count in KILLS]
    assert died[0] == -signal.SIGKILL, "the place was never reached"
    assert run(tmp_path, place, 0) == 0
    expected, found = (found_in(Store(f"sqlite:///{folder / 'fengsui.db'}")) for folder in (calm, tmp_path))
    assert len(expected["findings"]) > 20
    assert found == expected
