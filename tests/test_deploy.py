"""deploy/: what can be held without an engine, a registry or Kibana. deploy/README.md says what cannot."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import IN_FILES, PROJECT, Settings
from core.clock import system_clock
from deploy.kibana.build import TARGET, build
from deploy.slim import take_out
from search.elastic_schema import mapping
from search.fields import BY_NAME
from search.names import NO_NAMES
from search.query import read_query

DEPLOY = PROJECT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
ONCE = {"certificates", "accounts", "kibana-objects", "numbers-folder"}
KEPT = sorted(set(SERVICES) - ONCE)


def objects() -> list[dict[str, Any]]:
    return [json.loads(line) for line in TARGET.read_text(encoding="utf-8").splitlines()]


# Kibana


def test_kibanas_file_is_what_the_table_of_fields_says_today() -> None:
    assert TARGET.read_text(encoding="utf-8") == build() == build()


def test_every_reference_of_kibanas_objects_is_in_the_file() -> None:
    known = {(one["type"], one["id"]) for one in objects()}
    assert len(known) == len(objects())
    for one in objects():
        assert {(to["type"], to["id"]) for to in one["references"]} <= known
    assert {kind for kind, _id in known} == {"index-pattern", "search", "lens", "dashboard"}


def fields_of(one: dict[str, Any]) -> set[str]:
    """The fields that an object of Kibana shows, sorts or counts by."""
    attributes = one["attributes"]
    found = set(attributes.get("columns", ())) | {sort[0] for sort in attributes.get("sort", ())}
    text = json.dumps(one, ensure_ascii=False)
    found |= set(re.findall(r'"sourceField": "([^"]+)"', text)) - {"___records___"}
    if one["type"] == "index-pattern":
        found |= {attributes["timeFieldName"], *json.loads(attributes["fieldAttrs"])}
        found |= set(json.loads(attributes["fieldFormatMap"]))
    return found


def test_every_field_in_kibanas_objects_is_in_the_mapping() -> None:
    mapped = set(mapping()["properties"])
    used = {name for one in objects() for name in fields_of(one)}
    assert used <= mapped
    assert {"level", "products", "territory", "event_time"} <= used


def test_kibana_shows_the_labels_and_values_of_the_desk() -> None:
    view = next(one for one in objects() if one["type"] == "index-pattern")["attributes"]
    labels = {name: told["customLabel"] for name, told in json.loads(view["fieldAttrs"]).items()}
    assert labels["products"] == BY_NAME["products"].label == "产品"
    formats = json.loads(view["fieldFormatMap"])
    products = {each["key"]: each["value"] for each in formats["products"]["params"]["lookupEntries"]}
    assert products["ebike"] == "电动自行车"


def test_the_saved_searches_are_queries_our_own_parser_takes() -> None:
    for one in objects():
        if one["type"] == "search":
            source = json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
            asked = read_query(source["query"]["query"], names=NO_NAMES, now=system_clock())
            assert asked.warnings == ()


def test_each_panel_of_the_dashboard_shows_something_and_none_lies_on_another() -> None:
    board = next(one for one in objects() if one["type"] == "dashboard")
    names = {each["name"] for each in board["references"]}
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(board["attributes"]["panelsJSON"]):
        assert f"{panel['panelIndex']}:{panel['panelRefName']}" in names
        grid = panel["gridData"]
        assert grid["x"] + grid["w"] <= 48
        cells = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & taken
        taken |= cells


# compose


def test_everything_a_service_refers_to_is_defined() -> None:
    for name, service in SERVICES.items():
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"]), name
        assert set(service["networks"]) <= set(COMPOSE["networks"]), name
        for other, wanted in service.get("depends_on", {}).items():
            if wanted["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other], f"{name} waits for the health of {other}"
            else:
                assert wanted["condition"] == "service_completed_successfully"
                assert SERVICES[other]["restart"] == "no"
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], mount


@pytest.mark.parametrize("name", KEPT)
def test_a_service_that_stays_is_watched_bounded_and_gains_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    limits = service["deploy"]["resources"]["limits"]
    assert {"memory", "cpus", "pids"} <= set(limits)
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_fengsui_runs_without_rights_on_a_root_it_cannot_write() -> None:
    service = SERVICES["fengsui"]
    assert (service["user"], service["read_only"], service["cap_drop"]) == ("1000:1000", True, ["ALL"])


def test_a_backup_has_its_program_and_a_place() -> None:
    image = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    release = re.search(r"POSTGRES_VERSION:-(\d+)", SERVICES["postgres"]["image"])
    assert release is not None
    assert f"postgresql-client-{release[1]} " in image, "pg_dump refuses a server that is newer than itself"
    places = [mount.split(":")[1].split()[0] for mount in SERVICES["fengsui"]["volumes"]]
    assert "/backups" in places
    assert "/backups" in image


def test_stores_have_no_way_out() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("elasticsearch", "postgres"):
        assert SERVICES[name]["networks"] == ["inside"]
        assert "ports" not in SERVICES[name]


def test_the_settings_given_to_fengsui_are_ones_it_knows() -> None:
    known = {f"FENGSUI_{name.upper()}" for name in Settings.model_fields}
    known |= {f"FENGSUI_{name.upper()}_FILE" for name in IN_FILES}
    assert set(SERVICES["fengsui"]["environment"]) <= known


def test_no_secret_stands_in_the_environment() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name or name.endswith("API_KEY"):
                assert value.startswith("/run/secrets/"), name


def test_secrets_are_made_once_and_belong_to_nobody_else(tmp_path: Path) -> None:
    script = tmp_path / "make-secrets.sh"
    script.write_bytes((DEPLOY / "make-secrets.sh").read_bytes())

    def made() -> dict[str, str]:
        subprocess.run(["bash", str(script)], check=True, capture_output=True, timeout=60)
        return {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}

    first = made()
    assert set(first) == set(COMPOSE["secrets"])
    assert len({first[name] for name in first}) == len(first)
    assert all(len(value) >= 48 for value in first.values())
    assert first["postgres_password"] in first["database_url"]
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "secrets").iterdir()} == {0o400}
    assert made() == first


@pytest.mark.parametrize("script", sorted(DEPLOY.rglob("*.sh")), ids=lambda path: path.name)
def test_a_script_can_be_read_and_stops_at_the_first_failure(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True, timeout=60)
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")


# the image


def test_the_image_has_every_part_of_the_program_and_runs_as_nobody_special() -> None:
    lines = (DEPLOY / "Containerfile").read_text(encoding="utf-8").splitlines()
    copied = {
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    }
    assert all((PROJECT / source).exists() for source in copied)
    parts = {folder.name for folder in PROJECT.iterdir() if (folder / "__init__.py").exists()}
    assert parts - {"tests", "benchmarks", "build", "deploy"} <= copied
    assert "deploy/alive.py" in copied
    users = [line for line in lines if line.startswith("USER")]
    assert users == ["USER 1000:1000"]
    allowed = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{source}" for source in copied} <= set(allowed)


def test_an_installation_loses_what_nobody_loads_and_nothing_else(tmp_path: Path) -> None:
    packages = tmp_path / "site-packages"
    for name in ("numpy/linalg/tests/test_x.py", "jieba/posseg/prob.p", "scipy/stats/_a.pyx", "hf_xet/hf_xet.abi3.so"):
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text("x" * 5000)
    kept = {"jieba/posseg/prob.py", "numpy/tests.py", "pillow/tests/a.py", "onnxruntime/capi/state.so", "numpy/a.pyi"}
    for name in kept:
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text("x")
    assert take_out(packages) >= 4 * 5000
    assert {str(path.relative_to(packages)) for path in packages.rglob("*") if path.is_file()} == kept
    assert take_out(packages) == 0
