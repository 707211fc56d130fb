"""The story clock: day 0 is the day of the first start, time only goes forward, nothing is dated in the future."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from core.clock import beijing
from core.errors import UsageError
from demo.sources import SOURCES
from demo.story import LIVE_FROM, STATE_FILE, Item, Story, load_pages, open_clock, open_story, pack_id_of, token_of

AFTERNOON = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 23, 16, 5, tzinfo=UTC)
"""Five past midnight in Beijing, on the 24th."""


def shown(story: Story, moment: datetime) -> list[Item]:
    return [item for source in SOURCES for item in story.items(source, moment)]


def test_day_zero_is_the_beijing_day_of_the_first_start(tmp_path: Path) -> None:
    assert open_clock(tmp_path / "a", now=AFTERNOON).day_zero == date(2026, 11, 23)
    assert open_clock(tmp_path / "b", now=NIGHT).day_zero == date(2026, 11, 24)


def test_three_days_pass_in_ten_minutes(tmp_path: Path) -> None:
    clock = open_clock(tmp_path, now=AFTERNOON)
    assert clock.now(AFTERNOON) == LIVE_FROM == timedelta(days=-2)
    assert clock.now(AFTERNOON + timedelta(minutes=10)) == timedelta(days=1)


def test_speed_is_story_seconds_a_real_second(tmp_path: Path) -> None:
    clock = open_clock(tmp_path, now=AFTERNOON, speed=60)
    assert clock.now(AFTERNOON + timedelta(seconds=10)) == LIVE_FROM + timedelta(minutes=10)


def test_a_restart_goes_on_where_the_story_stands(tmp_path: Path) -> None:
    first = open_clock(tmp_path, now=AFTERNOON)
    later = AFTERNOON + timedelta(minutes=3)
    again = open_clock(tmp_path, now=later)
    assert again == first
    assert again.now(later) == LIVE_FROM + timedelta(minutes=3) * 432


def test_another_speed_neither_jumps_nor_goes_back(tmp_path: Path) -> None:
    open_clock(tmp_path, now=AFTERNOON, speed=432)
    change = AFTERNOON + timedelta(minutes=2)
    slower = open_clock(tmp_path, now=change, speed=10)
    assert slower.now(change) == LIVE_FROM + timedelta(minutes=2) * 432
    assert slower.now(change + timedelta(minutes=1)) == slower.now(change) + timedelta(minutes=10)
    assert slower.released(LIVE_FROM + timedelta(hours=1)) == AFTERNOON + timedelta(hours=1) / 432
    assert open_clock(tmp_path, now=change + timedelta(minutes=1), speed=10) == slower


def test_days_after_the_first_start_day_zero_stays(tmp_path: Path) -> None:
    open_clock(tmp_path, now=AFTERNOON)
    assert open_clock(tmp_path, now=AFTERNOON + timedelta(days=3)).day_zero == date(2026, 11, 23)


def test_the_present_of_a_clock_set_back_is_never_before_the_start(tmp_path: Path) -> None:
    clock = open_clock(tmp_path, now=AFTERNOON)
    assert clock.now(AFTERNOON - timedelta(hours=1)) == LIVE_FROM


def test_old_documents_show_their_story_time(tmp_path: Path) -> None:
    story = open_story(tmp_path, now=AFTERNOON)
    fire = next(item for item in shown(story, AFTERNOON) if item.token == token_of("a2-0217"))
    assert beijing(fire.published) == datetime(2026, 11, 9, 5, 58, tzinfo=beijing(AFTERNOON).tzinfo)


@pytest.mark.parametrize("start", [AFTERNOON, NIGHT])
def test_all_is_out_after_ten_minutes_at_any_hour_and_nothing_is_dated_ahead(tmp_path: Path, start: datetime) -> None:
    story = open_story(tmp_path, now=start)
    for minutes in range(11):
        moment = start + timedelta(minutes=minutes)
        items = shown(story, moment)
        assert max(item.published for item in items) <= moment
    pages = [page for page in load_pages() if page.gone_at is None]
    assert {item.token for item in items} == {page.token for page in pages}


def test_the_order_of_the_pack_is_kept_when_the_story_overtakes_the_present(tmp_path: Path) -> None:
    story = open_story(tmp_path, now=NIGHT)
    moment = NIGHT + timedelta(minutes=10)
    published = {item.token: item.published for item in shown(story, moment)}
    in_order = sorted((page for page in load_pages() if page.gone_at is None), key=lambda page: page.versions[-1].at)
    times = [published[page.token] for page in in_order]
    assert times == sorted(times)


def test_documents_appear_one_after_the_other_while_one_watches(tmp_path: Path) -> None:
    story = open_story(tmp_path, now=AFTERNOON)
    counts = [len(shown(story, AFTERNOON + timedelta(minutes=minute))) for minute in range(11)]
    assert counts == sorted(counts)
    assert len(set(counts)) >= 7


def test_a_speed_of_zero_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="must be above 0"):
        open_clock(tmp_path, now=AFTERNOON, speed=0)


def test_a_broken_state_file_names_the_remedy(tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="demo-reset"):
        open_clock(tmp_path, now=AFTERNOON)


def test_an_address_leads_back_to_the_pack_only_through_the_digest() -> None:
    assert pack_id_of(f"http://127.0.0.1:1/x/t20261123_{token_of('a1-0113')}.html") == "a1-0113"
    assert pack_id_of("http://127.0.0.1:1/x/t20261123_000000000.html") is None
    assert pack_id_of("a1-0113") is None
    assert len({page.token for page in load_pages()}) == 668
