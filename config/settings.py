"""The only reader of the environment. Every entry point makes one `Settings` and hands it on."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Profile = Literal["demo", "live"]
PROJECT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Where data lies and which servers are used. Names in the environment carry the prefix FENGSUI_."""

    model_config = SettingsConfigDict(env_prefix="FENGSUI_", extra="ignore", frozen=True)

    profile: Profile = "demo"
    data: Path | None = Field(default=None, description="data folder; ./var/<profile> when not given")
    config: Path = Field(default=PROJECT / "config", description="folder with sources/, rules/, lexicons/, ...")
    database_url: str | None = Field(default=None, description="SQLAlchemy URL; else SQLite in the data folder")
    elasticsearch_url: str | None = Field(
        default=None, description="Elasticsearch addresses, comma separated; else the embedded index"
    )
    elasticsearch_replicas: str = Field(
        default="0-1", pattern=r"^\d+(-\d+)?$", description="copies of each shard: a number, or a range by nodes"
    )
    smtp_url: SecretStr | None = Field(default=None, description="smtp://user:password@host:25 (smtps:// for TLS)")
    mail_from: str = "fengsui@localhost"
    mail_to: str = Field(default="", description="comma separated recipients of alert mails and the daily digest")
    public_url: str = Field(default="http://127.0.0.1:8000", description="address people reach the desk at, for links")
    log_level: str = "INFO"
    log_file: Path | None = Field(default=None, description="log here, and only warnings to stderr")
    source_base: str = Field(default="", description="what {base} means in source files: the demo's sample site")

    @property
    def data_dir(self) -> Path:
        """The data folder: demo and live never share one."""
        return (self.data or Path("var") / self.profile).resolve()

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of the store."""
        return self.database_url or f"sqlite:///{self.data_dir / 'fengsui.db'}"


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment for a child process that must use the same settings."""
    own = {
        "FENGSUI_PROFILE": settings.profile,
        "FENGSUI_DATA": str(settings.data_dir),
        "FENGSUI_CONFIG": str(settings.config),
        "FENGSUI_PUBLIC_URL": settings.public_url,
        "FENGSUI_SOURCE_BASE": settings.source_base,
        "PYTHONUNBUFFERED": "1",
    }
    return {**os.environ, **own}
