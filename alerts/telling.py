"""Whether and when people are told of an alert: muted ones later, in quiet hours at their end, the newest state once.

Everything is written in the transaction that changes the alert: the mark on the alert, the row of its history, the
notice in the outbox, the clocks of the reminders.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.duty import Duty
from alerts.labels import labels_of
from alerts.lifecycle import OPEN
from alerts.mailing import MailPlanner
from alerts.muting import Mute, Muting, muted_words, rulers_among, source_levels
from alerts.standing import ENDED
from alerts.transitions import add_event
from config.alert_life import AlertLife
from config.lexicon import Lexicon
from core.clock import beijing
from core.records import Alert, AlertState
from store.alert_log import find_alert, history_of, list_alerts
from store.cards import one_judge_at_a_time
from store.silences import active_silences, find_silence
from store.watch import OWED, Watch, mails_told, save_watch, take_back_notices, watch_of

WITHIN = timedelta(days=3)
"""As routes.yml, notify_within, where no mail is set up."""


@dataclass(frozen=True)
class Teller:
    """Implements alerts.notify.Notifier. planner: None where no mail is set up; marks and clocks are kept all the
    same."""

    duty: Duty
    life: AlertLife
    lexicon: Lexicon
    planner: MailPlanner | None = None

    def plan(self, db: Connection, alert: Alert, *, what: str, number: int, now: datetime) -> int:
        """Tell of a change, or keep it for later. number: the history row of the change. Returns notices planned."""
        watch = watch_of(db, alert.id) or Watch(alert.id)
        if alert.state in ENDED:
            return self.tell_end(db, alert, watch, what=what, number=number, now=now)
        was_muted = watch.muted
        mute = self.muting(db, now).of(alert, labels_of(db, [alert], self.lexicon)[alert.id])
        watch = self.settle(db, alert, watch, mute, now)
        if watch.muted:
            save_watch(db, take_back_notices(db, watch, what) if what in OWED else watch)
            return 0
        if what in OWED:
            return self.tell(db, alert, watch, what=what, number=number, now=now)
        save_watch(db, watch)
        if was_muted:
            return self.speak(db, alert, watch, now)
        if what == "grown":
            return self.grown(db, alert, number=number, now=now)
        return self.lowered(db, alert, watch, number=number, now=now) if what == "lowered" else 0

    def changed(self, db: Connection, alert: Alert) -> object:
        """Let what waits say what is true now."""
        return self.planner.changed(db, alert) if self.planner else 0

    def apply_silences(self, db: Connection, now: datetime) -> list[Alert]:
        """Mark what a silence that was just made mutes, at once. Who may speak again is told by the watch."""
        one_judge_at_a_time(db)
        found = list_alerts(db, states=OPEN)
        muting, labels = self.muting(db, now, found), labels_of(db, found, self.lexicon)
        marked = []
        for alert in found:
            mute, watch = muting.of(alert, labels[alert.id]), watch_of(db, alert.id) or Watch(alert.id)
            if mute is not None and mute.silence is not None and watch.silence != mute.silence.id:
                save_watch(db, self.settle(db, alert, watch, mute, now))
                marked.append(alert)
        return marked

    # --- muted or not -------------------------------------------------------------------------------------------

    def muting(self, db: Connection, now: datetime, open_alerts: Sequence[Alert] | None = None) -> Muting:
        """What mutes alerts now. open_alerts: those that may rule over others, where they were read already."""
        rules = self.life.inhibit
        levels = source_levels(rules)
        found = list_alerts(db, states=OPEN, levels=levels) if open_alerts is None else open_alerts
        found = [alert for alert in found if alert.level in levels]
        labels = labels_of(db, found, self.lexicon)
        rulers = rulers_among(found, labels, rules)
        return Muting(active_silences(db, now), rules, rulers, labels, self.lexicon.regions)

    def settle(self, db: Connection, alert: Alert, watch: Watch, mute: Mute | None, now: datetime) -> Watch:
        """Mark an alert muted or not, with a row for each mark that comes or goes. Returns the watch, not written."""
        silence = mute.silence.id if mute and mute.silence else None
        under = mute.under.id if mute and mute.under else None
        if (watch.silence, watch.under) == (silence, under):
            return watch
        if watch.silence and watch.silence != silence:
            self._unsilenced(db, alert, watch.silence, now)
        if watch.under and watch.under != under:
            self._released(db, alert, watch.under, now)
        if mute is not None and mute.silence is not None and watch.silence != silence:
            note = f"静默至 {beijing(mute.silence.until):%m-%d %H:%M}，{muted_words(mute)}"
            more = {"silence": mute.silence.id, "until": mute.silence.until.isoformat()}
            add_event(db, alert, "silenced", "silence", note, now, more=more)
        if mute is not None and mute.under is not None and watch.under != under:
            add_event(db, alert, "inhibited", "ruled", muted_words(mute), now, more={"under": mute.under.id})
        changed = replace(watch, silence=silence, under=under)
        return take_back_notices(db, changed) if changed.muted else changed

    @staticmethod
    def _unsilenced(db: Connection, alert: Alert, silence_id: str, now: datetime) -> None:
        found = find_silence(db, silence_id)
        reason, words = "no_longer_matches", f"{silence_id}：不再符合条件"
        if found is not None and found.expired_at is not None and found.expired_at <= now:
            reason, words = "silence_expired", f"{found.id} 由 {found.expired_by} 提前解除：{found.expired_why}"
        elif found is not None and found.ends_at <= now:
            reason, words = "silence_over", f"{found.id} 到期"
        add_event(db, alert, "unsilenced", reason, words, now, more={"silence": silence_id})

    @staticmethod
    def _released(db: Connection, alert: Alert, ruler_id: str, now: datetime) -> None:
        ruler = find_alert(db, ruler_id)
        ended = ruler is None or ruler.state in ENDED
        words = f"{ruler.number if ruler else ruler_id} {'已结束' if ended else '不再统领'}"
        reason = "source_ended" if ended else "source_changed"
        add_event(db, alert, "released", reason, words, now, more={"under": ruler_id})

    def speak(self, db: Connection, alert: Alert, watch: Watch, now: datetime) -> int:
        """A muted alert may speak again: it does so once, if it is still to be accepted or something is owed."""
        if alert.state is not AlertState.NEW and not watch.owed:
            save_watch(db, watch)
            return 0
        last = history_of(db, alert.id)[-1]
        what = watch.owed or last.action
        return self.tell(db, alert, watch, what=what, number=last.number, now=now, anew=True)

    # --- telling ------------------------------------------------------------------------------------------------

    def tell(
        self, db: Connection, alert: Alert, watch: Watch, *, what: str, number: int, now: datetime, anew: bool = False
    ) -> int:
        """Tell of an alert at once, or when the quiet hours of its level end; the clocks run from then on.

        anew: however old the story is: it was held back. Returns notices planned.
        """
        at = self.duty.telling_time(alert.level, now)
        planned = 0
        if self.planner is not None and not self.duty.by_digest_alone(alert.level):
            also = [person.mail for person in self.duty.told_at_once(alert.level, at)]
            also += mails_told(db, alert.id) if what in ("raised", "reopened") else []
            young = anew or now - alert.updated_at <= self.within
            planned = self.planner.plan(
                db, alert, what=what, number=number, now=now, at=at, also=also if young else [], anew=anew
            )
            if planned and at > now:
                note = f"至 {beijing(at):%m-%d %H:%M} 再告知"
                once = f"deferred:{alert.id}:{at.isoformat()}"
                add_event(db, alert, "deferred", "quiet_hours", note, now, more={"until": at.isoformat()}, once=once)
        waited = anew or now - alert.updated_at <= self.within
        first = watch.steps if what == "raised" else 0
        since = at if waited else None
        told = replace(watch, owed=None, ended=False, level=alert.level, repeats=0, steps=first, since=since)
        save_watch(db, self.clocks(alert, told))
        return planned

    def lowered(self, db: Connection, alert: Alert, watch: Watch, *, number: int, now: datetime) -> int:
        """Those who were told hear of the lower level; the clocks go on."""
        save_watch(db, replace(watch, level=alert.level))
        if self.planner is None:
            return 0
        self.planner.changed(db, alert)
        return self.planner.mail(db, alert, mails_told(db, alert.id), what="lowered", number=number, now=now)

    def opened_again(self, db: Connection, alert: Alert, *, number: int, now: datetime) -> int:
        """Those who heard of an end that a person took back hear so, outside quiet hours."""
        if self.planner is None:
            return 0
        at = self.duty.telling_time(alert.level, now)
        return self.planner.mail(db, alert, mails_told(db, alert.id), what="reopened", number=number, now=now, at=at)

    def grown(self, db: Connection, alert: Alert, *, number: int, now: datetime) -> int:
        """Those who were told hear, outside quiet hours, that there is twice as much; what waits says so itself."""
        if self.planner is None:
            return 0
        self.planner.changed(db, alert)
        at = self.duty.telling_time(alert.level, now)
        return self.planner.mail(db, alert, mails_told(db, alert.id), what="grown", number=number, now=now, at=at)

    def clocks(self, alert: Alert, watch: Watch) -> Watch:
        """The next reminder and the next step of the chain, counted from when somebody was told."""
        if watch.since is None or alert.state is not AlertState.NEW:
            return replace(watch, repeat_at=None, step_at=None)
        one = self.duty.book.of_level(alert.level)
        repeat_at = watch.since + one.remind.after(0) if one.remind.most else None
        step_at = watch.since + self.duty.ack(alert.level) if watch.steps + 1 < len(one.chain) else None
        return replace(watch, repeat_at=repeat_at, step_at=step_at)

    def tell_end(self, db: Connection, alert: Alert, watch: Watch, *, what: str, number: int, now: datetime) -> int:
        """Those who were told hear of the end; who would have been told in the morning hears nothing of it."""
        watch, planned = take_back_notices(db, watch), 0
        if self.planner is not None and not watch.muted:
            planned = self.planner.mail(db, alert, mails_told(db, alert.id), what=what, number=number, now=now)
        save_watch(db, Watch(alert.id, owed=watch.owed, ended=True))  # owed: should the end be taken back
        return planned

    @property
    def within(self) -> timedelta:
        """How old a story may be that people are told of by themselves."""
        return self.planner.routes.notify_within if self.planner else WITHIN
