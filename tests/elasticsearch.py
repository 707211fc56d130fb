"""Real Elasticsearch nodes for the tests, from the server's own jars on Maven Central: no Docker, no download by hand.

`python -m tests.elasticsearch` builds them once into .testcache (Maven; JDK 17 for release 8, 21 for 9; 40 MB each); CI
does so before the tests. `running_node` starts one on free ports (ready in about 12 s, 512 MB) and stops it,
`shared_node` is one for all test processes side by side, `running_cluster` several that form a cluster and may be
killed one by one.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SOURCES = PROJECT / "tests" / "elasticsearch_node"
READY_WITHIN = 120.0
TRANSPORT = ("transport-netty4-*.jar", "netty-*.jar", "elasticsearch-ssl-config-*.jar")
SHORT_LIVED = ("-XX:TieredStopAtLevel=1",)
"""Of a JVM that lives for minutes: compiled for the first tier only it is ready after 5 s of CPU, not 11."""
MODULES = "org.elasticsearch.server,org.elasticsearch.logging"


@dataclass(frozen=True)
class Release:
    """A server that is built from Maven Central. java: the oldest JDK it runs on."""

    version: str
    java: int
    folder: str

    @property
    def cache(self) -> Path:
        """Where it lies when it is built."""
        return PROJECT / ".testcache" / self.folder


EIGHT = Release("8.19.0", 17, "elasticsearch")
NINE = Release("9.5.3", 21, "elasticsearch9")


class NodeMissing(Exception):
    """There is no fitting JDK or no Maven here."""


def build(release: Release = EIGHT) -> Path:
    """Build the node unless it is there; its folder. Raises NodeMissing, or CalledProcessError."""
    jdk(release.java)
    cache = release.cache
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache):  # test processes side by side build once
        if not (cache / "ready").exists():
            _build(release)
            (cache / "ready").touch()
    return cache


def _build(release: Release) -> None:
    if shutil.which("mvn") is None:
        raise NodeMissing("mvn not found (a JDK and Maven are needed)")
    cache = release.cache
    shutil.rmtree(cache / "lib", ignore_errors=True)
    maven = ["mvn", "-q", "-B", "-f", str(SOURCES / "pom.xml"), f"-Delasticsearch.version={release.version}"]
    copy = ["dependency:copy-dependencies", f"-DoutputDirectory={cache / 'lib'}"]
    subprocess.run([*maven, *copy], check=True, cwd=cache)
    module, server = cache / "home" / "modules" / "transport-netty4", cache / "server"
    for folder in (module, server, cache / "home" / "config"):
        folder.mkdir(parents=True, exist_ok=True)
    for jar in (cache / "lib").glob("*.jar"):
        in_module = any(jar.match(pattern) for pattern in TRANSPORT)
        shutil.move(jar, (module if in_module else server) / jar.name)
    descriptor = (SOURCES / "plugin-descriptor.properties").read_text()
    descriptor = descriptor.replace("@version@", release.version).replace("@java@", str(release.java))
    (module / "plugin-descriptor.properties").write_text(descriptor)
    compiler = [str(jdk(release.java) / "bin" / "javac"), "--module-path", str(server)]
    source = ["--add-modules", "org.elasticsearch.server", "-d", str(cache / "classes"), str(SOURCES / "EsNode.java")]
    subprocess.run([*compiler, *source], check=True, cwd=cache)


def jdk(oldest: int) -> Path:
    """The home of the JDK here that is nearest to `oldest`, not below it. Raises NodeMissing."""
    found: dict[int, Path] = {}
    on_path = shutil.which("javac")
    homes = [Path(on_path).resolve().parent.parent] if on_path else []
    homes += [*sorted(Path("/usr/lib/jvm").glob("*")), Path(os.environ.get("JAVA_HOME", "/nowhere"))]
    for home in homes:
        release = home / "release"
        if release.exists() and (home / "bin" / "javac").exists():
            version = re.search(r'JAVA_VERSION="(\d+)', release.read_text())
            if version and int(version[1]) >= oldest:
                found.setdefault(int(version[1]), home)
    if not found:
        raise NodeMissing(f"no JDK {oldest} or newer found")
    return found[min(found)]


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Node:
    """One node of a cluster, running or not."""

    name: str
    http: int
    command: list[str]
    data: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    def start(self) -> None:
        """Start it; it is ready when `wait` returns."""
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / "node.log").open("a") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=subprocess.STDOUT, cwd=self.data)

    def wait(self, nodes: int = 1) -> None:
        """Until it answers and sees so many nodes."""
        path = f"/_cluster/health?wait_for_nodes=>={nodes}&timeout=2s"
        give_up = time.monotonic() + READY_WITHIN
        while True:
            try:
                with urllib.request.urlopen(self.url + path, timeout=5):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                running = self.process is not None and self.process.poll() is None
                if not running or time.monotonic() > give_up:
                    log = (self.data / "node.log").read_text()[-3000:]
                    raise RuntimeError(f"{self.name} did not start:\n{log}") from None
                time.sleep(0.2)

    def kill(self) -> None:
        """SIGKILL: no goodbye to the others, nothing written that was not on disk."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def _node(release: Release, name: str, data: Path, heap: str, settings: Mapping[str, str]) -> Node:
    home, http = build(release), int(settings["http.port"])
    fixed = {
        "node.name": name,
        "cluster.name": "test",
        "path.data": str(data / "data"),
        "network.host": "127.0.0.1",
        "cluster.routing.allocation.disk.threshold_enabled": "false",
    }
    command = [
        str(jdk(release.java) / "bin" / "java"), *SHORT_LIVED, f"-Xms{heap}", f"-Xmx{heap}",
        f"-Des.path.home={home / 'home'}",
        "--module-path", str(home / "server"), "--add-modules", MODULES,
        "--add-exports", "org.elasticsearch.server/org.elasticsearch.plugins=ALL-UNNAMED",
        "-cp", str(home / "classes"), "EsNode", str(home / "home"),
        *(f"{key}={value}" for key, value in (fixed | dict(settings)).items()),
    ]  # fmt: skip
    return Node(name, http, command, data)


@contextmanager
def running_node(data: Path, release: Release = EIGHT, *, heap: str = "512m", **settings: str) -> Iterator[str]:
    """Start a node with its data in `data`; its URL. Killed at the end: nothing in it is worth a clean stop.

    settings: of Elasticsearch, with `__` for the dots.
    """
    node = _alone(data, release, heap, {key.replace("__", "."): value for key, value in settings.items()})
    node.start()
    try:
        node.wait()
        yield node.url
    finally:
        node.kill()


@contextmanager
def shared_node(folder: Path, release: Release = EIGHT) -> Iterator[str]:
    """The URL of one node for all processes that give this folder: the first starts it, the last one kills it."""
    folder.mkdir(parents=True, exist_ok=True)
    held = folder / "node.json"
    with _locked(folder):
        if held.exists():
            known = json.loads(held.read_text())
        else:
            node = _alone(folder, release, "512m", {})
            node.start()
            node.wait()
            assert node.process is not None
            known = {"url": node.url, "pid": node.process.pid, "users": 0}
        held.write_text(json.dumps(known | {"users": known["users"] + 1}))
    try:
        yield known["url"]
    finally:
        with _locked(folder):
            left = json.loads(held.read_text())
            held.write_text(json.dumps(left | {"users": left["users"] - 1}))
            if left["users"] == 1:
                os.kill(left["pid"], signal.SIGKILL)
                held.unlink()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _alone(data: Path, release: Release, heap: str, settings: Mapping[str, str]) -> Node:
    wanted = {
        "path.repo": str(data / "snapshots"),
        "http.port": str(free_port()),
        "transport.port": str(free_port()),
        "discovery.type": "single-node",
    }
    return _node(release, "n1", data, heap, wanted | dict(settings))


@contextmanager
def running_cluster(count: int, data: Path, release: Release = EIGHT) -> Iterator[list[Node]]:
    """Start `count` nodes that form one cluster, each able to be master and to hold data; 256 MB each."""
    transports = [free_port() for _ in range(count)]
    names = [f"n{at + 1}" for at in range(count)]
    with ExitStack() as stack:
        nodes = []
        for name, transport in zip(names, transports, strict=True):
            settings = {
                "path.repo": str(data / "snapshots"),
                "http.port": str(free_port()),
                "transport.port": str(transport),
                "discovery.seed_hosts": ",".join(f"127.0.0.1:{port}" for port in transports),
                "cluster.initial_master_nodes": ",".join(names),
            }
            nodes.append(_node(release, name, data / name, "256m", settings))
            stack.callback(nodes[-1].kill)
            nodes[-1].start()
        for node in nodes:
            node.wait(count)
        yield nodes


def required() -> bool:
    """Whether a machine without the node's tools is a failure: in CI."""
    return os.environ.get("CI", "").lower() in ("1", "true")


if __name__ == "__main__":
    for one in (EIGHT, NINE):
        try:
            print(build(one))
        except NodeMissing as reason:
            print(f"{one.version}: {reason}")
