"""Twenty runs of `make chaos`: two hundred are made by hand."""

import random

import pytest

from tests.chaos import live_through
from tests.postgresql import Database

RUNS = 20


@pytest.mark.timeout(900)
def test_killed_again_and_again_nothing_is_lost_and_nothing_comes_twice(postgresql: Database) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"python -m tests.chaos --runs {RUNS} --seed {seed}")
    found = live_through(RUNS, seed, sqlite=False, calm=False)
    assert (found.lost, found.doubled) == ([], [])
    assert found.documents == 2 * RUNS
    assert found.alerts == RUNS
