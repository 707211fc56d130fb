"""Options every command takes, and the settings they make."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from config.settings import Profile, Settings
from core.errors import ConfigError
from core.logs import setup_logs

DataOption = Annotated[Path | None, typer.Option("--data", help="数据目录 (default: ./var/<profile>)")]
ProfileOption = Annotated[str | None, typer.Option("--profile", help="demo | live (default: demo)")]
JsonOption = Annotated[bool, typer.Option("--json", help="print JSON instead of text")]
RegistryOption = Annotated[
    Path | None,
    typer.Option(
        "--registry", help="企业名录 CSV (analyze, evaluate: or a compiled file) instead of the data folder's own"
    ),
]


def settings_of(data: Path | None, profile: str | None, *, log_level: str | None = None) -> Settings:
    """Settings from the environment, overridden by the command line."""
    given: dict[str, Any] = {}
    if data is not None:
        given["data"] = data
    if profile is not None:
        if profile not in Profile.__args__:  # type: ignore[attr-defined]
            raise typer.BadParameter(f"{profile!r} (accepted: demo, live)", param_hint="--profile")
        given["profile"] = profile
    try:
        settings = Settings(**given)
    except ValidationError as problem:  # without the values: some of them are secrets
        mistakes = [f"FENGSUI_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in problem.errors()]
        raise ConfigError(mistakes) from None
    setup_logs(log_level or settings.log_level, file=settings.log_file)
    return settings
