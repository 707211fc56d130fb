"""Fixtures that every test may use."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.lexicon import Lexicon, load_lexicon, load_registry_csv
from config.settings import PROJECT
from core.clock import Clock, fixed_clock
from core.records import RegistryEntry
from store.database import Store

pytest_plugins = ["tests.elasticsearch_fixture"]

LONGEST = (
    "test_run_killed.py", "test_kill.py", "test_search_elasticsearch_cluster.py", "test_index_outage.py",
    "test_index_rules_node.py", "test_run.py", "test_browser_desk.py", "test_story_killed.py", "test_elastic_roles.py",
    "test_lab_findings.py", "test_run_crawl.py",
)  # fmt: skip
"""Files of few tests that take minutes: begun first, so that none is left alone at the end."""
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    """The lexicon of the checkout."""
    return load_lexicon(PROJECT / "config")


@pytest.fixture(scope="module")
def firms() -> dict[str, RegistryEntry]:
    """The demo's firms by id."""
    return {entry.id: entry for entry in load_registry_csv(PROJECT / "config" / "lexicons" / "enterprises_demo.csv")}


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
