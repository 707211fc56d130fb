"""`fengsui metrics`: the numbers that /metrics gives, once: for a look, or as a file for a node exporter."""

import sys

import typer

from commands.options import DataOption, ProfileOption, settings_of
from commands.stores import open_store
from config.sources import load_sources
from core.clock import system_clock
from web.metrics import as_text, take_scrape


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(metrics)


def metrics(data: DataOption = None, profile: ProfileOption = None) -> None:
    """系统自身的指标，Prometheus 文本格式 (the system's own numbers; all but the desk's requests)."""
    settings = settings_of(data, profile, log_level="ERROR")
    sources = load_sources(settings.config, settings.profile, base=settings.source_base)
    enabled = {source.key for source in sources if source.enabled}
    found = take_scrape(open_store(settings), system_clock(), folder=settings.data_dir, sources=enabled)
    sys.stdout.write(as_text(found).decode())
