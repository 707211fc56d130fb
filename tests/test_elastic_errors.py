"""What goes wrong between us and a server, said in words that lead to the remedy: real sockets, real TLS."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from elastic_transport import ConnectionTimeout
from pydantic import SecretStr

from core.errors import SearchUnavailable
from search import elastic_client
from search.backend import SearchRequest
from search.elastic_client import Access, Silence
from search.elasticsearch import ElasticsearchBackend
from tests.certificates import Authority, make_authority
from tests.elasticsearch import free_port
from tests.gate import Gate
from tests.search_documents import words
from tests.secured_node import Account, secured

NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("ca"))


def told(access: Access) -> str:
    """What a search says."""
    backend = ElasticsearchBackend(access, "fengsui-live-signals", words)
    try:
        with pytest.raises(SearchUnavailable) as problem:
            backend.search(SearchRequest())
        assert backend.health().detail == str(problem.value)
        return str(problem.value)
    finally:
        backend.close()


class _Fixed(BaseHTTPRequestHandler):
    """Answers everything the same."""

    status: int
    kind: str
    body: bytes
    product: bool

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Type", self.kind)
        if self.product:
            self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_POST = do_PUT = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def answering(status: int, body: Any, *, product: bool = True) -> Iterator[str]:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    kind = "text/html" if isinstance(body, str) else "application/json"
    values = {"status": status, "kind": kind, "body": raw, "product": product}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Fixed,), values))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def error(kind: str, reason: str, status: int) -> dict[str, Any]:
    return {"error": {"type": kind, "reason": reason, "root_cause": []}, "status": status}


def test_a_server_that_is_not_there(authority: Authority) -> None:
    port = free_port()
    assert (
        told(Access(f"http://127.0.0.1:{port}")) == f"Elasticsearch（127.0.0.1:{port}）拒绝连接：没有启动，或端口不对"
    )
    assert "拒绝连接" in told(Access(f"https://127.0.0.1:{port}", ca=authority.file))


def test_a_host_nobody_knows() -> None:
    assert "找不到这个主机名" in told(Access("http://es.invalid:9200"))


def test_a_server_that_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elastic_client, "TIMEOUT", 1.0)
    gate = Gate()
    gate.hang()
    assert "1 秒内没有回答" in told(Access(gate.url))
    gate.shut()


def test_only_one_search_waits_for_a_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elastic_client, "TIMEOUT", 0.5)
    gate = Gate()
    gate.hang()
    backend = ElasticsearchBackend(Access(gate.url), "silent", words)
    for said in ("没有回答", "刚才", "刚才"):
        with pytest.raises(SearchUnavailable, match=said):
            backend.search(SearchRequest())
    backend.close()
    gate.shut()


def test_a_silent_cluster_is_asked_again_after_a_while() -> None:
    now = [100.0]
    silence = Silence(Access(NOBODY), clock=lambda: now[0])
    with pytest.raises(ConnectionTimeout), silence.listening():
        raise ConnectionTimeout("")
    with pytest.raises(SearchUnavailable, match="几秒后再问"), silence.listening():
        pass
    now[0] += elastic_client.SILENCE
    with silence.listening():
        now[0] += 1


def test_a_certificate_nobody_vouches_for(authority: Authority, tmp_path: Path) -> None:
    with secured(NOBODY, [], authority.server("127.0.0.1")) as door:
        url = f"https://{door.address}"
        assert "不是信任的 CA 签发的；把签发它的 CA 证书文件给 FENGSUI_ELASTICSEARCH_CA" in told(Access(url))
        other = make_authority(tmp_path)
        assert "不是信任的 CA 签发的" in told(Access(url, ca=other.file))


def test_a_certificate_of_another_host(authority: Authority) -> None:
    with secured(NOBODY, [], authority.server("es.example")) as door:
        for host in ("127.0.0.1", "localhost"):
            access = Access(f"https://{host}:{door.port}", ca=authority.file)
            assert "的证书不是发给这个主机名的" in told(access)


def test_a_certificate_that_has_run_out(authority: Authority) -> None:
    with secured(NOBODY, [], authority.server("127.0.0.1", expired=True)) as door:
        assert "的证书已过期" in told(Access(f"https://{door.address}", ca=authority.file))


def test_http_spoken_to_a_tls_port_and_the_reverse(authority: Authority) -> None:
    with secured(NOBODY, [], authority.server("127.0.0.1")) as door:
        assert "端口可能要求 TLS，把 FENGSUI_ELASTICSEARCH_URL 改成 https://" in told(Access(f"http://{door.address}"))
    with secured(NOBODY, [], None) as door:
        access = Access(f"https://{door.address}", ca=authority.file)
        assert "这个端口没有 TLS；把 FENGSUI_ELASTICSEARCH_URL 改成 http://" in told(access)


def test_a_server_that_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            while True:
                try:
                    listener.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=hang_up, daemon=True).start()
        assert "断开了连接" in told(Access(f"http://127.0.0.1:{listener.getsockname()[1]}"))


@pytest.mark.parametrize(
    ("status", "body", "product"),
    [(200, {"hello": "world"}, False), (404, "<html>not here</html>", False), (200, "<html>welcome</html>", False)],
)
def test_a_server_that_is_something_else(status: int, body: Any, product: bool) -> None:
    with answering(status, body, product=product) as url:
        assert "上的不是 Elasticsearch" in told(Access(url))


def test_a_server_that_is_too_old() -> None:
    old = error("media_type_header_exception", "Invalid media-type value on headers [Accept]", 400)
    with answering(400, old) as url:
        assert "的版本过低（需要 8 或 9）" in told(Access(url))
    with answering(406, error("", "Content-Type header is not supported", 406)) as url:
        assert "的版本过低（需要 8 或 9）" in told(Access(url))


def test_an_account_or_key_that_is_not_known(authority: Authority) -> None:
    accounts = [Account("desk", "right", {}), Account("robot", "", {}, api_key=("id1", "secret"))]
    with secured(NOBODY, accounts, authority.server("127.0.0.1")) as door:
        url, ca = f"https://{door.address}", authority.file
        assert "要求登录（HTTP 401）：设置 FENGSUI_ELASTICSEARCH_USER" in told(Access(url, ca=ca))
        wrong = told(Access(url, user="desk", password=SecretStr("falsch"), ca=ca))
        assert "不认账号 desk（HTTP 401）：核对 FENGSUI_ELASTICSEARCH_USER 与" in wrong
        assert "falsch" not in wrong
        key = told(Access(url, api_key=SecretStr("id1:falsch"), ca=ca))
        assert "不认这个 API key（HTTP 401）：可能已过期、作废或抄漏" in key
        assert "falsch" not in key


def test_a_refusal_names_the_privilege_and_the_index() -> None:
    reason = (
        "action [indices:data/read/search] is unauthorized for user [desk] with effective roles [none] on indices "
        "[fengsui-live-signals], this action is granted by the index privileges [read,all]"
    )
    with answering(403, error("security_exception", reason, 403)) as url:
        access = Access(url, user="desk", password=SecretStr("x"))
        assert told(access).partition("）")[2] == (
            "账号 desk 缺索引 fengsui-live-signals 的权限 read（动作 indices:data/read/search）（HTTP 403）；"
            "按 docs/elasticsearch.md 的“Roles”一节给角色补上"
        )
    with answering(403, error("security_exception", "current license is non-compliant", 403)) as url:
        assert "current license is non-compliant" in told(Access(url))
