"""The demo's sample site: the port it keeps, and the loan of it to a command that runs without `fengsui run`."""

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from config.settings import Settings
from core.errors import FengsuiError
from demo.site import ROBOTS, serving
from store.database import Store, get_fact, set_fact

HOST = "127.0.0.1"
SITE_PORT = "demo_site_port"
FIRST_SITE_PORT = 8900


def base_of(port: int) -> str:
    """What {base} means in the demo's source files."""
    return f"http://{HOST}:{port}"


def kept_port(store: Store) -> int:
    """The sample site keeps its port: addresses of documents must not change between two starts."""
    with store.write() as db:
        kept = get_fact(db, SITE_PORT)
        port = int(kept) if kept else free_port(FIRST_SITE_PORT)
        set_fact(db, SITE_PORT, str(port))
    return port


def free_port(wanted: int) -> int:
    """`wanted`, or the next port that nobody listens on; 0: any free one."""
    for port in range(wanted, min(wanted + 200, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise FengsuiError(f"no free port from {wanted} on; give another with --port")


def port_taken(port: int) -> FengsuiError:
    """What to say when somebody else listens where the sample site must."""
    return FengsuiError(f"port {port}, which this demo's sample site uses, is taken; free it or `make demo-reset`")


@contextmanager
def sample_site(settings: Settings, store: Store) -> Iterator[Settings]:
    """Settings whose {base} answers: the site of a running system, else one that lives as long as the block.

    Other profiles, and settings that name a base, are given back as they are. Raises FengsuiError for a taken port.
    """
    if settings.profile != "demo" or settings.source_base:
        yield settings
        return
    port = kept_port(store)
    with ExitStack() as open_site:
        try:
            open_site.enter_context(serving(settings.data_dir, port=port, speed=None))
        except OSError:
            if not is_ours(base_of(port)):
                raise port_taken(port) from None
        yield settings.model_copy(update={"source_base": base_of(port)})


def is_ours(base: str) -> bool:
    """Whether a sample site answers there."""
    try:
        with urllib.request.urlopen(f"{base}/robots.txt", timeout=5) as answer:
            return bool(answer.read(1000) == ROBOTS)
    except (urllib.error.URLError, OSError):
        return False
