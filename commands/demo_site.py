"""The demo's sample site as a process."""

from typing import Annotated

import typer

from commands.kept import KeptOption, begin, prompt
from commands.options import DataOption, ProfileOption
from demo.site import serve as serve_site
from demo.story import DEFAULT_SPEED


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("demo-site")(prompt(demo_site))


def demo_site(
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = 0,
    speed: Annotated[float, typer.Option("--speed", min=1)] = DEFAULT_SPEED,
    kept: KeptOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """演示站点 (serves the sample pack in each source's own shape)."""
    settings = begin(kept, data, profile)
    serve_site(settings.data_dir, port=port, speed=speed, announce=not kept)
