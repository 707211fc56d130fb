"""deploy/ for a team: the processes apart, as containers, units of systemd and in a cluster.

What no engine here can try is said in docs/deployment.md.
"""

import importlib
import os
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import cli
from config.settings import IN_FILES, PROJECT, Settings
from core.clock import system_clock
from deploy.alive import lives
from store.database import Store
from store.processes import HOST, beat
from tests.postgresql import Database

DEPLOY = PROJECT / "deploy"
ROLES = {"crawler", "worker", "indexer", "sender", "scheduler"}
KNOWN = {f"FENGSUI_{name.upper()}" for name in Settings.model_fields} | {
    f"FENGSUI_{name.upper()}_FILE" for name in IN_FILES
}


class Loader(yaml.SafeLoader):
    """Takes compose's !reset."""


def _reset(_loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    return [] if isinstance(node, yaml.SequenceNode) else None


Loader.add_constructor("!reset", _reset)


def options_of(command: str) -> set[str]:
    """The options that a command of the program takes."""
    app = typer.Typer()
    app.callback()(lambda: None)
    [module] = [module for module, names in cli.GROUPS.items() if command in names]
    importlib.import_module(module).register(app)
    group = typer.main.get_command(app)
    return {option for parameter in vars(group)["commands"][command].params for option in parameter.opts}


# compose


def test_the_team_of_containers_has_each_process_once_and_the_schema_before_all() -> None:
    services = yaml.load((DEPLOY / "compose.team.yml").read_text(encoding="utf-8"), Loader)["services"]
    assert set(services) == ROLES | {"migrate", "fengsui"}
    assert services["fengsui"]["command"][0] == "desk"
    for role in ROLES:
        service = services[role]
        assert service["command"] == [role]
        assert service["healthcheck"]["test"] == ["CMD", "python", "/app/alive.py", role]
        assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert service["extends"] == {"file": "compose.yml", "service": "fengsui"}
        assert (service["ports"], service["build"]) == ([], None)
    assert (services["scheduler"]["scale"], services["worker"]["scale"]) == (2, 2)
    assert services["migrate"]["restart"] == "no"


# systemd


UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_without_rights_bounded_and_writes_to_its_folder_alone(unit: Path) -> None:
    lines = set(unit.read_text(encoding="utf-8").splitlines())
    assert {
        "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "CapabilityBoundingSet=",
        "ReadWritePaths=/var/lib/fengsui", "User=fengsui", "SystemCallFilter=@system-service",
    } <= lines  # fmt: skip
    assert any(line.startswith("MemoryMax=") for line in lines)
    assert ("Restart=always" in lines) == (unit.name != "fengsui-migrate.service")
    [start] = [line for line in lines if line.startswith("ExecStart=")]
    words = start.split()[1:]
    assert words[0] in unit.name
    assert {word for word in words if word.startswith("--")} <= options_of(words[0])


def test_every_process_has_a_unit_and_those_of_which_there_are_many_a_template() -> None:
    names = {unit.name for unit in UNITS}
    assert {"fengsui-worker@.service", "fengsui-crawler@.service"} <= names
    assert {re.sub(r"fengsui-|@?\.service", "", name) for name in names} == ROLES | {"desk", "migrate"}
    given = re.findall(r"^(\w+)=", (DEPLOY / "systemd" / "fengsui.env").read_text(encoding="utf-8"), re.M)
    assert set(given) <= KNOWN
    assert "FENGSUI_SMTP_URL" in given, "a worker that does not know of it writes no mail"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_knows_every_word_of_the_units(tmp_path: Path) -> None:
    for file in (DEPLOY / "systemd").iterdir():  # a program that is there: ours is not installed where they say
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", file.read_text(encoding="utf-8"), flags=re.M)
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    units = [str(tmp_path / unit.name) for unit in UNITS]
    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, timeout=60, check=False
    )
    told = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "fengsui" in line]
    assert told == []


# Kubernetes


CLUSTER = DEPLOY / "kubernetes"
OBJECTS: list[dict[str, Any]] = [
    one
    for file in sorted(CLUSTER.glob("*.yaml"))
    if file.name != "kustomization.yaml"
    for one in yaml.safe_load_all(file.read_text(encoding="utf-8"))
]
PODS = {one["metadata"]["name"]: one["spec"]["template"] for one in OBJECTS if one["kind"] in ("Deployment", "Job")}


@pytest.mark.parametrize("name", sorted(PODS))
def test_a_pod_is_nobody_special_on_a_root_it_cannot_write(name: str) -> None:
    pod = PODS[name]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    [container] = pod["containers"]
    rights = container["securityContext"]
    assert (rights["allowPrivilegeEscalation"], rights["readOnlyRootFilesystem"]) == (False, True)
    assert rights["capabilities"] == {"drop": ["ALL"]}
    assert {"memory", "cpu"} <= set(container["resources"]["limits"])
    assert ("livenessProbe" in container) == (name != "migrate")
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    assert {each["name"] for each in container["env"]} <= KNOWN
    assert container["args"][0] == name
    assert {word for word in container["args"] if word.startswith("--")} <= options_of(name)


def test_the_cluster_has_every_process_and_a_second_scheduler() -> None:
    replicas = {one["metadata"]["name"]: one["spec"]["replicas"] for one in OBJECTS if one["kind"] == "Deployment"}
    assert set(replicas) == ROLES | {"desk"}
    assert replicas["scheduler"] == 2
    assert replicas["worker"] > 1


def test_selectors_find_the_pods_they_are_about() -> None:
    labels = [pod["metadata"]["labels"] for pod in PODS.values()]
    wanted = [one["spec"]["selector"] for one in OBJECTS if one["kind"] in ("Deployment", "PodDisruptionBudget")]
    asked = [one["matchLabels"] for one in wanted]
    asked += [one["spec"]["selector"] for one in OBJECTS if one["kind"] == "Service"]
    assert all(any(each.items() <= label.items() for label in labels) for each in asked)


def test_settings_and_files_of_the_cluster_are_ones_that_are_known() -> None:
    [settings] = [one for one in OBJECTS if one["kind"] == "ConfigMap"]
    assert set(settings["data"]) <= KNOWN
    whole = yaml.safe_load((CLUSTER / "kustomization.yaml").read_text(encoding="utf-8"))
    assert {*whole["resources"], "kustomization.yaml"} == {file.name for file in CLUSTER.glob("*.yaml")}
    assert not any(one["kind"] == "Secret" for one in OBJECTS)
    assert all(file.startswith("secrets/") for each in whole["secretGenerator"] for file in each["files"])
    assert "deploy/kubernetes/secrets/" in (PROJECT / ".gitignore").read_text().split()


# Whether a process lives


def test_a_probe_tells_the_living_from_the_silent_and_never_kills_for_the_stores_sake(postgresql: Database) -> None:
    postgresql.empty()
    store = Store(postgresql.url)
    assert not lives(postgresql.url, "worker", HOST)
    with store.write() as db:
        beat(db, f"worker@{HOST}-{os.getpid()}/1", pid=1, now=system_clock() - timedelta(seconds=50))
    assert lives(postgresql.url, "worker", HOST)
    assert not lives(postgresql.url, "sender", HOST)
    with store.write() as db:
        beat(db, f"worker@{HOST}-{os.getpid()}/1", pid=1, now=system_clock() - timedelta(seconds=70))
    assert not lives(postgresql.url, "worker", HOST)
    assert lives("postgresql+psycopg://x@127.0.0.1:1/x", "worker", HOST)
    store.close()
