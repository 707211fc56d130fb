"""A few power cuts; more by `python -m tests.power_cut`."""

import random
from pathlib import Path

import pytest

from tests.power_cut import NoDisk, live_through

CUTS = 3


@pytest.mark.timeout(900)
def test_what_was_told_as_stored_is_there_after_a_power_cut_and_nothing_comes_twice(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"python -m tests.power_cut --sqlite --cuts {CUTS} --seed {seed}")
    try:
        found = live_through(tmp_path, CUTS, seed, sqlite=True)
    except NoDisk as problem:
        pytest.skip(f"{problem} (a disk of one's own needs root and a loop device)")
    assert [one.faults for one in found] == [()] * CUTS
    assert found[-1].after.documents == 2 * found[-1].after.alerts == 4 * CUTS
