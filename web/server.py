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


SELDOM = (20_000, 20, 20)
"""After how many new objects the collector looks at the youngest, and after how many such looks at older ones."""


def serve(services: Services, *, host: str, port: int, sockets: list[socket.socket] | None = None) -> None:
    """Serve until SIGTERM or SIGINT. sockets: already bound ones, so that no other program takes the port."""
    server = make_server(services, host=host, port=port)
    keep_what_is_loaded()
    server.run(sockets)


def keep_what_is_loaded() -> None:
    """Take what was loaded at the start (lexicon, templates, rules) out of the collector's walks, and let it walk
    through what came after less often.

    What is loaded lives as long as the process, and a walk through all of it held up one answer in ten by a quarter of
    a second; a walk through what pages keep still took 50 to 100 ms, in one request out of four of the large pages.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
