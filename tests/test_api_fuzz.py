"""Every operation of the API, fuzzed over HTTP against a real desk: no 500, and each answer is as it is described.

The tool is schemathesis; how many requests it sends is bounded, so that the run stays within a minute.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from store import tokens, users
from tests.desk_server import RunningDesk, make_services, running_desk
from web.access import SCOPES
from web.bearer import PREFIX

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance", "missing_required_header", "unsupported_method", "ignored_auth",
)  # fmt: skip
"""Not asked: whether what fits the schema is accepted; the query language says more than a schema can."""
EXAMPLES, SEED, SECONDS = 15, 20261126, 240


REAL = {"alert_id": "YJ-2026-0001", "firm": "ENT0140", "key": "gz_amr", "kind": "sampling"}
"""What is there, by the name of the parameter: otherwise every address of one thing would answer 404."""


def _with_real_ids(described: dict[str, Any], real: Mapping[str, str]) -> int:
    """Puts them into the description as examples; how many parameters have one now."""
    parameters = [
        parameter
        for methods in described["paths"].values()
        for one in methods.values()
        for parameter in one.get("parameters", ())
        if parameter["in"] == "path" and parameter["name"] in real
    ]
    for parameter in parameters:
        parameter["examples"] = {"real": {"value": real[parameter["name"]]}}
    return len(parameters)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningDesk]:
    monkeypatch.setenv("FENGSUI_API_PER_MINUTE", "100000")
    services = make_services(tmp_path)
    with running_desk(services) as running:
        yield running
    services.store.close()


def test_no_input_breaks_the_api_or_its_description(desk: RunningDesk, tmp_path: Path) -> None:
    services = desk.services
    now = services.clock()
    with services.store.write() as db:
        users.create_user(db, "fuzz", role="admin", territory="000000", display_name="", password=None, now=now)
        secret = PREFIX + tokens.create_token(
            db, "api", user="fuzz", note="", now=now, details={"scopes": list(SCOPES)}
        )
    bearer = {"Authorization": f"Bearer {secret}"}
    described = tmp_path / "openapi.json"
    found = httpx.get(f"{desk.base}/api/openapi.json", headers=bearer).json()
    hit = httpx.get(f"{desk.base}/api/search?from=all", headers=bearer).json()["hits"][0]["id"]
    assert _with_real_ids(found, REAL | {"document_id": hit}) > len(REAL)
    described.write_text(json.dumps(found), encoding="utf-8")
    command = [
        str(Path(sys.executable).parent / "st"), "run", str(described), "--url", desk.base,
        "--header", f"Authorization: Bearer {secret}", "--phases", "examples,coverage,fuzzing",
        "--checks", ",".join(CHECKS), "--max-examples", str(EXAMPLES), "--seed", str(SEED), "--no-shrink",
        "--continue-on-failure", "--generation-database", "none", "--warnings", "off", "--no-color",
    ]  # fmt: skip
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert run.returncode == 0, run.stdout[-12_000:] + run.stderr[-2_000:]
