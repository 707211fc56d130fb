"""What the clock does to alerts: quiet hours, reminders, escalation, all-clear; nothing twice and nothing lost."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from alerts.reasons import SYSTEM_REASONS
from config.alert_life import AlertLife
from config.lexicon import Lexicon
from core.clock import beijing, parse_published
from core.records import AlertState
from store.alert_log import alert_details, delivery_log, save_alert
from store.database import Store
from tests.alert_story import Story

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def story(store: Store, lexicon: Lexicon) -> Story:
    return Story(store, lexicon)


def at(text: str) -> datetime:
    return parse_published(text)


# --- quiet hours --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "moment", "told"),
    [
        (4, "2026-11-24T03:00", "2026-11-24T03:00"),
        (3, "2026-11-24T03:00", "2026-11-24T03:00"),
        (2, "2026-11-24T03:00", "2026-11-24T08:30"),
        (2, "2026-11-24T10:00", "2026-11-24T10:00"),
        (2, "2026-11-24T17:30", "2026-11-25T08:30"),
        (2, "2026-11-27T18:00", "2026-11-30T08:30"),  # Friday evening: Monday
        (2, "2026-09-30T18:00", "2026-10-08T08:30"),  # the national holidays
        (2, "2026-10-10T09:00", "2026-10-10T09:00"),  # a Saturday that is worked
    ],
)
def test_each_level_is_told_in_its_hours(story: Story, level: int, moment: str, told: str) -> None:
    story.now = at(moment)
    alert = story.opened(level)
    with story.store.read() as db:
        assert {line.next_at for line in delivery_log(db, alert=alert.id)} == {at(told)}
    assert ("deferred" in story.actions(alert)) == (moment != told)
    assert alert.due_at == at(told) + timedelta(hours={4: 0.5, 3: 2, 2: 8}[level])


def test_blue_is_left_to_the_digest(story: Story) -> None:
    alert = story.opened(1)
    assert story.mails(alert) == []
    story.go(30 * DAY)
    assert story.mails(alert) == []


def test_orange_may_have_quiet_hours_and_red_never(story: Story) -> None:
    book = {"levels": {"orange": {"quiet": {"from": "23:00", "to": "06:00"}}}}
    story.book = story.book.model_validate(book)
    story.now = at("2026-11-24T02:00")
    with_quiet, woken = story.opened(3), story.opened(4)
    assert story.send() == [("desk", "[红] 新预警")]
    assert "deferred" in story.actions(with_quiet)
    assert "deferred" not in story.actions(woken)
    story.now = at("2026-11-24T06:00")
    assert story.send() == [("desk", "[橙] 新预警")]


def test_what_changes_in_the_night_is_told_once_in_its_newest_state(story: Story) -> None:
    story.now = at("2026-11-23T22:00")
    alert = story.opened(2)
    story.now = at("2026-11-24T01:00")
    story.changed(alert, "raised", "rule_fired", title="第二次")
    story.now = at("2026-11-24T02:00")
    story.changed(alert, "raised", "casualties", title="第三次")
    story.act(alert, "accept")
    assert story.send() == []
    story.go("2026-11-24T08:29:30")
    assert story.send() == []
    story.go("2026-11-24T08:30")
    assert story.send() == [("desk", "[黄] 升级"), ("zhang", "[黄] 升级")]
    with story.store.read() as db:
        sent = [line for line in delivery_log(db) if line.state == "sent"]
        assert {line.subject for line in sent} == {"[黄] 升级：第三次（红谷滩区，YJ-2026-0001）"}
    assert story.actions(alert).count("deferred") == 1


def test_what_was_ended_in_the_night_is_not_told_in_the_morning(story: Story) -> None:
    story.now = at("2026-11-23T22:00")
    alert = story.opened(2)
    story.act(alert, "dismiss", reason="not_event", note="演练")
    story.go("2026-11-24T09:00")
    assert story.send() == []


@pytest.mark.parametrize("looked", [False, True])
def test_an_end_taken_back_in_the_night_is_told_in_the_morning_after_all(story: Story, looked: bool) -> None:
    story.now = at("2026-11-23T22:00")
    alert = story.opened(2)
    story.act(alert, "dismiss", reason="not_event", note="演练")
    if looked:
        story.tick()
    story.now = at("2026-11-23T22:01")
    story.act(alert, "undo")
    story.tick()
    assert story.send() == []
    story.go("2026-11-24T08:30")
    assert story.send() == [("desk", "[黄] 新预警"), ("zhang", "[黄] 新预警")]
    assert story.tick() == {}


def test_a_rise_to_red_in_the_night_wakes_at_once(story: Story) -> None:
    story.now = at("2026-11-23T23:00")
    alert = story.opened(2)
    story.now = at("2026-11-24T01:00")
    story.changed(alert, "raised", "casualties", level=4)
    assert story.send() == [("desk", "[红] 升级"), ("zhang", "[红] 升级")]
    story.now = at("2026-11-24T09:00")
    assert story.send() == []


# --- reminders and escalation -------------------------------------------------------------------------------------


def told_at(story: Story, action: str, *, until: datetime, step: timedelta = 15 * MINUTE) -> list[float]:
    """Hours after now at which an action was taken, looked at every `step`."""
    begin, found = story.now, []
    while story.now < until:
        if story.go(step).get(action):
            found.append(round((story.now - begin) / HOUR, 3))
        story.send()
    return found


def test_reminders_come_in_growing_intervals_and_stop(story: Story) -> None:
    story.opened(3)
    story.send()
    assert told_at(story, "repeated", until=story.now + DAY) == [1.0, 3.0, 7.0]


def test_escalation_goes_up_the_chain_by_the_level_s_clock(story: Story) -> None:
    alert = story.opened(3)
    assert story.send() == [("desk", "[橙] 新预警"), ("zhang", "[橙] 新预警")]
    assert told_at(story, "escalated", until=story.now + DAY) == [2.0, 4.0]
    rows = [row for row in story.rows(alert) if row.action == "escalated"]
    assert [(row.actor, row.details["reason"], row.details["post"]) for row in rows] == [
        ("system", "ack_overdue", "division"),
        ("system", "ack_overdue", "leader"),
    ]
    assert "升至质量监督处（陈处）" in rows[0].note
    assert [who for who, what in story.mails(alert) if what == "[橙] 逾期未受理"] == ["chen", "wu"]


def test_accepting_stops_both(story: Story) -> None:
    alert = story.opened(3)
    story.send()
    story.go(90 * MINUTE)
    story.act(alert, "accept")
    before = story.actions(alert)
    story.go(30 * HOUR)
    assert story.actions(alert) == before


def test_an_accept_taken_back_starts_them_again(story: Story) -> None:
    alert = story.opened(3)
    story.send()
    story.act(alert, "accept")
    story.go(5 * HOUR)
    story.act(alert, "undo")
    assert story.tick() == {"repeated": 1, "escalated": 1}


def test_after_three_days_down_there_is_one_reminder_and_one_step(story: Story) -> None:
    alert = story.opened(3)
    story.send()
    assert story.go(3 * DAY) == {"repeated": 1, "escalated": 1}
    assert story.tick() == {}
    assert story.go(MINUTE) == {}
    assert [row.details["post"] for row in story.rows(alert) if row.action == "escalated"] == ["division"]
    assert story.go(2 * HOUR) == {"repeated": 1, "escalated": 1}


def test_a_clock_that_jumps_ahead_and_back_stops_nothing(story: Story) -> None:
    alert = story.opened(3)
    story.send()
    begin = story.now
    story.go(5 * DAY)  # the machine's clock was wrong for a moment
    story.now = begin
    story.tick()
    assert told_at(story, "escalated", until=begin + 5 * HOUR) == [2.0]
    posts = [row.details["post"] for row in story.rows(alert) if row.action == "escalated"]
    assert posts == ["division", "leader"]


def test_a_quiet_night_brings_no_reminder_and_no_step(story: Story) -> None:
    story.now = at("2026-11-23T16:00")
    alert = story.opened(2)
    story.send()
    assert told_at(story, "repeated", until=at("2026-11-24T08:00"), step=10 * MINUTE) == []
    assert story.go("2026-11-24T08:30") == {"repeated": 1, "escalated": 1}
    assert [beijing(row.at).hour for row in story.rows(alert) if row.action == "escalated"] == [8]


def test_a_post_without_people_is_said_and_the_province_desk_told(story: Story) -> None:
    empty = {"duty": {"title": "值班席"}, "division": {"title": "质量监督处"}, "leader": {"title": "分管领导"}}
    story.book = story.book.model_copy(update={"posts": story.book.model_validate({"posts": empty}).posts})
    alert = story.opened(3)
    story.send()
    story.go(2 * HOUR)
    [row] = [row for row in story.rows(alert) if row.action == "escalated"]
    assert "未排人" in row.note
    assert ("desk", "[橙] 逾期未受理") in story.mails(alert)


def test_a_person_s_rise_is_told_and_a_fall_only_to_the_told(story: Story) -> None:
    alert = story.opened(1)
    story.act(alert, "level", level=4, note="有人死亡")
    story.tick()
    assert story.send() == [("desk", "[红] 升级"), ("zhang", "[红] 升级")]
    story.act(alert, "level", level=2, note="并非死亡")
    story.tick()
    assert story.send() == [("desk", "[黄] 降级"), ("zhang", "[黄] 降级")]
    assert story.tick() == {}


# --- the end ------------------------------------------------------------------------------------------------------


def test_an_end_is_told_once_to_those_who_were_told(story: Story) -> None:
    alert = story.opened(3)
    story.send()
    story.go(2 * HOUR)
    story.send()
    story.act(alert, "dismiss", reason="wrong_object", note="同名厂")
    story.tick()
    assert story.send() == [("chen", "[橙] 撤回"), ("desk", "[橙] 撤回"), ("zhang", "[橙] 撤回")]
    story.tick()
    assert story.send() == []
    unheard = story.opened(1)
    story.act(unheard, "dismiss", reason="wrong_object", note="同名厂")
    story.tick()
    assert story.send() == []


@pytest.mark.parametrize("action", ["reopen", "undo"])
def test_who_heard_of_an_end_hears_when_a_person_takes_it_back(story: Story, action: str) -> None:
    alert = story.opened(3)
    story.send()
    story.go(HOUR / 2)
    story.act(alert, "dismiss", reason="wrong_object", note="同名厂")
    story.tick()
    assert story.send() == [("desk", "[橙] 撤回"), ("zhang", "[橙] 撤回")]
    story.now += MINUTE
    story.act(alert, action, note="确为本厂")
    story.tick()
    assert story.send() == [("desk", "[橙] 重新打开"), ("zhang", "[橙] 重新打开")]
    assert story.tick() == {}
    assert story.send() == []


def test_an_end_taken_back_before_anybody_heard_of_it_is_not_told(story: Story) -> None:
    alert = story.opened(3)
    story.send()
    story.act(alert, "dismiss", reason="wrong_object", note="同名厂")
    story.act(alert, "reopen", note="确为本厂")
    story.tick()
    assert story.send() == []


def test_an_end_taken_back_under_a_silence_is_told_when_the_silence_ends(story: Story) -> None:
    alert = story.opened(3)
    story.send()
    story.act(alert, "dismiss", reason="wrong_object", note="同名厂")
    story.tick()
    story.send()
    story.silence("product=ebike_power", hours=4)
    story.now += MINUTE
    story.act(alert, "reopen", note="确为本厂")
    story.tick()
    assert story.send() == []
    story.go(5 * HOUR)
    assert story.send() == [("desk", "[橙] 重新打开"), ("zhang", "[橙] 重新打开")]
    assert story.tick() == {}


# --- what the engine says of series and crowds --------------------------------------------------------------------


def test_who_was_told_hears_once_that_there_is_twice_as_much_and_the_clocks_go_on(story: Story) -> None:
    alert = story.opened(3)
    story.send()
    story.now += HOUR / 2
    story.changed(alert, "grown", "new_signals", origins=6)
    assert story.send() == [("desk", "[橙] 件数翻倍"), ("zhang", "[橙] 件数翻倍")]
    assert story.go(HOUR / 2) == {"repeated": 1}, "the reminder comes when it would have come"
    story.send()
    unheard = story.opened(1)
    story.changed(unheard, "grown", "new_signals", origins=6)
    assert story.send() == []


def test_what_doubles_in_the_night_is_told_in_the_morning(story: Story) -> None:
    story.now = at("2026-11-23T10:00")
    alert = story.opened(2)
    story.send()
    story.act(alert, "accept")
    story.now = at("2026-11-24T02:00")
    story.changed(alert, "grown", "new_signals", origins=6)
    assert story.send() == []
    story.go("2026-11-24T08:30")
    assert story.send() == [("desk", "[黄] 件数翻倍"), ("zhang", "[黄] 件数翻倍")]


def test_what_doubles_while_it_waits_is_told_in_one_notice(story: Story) -> None:
    story.now = at("2026-11-23T22:00")
    alert = story.opened(2)
    story.now = at("2026-11-24T02:00")
    story.changed(alert, "grown", "new_signals", origins=6, title="六家投诉")
    story.go("2026-11-24T08:30")
    with story.store.read() as db:
        waiting = {line.subject for line in delivery_log(db, alert=alert.id) if line.state == "waiting"}
    assert waiting == {"[黄] 新预警：六家投诉（红谷滩区，YJ-2026-0001）"}


def test_what_is_over_is_told_to_the_told_ends_the_clocks_and_mutes_nothing_more(story: Story) -> None:
    alert = story.opened(3)
    story.send()
    story.now += HOUR / 2
    story.changed(alert, "cleared", "recovered", state=AlertState.CLOSED, due_at=None)
    assert story.send() == [("desk", "[橙] 解除"), ("zhang", "[橙] 解除")]
    assert story.go(DAY) == {}
    assert story.send() == []
    overnight = at("2026-11-24T23:00")
    story.now = overnight
    waiting = story.opened(2)
    story.changed(waiting, "cleared", "recovered", state=AlertState.CLOSED, due_at=None)
    story.go("2026-11-25T09:00")
    assert story.send() == [], "who would have been told in the morning hears nothing of it"


def test_what_is_over_under_a_silence_is_told_to_nobody_and_a_new_burst_is(story: Story) -> None:
    alert = story.opened(3)
    story.send()
    story.silence("product=ebike_power", hours=2)
    story.changed(alert, "grown", "new_signals", origins=6)
    story.changed(alert, "cleared", "recovered", state=AlertState.CLOSED, due_at=None)
    assert story.send() == []
    story.go(3 * HOUR)
    assert story.send() == []
    story.changed(alert, "reopened", "ground_returned", state=AlertState.NEW)
    assert story.send() == [("desk", "[橙] 重新打开"), ("zhang", "[橙] 重新打开")]


@pytest.mark.parametrize(("level", "state"), [(4, AlertState.NEW), (3, AlertState.NEW), (2, AlertState.NEW)])
def test_a_silent_matter_is_proposed_for_release_and_a_person_ends_it(
    story: Story, level: int, state: AlertState
) -> None:
    alert = story.opened(level)
    story.go(13 * DAY)
    assert "all_clear" not in story.actions(alert)
    assert story.go(DAY)["all_clear"] == 1
    assert story.alert(alert).state is state
    assert story.go(DAY).get("all_clear") is None
    ended = story.act(alert, "clear")
    assert ended.state is AlertState.CLOSED
    assert story.reasons(alert)[-1] == ("clear", "by_hand")


def test_blue_is_ended_by_the_system_only_where_configured(story: Story) -> None:
    story.life = AlertLife.model_validate({"all_clear": {"close_quiet": ["blue"]}})
    quiet, accepted, once_orange = story.opened(1), story.opened(1), story.opened(3)
    story.act(accepted, "accept")
    story.send()
    with story.store.write() as db:
        save_alert(db, replace(story.alert(once_orange), level=1), details={"worst": 3})
    story.go(14 * DAY)
    assert story.alert(quiet).state is AlertState.CLOSED
    assert story.reasons(quiet)[-1] == ("closed", "quiet")
    assert story.alert(accepted).state is AlertState.ACCEPTED
    assert story.alert(once_orange).state is AlertState.NEW


def test_who_keeps_an_alert_open_is_not_asked_again(story: Story) -> None:
    alert = story.opened(3)
    story.go(14 * DAY)
    story.act(alert, "hold", note="等检验结果")
    story.go(20 * DAY)
    assert story.actions(alert).count("all_clear") == 1
    with story.store.read() as db:
        assert alert_details(db, alert.id)["all_clear"] == {"declined": "li"}


# --- nothing twice, nothing lost ----------------------------------------------------------------------------------


class Killed(BaseException):
    """The process ends here."""


def every_point(story: Story, work: Callable[[], object]) -> int:
    """Do `work`, killed before each statement it sends to the database in turn, then once to its end."""
    points = 0
    while True:
        left = points

        def count(*_all: object) -> None:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1

        event.listen(story.store.engine, "before_cursor_execute", count)
        try:
            work()
        except Killed:
            points += 1
            continue
        finally:
            event.remove(story.store.engine, "before_cursor_execute", count)
        return points


def test_a_watch_killed_at_any_statement_tells_nothing_twice_and_loses_nothing(story: Story) -> None:
    alerts = [story.opened(level) for level in (4, 3, 2)]
    silence = story.silence("level=yellow", hours=1)
    story.send()
    story.act(alerts[1], "accept")
    story.now += 3 * HOUR
    assert every_point(story, lambda: story.watcher.tick(story.now)) > 20
    assert story.actions(alerts[0]) == ["opened", "repeated", "escalated"]
    assert story.actions(alerts[1]) == ["opened", "accept"]
    assert story.actions(alerts[2]) == ["opened", "silenced", "unsilenced"]
    mails = story.mails()
    assert len(mails) == len(set(mails)) == 2 + 2 + 2 + 1 + 2
    assert silence.id in story.rows(alerts[2])[1].note


def test_every_row_of_the_system_has_a_reason_of_its_list(story: Story) -> None:
    alert = story.opened(3)
    story.send()
    story.go(3 * HOUR)
    story.silence("level=orange", hours=1)
    story.go(2 * HOUR)
    story.go(20 * DAY)
    rows = story.rows(alert)
    assert {"opened", "repeated", "escalated", "silenced", "unsilenced", "all_clear"} <= {row.action for row in rows}
    for row in rows:
        assert row.actor == "system"
        assert row.details["reason"] in SYSTEM_REASONS[row.action]
        assert SYSTEM_REASONS[row.action][row.details["reason"]]
