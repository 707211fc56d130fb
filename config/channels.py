"""Channels beside mail: group robots, webhooks, an SMS gateway. config/channels.yml; without it there are none."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from config.mistakes import mistakes_of
from config.yaml_text import yaml_of
from core.errors import ConfigError
from core.patterns import PatternRefused, linear

FILE = "channels.yml"
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
Kind = Literal["wecom", "dingtalk", "feishu", "webhook", "sms"]
MINUTELY: Mapping[Kind, int] = {"wecom": 20, "dingtalk": 20, "feishu": 100, "webhook": 600, "sms": 60}
"""Messages a minute that the vendors document for one robot; of webhook and sms our own measure."""
SIGNED: tuple[Kind, ...] = ("webhook",)
"""Kinds that have no other proof of who sends."""


class ChannelConfig(BaseModel):
    """One channel.

    address: where it is posted to, the robot's whole address with its key; secret: what signs (dingtalk, feishu,
    webhook).  Each may stand in a file of its own instead (address_file, secret_file; beside channels.yml).
    private: the address may lie in a private network.  method, body, headers, ok, most_chars: of an SMS gateway, where
    {phone} and {text} stand for the number and the text; ok: what an answer of success matches.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: Kind
    title: str = Field(min_length=1, max_length=60)
    address: SecretStr
    secret: SecretStr | None = None
    private: bool = False
    per_minute: Annotated[int, Field(ge=1, le=10_000)] | None = None
    method: Literal["GET", "POST"] = "POST"
    body: str = ""
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    ok: str = ""
    most_chars: Annotated[int, Field(ge=20, le=1000)] = 200

    @field_validator("address")
    @classmethod
    def _is_web(cls, given: SecretStr) -> SecretStr:
        parts = urlsplit(given.get_secret_value())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("is no web address (accepted: https://host/path)")
        return given

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind in SIGNED and self.secret is None:
            raise ValueError("secret: is missing (accepted: secret or secret_file; it signs each message)")
        if self.kind == "sms":
            told = self.address.get_secret_value() + self.body
            if "{phone}" not in told or "{text}" not in told:
                raise ValueError("address: {phone} and {text} must stand in address or body")
            if not self.ok:
                raise ValueError("ok: is missing (accepted: what an answer of success matches, such as '\"code\": *0')")
        try:
            linear(self.ok)
        except PatternRefused as problem:
            raise ValueError(f"ok: {problem}") from None
        return self

    @property
    def pace(self) -> int:
        """Messages a minute at most."""
        return self.per_minute or MINUTELY[self.kind]


def load_channels(config_dir: Path) -> dict[str, ChannelConfig]:
    """The channels by name. Raises ConfigError with every mistake; no key is ever in it."""
    path = config_dir / FILE
    if not path.exists():
        return {}
    try:
        given = yaml_of(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError):
        # What YAML says of a mistake quotes the line, and a key may stand in it.
        raise ConfigError([f"{FILE}: (whole file): is not YAML in UTF-8"]) from None
    rows = given.get("channels") if isinstance(given, dict) else None
    if not isinstance(rows, dict):
        raise ConfigError([f"{FILE}: channels: is missing (accepted: a name and its settings for each)"])
    found: dict[str, ChannelConfig] = {}
    mistakes: list[str] = []
    for name, row in rows.items():
        if not NAME.fullmatch(str(name)) or name == "mail":
            mistakes.append(f"{FILE}: channels.{name}: is no name (accepted: a-z, 0-9 and _, not mail)")
            continue
        try:
            found[name] = ChannelConfig.model_validate(_with_files(row, config_dir, f"{FILE}: channels.{name}"))
        except ConfigError as error:
            mistakes += error.mistakes
        except ValidationError as error:
            mistakes += mistakes_of(f"{FILE}: channels.{name}", error, ChannelConfig)
    if mistakes:
        raise ConfigError(mistakes)
    return found


def _with_files(row: object, folder: Path, where: str) -> object:
    """The settings with what stands in files of their own."""
    if not isinstance(row, dict):
        return row
    values = dict(row)
    for name in ("address", "secret"):
        file = values.pop(f"{name}_file", None)
        if file is None:
            continue
        if name in values:
            raise ConfigError([f"{where}.{name}: stands beside {name}_file (accepted: one of them)"])
        try:
            values[name] = (folder / str(file)).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise ConfigError([f"{where}.{name}_file: {file} cannot be read ({type(problem).__name__})"]) from None
    return values
