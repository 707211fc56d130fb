"""A node as if its security module were on: a TLS proxy before a real one that knows accounts, API keys and roles.

The node of the tests comes from the server's free jars, without the security module. What this proxy does is written
after the server's documentation and its lists of privileges (IndexPrivilege, ClusterPrivilegeResolver of release 8):
which action a request is, which privileges grant it, and what a refusal says.
"""

import base64
import json
import re
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

Role = Mapping[str, Any]

INDEX_PRIVILEGES: Mapping[str, tuple[str, ...]] = {
    # From the least to the most, as refusals list them.
    "create_index": ("indices:admin/create", "indices:admin/auto_create"),
    "delete_index": ("indices:admin/delete",),
    "maintenance": ("indices:admin/refresh*", "indices:admin/flush*", "indices:admin/forcemerge*"),
    "monitor": ("indices:monitor/*",),
    "read": ("indices:data/read/*",),
    "create_doc": ("indices:data/write/index", "indices:data/write/bulk*"),
    "index": ("indices:data/write/index*", "indices:data/write/bulk*", "indices:data/write/update*"),
    "delete": ("indices:data/write/delete*", "indices:data/write/bulk*"),
    "view_index_metadata": (
        "indices:admin/aliases/get", "indices:admin/get", "indices:admin/mappings/get*",
        "indices:monitor/settings/get", "indices:admin/resolve/index", "indices:data/read/field_caps*",
    ),
    "write": ("indices:data/write/*", "indices:admin/mapping/auto_put"),
    "manage": ("indices:monitor/*", "indices:admin/*", "indices:data/read/field_caps*"),
    "all": ("indices:*",),
}  # fmt: skip
CLUSTER_PRIVILEGES: Mapping[str, tuple[str, ...]] = {
    "monitor_snapshot": (
        "cluster:admin/snapshot/status*", "cluster:admin/snapshot/get", "cluster:admin/repository/get",
    ),
    "create_snapshot": (
        "cluster:admin/snapshot/create", "cluster:admin/snapshot/status*", "cluster:admin/snapshot/get",
        "cluster:admin/repository/get",
    ),
    "manage_index_templates": ("indices:admin/template/*", "indices:admin/index_template/*"),
    "monitor": ("cluster:monitor/*", "indices:admin/index_template/get"),
    "manage": ("cluster:*", "indices:admin/template/*", "indices:admin/index_template/*"),
    "all": ("cluster:*", "indices:admin/template/*", "indices:admin/index_template/*"),
}  # fmt: skip
CLUSTER_ACTIONS = ("cluster:*", "indices:admin/template/*", "indices:admin/index_template/*")

IN_INDEX: Sequence[tuple[str, str, str]] = (
    # method, what stands after the index, action
    ("GET", "_alias(/.*)?", "indices:admin/aliases/get"),
    ("PUT", "_alias/.*", "indices:admin/aliases"),
    ("GET", "_mapping", "indices:admin/mappings/get"),
    ("PUT", "_mapping", "indices:admin/mapping/put"),
    ("GET", "_settings(/.*)?", "indices:monitor/settings/get"),
    ("PUT", "_settings", "indices:admin/settings/update"),
    ("POST", "_refresh", "indices:admin/refresh"),
    ("POST", "_forcemerge", "indices:admin/forcemerge"),
    ("GET", "_segments", "indices:monitor/segments"),
    ("POST", "(_search|_count)", "indices:data/read/search"),
    ("POST", "_mget", "indices:data/read/mget"),
    ("GET", "_doc/.*", "indices:data/read/get"),
    ("PUT|POST", "(_doc|_create)/.*", "indices:data/write/index"),
    ("POST", "_pit", "indices:data/read/open_point_in_time"),
    ("GET", "", "indices:admin/get"),
    ("PUT", "", "indices:admin/create"),
    ("DELETE", "", "indices:admin/delete"),
)
ON_CLUSTER: Sequence[tuple[str, str, str]] = (
    ("GET|HEAD", "/", "cluster:monitor/main"),
    ("GET", "/_cluster/health.*", "cluster:monitor/health"),
    ("PUT", "/_index_template/.*", "indices:admin/index_template/put"),
    ("DELETE", "/_index_template/.*", "indices:admin/index_template/delete"),
    ("GET", "/_snapshot/[^/]+", "cluster:admin/repository/get"),
    ("PUT", "/_snapshot/[^/]+", "cluster:admin/repository/put"),
    ("PUT", "/_snapshot/[^/]+/[^/]+", "cluster:admin/snapshot/create"),
    ("GET", "/_snapshot/[^/]+/[^/]+", "cluster:admin/snapshot/get"),
    ("POST", "/_snapshot/[^/]+/[^/]+/_restore", "cluster:admin/snapshot/restore"),
)
ANYBODY = ("DELETE /_pit", "POST /_search")
"""Requests whose rights were settled when the point in time was opened."""


@dataclass(frozen=True)
class Need:
    """An action on indices; none for an action on the cluster."""

    action: str
    indices: tuple[str, ...] = ()


class UnknownRequest(Exception):
    """The table does not know this request: it must be looked up and added."""


def needs_of(method: str, path: str, body: bytes) -> list[Need]:
    """What a request needs before it is carried out; the lines of a bulk are judged one by one."""
    if f"{method} {path}" in ANYBODY:
        return []
    if path == "/_bulk":
        return [Need("indices:data/write/bulk")]
    if (method, path) == ("POST", "/_aliases"):
        return _alias_needs(json.loads(body))
    for methods, pattern, action in ON_CLUSTER:
        if method in methods.split("|") and re.fullmatch(pattern, path):
            return [Need(action)]
    index, _, rest = path.lstrip("/").partition("/")
    if index == "_alias":  # of all indices that one may see
        index, rest = rest, "_alias"
    for methods, pattern, action in IN_INDEX:
        if method in methods.split("|") and re.fullmatch(pattern, rest) and not index.startswith("_"):
            return _index_needs(action, tuple(index.split(",")), rest, body)
    raise UnknownRequest(f"{method} {path}")


def _index_needs(action: str, indices: tuple[str, ...], rest: str, body: bytes) -> list[Need]:
    found = [Need(action, indices)]
    if action == "indices:admin/aliases":
        found.append(Need(action, (rest.rpartition("/")[2],)))
    if action == "indices:admin/create" and body:
        aliases = tuple(json.loads(body).get("aliases", ()))
        found += [Need("indices:admin/aliases", (*indices, *aliases))] if aliases else []
    return found


def _alias_needs(body: Any) -> list[Need]:
    found = []
    for turn in body["actions"]:
        [(kind, one)] = turn.items()
        names = tuple(name for key in ("index", "alias") if (name := one.get(key)))
        found.append(Need("indices:admin/delete" if kind == "remove_index" else "indices:admin/aliases", names))
    return found


def grants(role: Role, need: Need) -> bool:
    """Whether `role` allows it."""
    if _on_cluster(need.action):
        held = role.get("cluster", ())
        patterns = [p for name in held for p in CLUSTER_PRIVILEGES.get(name, (f"{name}*",) if ":" in name else ())]
        return any(fnmatchcase(need.action, pattern) for pattern in patterns)
    return (
        all(_granted_on(role, need.action, index) for index in need.indices)
        if need.indices
        else any(_granted_by(one, need.action) for one in role.get("indices", ()))
    )


def _granted_on(role: Role, action: str, index: str) -> bool:
    return any(
        _granted_by(one, action) and any(fnmatchcase(index, name) for name in one["names"])
        for one in role.get("indices", ())
    )


def _granted_by(one: Mapping[str, Any], action: str) -> bool:
    patterns = [
        p for name in one["privileges"] for p in INDEX_PRIVILEGES.get(name, (f"{name}*",) if ":" in name else ())
    ]
    return any(fnmatchcase(action, pattern) for pattern in patterns)


def _on_cluster(action: str) -> bool:
    return any(fnmatchcase(action, pattern) for pattern in CLUSTER_ACTIONS)


@dataclass
class Account:
    """Who asks. api_key: id and secret; else user and password."""

    user: str
    password: str
    roles: dict[str, Role]
    api_key: tuple[str, str] | None = None

    def missing(self, needs: Sequence[Need]) -> Need | None:
        """The first that no role grants."""
        return next((need for need in needs if not any(grants(role, need) for role in self.roles.values())), None)

    def denied(self, need: Need) -> str:
        """The sentence the server refuses with."""
        who = f"user [{self.user}]"
        if self.api_key:
            who = f"API key id [{self.api_key[0]}] of {who}"
        else:
            who += f" with effective roles [{','.join(sorted(self.roles))}]"
        told = f"action [{need.action}] is unauthorized for {who}"
        told += f" on indices [{','.join(need.indices)}]" if need.indices else ""
        kind, table = ("cluster", CLUSTER_PRIVILEGES) if _on_cluster(need.action) else ("index", INDEX_PRIVILEGES)
        grant = [name for name, patterns in table.items() if any(fnmatchcase(need.action, p) for p in patterns)]
        return f"{told}, this action is granted by the {kind} privileges [{','.join(grant)}]"


@dataclass
class Door:
    """The proxy. accounts: who may come in.  asked: the actions so far.  unknown: requests that the table lacks."""

    node: str
    accounts: list[Account]
    asked: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    door: Door
    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        account = self._account()
        if account is None:
            return None
        path = unquote(urlsplit(self.path).path)
        try:
            needs = needs_of(self.command, path, body)
        except UnknownRequest as problem:
            self.door.unknown.append(str(problem))
            return self._refuse(403, f"unknown to the test: {problem}")
        self.door.asked.update(need.action for need in needs)
        if (missing := account.missing(needs)) is not None:
            return self._refuse(403, account.denied(missing))
        if path == "/_bulk":
            return self._bulk(account, body)
        self._answer(*_ask(self.door.node, self.command, self.path, body, dict(self.headers)))
        return None

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _any

    def _account(self) -> Account | None:
        kind, _, secret = (self.headers.get("Authorization") or "").partition(" ")
        if not kind:
            self._refuse(401, f"missing authentication credentials for REST request [{self.path}]")
            return None
        who, _, word = base64.b64decode(secret).decode().partition(":")
        for account in self.door.accounts:
            if (kind, who, word) == ("Basic", account.user, account.password):
                return account
            if kind == "ApiKey" and account.api_key == (who, word):
                return account
        what = (
            f"unable to authenticate user [{who}]"
            if kind == "Basic"
            else "unable to authenticate with provided credentials"
        )
        self._refuse(401, f"{what} for REST request [{self.path}]")
        return None

    def _bulk(self, account: Account, body: bytes) -> None:
        """Lines that are not allowed fail alone; the others are carried out."""
        lines = body.decode("utf-8", "surrogatepass").splitlines()
        actions: list[tuple[str, str, list[str]]] = []
        at = 0
        while at < len(lines):
            [(kind, one)] = json.loads(lines[at]).items()
            size = 1 if kind == "delete" else 2
            actions.append((kind, one["_index"], lines[at : at + size]))
            at += size
        denied: dict[int, str] = {}
        for position, (kind, index, _lines) in enumerate(actions):
            need = Need("indices:data/write/delete" if kind == "delete" else "indices:data/write/index", (index,))
            if account.missing([need]) is not None:
                denied[position] = account.denied(Need("indices:data/write/bulk[s]", (index,)))
        allowed = [line for position, one in enumerate(actions) if position not in denied for line in one[2]]
        items: list[Any] = []
        if allowed:
            raw = ("\n".join(allowed) + "\n").encode("utf-8", "surrogatepass")
            status, headers, answer = _ask(self.door.node, "POST", self.path, raw, dict(self.headers))
            if status != 200:
                return self._answer(status, headers, answer)
            items = json.loads(answer)["items"]
        merged = []
        for position, (kind, index, _lines) in enumerate(actions):
            if position in denied:
                error = {"type": "security_exception", "reason": denied[position]}
                merged.append({kind: {"_index": index, "_id": "?", "status": 403, "error": error}})
            else:
                merged.append(items.pop(0))
        return self._say(200, {"took": 1, "errors": bool(denied), "items": merged})

    def _refuse(self, status: int, reason: str) -> None:
        error = {"type": "security_exception", "reason": reason}
        self._say(status, {"error": {**error, "root_cause": [error]}, "status": status})

    def _say(self, status: int, body: Any) -> None:
        headers = {"Content-Type": "application/vnd.elasticsearch+json;compatible-with=8"}
        if status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="security", charset="UTF-8"'
        self._answer(status, headers, json.dumps(body).encode())

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name in ("Content-Type", "WWW-Authenticate"):
            if name in headers:
                self.send_header(name, headers[name])
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def _ask(node: str, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any, bytes]:
    kept = {name: value for name, value in headers.items() if name.lower() in ("content-type", "accept")}
    request = urllib.request.Request(node + path, data=body or None, method=method, headers=kept)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not trust us hangs up: nothing to print."""


@contextmanager
def secured(node: str, accounts: list[Account], tls: ssl.SSLContext | None) -> Iterator[Door]:
    """Put the door before the node at `node`. tls None: plain HTTP."""
    door = Door(node, accounts)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"door": door}))
    door.port = server.server_port
    if tls is not None:
        # The handshake belongs to the thread of the connection, not to the one that accepts.
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield door
    finally:
        server.shutdown()
        server.server_close()
