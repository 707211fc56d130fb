"""A real Elasticsearch node for the tests, from the server's own jars on Maven Central: no Docker, no download by hand.

`python -m tests.elasticsearch` builds it once into .testcache/elasticsearch (JDK 17 and Maven; 40 MB); CI does so
before the tests. `running_node` starts one on free ports (ready in about 12 s, 512 MB of heap unless told) and stops it.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SOURCES = PROJECT / "tests" / "elasticsearch_node"
CACHE = PROJECT / ".testcache" / "elasticsearch"
READY_WITHIN = 120.0
TRANSPORT = ("transport-netty4-*.jar", "netty-*.jar", "elasticsearch-ssl-config-*.jar")
MODULES = "org.elasticsearch.server,org.elasticsearch.logging"


class NodeMissing(Exception):
    """There is no JDK 17 or no Maven here."""


def build() -> Path:
    """Build the node unless it is there; its folder. Raises NodeMissing, or CalledProcessError."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes side by side build once
        if not (CACHE / "ready").exists():
            _build()
            (CACHE / "ready").touch()
    return CACHE


def _build() -> None:
    missing = [tool for tool in ("java", "javac", "mvn") if shutil.which(tool) is None]
    if missing:
        raise NodeMissing(f"{', '.join(missing)} not found (JDK 17 and Maven are needed)")
    shutil.rmtree(CACHE / "lib", ignore_errors=True)
    maven = ["mvn", "-q", "-B", "-f", str(SOURCES / "pom.xml"), "dependency:copy-dependencies"]
    subprocess.run([*maven, f"-DoutputDirectory={CACHE / 'lib'}"], check=True, cwd=CACHE)
    module, server = CACHE / "home" / "modules" / "transport-netty4", CACHE / "server"
    for folder in (module, server, CACHE / "home" / "config"):
        folder.mkdir(parents=True, exist_ok=True)
    for jar in (CACHE / "lib").glob("*.jar"):
        in_module = any(jar.match(pattern) for pattern in TRANSPORT)
        shutil.move(jar, (module if in_module else server) / jar.name)
    shutil.copy(SOURCES / "plugin-descriptor.properties", module)
    compiler = ["javac", "--module-path", str(server), "--add-modules", "org.elasticsearch.server"]
    subprocess.run([*compiler, "-d", str(CACHE / "classes"), str(SOURCES / "EsNode.java")], check=True)


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_node(data: Path, *, heap: str = "512m") -> Iterator[str]:
    """Start a node with its data in `data`; its URL. Killed at the end: nothing in it is worth a clean stop."""
    home, http, transport = build(), free_port(), free_port()
    command = [
        "java", f"-Xms{heap}", f"-Xmx{heap}", f"-Des.path.home={home / 'home'}",
        "--module-path", str(home / "server"), "--add-modules", MODULES,
        "--add-exports", "org.elasticsearch.server/org.elasticsearch.plugins=ALL-UNNAMED",
        "-cp", str(home / "classes"), "EsNode", str(home / "home"),
        "node.name=n1", "cluster.name=test", f"path.data={data / 'data'}", f"path.repo={data / 'snapshots'}",
        f"http.port={http}", f"transport.port={transport}", "network.host=127.0.0.1",
        "discovery.type=single-node", "cluster.routing.allocation.disk.threshold_enabled=false",
    ]  # fmt: skip
    data.mkdir(parents=True, exist_ok=True)
    with (data / "node.log").open("w") as log:
        node = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=data)
        try:
            _wait(f"http://127.0.0.1:{http}/_cluster/health", node, data / "node.log")
            yield f"http://127.0.0.1:{http}"
        finally:
            node.kill()
            node.wait()


def _wait(url: str, node: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + READY_WITHIN
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if node.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"the node did not start:\n{log.read_text()[-3000:]}") from None
            time.sleep(0.2)


def required() -> bool:
    """Whether a machine without the node's tools is a failure: in CI."""
    return os.environ.get("CI", "").lower() in ("1", "true")


if __name__ == "__main__":
    print(build())
