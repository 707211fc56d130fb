"""Puts an engine together from the config folder: what the worker, `ingest` and the tests use."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from alerts.cards import Registry
from alerts.engine import AlertEngine
from alerts.notify import Notifier
from config.grouping import load_grouping
from config.lexicon import Lexicon, load_lexicon
from config.rules import load_rules
from core.errors import ConfigError


def build_engine(
    config_dir: Path, *, registry: Registry, lexicon: Lexicon | None = None, notifier: Notifier | None = None
) -> AlertEngine:
    """An engine with the rules of <config_dir>. Raises ConfigError with every mistake.

    registry: a firm by id, or None.  lexicon: the one already loaded.  notifier: None sends nothing.
    """
    words = lexicon or load_lexicon(config_dir)
    rules = load_rules(config_dir, products=frozenset(words.products), issues=frozenset(words.issues))
    return AlertEngine(
        rules,
        lexicon=words,
        grouping=load_grouping(config_dir),
        registry=registry,
        ack_hours=load_ack_hours(config_dir),
        notifier=notifier,
    )


def load_ack_hours(config_dir: Path) -> Mapping[int, float]:
    """Hours to accept an alert by level, from orgs.yaml, section alerts. Raises ConfigError."""
    path = config_dir / "lexicons" / "orgs.yaml"
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))["alerts"]
        hours = {int(row["level"]): float(row["ack_hours"]) for row in rows}
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            [f"lexicons/orgs.yaml: alerts: level and ack_hours are needed in each row ({error})"]
        ) from None
    missing = sorted({1, 2, 3, 4} - set(hours))
    if missing:
        raise ConfigError([f"lexicons/orgs.yaml: alerts: level {', '.join(map(str, missing))} is missing"])
    return hours
