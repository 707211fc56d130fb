"""Fixtures that every test may use."""

import gc
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from config.lexicon import Lexicon, load_lexicon, load_registry_csv
from config.settings import PROJECT
from core.clock import Clock, fixed_clock
from core.records import RegistryEntry
from store import users
from store.database import Store
from tests.elasticsearch import required
from tests.postgresql import Copies, Database, PostgresMissing, running_postgresql

pytest_plugins = ["tests.elasticsearch_fixture"]

LONGEST = (
    "test_browser_desk.py", "test_run_killed.py", "test_index_outage.py", "test_run.py", "test_chaos.py",
    "test_search_elasticsearch_rebuild.py", "test_story_killed.py", "test_search_elasticsearch_cluster.py",
    "test_search_elasticsearch_bulk.py", "test_browser_search.py", "test_api_fuzz.py", "test_elastic_roles.py",
    "test_source_command.py", "test_kill.py", "test_lab_findings.py",
)  # fmt: skip
"""Files of few tests that take minutes: begun first, so that none is left alone at the end."""
SHIPPED_HASHER = users.PASSWORD_HASHER
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


gc.disable()  # nothing that collecting makes goes away again: walking over it ten times takes 2 s of each process


def pytest_collection_finish() -> None:
    """Memory is looked through again, but for what the whole run needs."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Passwords that cost a thousandth: some tests make six accounts, each costs an eighth of a second as shipped."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(users, "PASSWORD_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield


@pytest.fixture
def shipped_hasher() -> PasswordHasher:
    """What passwords are hashed with outside of tests."""
    return SHIPPED_HASHER


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    """The lexicon of the checkout."""
    return load_lexicon(PROJECT / "config")


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session", autouse=True)
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of an empty migrated store, to be copied. What migrates an empty SQLite file in this process gets a copy
    of it, too: 65 migrations take half a second of CPU, and tests do it a thousand times."""
    file = tmp_path_factory.mktemp("migrated") / "fengsui.db"
    opened = Store(f"sqlite:///{file}")
    opened.migrate()
    opened.close()
    really = Store.migrate

    def migrate(store: Store) -> None:
        if store.engine.dialect.name == "sqlite":
            with closing(store.engine.raw_connection()) as raw, closing(sqlite3.connect(file)) as template:
                held: Any = raw.driver_connection
                if not held.execute("select count(*) from sqlite_master").fetchone()[0]:
                    template.backup(held)
                    return
        really(store)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "migrate", migrate)
        yield file


def pytest_addoption(parser: pytest.Parser) -> None:
    """--store=postgresql: the tests that ask for a store get one on a real PostgreSQL."""
    parser.addoption("--store", choices=("sqlite", "postgresql"), default="sqlite", help="what `store` stands on")


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A running PostgreSQL, one for each test process."""
    try:
        with running_postgresql(tmp_path_factory.mktemp("postgresql") / "cluster") as database:
            yield database
    except PostgresMissing as problem:
        if required():
            pytest.fail(str(problem))
        pytest.skip(str(problem))


@pytest.fixture
def team(postgresql: Database) -> Iterator[Store]:
    """An empty migrated store on PostgreSQL."""
    postgresql.empty()
    opened = Store(postgresql.url)
    yield opened
    opened.close()


@pytest.fixture(scope="session", autouse=True)
def desks_elsewhere(request: pytest.FixtureRequest) -> Iterator[None]:
    """--store=postgresql: the desks of tests/desk_server.py stand on it, too."""
    if request.config.getoption("--store") != "postgresql":
        yield
        return
    from tests import desk_server

    database: Database = request.getfixturevalue("postgresql")
    desk_server.elsewhere.append(Copies(database.url, desk_server.filled_folder() / "fengsui.db").of)
    yield
    desk_server.elsewhere.clear()


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty migrated store, on SQLite or what --store names."""
    if request.config.getoption("--store") == "postgresql":
        database: Database = request.getfixturevalue("postgresql")
        database.empty()
        url = database.url
    else:
        url = f"sqlite:///{shutil.copy(request.getfixturevalue('migrated'), tmp_path / 'fengsui.db')}"
    opened = Store(url)
    yield opened
    opened.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder that holds a little of everything that is kept."""
    from tests.kept_folder import fill_folder  # here: few tests ask for it, and it loads a whole desk

    return fill_folder(tmp_path / "data")


@pytest.fixture
def filled(data: Path) -> Iterator[Store]:
    """The store of that folder."""
    with closing(Store(f"sqlite:///{data / 'fengsui.db'}")) as opened:
        yield opened
