"""Every operation of the API, fuzzed over HTTP against a real desk: no 500, each answer is as it is described, and a
stranger is told nothing. A seeded part; the whole, as every kind of caller: `make fuzz`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk_server import RunningDesk
from tests.fuzz.api import desk, fuzz


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    with desk(tmp_path_factory.mktemp("desk")) as opened:
        yield opened


@pytest.mark.parametrize("caller", ["admin", "county"])
def test_no_input_breaks_the_api_or_its_description(running: RunningDesk, tmp_path: Path, caller: str) -> None:
    done = fuzz(running, caller, tmp_path, examples=4, phases=("examples", "fuzzing"))
    assert done.well, done.said
    assert done.cases > 100
