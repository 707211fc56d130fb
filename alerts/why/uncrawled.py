"""Why an address is in no document: no source covers it, or the one that would has not brought it."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from sqlalchemy import Connection

from alerts.why.answer import Evidence, Stage
from alerts.why.telling import clock, source_name
from alerts.why.world import World
from config.sources import Rows, SourceConfig
from core.internet import is_public
from core.patterns import first_found
from crawlers.problem_words import in_chinese
from crawlers.urls import canonical_url, host_of
from store.journey import Visited, visits_to
from store.runs import SourceHealth, source_health

RUN_WORDS = {
    "waiting": "等待", "running": "进行中", "ok": "正常", "failed": "失败", "blocked": "被拒", "changed": "结构改变",
    "silent": "内容陈旧", "interrupted": "中断",
}  # fmt: skip
COUNTRY_SITES = ("gov", "com", "org", "net", "edu", "ac", "co")


def not_crawled(world: World, db: Connection, address: str) -> Stage:
    """The stage of an address that no document has."""
    visits = visits_to(db, list(dict.fromkeys((address, canonical_url(address)))))
    if visits:
        return _visited(world, visits)
    host = host_of(address)
    covering = [source for source in world.sources if host and host in _hosts(source)]
    near = [source for source in world.sources if host and _site(host) in map(_site, _hosts(source))]
    if not covering and not near and inside(host):
        told = f"{host} 是本机或内网地址，外面的网站不在那里；没有访问它。请用公开的地址再问"
        return Stage("crawled", "抓取", "stopped", told)
    if not covering and not near:
        where = f"config/sources/{world.profile}/" if world.profile else "config/sources/"
        told = f"没有信源覆盖 {host or address[:60]}"
        return Stage(
            "crawled", "抓取", "stopped", told, (Evidence(f"在 {where} 加一个信源，fengsui crawl 可立即试抓"),)
        )
    evidence = [one for source in covering or near for one in _source(world, db, source, address)]
    names = "、".join(source.title for source in covering or near)
    told = f"未抓到：{'信源' if covering else '同一网站的信源'} {names} 没有带回这个地址"
    return Stage("crawled", "抓取", "stopped", told, tuple(evidence))


def inside(host: str) -> bool:
    """Whether a host is this machine or of a network of one's own, as far as its name tells: nothing is asked."""
    try:
        return not is_public(ip_address(host.strip("[]")))
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan"))


def _visited(world: World, visits: Sequence[Visited]) -> Stage:
    """A crawler was there and no document came of it."""
    gone = [visit for visit in visits if visit.gone_at is not None]
    evidence = tuple(
        Evidence(
            f"{source_name(world, visit.source)}：{clock(visit.seen_at)} 访问"
            + (f"，{clock(visit.gone_at)} 起打不开（404 或 410）" if visit.gone_at else "，没有成为文档")
        )
        for visit in visits
    )
    told = "页面打不开（404 或 410），没有存下内容" if gone else "访问过，但没有成为文档（列表页、附件，或未读出内容）"
    return Stage("crawled", "抓取", "stopped", told, evidence)


def _source(world: World, db: Connection, source: SourceConfig, address: str) -> Iterator[Evidence]:
    """How the source that would bring it has done."""
    name = f"{source.title}（{source.key}）"
    if not source.enabled:
        yield Evidence(f"{name}：已停用（enabled: false）")
        return
    health = source_health(db, source.key)
    yield Evidence(f"{name}：{_last_run(health)}")
    if health.last is not None:
        for problem in health.last.problems[:5]:
            what = "robots.txt 不许抓" if "robots" in problem else "抓取所遇"
            yield Evidence(f"{what}：{in_chinese(problem)[:200]}")
    if health.not_before is not None:
        yield Evidence(f"网站要求 {clock(health.not_before)} 之前不访问")
    if isinstance(source, Rows) and source.accept is not None and first_found(source.accept, address) is None:
        yield Evidence(f"列表过滤 accept 不收这个地址：{source.accept}")
    yield Evidence(f"每次至多跟 {source.max_items} 行；只收列表上有的文章，旧文须在列表上才会再抓")


def _last_run(health: SourceHealth) -> str:
    if health.last is None:
        return "还没有抓过"
    run = health.last
    at = clock(run.finished_at or run.started_at or run.asked_at)
    ok = f"，上次正常 {clock(health.last_ok)}" if health.last_ok and run.status != "ok" else ""
    counts = f"新 {run.new}、未变 {run.unchanged}、失败 {run.failed}"
    return f"最近一次 {at} {RUN_WORDS.get(run.status, run.status)}，{counts}{ok}"


def _hosts(source: SourceConfig) -> set[str]:
    return {host_of(address) for address in source.addresses} - {""}


def _site(host: str) -> str:
    """What two addresses of one site share."""
    if host.replace(".", "").isdecimal() or ":" in host:
        return host
    labels = host.split(".")
    wide = len(labels) >= 3 and len(labels[-1]) == 2 and labels[-2] in COUNTRY_SITES
    return ".".join(labels[-3:] if wide else labels[-2:])
