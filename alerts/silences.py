"""Making and ending silences: what somebody typed, checked; what it would mute; the trace in the audit log."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.labels import labels_of
from alerts.lifecycle import OPEN
from alerts.muting import RED, silenced_by
from config.lexicon import Lexicon
from config.matchers import Matcher, parse_matchers
from core.clock import beijing
from core.durations import format_duration
from core.errors import UsageError
from core.records import Alert, Kind
from store import audit
from store.alert_log import list_alerts
from store.silences import Silence, end_silence, find_silence, insert_silence
from store.users import EVERYWHERE

LONGEST_REASON = 300


@dataclass(frozen=True)
class Draft:
    """A silence that may be made: checked words."""

    matchers: tuple[Matcher, ...]
    reason: str
    starts_at: datetime
    ends_at: datetime
    territory: str = EVERYWHERE

    @property
    def covers_red(self) -> bool:
        """Whether it mutes red alerts too."""
        return any(matcher.names_red for matcher in self.matchers)


def draft_of(
    texts: Iterable[str],
    *,
    reason: str,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    longest: timedelta,
    lexicon: Lexicon,
    rules: Collection[str],
    territory: str = EVERYWHERE,
) -> Draft:
    """rules: the ids that `rule=` may name. Raises UsageError, in words for the desk, with the first mistake of each
    kind."""
    try:
        matchers = parse_matchers(text for text in texts if text.strip())
    except ValueError as problem:
        raise UsageError(str(problem)) from None
    mistakes = [words for matcher in matchers if (words := _unknown(matcher, lexicon, rules))]
    if mistakes:
        raise UsageError("；".join(mistakes))
    reason = " ".join(reason.split())
    if len(reason) < 2:
        raise UsageError("须写明静默的理由")
    if len(reason) > LONGEST_REASON:
        raise UsageError(f"理由最多 {LONGEST_REASON} 字")
    if ends_at <= starts_at:
        raise UsageError("到期时间须晚于起始时间")
    if ends_at <= now:
        raise UsageError(f"到期时间 {beijing(ends_at):%Y-%m-%d %H:%M} 已过")
    if ends_at - starts_at > longest:
        raise UsageError(f"静默最长 {format_duration(longest)}（config/alert_life.yml：silence.longest）")
    if starts_at - now > longest:
        raise UsageError(f"起始时间最多在 {format_duration(longest)} 之内")
    return Draft(matchers, reason, starts_at, ends_at, territory)


def _unknown(matcher: Matcher, lexicon: Lexicon, rules: Collection[str]) -> str:
    """What is wrong with a value that can be nothing: a typed mistake would mute nobody, or, with !=, everybody."""
    if matcher.op not in ("=", "!=") or not matcher.value:
        return ""
    regions, value = lexicon.regions, matcher.value
    match matcher.label:
        case "product":
            known = {*lexicon.products, *(lexicon.product_name(one) for one in lexicon.products)}
            hint = "config/lexicons/products.yaml 的编号或名称"
        case "issue":
            known = {*lexicon.issues, *(lexicon.issue_name(one) for one in lexicon.issues)}
            hint = "config/lexicons/issues.yaml 的编号或名称"
        case "territory" | "place":
            known = {name for region in regions for name in (region.code, region.name)}
            hint = "行政区划代码或全称，如 360100"
        case "kind":
            known, hint = set(Kind), "、".join(Kind)
        case "rule":
            known, hint = set(rules), "页面“规则”或 fengsui rules list 所列编号"
        case _:
            return ""
    return "" if value in known else f"{matcher.label}：没有“{value[:40]}”（可用：{hint}）"


def add_silence(
    db: Connection, draft: Draft, *, author: str, now: datetime, once: str, replaces: str | None = None
) -> Silence:
    """Write it, ending the one it replaces. Raises UsageError where that one is unknown or over."""
    if replaces is not None and find_silence(db, replaces) is None:
        raise UsageError(f"没有静默规则 {replaces[:40]}")
    wanted = Silence(
        id="", matchers=tuple(str(matcher) for matcher in draft.matchers), reason=draft.reason, author=author,
        territory=draft.territory, created_at=now, starts_at=draft.starts_at, ends_at=draft.ends_at, replaces=replaces,
    )  # fmt: skip
    made, new = insert_silence(db, wanted, once=once)
    if not new:
        return made
    if replaces is not None:
        end_silence(db, replaces, by=author, why=f"改为 {made.id}", now=now)
    told = {"matchers": list(made.matchers), "reason": made.reason, "until": made.ends_at.isoformat()}
    audit.note(db, author, "silence_add", made.id, at=now, details=told)
    return made


def expire_silence(db: Connection, silence_id: str, *, by: str, why: str, now: datetime) -> Silence:
    """End one early. Raises UsageError where there is none, or it is over."""
    ended = end_silence(db, silence_id, by=by, why=" ".join(why.split())[:LONGEST_REASON], now=now)
    audit.note(db, by, "silence_expire", ended.id, at=now, details={"why": ended.expired_why})
    return ended


@dataclass(frozen=True)
class Preview:
    """What a silence would mute among the open alerts. spared: red ones that fit it but that it does not name."""

    muted: tuple[Alert, ...]
    spared: tuple[Alert, ...]
    open: int


def preview(db: Connection, draft: Draft, lexicon: Lexicon, alerts: Sequence[Alert] | None = None) -> Preview:
    """As if it were in force now. alerts: the open ones somebody may see; else all."""
    found = list_alerts(db, states=OPEN) if alerts is None else list(alerts)
    labels = labels_of(db, found, lexicon)
    texts = tuple(str(matcher) for matcher in draft.matchers)
    one = Silence("", texts, draft.reason, "", draft.territory, draft.starts_at, draft.starts_at, draft.ends_at)
    regions = lexicon.regions
    muted = tuple(alert for alert in found if silenced_by(one, alert, labels[alert.id], regions))
    fits = [alert for alert in found if all(m.holds(labels[alert.id].words.get(m.label, ())) for m in draft.matchers)]
    spared = tuple(alert for alert in fits if alert.level >= RED and alert not in muted)
    return Preview(muted, spared, len(found))
