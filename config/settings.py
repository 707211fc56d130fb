"""The only reader of the environment. Every entry point makes one `Settings` and hands it on."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.contact import DEMO, contact_mistake
from config.elastic_access import ElasticAccess, mistakes_in
from config.mail_access import mail_mistakes
from core.errors import ConfigError

Profile = Literal["demo", "live"]
PROJECT = Path(__file__).resolve().parent.parent
PREFIX = "FENGSUI_"
IN_FILES = (
    "database_url",
    "elasticsearch_url",
    "elasticsearch_password",
    "elasticsearch_api_key",
    "smtp_url",
    "oidc_secret",
    "second_factor_key",
    "rephrase_key",
    "backup_key",
    "metrics_token",
)
"""What may lie in a file instead of the environment: FENGSUI_<NAME>_FILE names it."""


class SecretFiles(PydanticBaseSettingsSource):
    """Settings whose value is the content of a file, as containers are given secrets. Raises ConfigError."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """As pydantic asks: value, key, whether it is to be parsed."""
        name = f"{PREFIX}{field_name.upper()}"
        file = os.environ.get(f"{name}_FILE") if field_name in IN_FILES else None
        if not file:
            return None, field_name, False
        if os.environ.get(name):
            raise ConfigError([f"{name} 与 {name}_FILE 只能给一个"])
        try:
            text = Path(file).read_text(encoding="utf-8").strip()
        except OSError as problem:
            raise ConfigError([f"{name}_FILE：{file} 读不到（{problem.strerror}）"]) from problem
        except UnicodeDecodeError as problem:
            raise ConfigError([f"{name}_FILE：{file} 不是 UTF-8 文本"]) from problem
        if not text:
            raise ConfigError([f"{name}_FILE：{file} 是空的"])
        return text, field_name, False

    def __call__(self) -> dict[str, Any]:
        """All of them."""
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


class Settings(BaseSettings):
    """Where data lies and which servers are used. Names in the environment carry the prefix FENGSUI_."""

    # An empty variable is one that was not given: compose files can only leave a value empty, not out.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    profile: Profile = "demo"
    data: Path | None = Field(default=None, description="data folder; ./var/<profile> when not given")
    config: Path = Field(default=PROJECT / "config", description="folder with sources/, rules/, lexicons/, ...")
    database_url: SecretStr | None = Field(default=None, description="SQLAlchemy URL; else SQLite in the data folder")
    elasticsearch_url: SecretStr | None = Field(
        default=None, description="Elasticsearch addresses, comma separated; else the embedded index"
    )
    elasticsearch_user: str | None = Field(default=None, description="account there; with elasticsearch_password")
    elasticsearch_password: SecretStr | None = None
    elasticsearch_api_key: SecretStr | None = Field(default=None, description="instead of an account: id:key or base64")
    elasticsearch_ca: Path | None = Field(default=None, description="PEM file of who signed the server's certificate")
    elasticsearch_replicas: str = Field(
        default="0-1", pattern=r"^\d+(-\d+)?$", description="copies of each shard: a number, or a range by nodes"
    )
    elasticsearch_shards: int = Field(
        default=1, ge=1, le=64, description="parts of each month's index, of those made from now on"
    )
    elasticsearch_repository: str = Field(default="fengsui", description="snapshot repository on the cluster")
    snapshots: str = Field(
        default="",
        description="folder of index snapshots: on the cluster's nodes (path.repo), or of the embedded index",
    )
    smtp_url: SecretStr | None = Field(default=None, description="smtp://user:password@host:25 (smtps:// for TLS)")
    mail_from: str = "fengsui@localhost"
    mail_per_minute: int = Field(default=60, ge=1, le=10_000, description="mails a minute, of all senders")
    mail_returns: Path | None = Field(
        default=None, description="mbox, maildir or folder where mails that came back lie; looked at by itself"
    )
    mail_to: str = Field(default="", description="comma separated recipients of alert mails and the daily digest")
    public_url: str = Field(default="http://127.0.0.1:8000", description="address people reach the desk at, for links")
    contact: str = Field(
        default="", description="mail address or page told to every site that is asked; required in live"
    )
    oidc_secret: SecretStr | None = Field(default=None, description="what the OIDC provider calls the client secret")
    second_factor_key: SecretStr | None = Field(
        default=None, description="32 bytes in base64, encrypts second steps; else a file in the data folder"
    )
    backup_key: SecretStr | None = Field(
        default=None, description="passphrase of 16 signs or more: seals the keys in a backup; else they are left out"
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        description="16 signs or more, what a Prometheus server shows to read /metrics; empty: no such page",
    )
    otlp_url: str = Field(
        default="",
        description="collector of spans (OTLP/HTTP), or OTEL_EXPORTER_OTLP_ENDPOINT; empty: none is told",
    )
    api_per_minute: int = Field(default=120, ge=1, le=100_000, description="requests a minute of one API token")
    searches_per_minute: int = Field(
        default=120, ge=1, le=100_000, description="searches and figures a minute of one account in the browser"
    )
    exports_per_minute: int = Field(
        default=20, ge=1, le=100_000, description="files a minute that one account takes away in the browser"
    )
    hsts_days: int = Field(
        default=180, ge=0, le=730,
        description="where public_url is https: browsers come over TLS alone for so long; 0: it is not said",
    )  # fmt: skip
    backlog_most: int = Field(
        default=5_000,
        ge=1,
        description="texts waiting to be read above which sources of low worth give way (docs/crawling.md)",
    )
    disk_free: float = Field(
        default=0.1, ge=0, le=0.9, description="share of the disk to be free; below, the desk warns"
    )
    log_level: str = "INFO"
    log_file: Path | None = Field(default=None, description="log here, and only warnings to stderr")
    rephrase_url: str = Field(
        default="", description="OpenAI-compatible address of a model in one's own network, up to /v1; empty: none"
    )
    rephrase_model: str = Field(default="", description="its name there")
    rephrase_key: SecretStr | None = None
    source_base: str = Field(default="", description="what {base} means in source files: the demo's sample site")
    canary_url: str = Field(
        default="", description="the desk's address for the hourly self-test; `fengsui run` sets it, empty: none"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is handed in, then the environment, then files the environment names."""
        return init_settings, env_settings, SecretFiles(settings_cls)

    @field_validator("elasticsearch_replicas")
    @classmethod
    def _range_goes_up(cls, replicas: str) -> str:
        low, _, high = replicas.partition("-")
        if high and int(low) > int(high):
            raise ValueError(f"the range {replicas} ends below its start; write {high}-{low}")
        return replicas

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        smtp = self.smtp_url.get_secret_value() if self.smtp_url else ""
        if "@" in self.rephrase_url:
            raise ConfigError(["FENGSUI_REPHRASE_URL：地址里不写用户和密码，密钥写在 FENGSUI_REPHRASE_KEY"])
        if "@" in self.otlp_url:
            raise ConfigError(
                ["FENGSUI_OTLP_URL：地址里不写用户和密码，写在 OTEL_EXPORTER_OTLP_HEADERS（authorization=Basic%20…）"]
            )
        least = 16
        short = [
            f"FENGSUI_{name.upper()}：至少 {least} 个字符，现有 {len(told)} 个；生成一个：openssl rand -hex 24"
            for name, secret in (("backup_key", self.backup_key), ("metrics_token", self.metrics_token))
            if secret is not None and len(told := secret.get_secret_value()) < least
        ]
        if mistakes := [*short, *mistakes_in(self.elastic_access), *mail_mistakes(smtp, self.mail_from)]:
            raise ConfigError(mistakes)
        return self

    @property
    def elastic_access(self) -> ElasticAccess:
        """How Elasticsearch is reached and by whom."""
        return ElasticAccess(
            self.elasticsearch_url.get_secret_value() if self.elasticsearch_url else "",
            self.elasticsearch_user,
            self.elasticsearch_password,
            self.elasticsearch_api_key,
            self.elasticsearch_ca,
        )

    @property
    def traces_url(self) -> str:
        """Where spans are told to: what we are told, else what the standard's variables say; empty: nowhere."""
        if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
            return ""
        standard = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
        return self.otlp_url or next((os.environ[name] for name in standard if os.environ.get(name)), "")

    @property
    def site_contact(self) -> str:
        """What sites are told of us. Raises ConfigError where live has none, or one nobody could write to."""
        if mistake := contact_mistake(self.contact, self.profile):
            raise ConfigError([mistake])
        return self.contact or DEMO

    @property
    def data_dir(self) -> Path:
        """The data folder: demo and live never share one."""
        return (self.data or Path("var") / self.profile).resolve()

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of the store."""
        given = self.database_url.get_secret_value() if self.database_url else ""
        return given or f"sqlite:///{self.data_dir / 'fengsui.db'}"


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment for a child process that must use the same settings."""
    own = {
        "FENGSUI_PROFILE": settings.profile,
        "FENGSUI_DATA": str(settings.data_dir),
        "FENGSUI_CONFIG": str(settings.config),
        "FENGSUI_PUBLIC_URL": settings.public_url,
        "FENGSUI_SOURCE_BASE": settings.source_base,
        "FENGSUI_CANARY_URL": settings.canary_url,
        "PYTHONUNBUFFERED": "1",
    }
    return {**os.environ, **own}


def enter_environment(values: Mapping[str, str]) -> None:
    """In a fork: live in this environment from now on (see `child_environment`)."""
    os.environ.update(values)


def calm_matrices() -> None:
    """Let numpy work without threads, if nobody says otherwise: our matrices are small, who forks must have none."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def inherited() -> dict[str, str]:
    """The environment as it was handed to us, for programs of others."""
    return dict(os.environ)
