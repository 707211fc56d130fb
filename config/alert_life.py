"""How alerts mute each other, end and wake again: config/alert_life.yml."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from config.matchers import LABELS, Matcher, parse_matcher
from config.mistakes import mistakes_of
from config.yaml_text import yaml_of
from core.durations import Duration
from core.errors import ConfigError
from core.records import LEVEL_IDS

FILE = "alert_life.yml"


def _matcher(given: object) -> Matcher:
    return given if isinstance(given, Matcher) else parse_matcher(str(given))


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


MatcherText = Annotated[Matcher, BeforeValidator(_matcher)]
Low = Literal["blue", "yellow"]


class Inhibition(_Part):
    """While an alert that fits `source` is open, it rules over those that fit `target` and share the labels `equal`."""

    name: str = Field(min_length=1, max_length=40)
    source: tuple[MatcherText, ...] = Field(min_length=1)
    target: tuple[MatcherText, ...] = Field(min_length=1)
    equal: tuple[str, ...] = ()

    @field_validator("equal")
    @classmethod
    def _known(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        for label in labels:
            if label not in LABELS:
                raise ValueError(f"{label!r} is no label (accepted: {', '.join(LABELS)})")
        return labels


class AllClear(_Part):
    """After how long a silence an alert is proposed for release, and what the system may end by itself."""

    statistical: Duration = timedelta(days=3)
    others: Duration = timedelta(days=14)
    close_quiet: tuple[Low, ...] = ()
    close_gone: tuple[Low, ...] = ("blue", "yellow")

    @field_validator("statistical", "others")
    @classmethod
    def _a_day(cls, span: timedelta) -> timedelta:
        if not timedelta(hours=1) <= span <= timedelta(days=365):
            raise ValueError("is too short or too long (accepted: 1h to 365d)")
        return span

    def may_close(self, level: int, *, gone: bool) -> bool:
        """Whether the system may end an unaccepted alert of this level. gone: nothing of its ground is left."""
        return level in {LEVEL_IDS[one] for one in (self.close_gone if gone else self.close_quiet)}


class Reopen(_Part):
    """How many new independent origins after its end wake an ended alert."""

    trusted: int = Field(default=1, ge=1, le=1000)
    origins: int = Field(default=3, ge=1, le=1000)


class Silencing(_Part):
    """longest: the most a silence may last."""

    longest: Duration = timedelta(days=90)

    @field_validator("longest")
    @classmethod
    def _bounded(cls, span: timedelta) -> timedelta:
        if not timedelta(minutes=1) <= span <= timedelta(days=365):
            raise ValueError("is too short or too long (accepted: 1m to 365d)")
        return span


class SensitivePeriods(_Part):
    """longest: the most a sensitive period of an event or firm may last."""

    longest: Duration = timedelta(days=7)

    @field_validator("longest")
    @classmethod
    def _bounded(cls, span: timedelta) -> timedelta:
        if not timedelta(hours=1) <= span <= timedelta(days=90):
            raise ValueError("is too short or too long (accepted: 1h to 90d)")
        return span


class AlertLife(_Part):
    """The whole file."""

    inhibit: tuple[Inhibition, ...] = ()
    all_clear: AllClear = AllClear()
    reopen: Reopen = Reopen()
    silence: Silencing = Silencing()
    sensitive: SensitivePeriods = SensitivePeriods()


def load_alert_life(config_dir: Path) -> AlertLife:
    """Reads <config_dir>/alert_life.yml; without it nothing is inhibited and the rest is as usual.

    Raises ConfigError with all mistakes, each with file and key.
    """
    path = config_dir / FILE
    try:
        given = yaml_of(path.read_text(encoding="utf-8")) if path.exists() else {}
        return AlertLife.model_validate(given or {})
    except ValidationError as error:
        raise ConfigError(mistakes_of(FILE, error, AlertLife)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{FILE}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
