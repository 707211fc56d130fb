"""What broke a reader once breaks none again, nor do some thousand mutations of honest inputs. The long runs:
`make fuzz` (docs/threat_model.md says how long and what they found)."""

import random

import pytest

from tests.fuzz.seeds import SEEDS, found_of, mutations
from tests.fuzz.targets import TARGETS

ROUNDS = {"page": 40, "feed": 60, "rows": 60, "charset": 60, "attached": 100}
"""Inputs a target where each costs milliseconds; else 400."""


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_once_is_read_or_refused(name: str) -> None:
    for data in (*SEEDS[name], *found_of(name)):
        TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_changed_inputs_are_read_or_refused(name: str) -> None:
    inputs = mutations([*SEEDS[name], *found_of(name)], random.Random(7))
    for _ in range(ROUNDS.get(name, 400)):
        TARGETS[name](next(inputs))
