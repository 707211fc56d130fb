"""Which alerts are not to be told of now: those that somebody silenced, and the echoes of a higher one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from alerts.labels import Labels
from config.alert_life import Inhibition
from config.matchers import Matcher, all_hold, parse_matchers
from config.regions import Regions
from core.records import LEVEL_COLOURS, LEVEL_IDS, Alert
from store.silences import Silence
from store.users import EVERYWHERE

RED = LEVEL_IDS["red"]


@dataclass(frozen=True)
class Mute:
    """Why an alert is not told of: `silence` or `under` is set, never both."""

    silence: Silence | None = None
    under: Alert | None = None
    by: str = ""


@dataclass(frozen=True)
class Muting:
    """The silences in force and the alerts that may rule over others. labels: of `rulers`, by id."""

    silences: Sequence[Silence] = ()
    inhibitions: Sequence[Inhibition] = ()
    rulers: Sequence[Alert] = ()
    labels: Mapping[str, Labels] = field(default_factory=dict)
    regions: Regions = field(default_factory=Regions)

    def of(self, alert: Alert, labels: Labels) -> Mute | None:
        """What mutes an alert; None where it may be told of. A silence is named before a ruler."""
        for silence in self.silences:
            if silenced_by(silence, alert, labels, self.regions):
                return Mute(silence=silence)
        return self._ruled(alert, labels)

    def _ruled(self, alert: Alert, labels: Labels) -> Mute | None:
        if alert.level >= RED:
            return None
        for ruler in self.rulers:
            for rule in self.inhibitions:
                if ruler.id != alert.id and _rules_over(rule, self.labels[ruler.id], labels):
                    return Mute(under=ruler, by=rule.name)
        return None


def _rules_over(rule: Inhibition, ruler: Labels, target: Labels) -> bool:
    """Alertmanager's meaning: what fits both sides is ruled over only by what fits the source alone."""
    if not (all_hold(rule.source, ruler.words) and all_hold(rule.target, target.words)):
        return False
    if all_hold(rule.source, target.words) and all_hold(rule.target, ruler.words):
        return False
    return ruler.shares(target, rule.equal)


def rulers_among(alerts: Iterable[Alert], labels: Mapping[str, Labels], rules: Sequence[Inhibition]) -> list[Alert]:
    """The open alerts that fit the source of some inhibition: the highest first, of equal ones the oldest."""
    fit = [alert for alert in alerts if any(all_hold(rule.source, labels[alert.id].words) for rule in rules)]
    return sorted(fit, key=lambda alert: (-alert.level, alert.created_at, alert.number))


def source_levels(rules: Sequence[Inhibition]) -> frozenset[int]:
    """The levels at which an alert may rule over others, so that no other alert has to be looked at."""
    levels: set[int] = set()
    for rule in rules:
        said = [matcher for matcher in rule.source if matcher.label == "level"]
        levels |= {n for key, n in LEVEL_IDS.items() if all(matcher.holds((key,)) for matcher in said)}
    return frozenset(levels)


def silenced_by(silence: Silence, alert: Alert, labels: Labels, regions: Regions) -> bool:
    """Whether a silence in force mutes an alert. A red one only where the silence says red in so many words."""
    if silence.territory != EVERYWHERE and not regions.is_within(silence.territory, alert.territory):
        return False
    matchers = read_matchers(silence.matchers)
    if not matchers or not all_hold(matchers, labels.words):
        return False
    return alert.level < RED or any(matcher.names_red for matcher in matchers)


def read_matchers(texts: Sequence[str]) -> tuple[Matcher, ...]:
    """The matchers of a stored silence; none where they cannot be read any more: then it mutes nothing."""
    try:
        return parse_matchers(texts)
    except ValueError:
        return ()


def muted_words(mute: Mute) -> str:
    """Why, for a history row."""
    if mute.silence is not None:
        return f"{mute.silence.id}（{mute.silence.author}：{mute.silence.reason}）"
    assert mute.under is not None
    return f"由 {mute.under.number}（{LEVEL_COLOURS[mute.under.level]}色）统领，{mute.by}"
