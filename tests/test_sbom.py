"""What we are made of: each pinned package has a licence that may be used, and the bill names all of them."""

import ast
import json
import sys
from importlib.metadata import packages_distributions, requires

import pytest
from packaging.requirements import Requirement

from deploy.audit import told
from deploy.sbom import ROOT, Package, bill, packages, plain

NOT_RUNNING = {
    "torch": "of those who train models", "opentelemetry": "requirements-traces.txt, by wish",
    "playwright": "draws the pictures of the tour", "compression": "of Python 3.14 itself",
}  # fmt: skip
RUNNING = (
    "core", "config", "facts", "crawlers", "nlp", "store", "search", "charts", "demo", "enterprises", "pipelines",
    "alerts", "ledger", "reports", "keeping", "web", "commands",
)  # fmt: skip


def test_every_pinned_package_has_a_licence_that_may_be_used() -> None:
    found = packages()
    assert len(found) > 100
    assert [f"{one.name}: {one.licence}" for one in found if not one.allowed] == []


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True), ("BSD-3-Clause", True), ("LGPL-3.0-only", True), ("Mozilla Public License 2.0 (MPL 2.0)", True),
        ("GNU Lesser General Public License v2 or later (LGPLv2+)", True), ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only", False), ("AGPL-3.0", False), ("GNU General Public License v3 (GPLv3)", False), ("", False),
        ("SSPL-1.0", False), ("Proprietary", False),
    ],
)  # fmt: skip
def test_a_licence_is_one_that_may_be_used_or_not(licence: str, allowed: bool) -> None:
    assert Package("a", "1", licence, ()).allowed is allowed


def test_the_bill_names_every_package_once_and_is_the_same_each_time() -> None:
    found = packages()
    made = bill(found, "0.1.0")
    refs = [one["bom-ref"] for one in made["components"]]
    assert (made["bomFormat"], made["specVersion"], len(set(refs))) == ("CycloneDX", "1.6", len(found))
    assert {ref for one in made["dependencies"] for ref in one["dependsOn"]} == set(refs)
    assert json.dumps(made) == json.dumps(bill(packages(), "0.1.0"))


def test_the_bill_is_whole_every_package_that_one_of_them_needs_here_is_on_it() -> None:
    known = {one.name for one in packages()}
    lacking = []
    for one in packages():
        for text in requires(one.name) or ():
            need = Requirement(text)
            here = need.marker is None or need.marker.evaluate({"extra": ""})
            if here and plain(need.name) not in known:
                lacking.append(f"{one.name} needs {need.name}")
    assert lacking == []


def test_the_bill_has_every_package_that_the_running_system_imports() -> None:
    """What stands in the code, also inside of functions."""
    known, of = {one.name for one in packages()}, packages_distributions()
    ours = {path.name for path in ROOT.iterdir() if path.is_dir()} | {path.stem for path in ROOT.glob("*.py")}
    ours |= {*sys.stdlib_module_names, *NOT_RUNNING}
    seen: dict[str, str] = {}
    for folder in RUNNING:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names = [node.module]
                seen |= {name.partition(".")[0]: f"{folder}/{path.name}" for name in names}
    lacking = [
        f"{name} ({where})"
        for name, where in seen.items()
        if name not in ours and not {plain(one) for one in of.get(name, ())} & known
    ]
    assert lacking == []


def test_an_audit_fails_for_a_known_hole_and_says_when_nobody_answered(capsys: pytest.CaptureFixture[str]) -> None:
    hole = {"id": "PYSEC-1", "fix_versions": ["2"]}
    answer = {
        "dependencies": [{"name": "a", "version": "1", "vulns": [hole]}, {"name": "b", "version": "1", "vulns": []}]
    }
    assert told(json.dumps(answer), "") == 1
    assert "a 1: PYSEC-1; mended in 2" in capsys.readouterr().out
    skipped = {"name": "a", "skip_reason": "not found"}
    assert told(json.dumps({"dependencies": [skipped, {"name": "b", "version": "1", "vulns": []}]}), "") == 0
    said = capsys.readouterr()
    assert "1 packages asked about, 0 known holes" in said.out
    assert "not audited, nothing was answered: a (not found)" in said.err
    for found in ([], [skipped]):
        assert told(json.dumps({"dependencies": found}), "") == 0
        said = capsys.readouterr()
        assert ("asked about" in said.out, "skipped, not audited" in said.err) == (False, True)
    assert told("", "ConnectionError: name resolution failed") == 0
    assert "not audited: ConnectionError" in capsys.readouterr().err
