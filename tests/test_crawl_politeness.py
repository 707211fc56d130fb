"""What we may ask, how often, and where a request may go."""

import asyncio
import ipaddress
import itertools
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from config.sources import SourceConfig
from core.internet import is_public
from crawlers.challenge import challenge_sign
from crawlers.guard import AddressGuard
from crawlers.pace import Pace
from crawlers.run import RunSummary
from tests.crawl_server import NOW, Asked, Bench, ReactorThread, Reply, Site

LIST = "<ul><li><a href='/a/1.html'>抽查电动自行车电池</a></li><li><a href='/a/2.html'>缩水线缆流入市场</a></li></ul>"
PAGE = Reply("<h1>缩水线缆流入市场</h1><p>市监局抽查三批次产品，两批次不合格，已责令下架。</p>")
LOGIN = "<!doctype html><html><head><title>登录</title></head><body><form><input name=user></form></body></html>"
GUARDED = "<html><head>" + "<script>x</script>" * 400 + "</head><body><p>请完成安全验证后继续访问</p></body></html>"
FORBIDDEN = "User-agent: *\nDisallow: /\n"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    site = Site()
    site.routes |= {"/list": Reply(LIST), "/a/1.html": PAGE, "/a/2.html": PAGE}
    yield Bench(site, tmp_path)
    site.close()


def listing(bench: Bench, path: str = "/list", **values: Any) -> SourceConfig:
    return bench.source("html_list", **{"list_url": f"{bench.site.base}{path}", "item": "li", **values})


# robots.txt


@pytest.mark.parametrize(
    ("robots", "hours"),
    [
        (Reply(GUARDED), 24),
        (Reply(LOGIN), 1),
        (Reply("\n\n  <html>not found</html>"), 1),
        (Reply('{"code": 404}'), 1),
        (Reply(b"\xef\xbb\xbf" + FORBIDDEN.encode()), 1),
        (Reply(FORBIDDEN.encode("utf-16")), 1),
        (Reply(b"\xfe\xff" + FORBIDDEN.encode("utf-16-be")), 1),
        (Reply(FORBIDDEN.encode("utf-16-le")), 1),
        (Reply(status=302, headers={"Location": "/login"}), 1),
        (Reply("User-agent: Fengsui/0.1\nDisallow: /\n\nUser-agent: *\nAllow: /\n"), 1),  # as it stands in their log
    ],
)
def test_a_robots_txt_that_cannot_be_read_forbids(bench: Bench, robots: Reply, hours: int) -> None:
    bench.site.routes |= {"/robots.txt": robots, "/login": Reply(LOGIN)}
    run = bench.crawl(listing(bench))
    assert (run.status, run.not_before) == ("blocked", NOW + timedelta(hours=hours))
    assert set(bench.site.hits()) <= {"/login"}
    assert "robots.txt" in run.problems[0]


@pytest.mark.parametrize(
    "robots",
    [
        Reply(b""),
        Reply("# nothing is forbidden here\n"),
        Reply("\ufeffUser-agent: *\nDisallow: /private\n"),
        Reply("Sitemap: /map.xml\n"),
        Reply(status=302, headers={"Location": "/nowhere"}),
    ],
)
def test_a_robots_txt_that_forbids_nothing_allows(bench: Bench, robots: Reply) -> None:
    bench.site.routes["/robots.txt"] = robots
    assert bench.crawl(listing(bench)).new == 2


@pytest.mark.parametrize(("hops", "status"), [(5, "ok"), (6, "blocked")])
def test_robots_txt_may_be_five_redirects_away(bench: Bench, hops: int, status: str) -> None:
    bench.site.routes["/robots.txt"] = Reply(status=301, headers={"Location": "/hop1"})
    for n in range(1, hops):
        bench.site.routes[f"/hop{n}"] = Reply(status=302, headers={"Location": f"/hop{n + 1}"})
    bench.site.routes[f"/hop{hops}"] = Reply("User-agent: *\nDisallow: /a\n")
    run = bench.crawl(listing(bench))
    assert bench.site.hits()["/list"] == (1 if status == "ok" else 0)
    assert "robots.txt" in run.problems[0]


# how often


@dataclass
class Clock:
    """A clock that moves when somebody sleeps."""

    time: float = 1000.0
    asked: list[tuple[str, float]] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.time += seconds

    def note(self, asked: Asked) -> None:
        self.asked.append((asked.path, self.time))

    @property
    def gaps(self) -> list[float]:
        times = sorted(time for _, time in self.asked)
        return [round(b - a, 3) for a, b in itertools.pairwise(times)]


def at_pace(bench: Bench, clock: Clock, *sources: SourceConfig, jitter: float = 0.0) -> list[RunSummary]:
    """Crawl all of them in one process, every answer noted by the clock."""

    def noted(reply: Reply) -> Any:
        def answer(asked: Asked) -> Reply:
            clock.note(asked)
            return reply

        return answer

    bench.site.routes = {
        path: noted(reply) if isinstance(reply, Reply) else reply for path, reply in bench.site.routes.items()
    }

    async def work() -> list[RunSummary]:
        engine = bench.engine(*sources)
        engine.pace = Pace(lambda: clock.time, clock.sleep, lambda: jitter)
        return await engine.crawl_all()

    return ReactorThread.get().run(work())


def test_two_sources_of_one_host_share_its_delay(bench: Bench) -> None:
    clock = Clock()
    bench.site.routes["/more"] = Reply("<li><a href='/a/3.html'>c</a></li>")
    bench.site.routes["/a/3.html"] = PAGE
    runs = at_pace(bench, clock, listing(bench, key="one", delay=3), listing(bench, "/more", key="two", delay=5))
    assert [run.new for run in runs] == [2, 1]
    assert [path for path, _ in clock.asked].count("/robots.txt") == 1
    assert len(clock.asked) == 6
    assert min(clock.gaps) == 3
    assert sorted(clock.gaps)[-2:] == [5, 5]


def test_a_crawl_delay_longer_than_ours_counts_and_chance_only_lengthens_it(bench: Bench) -> None:
    clock = Clock()
    bench.site.routes["/robots.txt"] = Reply("User-agent: *\nCrawl-delay: 6\n")
    at_pace(bench, clock, listing(bench, delay=3), jitter=1.0)
    assert clock.gaps == [7.5, 7.5, 7.5]


def test_an_attached_file_is_asked_for_at_the_same_pace(bench: Bench) -> None:
    clock = Clock()
    bench.site.routes["/a/1.html"] = Reply(
        "<h1>抽查结果公布</h1><p>市监局抽查三批次产品，两批次不合格。<a href='/f.csv'>附件</a></p>"
    )
    bench.site.routes["/f.csv"] = Reply("企业,项目\n甲厂,电阻\n", headers={"Content-Type": "text/csv"})
    at_pace(bench, clock, listing(bench, delay=4))
    assert "/f.csv" in [path for path, _ in clock.asked]
    assert set(clock.gaps) == {4}


def test_sources_of_a_slow_host_leave_places_to_other_hosts(bench: Bench) -> None:
    slow = [listing(bench, f"/slow{n}", key=f"slow{n}", delay=1) for n in range(3)]
    port = bench.site.base.rsplit(":", 1)[1]
    other = listing(bench, key="other", delay=1, list_url=f"http://localhost:{port}/list", allow_private=["localhost"])
    order: list[str] = []

    async def work() -> None:
        engine = bench.engine(*slow, other)
        engine.at_once = 2
        engine.pace = Pace(lambda: 0.0, Clock().sleep)
        engine.__post_init__()
        await engine._hosts["127.0.0.1"].acquire()
        waiting = [engine.crawl(source.key) for source in slow]
        tasks = [asyncio.ensure_future(one) for one in waiting]
        order.append((await engine.crawl("other")).source)
        engine._hosts["127.0.0.1"].release()
        order.extend([run.source for run in await asyncio.gather(*tasks)])

    ReactorThread.get().run(work())
    assert order[0] == "other"
    assert len(order) == 4


# where to


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "100.64.0.1", "169.254.169.254", "192.0.0.1", "192.0.0.9", "192.88.99.1", "198.18.0.1",
        "240.0.0.1", "255.255.255.255", "224.0.0.1", "0.0.0.0", "::1", "::", "::ffff:10.0.0.1", "::7f00:1", "fe80::1",
        "fec0::1", "fc00::1", "ff02::1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001:db8::1", "2001:10::1",
        "2001:20::1", "2002:a00:1::1", "3fff::1", "5f00::1", "4000::1",
    ],
)  # fmt: skip
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "223.5.5.5", "2400:3200::1", "2606:4700::1111", "64:ff9b::101:101"])
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def test_a_name_that_changes_its_mind_reaches_no_private_host(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = socket.getaddrinfo, []

    def rebinding(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host in ("evil.test", b"evil.test"):
            asked.append(host)
            return real("198.51.99.7" if len(asked) == 1 else "127.0.0.1", port, *rest, **more)
        return real(host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    port = bench.site.base.rsplit(":", 1)[1]
    source = listing(bench, list_url=f"http://evil.test:{port}/list", allow_private=[], timeout="1s")
    run = bench.crawl(source)
    assert run.status == "failed"
    assert (bench.site.asked, len(asked)) == ([], 1)


def test_a_request_that_waits_goes_where_it_was_allowed_whatever_the_name_says_since(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, said = socket.getaddrinfo, iter(["198.51.99.7", "127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, *rest, **more: real(next(said), port, *rest, **more))
    monkeypatch.setattr("crawlers.guard.KEPT_FOR", 0.0)

    async def work() -> tuple[str | None, str | None, list[str]]:
        guard = AddressGuard()
        first = await guard.check("http://evil.test/a", ())
        then = await guard.check("http://evil.test/b", ())
        return first, then, [str(address) for address in guard.addresses("evil.test")]

    first, then, reached = ReactorThread.get().run(work())
    assert first is None
    assert "private address (127.0.0.1)" in (then or "")
    assert reached == ["198.51.99.7"]


def test_a_site_that_names_a_new_host_with_each_link_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawlers.guard.MOST", 3)
    hosts = [f"198.51.99.{number}" for number in range(1, 8)]

    async def work() -> list[str]:
        guard = AddressGuard()
        for host in hosts:
            assert await guard.check(f"http://{host}/", ()) is None
        return [host for host in hosts if guard.addresses(host)]

    assert ReactorThread.get().run(work()) == hosts[-3:]


def test_a_private_host_may_be_named_with_its_port(bench: Bench) -> None:
    other = Site()
    other.routes["/a/9.html"] = PAGE
    bench.site.routes["/list"] = Reply("<li><a href='/a/1.html'>a</a></li><li><a href='/away'>b</a></li>")
    bench.site.routes["/away"] = Reply(status=302, headers={"Location": f"{other.base}/a/9.html"})
    here = bench.site.base.removeprefix("http://")
    run = bench.crawl(listing(bench, allow_private=[here]))
    assert (run.new, run.failed, other.asked) == (1, 1, [])
    assert "allow_private" in run.problems[0]
    assert bench.crawl(listing(bench, allow_private=["127.0.0.1"])).new == 1
    other.close()


# redirects and guards' pages


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/list", "in a circle"),
        ("/one", "in a circle"),
        ("file:///etc/passwd", "only http and https"),
        ("data:text/html,x", "only http and https"),
        ("javascript:alert(1)", "no address"),
        ("http://[::1", "no address"),
    ],
)
def test_a_redirect_that_leads_nowhere_is_told(bench: Bench, target: str, said: str) -> None:
    bench.site.routes["/list"] = Reply(status=302, headers={"Location": target})
    bench.site.routes["/one"] = Reply(status=302, headers={"Location": "/list"})
    run = bench.crawl(listing(bench))
    assert run.status == "failed"
    assert said in run.problems[0]


def test_the_keys_of_a_source_stay_with_its_own_site(bench: Bench) -> None:
    other = Site()
    other.routes["/list"] = Reply(LIST)
    elsewhere = other.base.replace("127.0.0.1", "localhost")
    bench.site.routes["/moved"] = Reply(status=302, headers={"Location": "/moved2"})
    bench.site.routes["/moved2"] = Reply(status=302, headers={"Location": f"{elsewhere}/list"})
    keys = {"X-AuthKey": "SECRET", "Accept": "application/json"}
    source = listing(bench, "/moved?key=SECRET", headers=keys, allow_private=["127.0.0.1", "localhost"])
    assert bench.crawl(source).items == 2
    ours = [asked.headers.get("X-Authkey") for asked in bench.site.asked if asked.path.startswith("/moved")]
    assert ours == ["SECRET", "SECRET"]
    assert [asked.path for asked in other.asked[:2]] == ["/robots.txt", "/list"]
    assert not any("SECRET" in value for asked in other.asked for value in asked.headers.values())
    other.close()


@pytest.mark.parametrize("kind", ["application/rss+xml", "text/plain", "application/json"])
def test_a_guards_page_in_another_type_s_clothes_is_one(bench: Bench, kind: str) -> None:
    page = "<!DOCTYPE html><html><head><title>请稍候</title></head><body>您的访问被拦截</body></html>"
    bench.site.routes["/rss"] = Reply(page, headers={"Content-Type": kind})
    run = bench.crawl(bench.source("feed", list_url=f"{bench.site.base}/rss"))
    assert (run.status, run.problems[0].rpartition(": ")[2]) == ("blocked", "访问被拦截")


@pytest.mark.parametrize("wish", ["Wed, 21 Oct 2026 07:28:00 +99999999999999", "-5", "soon"])
def test_a_wish_to_come_back_later_that_cannot_be_read_is_none(bench: Bench, wish: str) -> None:
    bench.site.routes["/list"] = Reply(status=503, headers={"Retry-After": wish})
    run = bench.crawl(listing(bench))
    assert (run.status, run.problems[0].rpartition(": ")[2]) == ("failed", "HTTP 503 after 2 retries")


def test_a_long_guards_page_is_known_by_what_is_to_be_seen(bench: Bench) -> None:
    bench.site.routes["/a/1.html"] = Reply(GUARDED)
    run = bench.crawl(listing(bench))
    assert run.status == "blocked"
    assert "安全验证" in run.problems[0]


def test_an_article_about_checks_is_no_guards_page(bench: Bench) -> None:
    nav = "<a href='/x'>首页</a>" * 300
    text = "近日有消费者反映，商家以安全验证为名索要验证码。市监局提醒：不要把验证码告诉他人。" * 3
    bench.site.routes["/a/1.html"] = Reply(f"<h1>警惕以安全验证为名的骗局</h1>{nav}<p>{text}</p>")
    assert bench.crawl(listing(bench)).new == 2


def test_a_bare_page_about_codes_is_an_article_and_one_that_asks_for_a_code_is_not(bench: Bench) -> None:
    text = "近日有消费者反映，商家以安全验证为名索要验证码，随后账户被盗。市监局提醒：不要把验证码告诉他人。" * 4
    assert len(text) < 400
    bench.site.routes["/a/1.html"] = Reply(f"<h1>警惕骗局</h1><p>{text}</p>")
    bench.site.routes["/a/2.html"] = Reply(f"<h1>请稍候</h1><p>{text}</p><form><input name=code></form>")
    run = bench.crawl(listing(bench))
    assert (run.new, run.status) == (1, "blocked")
    assert "验证" in run.problems[0]


def test_a_page_that_says_who_is_refused_is_a_guards_whatever_else_it_says_before() -> None:
    text = (
        "系统繁忙，请稍候。尊敬的用户："
        + "您的网络环境存在异常，为了保障网站的安全运行，本次操作未能完成。" * 5
        + "访问过于频繁。"
    )
    assert 150 < len(text) < 400
    assert challenge_sign(200, f"<html><body><p>{text}</p></body></html>") == "challenge page: 访问过于频繁"


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1@{here}/a/1.html", "http://u:p@{here}/a/1.html", "http://[::1%lo]:{port}/", "//127.1:{port}/",
        "http://0x7f.1:{port}/", "http://2130706433:{port}/", "http://①②⑦.0.0.1:{port}/", "http://127。0。0。1:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/", "http://localhost.:{port}/", "http:\\\\127.1:{port}\\", "http://{here}:0/",
        "http://%31%32%37.0.0.1:{port}/", "http://[::]:{port}/", "http://0:{port}/",
    ],
)  # fmt: skip
def test_no_spelling_of_a_private_address_gets_through_a_redirect(bench: Bench, target: str) -> None:
    own = Site()
    port = own.base.rsplit(":", 1)[1]
    location = target.format(here=own.base.removeprefix("http://"), port=port)
    bench.site.routes["/a/1.html"] = Reply(status=302, headers={"Location": location.encode().decode("latin-1")})
    run = bench.crawl(listing(bench, allow_private=[bench.site.base.removeprefix("http://")]))
    own.close()
    assert own.asked == []
    assert (run.new, run.failed) == (1, 1)
