"""Requests to addresses that an operator gave: looked up once, judged, asked at that very place, bounded."""

import gzip
import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from alerts.notifiers.kinds import notifier_of
from config.channels import ChannelConfig
from config.signin import Oidc
from core.asking import Elsewhere, Unresolved, ask
from core.errors import ConfigError, DeliveryError
from core.internet import is_own, is_public, is_reachable
from core.records import Notification
from reports.papers.rephrase import Rephraser
from tests.crawl_server import NOW, Reply, Site
from web.oidc import OidcClient, OidcProblem

INSIDE = (
    "127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0.0.0.0", "0", "localhost", "[::1]", "[::]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "10.0.0.1", "0xa000001",
    "012.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1", "192.168.257", "100.64.0.1", "169.254.169.254",
    "[fe80::1]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "192.0.0.192", "198.18.0.1", "224.0.0.1",
    "255.255.255.255", "240.0.0.1", "[ff02::1]", "[2001:db8::1]", "[::127.0.0.1]", "[0:0:0:0:0:ffff:169.254.169.254]",
    "2852039166", "0xA9FEA9FE", "0251.0376.0251.0376", "169.254.43518",
)  # fmt: skip
"""Spellings of addresses that are not the open internet's."""
NEVER = ("169.254.169.254", "2852039166", "[fe80::1]", "0.0.0.0", "[::]", "224.0.0.1", "255.255.255.255", "100.64.0.1",
         "[::ffff:169.254.169.254]", "0xA9FEA9FE")  # fmt: skip
"""What is not even asked where private addresses are allowed: a cloud's keys, everybody, nobody."""
NOTICE = Notification("n1", "c", "channel:c", "起火", "文", "", "a1", 3)


@pytest.fixture
def site() -> Iterator[Site]:
    opened = Site()
    yield opened
    opened.close()


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Where this process connects to from now on."""
    made: list[Any] = []
    real = socket.create_connection

    def noted(address: Any, *rest: Any, **more: Any) -> socket.socket:
        made.append(address)
        return real(address, *rest, **more)

    monkeypatch.setattr(socket, "create_connection", noted)
    return made


def names(monkeypatch: pytest.MonkeyPatch, *answers: tuple[str, ...]) -> list[str]:
    """A name server that says something else each time; what it was asked."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def lookup(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        if host.replace(".", "").isdecimal():
            return list(real(host, port, *rest, **more))
        told = answers[min(len(asked), len(answers) - 1)]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in told]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked


def got(site: Site, path: str = "/", **more: Any) -> Any:
    given: dict[str, Any] = {"may": is_own, "seconds": 5.0, "most": 1000, "headers": {}, **more}
    return ask("GET", site.base + path, **given)


@pytest.mark.parametrize("host", INSIDE)
def test_a_channel_posts_to_no_spelling_of_an_address_inside(host: str, connections: list[Any]) -> None:
    given = {"kind": "wecom", "title": "群", "address": f"http://{host}:9/x?key=k"}
    with pytest.raises(DeliveryError) as refused:
        notifier_of(ChannelConfig.model_validate(given)).send(NOTICE, lambda: None)
    assert "private: true" in str(refused.value) or "cannot be resolved" in str(refused.value)
    assert connections == []


@pytest.mark.parametrize("host", NEVER)
def test_private_true_opens_the_own_network_and_not_the_keys_of_a_cloud(host: str, connections: list[Any]) -> None:
    given = {"kind": "wecom", "title": "群", "address": f"http://{host}:9/x?key=k", "private": True}
    with pytest.raises(DeliveryError) as refused:
        notifier_of(ChannelConfig.model_validate(given)).send(NOTICE, lambda: None)
    assert "公网或本单位内网" in str(refused.value) or "cannot be resolved" in str(refused.value)
    assert connections == []


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "0.0.0.0", "8.8.8.8", "100.64.0.1"])
def test_papers_go_to_no_model_outside_of_the_house(host: str) -> None:
    with pytest.raises(ConfigError, match="本机或内网"):
        Rephraser(f"http://{host}/v1", "m")


def test_a_name_of_the_house_that_leads_out_of_it_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, connections: list[Any]
) -> None:
    names(monkeypatch, ("93.184.216.34",))
    with pytest.raises(Elsewhere):
        Rephraser("http://llm.internal/v1", "m")._ask("文", 1e12)
    assert connections == []


def test_a_name_is_looked_up_once_and_what_it_led_to_is_asked(
    site: Site, monkeypatch: pytest.MonkeyPatch, connections: list[Any]
) -> None:
    port = int(site.base.rpartition(":")[2])
    site.routes["/"] = Reply("ja")
    asked = names(monkeypatch, ("127.0.0.1",), ("10.0.0.1",))
    answer = ask("GET", f"http://rebinding.example:{port}/", may=is_own, seconds=5, most=100, headers={})
    assert (answer.body, asked) == (b"ja", ["rebinding.example"])
    assert connections == [("127.0.0.1", port)]
    assert site.asked[0].headers["Host"] == f"rebinding.example:{port}"


def test_a_name_with_one_address_inside_among_others_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, connections: list[Any]
) -> None:
    names(monkeypatch, ("93.184.216.34", "127.0.0.1"))
    with pytest.raises(Elsewhere, match=r"127\.0\.0\.1"):
        ask("GET", "http://two.example/", may=is_public, seconds=1, most=10, headers={})
    assert connections == []


@pytest.mark.parametrize(
    "host", ["a" * 300, "a" * 64 + ".example", "xn--" + "a" * 60, "..", "a..b", "\u2025", "a\u3002\u3002b"]
)
def test_a_name_that_is_none_is_told(host: str) -> None:
    with pytest.raises(Unresolved, match="cannot be resolved"):
        ask("GET", f"http://{host}/", may=is_public, seconds=1, most=10, headers={})


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/", "http://127.0.0.1:1/", "//evil.example/", "file:///etc/passwd"]
)
def test_no_redirect_is_followed(site: Site, location: str, connections: list[Any]) -> None:
    site.routes["/"] = Reply("", status=302, headers={"Location": location})
    assert got(site).status == 302
    assert len(connections) == 1


def test_an_answer_is_cut_where_it_grows_beyond_what_is_wanted_packed_or_not(site: Site) -> None:
    site.routes["/plain"] = Reply(b"x" * 100_000)
    site.routes["/packed"] = Reply(gzip.compress(b"x" * 50_000_000), headers={"Content-Encoding": "gzip"})
    for path in ("/plain", "/packed"):
        answer = got(site, path)
        assert (answer.cut, len(answer.body)) == (True, 1000)


def test_proxies_of_the_environment_are_not_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    site.routes["/"] = Reply("direct")
    assert got(site).body == b"direct"


def test_a_provider_of_the_open_internet_cannot_lead_into_our_network(
    monkeypatch: pytest.MonkeyPatch, connections: list[Any]
) -> None:
    grants = [{"claim": "a", "value": "b", "role": "viewer", "territory": "360000"}]
    config = Oidc.model_validate({"title": "t", "issuer": "https://id.example", "client_id": "c", "grants": grants})
    client = OidcClient(config, SecretStr("s"), "http://desk.example/signin/oidc/callback")
    names(monkeypatch, ("93.184.216.34",), ("10.0.0.1",))
    client._found = {"token_endpoint": "https://inner.example/token"}
    client._found_at = NOW
    with pytest.raises(OidcProblem, match="Elsewhere"):
        client.finish("code", verifier="v", nonce="n", now=NOW)
    assert connections == []


def test_what_may_be_asked_is_the_house_s_or_the_internet_s() -> None:
    for text, own, reachable in (
        ("127.0.0.1", True, True), ("10.1.1.1", True, True), ("::ffff:192.168.0.1", True, True),
        ("fd00::1", True, True), ("8.8.8.8", False, True), ("169.254.169.254", False, False),
        ("fe80::1", False, False), ("0.0.0.0", False, False),
    ):  # fmt: skip
        address = ipaddress.ip_address(text)
        assert (is_own(address), is_reachable(address)) == (own, reachable), text
