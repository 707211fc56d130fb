"""Puts an engine together from the config folder: what the worker, `ingest` and the tests use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from alerts.cards import Registry
from alerts.conditions.anomaly import check_detector
from alerts.desk_rules import DeskRule, tenures_of
from alerts.duty import Duty
from alerts.engine import AlertEngine
from alerts.notify import Notifier
from alerts.query_hits import query_hits
from alerts.rule_query import RuleQueries, queries_of
from config.alert_life import AlertLife, load_alert_life
from config.calendar_classes import Calendar, load_calendar
from config.conditions import SeriesCondition
from config.duty import load_duty
from config.grouping import Grouping, load_grouping
from config.lexicon import Lexicon, load_lexicon
from config.rules import Rule, load_rules
from config.yaml_text import yaml_of
from core.errors import ConfigError


@dataclass(frozen=True)
class EngineParts:
    """All that an engine is made of but the desk's rules. registry: a firm by id, or None.  notifier: None sends
    nothing.  queries: reads the queries of rules.  life, duty: as in AlertEngine.  calendar: for anomaly rules."""

    rules: tuple[Rule, ...]
    lexicon: Lexicon
    grouping: Grouping
    registry: Registry
    ack_hours: Mapping[int, float]
    notifier: Notifier | None
    queries: RuleQueries
    life: AlertLife = field(default_factory=AlertLife)
    duty: Duty | None = None
    calendar: Calendar = field(default_factory=Calendar)

    def engine(self, desk: Sequence[DeskRule] = ()) -> AlertEngine:
        """An engine with these rules and the desk's."""
        tenures = tenures_of(self.rules, desk, self.queries)
        return AlertEngine(
            [*self.rules, *(one.rule for one in desk if one.rule is not None and _asked(one, one.rule))],
            lexicon=self.lexicon,
            grouping=self.grouping,
            registry=self.registry,
            ack_hours=self.ack_hours,
            notifier=self.notifier,
            queries=query_hits(tenures, self.queries.words, self.queries.row) if tenures else None,
            tiers=self.queries.tiers,
            life=self.life,
            duty=self.duty,
            calendar=self.calendar,
            sources=self.queries.titles,
            off=self.queries.off,
        )


def _asked(one: DeskRule, rule: Rule) -> bool:
    """Whether the engine needs a rule: one that is off still reads what came in its time, but follows no series."""
    return one.last.state == "on" or not isinstance(rule.condition, SeriesCondition)


def load_parts(
    config_dir: Path,
    *,
    registry: Registry,
    lexicon: Lexicon | None = None,
    notifier: Notifier | None = None,
    queries: RuleQueries | None = None,
) -> EngineParts:
    """What the config folder says. Raises ConfigError with every mistake. lexicon: the one already loaded."""
    words = lexicon or load_lexicon(config_dir)
    reader = queries or queries_of(words)
    return EngineParts(
        rules=load_file_rules(config_dir, words, reader),
        lexicon=words,
        grouping=load_grouping(config_dir),
        registry=registry,
        ack_hours=load_ack_hours(config_dir),
        notifier=notifier,
        queries=reader,
        life=load_alert_life(config_dir),
        duty=duty_of(config_dir),
        calendar=load_calendar(config_dir),
    )


def build_engine(
    config_dir: Path, *, registry: Registry, lexicon: Lexicon | None = None, notifier: Notifier | None = None
) -> AlertEngine:
    """An engine with the rules of <config_dir> alone. As load_parts."""
    return load_parts(config_dir, registry=registry, lexicon=lexicon, notifier=notifier).engine()


def load_file_rules(
    config_dir: Path,
    lexicon: Lexicon,
    queries: RuleQueries,
    *,
    folder: Path | None = None,
    needs_examples: bool = True,
) -> tuple[Rule, ...]:
    """The rules of the config folder (or another one), their queries read too. Raises ConfigError."""
    return load_rules(
        config_dir,
        products=frozenset(lexicon.products),
        issues=frozenset(lexicon.issues),
        regions=lexicon.regions,
        check_query=queries.check,
        check_detector=check_detector,
        folder=folder,
        needs_examples=needs_examples,
    )


def duty_of(config_dir: Path) -> Duty:
    """Who is told when: duty.yml, calendar.yml and the hours to accept of orgs.yaml. Raises ConfigError."""
    return Duty(load_duty(config_dir), load_ack_hours(config_dir), load_calendar(config_dir))


def load_ack_hours(config_dir: Path) -> Mapping[int, float]:
    """Hours to accept an alert by level, from orgs.yaml, section alerts. Raises ConfigError."""
    path = config_dir / "lexicons" / "orgs.yaml"
    try:
        rows = yaml_of(path.read_text(encoding="utf-8"))["alerts"]
        hours = {int(row["level"]): float(row["ack_hours"]) for row in rows}
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            [f"lexicons/orgs.yaml: alerts: level and ack_hours are needed in each row ({error})"]
        ) from None
    missing = sorted({1, 2, 3, 4} - set(hours))
    if missing:
        raise ConfigError([f"lexicons/orgs.yaml: alerts: level {', '.join(map(str, missing))} is missing"])
    return hours
