"""One sniffing from start to end: a crawl engine that runs the errand, and the draft or the reason against one."""

from collections.abc import Callable
from datetime import timedelta

from config.sources import parse_source
from crawlers.runner import CrawlEngine
from crawlers.sniff.draft import Draft, Wishes
from crawlers.sniff.fetch import Fetch, errand_spider
from crawlers.sniff.sniffer import NothingFits, Sniffer
from crawlers.trial_run import Bench, TrialIntake

LONGEST = timedelta(minutes=5)


async def sniff_site(url: str, wishes: Wishes, bench: Bench, say: Callable[[str], None]) -> tuple[Draft, list[str]]:
    """The draft for an address and the steps that led to it. say: hears each step. Raises NothingFits."""
    outcome: list[Draft | BaseException] = []
    steps: list[str] = []

    async def errand(fetch: Fetch) -> None:
        sniffer = Sniffer(fetch, bench.clock, wishes, say, steps)
        try:
            outcome.append(await sniffer.sniff(url))
        except Exception as error:  # noqa: BLE001 Scrapy would swallow it; it is raised again below
            outcome.append(error)

    source = parse_source(
        wishes.key,
        {
            "family": "html_list",
            "title": "-",
            "kind": "news",
            "every": "1h",
            "list_url": url,
            "item": "li",
            "delay": wishes.delay,
            "autothrottle": wishes.delay > 0,
            "allow_private": list(wishes.allow_private),
            "max_time": LONGEST,
        },
    )
    engine = CrawlEngine(
        sources={source.key: source},
        intake=TrialIntake(limit=0),
        archive_dir=bench.folder / "archive",
        contact=bench.contact,
        clock=bench.clock,
        backoff=bench.backoff,
        spiders={source.family: errand_spider(errand)},
    )
    try:
        summary = await engine.crawl(source.key)
    finally:
        await engine.stop()
    if not outcome:
        raise NothingFits(f"{url}：没有看完（{'；'.join(summary.problems)}）")
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0], steps
