"""Links as pages write them."""

import pytest

from crawlers.urls import absolute_url, canonical_url, host_of, port_of

BASE = "http://www.samr.example.cn/a/index.html"


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("//other.cn/x", "http://other.cn/x"),
        ("http:\\\\other.cn\\x", "http://other.cn/x"),
        ("\\\\other.cn\\x", "http://other.cn/x"),
        ("b\\c.html?x=\\d", "http://www.samr.example.cn/a/b/c.html?x=\\d"),
        ("http://www.samr.example.cn\\@evil.cn/", "http://www.samr.example.cn/@evil.cn/"),
        (" /附件 1.xls\n", "http://www.samr.example.cn/附件%201.xls"),
        ("/a\n/b", "http://www.samr.example.cn/a/b"),
        ("http://user:word@other.cn/x", "http://other.cn/x"),
        ("http://other.cn./x", "http://other.cn./x"),
        ("http://例子.中国/", "http://例子.中国/"),
        ("http://[2001:db8::1]:8080/", "http://[2001:db8::1]:8080/"),
        ("x#part", "http://www.samr.example.cn/a/x"),
    ],
)
def test_a_link_is_read_as_a_browser_reads_it(href: str, url: str) -> None:
    assert absolute_url(BASE, href) == url


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)", "JaVa\tScript:alert(1)", "data:text/html,x", "mailto:a@b.cn", "file:///etc/passwd",
        "ftp://a.cn/", "feed://a.cn/", "http://:80/", "https:x", "http://a.cn:0/", "http://a.cn:65536/",
        "http://a.cn:８０/", "http://a b.cn/", "http://%31%32%37.0.0.1/", "http://[fe80::1%25eth0]/", "http://[::1%lo]/",
        "http://[::1/", "http://a.cn/" + "a" * 3000,
    ],
)  # fmt: skip
def test_what_is_no_plain_web_address_is_no_link(href: str) -> None:
    assert absolute_url(BASE, href) is None


def test_one_page_has_one_address_however_its_host_is_written() -> None:
    spellings = ["http://例子.中国/a", "http://xn--fsqu00a.xn--fiqs8s/a", "http://XN--FSQU00A.xn--fiqs8s.:80/a"]
    assert {canonical_url(url) for url in spellings} == {"http://xn--fsqu00a.xn--fiqs8s/a"}


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://A.cn/", "a.cn", 80),
        ("https://a.cn/", "a.cn", 443),
        ("http://[::1]:81/", "::1", 81),
        ("http://a:0/", "a", None),
    ],
)
def test_host_and_port_of_an_address(url: str, host: str, port: int | None) -> None:
    assert (host_of(url), port_of(url)) == (host, port)
