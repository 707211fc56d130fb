"""Imports point one way (ARCHITECTURE.md, "One way through")."""

import ast
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


def files() -> list[Path]:
    found = [ROOT / "cli.py", ROOT / "scheduler.py"]
    for name in sorted(RANK):
        found += sorted((ROOT / name).rglob("*.py"))
    return [path for path in found if path.exists()]


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


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
    askers = []
    for path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
                continue
            if node.attr in ("now", "utcnow", "today") and node.value.id in ("datetime", "date"):
                askers.append(str(path.relative_to(ROOT)))
    assert set(askers) <= {"core/clock.py"}
