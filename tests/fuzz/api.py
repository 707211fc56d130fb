"""`python -m tests.fuzz.api [--examples N] [CALLER...]`: schemathesis over every operation of the API, against a real
desk, as each kind of caller. What is found is told with the request that shows it.

Exit 1 where anything was found. `make fuzz` runs it; CI runs a seeded part (tests/test_api_fuzz.py).
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from core.ids import short_id
from store import tokens, users
from tests.desk_server import RunningDesk, make_services, running_desk
from web.access import SCOPES
from web.bearer import PREFIX

OURS = ("guarded",)
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance", "missing_required_header", "unsupported_method", "ignored_auth",
    "negative_data_rejection", "allow_header_conformance", "use_after_free", "ensure_resource_availability",
)  # fmt: skip
"""Not asked: whether what fits the schema is accepted. The query language, cursors and rows of a kind say more than a
schema can (of 1,769 requests the 13 that it complained of were these)."""
SEED = 20261126
SEVERAL_MINUTES = 3600
REAL = {"alert_id": "YJ-2026-0001", "firm": "ENT0140", "key": "gz_amr", "kind": "sampling"}
"""What is there, by the name of the parameter: otherwise every address of one thing would answer 404."""

ALERTS = tuple(short_id("a", f"I{number}") for number in range(1, 7))
"""Of the desk's filled store; all are of other territories than the county's."""


@dataclass(frozen=True)
class Caller:
    """role and scopes: of the key; no role: no account.  checks: beside those of everybody."""

    role: str = ""
    territory: str = "000000"
    scopes: tuple[str, ...] = tuple(SCOPES)
    checks: tuple[str, ...] = CHECKS
    key: str = ""


REFUSED = ("not_a_server_error", "status_code_conformance", "only_refused")
CALLERS: Mapping[str, Caller] = {
    "admin": Caller("admin"),
    "county": Caller("officer", "360830", checks=(*CHECKS, "nothing_of_others")),
    "reader": Caller("viewer", "360000", ("read:alerts",), (*CHECKS, "nothing_but_reading")),
    "wrong": Caller(key=f"{PREFIX}{'x' * 32}", checks=REFUSED),
    "nobody": Caller(checks=REFUSED),
}


@dataclass(frozen=True)
class Fuzzed:
    """What a run of one caller said. cases: requests that were made, as schemathesis counts them."""

    cases: int
    well: bool
    said: str


@contextmanager
def desk(folder: Path) -> Iterator[RunningDesk]:
    """A filled desk that does not say 429; nothing of it lies in the county's territory."""
    before = os.environ.get("FENGSUI_API_PER_MINUTE")
    os.environ["FENGSUI_API_PER_MINUTE"] = "100000"
    try:
        services = make_services(folder)
        with running_desk(services) as running:
            yield running
        services.store.close()
    finally:
        os.environ.pop("FENGSUI_API_PER_MINUTE")
        if before is not None:
            os.environ["FENGSUI_API_PER_MINUTE"] = before


def fuzz(running: RunningDesk, name: str, folder: Path, *, examples: int, phases: Sequence[str]) -> Fuzzed:
    """Run one caller. folder: what schemathesis reads and writes goes there."""
    caller, chief = CALLERS[name], _key_of(running, f"chief-{name}", CALLERS["admin"])
    header = {"Authorization": f"Bearer {chief}"}
    described = httpx.get(f"{running.base}/api/openapi.json", headers=header).json()
    hit = httpx.get(f"{running.base}/api/search?from=all", headers=header).json()["hits"][0]["id"]
    with_real_ids(described, REAL | {"document_id": hit})
    (folder / "openapi.json").write_text(json.dumps(described), encoding="utf-8")
    (folder / "foreign.txt").write_text("\n".join((hit, *ALERTS)), encoding="utf-8")
    key = _key_of(running, name, caller) if caller.role else caller.key
    command = [
        str(Path(sys.executable).parent / "st"), "run", "openapi.json", "--url", running.base,
        *(["--header", f"Authorization: Bearer {key}"] if key else []), "--phases", ",".join(phases),
        "--checks", ",".join((*caller.checks, *OURS)), "--max-examples", str(examples), "--seed", str(SEED),
        "--no-shrink", "--continue-on-failure", "--generation-database", "none", "--warnings", "off", "--no-color",
    ]  # fmt: skip
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzz.api_checks", "PYTHONPATH": os.getcwd()}
    run = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SEVERAL_MINUTES, check=False
    )
    counted = re.search(r"([\d,]+) generated", run.stdout)
    cases = int(counted[1].replace(",", "")) if counted else 0
    return Fuzzed(cases, run.returncode == 0, run.stdout[-12_000:] + run.stderr[-2_000:])


def with_real_ids(described: dict[str, Any], real: Mapping[str, str]) -> int:
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


def _key_of(running: RunningDesk, name: str, caller: Caller) -> str:
    services = running.services
    now = services.clock()
    with services.store.write() as db:
        users.create_user(
            db, name, role=caller.role, territory=caller.territory, display_name="", password=None, now=now  # type: ignore[arg-type]
        )  # fmt: skip
        details = {"scopes": list(caller.scopes)}
        return PREFIX + tokens.create_token(db, "api", user=name, note="", now=now, details=details)


def main() -> int:
    """Each caller in turn."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.api")
    parser.add_argument("callers", nargs="*", help=f"of {', '.join(CALLERS)}; none: all")
    parser.add_argument("--examples", type=int, default=50, help="at most so many an operation in each phase")
    given = parser.parse_args()
    broken = False
    for name in given.callers or CALLERS:
        with tempfile.TemporaryDirectory() as folder, desk(Path(folder) / "desk") as running:
            done = fuzz(
                running, name, Path(folder), examples=given.examples,
                phases=("examples", "coverage", "fuzzing", "stateful"),
            )  # fmt: skip
        print(f"api as {name}: {done.cases} requests, {'nothing found' if done.well else done.said}", flush=True)
        broken |= not done.well
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
