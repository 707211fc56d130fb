"""Imports point one way (ARCHITECTURE.md, "One way through")."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = [
    {"core"},
    {"config"},
    {"facts"},
    {"crawlers", "nlp", "store", "search", "charts", "demo"},
    {"enterprises", "training"},
    {"pipelines"},
    {"alerts"},
    {"ledger"},
    {"reports"},
    {"keeping"},
    {"web"},
    {"scheduler"},
    {"commands"},
    {"cli"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


@cache
def files() -> tuple[Path, ...]:
    found = [ROOT / "cli.py", ROOT / "scheduler.py"]
    for name in sorted(RANK):
        found += sorted((ROOT / name).rglob("*.py"))
    return tuple(path for path in found if path.exists())


@cache
def read(path: Path) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """The modules a file imports, and each `name.attribute` in it: read once for all tests."""
    modules: set[str] = set()
    asked: set[tuple[str, str]] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.add(node.module)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            asked.add((node.value.id, node.attr))
    return frozenset(modules), frozenset(asked)


def imports(path: Path) -> frozenset[str]:
    return read(path)[0]


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    for module in imports(path):
        other = module.split(".")[0]
        if other in RANK and other != own:
            assert RANK[other] < RANK[own], f"{own} imports {module}, which is beside or above it"


@pytest.mark.parametrize("library", ["elasticsearch", "tantivy"])
def test_only_search_speaks_to_an_index(library: str) -> None:
    users = {
        path.relative_to(ROOT).parts[0] for path in files() if any(m.split(".")[0] == library for m in imports(path))
    }
    assert users <= {"search"}


def test_only_training_imports_torch() -> None:
    users = {
        path.relative_to(ROOT).parts[0] for path in files() if any(m.split(".")[0] == "torch" for m in imports(path))
    }
    assert users <= {"training"}


def test_only_settings_read_the_environment() -> None:
    readers = [path for path in files() if "os.environ" in path.read_text(encoding="utf-8")]
    assert {str(path.relative_to(ROOT)) for path in readers} <= {"config/settings.py"}


def test_only_the_clock_asks_the_time() -> None:
    asking = {(name, what) for name in ("datetime", "date") for what in ("now", "utcnow", "today")}
    askers = {str(path.relative_to(ROOT)) for path in files() if read(path)[1] & asking}
    assert askers <= {"core/clock.py"}
