"""Fixtures that every test may use."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.clock import Clock, fixed_clock
from store.database import Store

pytest_plugins = ["tests.elasticsearch_fixture"]

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


@pytest.fixture
def noon() -> datetime:
    """12:00 Beijing on 23 November 2026."""
    return NOON


@pytest.fixture
def clock() -> Clock:
    """A clock that stands at noon."""
    return fixed_clock(NOON)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty migrated store on SQLite."""
    opened = Store(f"sqlite:///{tmp_path / 'fengsui.db'}")
    opened.migrate()
    yield opened
    opened.close()
