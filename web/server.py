"""Running the desk: uvicorn with a prompt end."""

import gc
import socket

import uvicorn
from starlette.types import ASGIApp

from web.app import create_app
from web.services import Services

GRACE_SECONDS = 1
"""How long open requests may finish after the process was asked to end."""


class DeskServer(uvicorn.Server):
    """Tells the live streams to close as soon as the end is asked for; they would keep the server waiting."""

    def __init__(self, config: uvicorn.Config, services: Services) -> None:
        super().__init__(config)
        self.services = services

    def handle_exit(self, sig: int, frame: object) -> None:
        self.services.stopping.set()
        super().handle_exit(sig, frame)  # type: ignore[arg-type]  # uvicorn wants its own FrameType union


def make_server(services: Services, *, host: str, port: int) -> DeskServer:
    """A server that is ready to `run()`."""
    app: ASGIApp = create_app(services)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return DeskServer(config, services)


def serve(services: Services, *, host: str, port: int, sockets: list[socket.socket] | None = None) -> None:
    """Serve until SIGTERM or SIGINT. sockets: already bound ones, so that no other program takes the port."""
    server = make_server(services, host=host, port=port)
    keep_what_is_loaded()
    server.run(sockets)


def keep_what_is_loaded() -> None:
    """Take what was loaded at the start (lexicon, templates, rules) out of the collector's walks.

    It lives as long as the process, and a walk through all of it held up one answer in ten by a quarter of a second.
    """
    gc.collect()
    gc.freeze()
