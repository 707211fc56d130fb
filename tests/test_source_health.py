"""Whether sources are well: by what their sites answer, by their own history, and how people are told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import chinese_calendar
import httpx
import numpy as np
import pytest

from alerts.source_health.telling import news_of_sources
from alerts.source_health.usual import Usual, usual_of
from alerts.source_health.verdict import Seen, Verdict, judge
from alerts.source_health.watch import SourceWatch
from commands.doctor import examine
from config.settings import PROJECT, Settings
from config.sources import SourceConfig, parse_source
from core.clock import BEIJING, as_utc, beijing
from crawlers.run import RunSummary
from crawlers.runner import CrawlEngine
from pipelines.crawling import CrawlQueue
from pipelines.intake import StoreIntake
from store.database import Store, check_profile
from store.pulses import Pulse, SourceDay, all_pulses
from store.source_states import StateChange, add_change, changes_of, present_states
from tests.conftest import NOON
from tests.crawl_server import Asked, ReactorThread, Reply, Site
from tests.desk_server import make_services, running_desk
from tests.digests import digest_of

IS_WORKDAY = chinese_calendar.is_workday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ITEM = "<item><title>第{n}号通报</title><link>http://x.example/{n}</link><pubDate>{at}</pubDate></item>"


def feed(*items: tuple[int, datetime]) -> str:
    rows = "".join(ITEM.format(n=n, at=format_datetime(at)) for n, at in items)
    return f'<rss version="2.0"><channel><title>通报</title>{rows}</channel></rss>'


@dataclass
class Visits:
    """A site with one feed, visited through the queue and the store as the crawler does; the clock is moved by hand."""

    site: Site
    store: Store
    folder: Path
    now: datetime = NOON
    keys: dict[str, Any] = field(default_factory=dict)

    def source(self) -> SourceConfig:
        values = {
            "title": "通报", "family": "feed", "kind": "news", "every": "30m", "delay": 0, "autothrottle": False,
            "timeout": "5s", "allow_private": ["127.0.0.1"], "list_url": f"{self.site.base}/rss", **self.keys,
        }  # fmt: skip
        return parse_source("tongbao", values)

    def visit(self, *, after: timedelta = HOUR) -> tuple[RunSummary, Verdict]:
        """One run, and how the source is then."""
        self.now += after
        source, heard = self.source(), list[RunSummary]()
        engine = CrawlEngine(
            sources={"tongbao": source},
            intake=StoreIntake(self.store, self.clock),
            archive_dir=self.folder / "archive",
            contact="mailto:desk@example.org",
            clock=self.clock,
            backoff=timedelta(milliseconds=1),
        )
        queue = CrawlQueue(self.store, self.clock, sources={"tongbao": source})
        queue.take(["tongbao"], reason="schedule")

        async def work() -> None:
            summary = await engine.crawl("tongbao")
            queue.done(summary)
            heard.append(summary)

        ReactorThread.get().run(work())
        return heard[0], self.tick()

    def tick(self) -> Verdict:
        watch = SourceWatch(self.store, [self.source()], IS_WORKDAY)
        watch.tick(self.now)
        with self.store.read() as db:
            return watch.look(db, self.now)["tongbao"]

    def clock(self) -> datetime:
        return self.now

    def states(self) -> list[str]:
        """What it went through, oldest first."""
        with self.store.read() as db:
            return [change.state for change in reversed(changes_of(db, "tongbao"))]


@pytest.fixture
def visits(store: Store, tmp_path: Path) -> Iterator[Visits]:
    site = Site()
    yield Visits(site, store, tmp_path)
    site.close()


def conditional(body: str) -> Any:
    """Answers 304 to whoever says what he knows."""

    def route(asked: Asked) -> Reply:
        known = {name.lower(): value for name, value in asked.headers.items()}.get("if-none-match") == '"1"'
        return Reply(status=304) if known else Reply(body, headers={"ETag": '"1"'})

    return route


def test_a_feed_that_lost_its_entries_is_changed_until_entries_are_read_again(visits: Visits) -> None:
    good = conditional(feed((1, NOON), (2, NOON)))
    visits.site.routes["/rss"] = good
    assert visits.visit()[1].state == "well"
    assert (visits.visit()[0].not_modified, visits.states()) == (1, ["well"])
    visits.site.routes["/rss"] = Reply(feed())
    run, verdict = visits.visit()
    assert (run.status, verdict.state) == ("changed", "layout_changed")
    assert "列表读出 0 行" in verdict.why
    visits.site.routes["/rss"] = good
    run, verdict = visits.visit()  # asked for as if nothing were known of it: a 304 would have healed nothing
    assert (run.items, run.not_modified, verdict.state) == (2, 0, "well")
    assert visits.states() == ["well", "layout_changed", "well"]


def test_a_server_that_says_304_to_whoever_asks_heals_nothing(visits: Visits) -> None:
    visits.site.routes["/rss"] = Reply(feed((1, NOON)), headers={"ETag": '"1"'})
    visits.visit()
    visits.site.routes["/rss"] = Reply(feed(), headers={"ETag": '"2"'})
    visits.visit()
    visits.site.routes["/rss"] = Reply(status=304)
    run, verdict = visits.visit()
    assert (run.status, run.new, run.not_modified, verdict.state) == ("failed", 0, 0, "failed")
    assert visits.states() == ["well", "layout_changed", "failed"]


def test_a_304_at_the_first_visit_was_not_asked_for_and_is_no_reading(visits: Visits) -> None:
    visits.site.routes["/rss"] = Reply(status=304)
    run, verdict = visits.visit()
    assert (run.status, verdict.state) == ("failed", "failed")


def test_one_list_without_rows_is_no_success_because_another_is_as_last_time(visits: Visits) -> None:
    visits.keys = {"list_url": [f"{visits.site.base}/rss", f"{visits.site.base}/more"]}
    visits.site.routes |= {"/rss": conditional(feed((1, NOON))), "/more": Reply(feed((2, NOON)))}
    assert visits.visit()[1].state == "well"
    visits.site.routes["/more"] = Reply(feed())
    run, verdict = visits.visit()
    assert (run.not_modified, run.status, verdict.state) == (1, "changed", "layout_changed")


def test_a_file_that_allows_no_rows_is_believed_until_ten_were_usual(visits: Visits) -> None:
    visits.keys = {"expect": {"min_items": 0}}
    visits.site.routes["/rss"] = Reply(feed())
    assert visits.visit()[1] == Verdict("well", "还没有读成过", young=True)
    visits.site.routes["/rss"] = Reply(feed(*((n, NOON) for n in range(12))))
    assert visits.visit()[1].state == "well"
    visits.site.routes["/rss"] = Reply(feed())
    verdict = visits.visit()[1]
    assert (verdict.state, verdict.why) == ("layout_changed", "列表读出 0 行，上次有 12 行")


def test_pages_that_lost_their_layout_change_the_source_not_its_server(visits: Visits) -> None:
    visits.keys = {"follow": True, "detail": {"title": "h1", "body": "article"}}
    links = (1, NOON), (2, NOON)
    visits.site.routes["/rss"] = Reply(feed(*links).replace("http://x.example", visits.site.base))
    for n, _ in links:
        visits.site.routes[f"/{n}"] = Reply("<html><body></body></html>")
    run, verdict = visits.visit()
    assert (run.failed, run.status, verdict.state) == (2, "changed", "layout_changed")


def test_a_challenge_blocks_until_the_source_is_read_after_its_pause(visits: Visits) -> None:
    visits.site.routes["/rss"] = Reply(feed((1, NOON)))
    visits.visit()
    visits.site.routes["/rss"] = Reply("<html><script>1</script></html>", status=412)
    assert visits.visit()[1].state == "blocked"
    visits.site.routes["/rss"] = Reply(feed((1, NOON)))
    before = len(visits.site.asked)
    assert visits.visit()[1].state == "blocked"
    assert len(visits.site.asked) == before  # not asked at all
    assert visits.visit(after=DAY)[1].state == "well"


def test_one_failure_is_weather_and_two_are_a_state(visits: Visits) -> None:
    visits.site.routes["/rss"] = Reply(feed((1, NOON)))
    visits.visit()
    visits.site.routes["/rss"] = Reply(status=500)
    assert visits.visit()[1] == Verdict("well", f"1 次失败：{visits.site.base}/rss: HTTP 500 对方服务器出错，重试 2 次")
    verdict = visits.visit()[1]
    assert (verdict.state, verdict.why[:7]) == ("failed", "连续 2 次：")
    visits.site.routes["/rss"] = Reply(feed((1, NOON)))
    assert visits.visit()[1].state == "well"


def test_a_source_that_never_answered_has_failed_at_once(visits: Visits) -> None:
    visits.site.routes["/rss"] = Reply(status=500)
    assert visits.visit()[1].state == "failed"


def test_a_feed_that_stands_still_grows_too_old_by_the_clock_alone(visits: Visits) -> None:
    visits.keys = {"expect": {"newest_within": "2d"}}
    visits.site.routes["/rss"] = conditional(feed((1, NOON)))
    assert visits.visit()[1].state == "well"
    run, verdict = visits.visit(after=3 * DAY)  # 304: nothing was read, and yet
    assert (run.not_modified, verdict.state) == (1, "silent")
    assert verdict.why == "最新一行是 3 天 1 小时 前的，应不超过 2 天"
    visits.site.routes["/rss"] = Reply(feed((1, NOON), (2, visits.now)))
    assert visits.visit()[1].state == "well"


def test_a_row_dated_in_the_future_hides_no_silence(visits: Visits) -> None:
    visits.keys = {"expect": {"newest_within": "2d"}}
    visits.site.routes["/rss"] = Reply(feed((1, NOON - 4 * DAY), (2, NOON + 400 * DAY)))
    run, verdict = visits.visit()
    assert (run.status, verdict.state) == ("silent", "silent")


def test_nothing_is_called_silent_because_we_did_not_look(visits: Visits) -> None:
    visits.keys = {"expect": {"newest_within": "2d"}}
    visits.site.routes["/rss"] = Reply(feed((1, NOON)))
    visits.visit()
    visits.now += 9 * DAY
    assert visits.tick().state == "well"


def test_a_young_source_says_so(visits: Visits) -> None:
    visits.site.routes["/rss"] = Reply(feed((1, NOON)))
    assert visits.visit()[1] == Verdict("well", "历史 0 天，满 14 天后判断发布量", young=True)


# --- against its own history -------------------------------------------------------------------------------------


WORK, OFF = 12, 2
TODAY = date(2025, 11, 20)  # a Thursday


def history(until: date = TODAY, days: int = 70, **counts: int) -> dict[int, SourceDay]:
    """Twelve documents on working days, two on days off; `d1`: the count of yesterday, `d0`: of today."""
    made = {}
    for back in range(days):
        day = until - timedelta(days=back)
        usual = WORK if IS_WORKDAY(day) else OFF
        found = counts.get(f"d{back}", usual + (-1) ** back)
        made[day.toordinal()] = SourceDay(day.toordinal(), found, 24, 15 * 3600.0)
    return made


def at(hour: int, day: date = TODAY) -> datetime:
    return as_utc(datetime(day.year, day.month, day.day, hour, tzinfo=BEIJING))


def judged(
    days: Mapping[int, SourceDay], now: datetime, *, news: datetime | None = None, before: str = "well"
) -> Verdict:
    source = parse_source(
        "tongbao", {"title": "tongbao", "family": "feed", "kind": "news", "every": "30m", "list_url": "http://x/"}
    )
    today = beijing(now).toordinal()
    usual = usual_of(days.values(), since=min(days), until=today - 1, is_workday=IS_WORKDAY)
    pulse = Pulse(
        source="tongbao", every=1800, pace=1800, next_at=now, why="", run_at=now, first_read_at=now - 70 * DAY,
        read_at=now, ok_at=now, news_at=news or now, newest=news or now, rows=20, trouble="ok", trouble_why="",
        failures=0, hours=(),
    )  # fmt: skip
    return judge(Seen(source, pulse, before, days, usual, 70), now, IS_WORKDAY)


@pytest.mark.parametrize(
    ("counts", "hour", "state"),
    [
        ({"d0": 5}, 14, "well"),
        ({"d0": 25}, 14, "well"),  # twice as much is a busy day
        ({"d0": 60}, 14, "surging"),
        ({"d0": 12, "d1": 60}, 20, "surging"),  # over after one usual day
        ({"d0": 12, "d1": 12, "d2": 60}, 20, "well"),
        ({"d0": 0, "d1": 0}, 9, "silent"),
        ({"d0": 5, "d1": 0}, 14, "well"),  # it brings something again
        ({"d0": 0, "d1": 5}, 9, "well"),
    ],
)
def test_a_source_is_held_against_its_own_days(counts: dict[str, int], hour: int, state: str) -> None:
    verdict = judged(history(TODAY, 70, **counts), at(hour))
    assert verdict.state == state, verdict.why


def test_the_reason_tells_both_figures() -> None:
    assert judged(history(d0=60), at(14)).why.startswith("今日已有 60 篇，这样的一天通常约 1")
    assert judged(history(d0=0, d1=0), at(9)).why.startswith("11-19 全天 0 篇，通常约 1")


def test_a_silence_longer_than_any_of_its_own_is_told_within_the_day() -> None:
    days = history(d0=0)
    assert judged(days, at(10), news=at(18, TODAY - DAY)).state == "well"
    quiet = judged(days | history(TODAY, days=2, d0=0, d1=4), at(23), news=at(16, TODAY - DAY))
    assert (quiet.state, quiet.why[:19]) == ("silent", "1 天 7 小时 没有新内容，通常应有")


def test_a_long_holiday_is_no_silence_and_a_worked_sunday_no_surge() -> None:
    after_national_day = date(2025, 10, 8)
    days = history(after_national_day, 70, **{f"d{back}": 0 for back in range(8)})
    assert judged(days, at(23, after_national_day), news=at(17, date(2025, 9, 30))).state == "well"
    worked_sunday = date(2025, 9, 28)
    assert judged(history(worked_sunday, d0=14), at(20, worked_sunday)).state == "well"


def test_days_on_which_we_did_not_read_say_nothing() -> None:
    days = history(d0=0, d1=0)
    yesterday = TODAY.toordinal() - 1
    days[yesterday] = SourceDay(yesterday, 0, 0, 0.0)
    assert judged(days, at(9)).state == "well"
    seldom = {day: row for day, row in history(days=30).items() if day % 4 == 0}
    assert usual_of(seldom.values(), since=min(seldom), until=max(seldom), is_workday=IS_WORKDAY) is None


def test_a_burst_of_the_past_does_not_hide_the_next_one() -> None:
    assert judged(history(d0=70, d20=400), at(14)).state == "surging"


@pytest.mark.parametrize("mean", [0.3, 2, 12, 80])
def test_a_steady_source_is_hardly_ever_called_ill(mean: float) -> None:
    chance = np.random.default_rng(7)
    start, wrong, looked = date(2025, 3, 3).toordinal(), 0, 0
    counts = chance.negative_binomial(mean / 0.5, 1 / 1.5, 200)
    days = {start + n: SourceDay(start + n, int(count), 24, 30 * 3600.0) for n, count in enumerate(counts)}
    for today in range(start + 70, start + 199):
        looked += 1
        wrong += judged(days, at(23, date.fromordinal(today))).state != "well"
    assert wrong <= looked // 100


def test_what_is_usual_knows_the_weekday() -> None:
    days = {}
    for back in range(70):
        day = TODAY - timedelta(days=back)
        count = 40 if day.weekday() == 4 else 4
        days[day.toordinal()] = SourceDay(day.toordinal(), count, 24, 3600.0)
    usual = usual_of(days.values(), since=min(days), until=TODAY.toordinal(), is_workday=IS_WORKDAY)
    assert isinstance(usual, Usual)
    friday, monday = date(2025, 11, 21), date(2025, 11, 24)
    assert usual.least(friday, IS_WORKDAY) > 30
    assert usual.least(monday, IS_WORKDAY) < 6


# --- how people are told -----------------------------------------------------------------------------------------


def went(store: Store, key: str, *steps: tuple[timedelta, str]) -> None:
    was = None
    with store.write() as db:
        for back, state in steps:
            add_change(db, StateChange(key, was, state, NOON - back, f"因为 {state}"))
            was = state


def digest(store: Store, back: int = 0) -> str:
    with store.read() as db:
        return digest_of(db, beijing(NOON).date() - back * DAY).text


def test_the_digest_says_who_is_not_well_since_when_and_who_is_again_once(store: Store) -> None:
    went(store, "a", (90 * HOUR, "well"), (50 * HOUR, "silent"))
    went(store, "b", (90 * HOUR, "well"), (30 * HOUR, "blocked"), (2 * HOUR, "well"))
    went(store, "c", (90 * HOUR, "well"))
    today, yesterday = digest(store), digest(store, 1)
    assert "a：静默，自 11-21 10:00。因为 silent" in today
    assert "恢复正常：b（11-23 10:00）" in today
    assert "c" not in today.split("信源")[1]
    assert "b：被拒，自 11-22 06:00。因为 blocked" in yesterday
    assert "恢复" not in yesterday
    assert "a：静默，自 11-21 10:00" in digest(store, -1)
    assert "b：" not in digest(store, -1)


def test_a_source_that_comes_and_goes_is_told_of_in_one_line_a_day(store: Store) -> None:
    steps = [(timedelta(hours=11, minutes=-20 * n), "failed" if n % 2 else "well") for n in range(12)]
    went(store, "a", *steps)
    told = digest(store)
    assert told.count("a：") == 1
    assert "反复 6 次" in told


def test_a_source_that_is_switched_off_is_not_told_of(store: Store) -> None:
    went(store, "a", (50 * HOUR, "silent"))
    with store.read() as db:
        assert news_of_sources(db, NOON - DAY, NOON + DAY, {"b": "乙"}).ill == ()


def test_a_state_is_written_once_however_often_it_is_looked_at(visits: Visits) -> None:
    visits.site.routes["/rss"] = Reply(feed())
    visits.visit()
    for _ in range(3):
        visits.tick()
    assert visits.states() == ["layout_changed"]
    with visits.store.read() as db:
        assert present_states(db)["tongbao"].was is None
        assert all_pulses(db)["tongbao"].ok_at is None


def test_doctor_names_state_interval_and_next_turn(tmp_path: Path) -> None:
    visits = Visits(Site(), Store(f"sqlite:///{tmp_path / 'fengsui.db'}"), tmp_path)
    visits.store.migrate()
    with visits.store.write() as db:
        check_profile(db, "live")
    folder = tmp_path / "config"
    (folder / "sources" / "live").mkdir(parents=True)
    for name in ("lexicons", "calendar.yml", "duty.yml"):
        (folder / name).symlink_to(PROJECT / "config" / name)
    (folder / "sources" / "live" / "tongbao.yml").write_text(
        f"title: 通报\nfamily: feed\nkind: news\nevery: 30m\nlist_url: {visits.site.base}/rss\n", encoding="utf-8"
    )
    visits.site.routes["/rss"] = Reply(feed())
    visits.visit()
    visits.site.close()
    found = examine(Settings(data=tmp_path, config=folder, profile="live"))
    told = next(one for one in found if one.name == "信源 通报")
    assert told.ok is False
    assert "版面改变（自 2026-11-23T13:00:00+08:00）" in told.detail
    assert "间隔 30 分，下次 2026-11-23T13:3" in told.detail


def test_the_pages_show_states_since_when_why_and_the_interval(tmp_path: Path) -> None:
    services = make_services(tmp_path)
    with running_desk(services) as desk, httpx.Client(follow_redirects=True) as person:
        base = desk.entry().split("/first")[0]
        person.get(desk.entry())
        every, one = person.get(f"{base}/sources").text, person.get(f"{base}/sources/gan_forum").text
    services.store.close()
    assert "静默 1 个、激增 1 个、版面改变 1 个、被拒 1 个" in every
    assert "31 小时没有新内容，通常应有约 24 篇" in every
    assert "下次 <time" in every
    assert "起 30 分，最短 15 分，最长 2 小时" in one
    assert "8–11、14–17 时有新内容" in one
    assert one.count("没有新内容，通常应有约 24 篇") == 2  # above, and in the history of its states
