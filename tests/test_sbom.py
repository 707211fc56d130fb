"""What we are made of: each pinned package has a licence that may be used, and the bill names all of them."""

import json

import pytest

from deploy.audit import told
from deploy.sbom import Package, bill, packages


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


def test_an_audit_fails_for_a_known_hole_and_says_when_nobody_answered(capsys: pytest.CaptureFixture[str]) -> None:
    hole = {"id": "PYSEC-1", "fix_versions": ["2"]}
    answer = {
        "dependencies": [{"name": "a", "version": "1", "vulns": [hole]}, {"name": "b", "version": "1", "vulns": []}]
    }
    assert told(json.dumps(answer), "") == 1
    assert "a 1: PYSEC-1; mended in 2" in capsys.readouterr().out
    assert told(json.dumps({"dependencies": []}), "") == 0
    assert told("", "ConnectionError: name resolution failed") == 0
    assert "not audited: ConnectionError" in capsys.readouterr().err
