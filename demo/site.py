"""The sample pack over real HTTP: `python -m demo.site --data var/demo [--port N] [--speed N]`.

Prints its address as the only line on stdout, serves until it is told to stop (SIGTERM, SIGINT), and fills the drop
folder of the 12315 export below --data. Every answer carries ETag, Last-Modified where it has a date, and its length;
conditional requests are answered with 304. robots.txt allows everything. What the pack withdrew, or has not yet
published, is a 404.

The port is part of every address, and addresses are what documents are known by: without --port the site comes back on
the port it had before, and takes a new one only when that is taken.
"""

import argparse
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from core.clock import Clock, system_clock
from core.errors import FengsuiError
from core.stopping import stop_on
from demo.drop_folder import DropFolder
from demo.render import (
    feeds,
    hanweb_jpage,
    hotlist,
    html_list,
    jpaas_unit,
    json_api,
    jx_querylist,
    trs_static,
    xml_report,
)
from demo.render.page import Reply, Request, document, html_reply
from demo.sources import SOURCES, SampleSource
from demo.story import DEFAULT_SPEED, Item, Story, open_story

Renderer = Callable[[SampleSource, Sequence[Item], Request], Reply | None]
RENDERERS: Mapping[str, Renderer] = {
    "trs_static": trs_static.answer,
    "jpaas_unit": jpaas_unit.answer,
    "hanweb_jpage": hanweb_jpage.answer,
    "jx_querylist": jx_querylist.answer,
    "html_list": html_list.answer,
    "rss": feeds.answer,
    "atom": feeds.answer,
    "json_api": json_api.answer,
    "hotlist": hotlist.answer,
    "xml_report": xml_report.answer,
}
ROBOTS = b"User-agent: *\nAllow: /\n"
MAX_FORM = 65_536
PORT_FILE = "demo_site.json"
FIRST_PORT = 18_600
PORTS_TRIED = 200
DROP_EVERY = 1.0
"""Seconds between two looks at what is due in the drop folder."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, whole."""

    status: HTTPStatus
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Site:
    """Answers requests out of the story as it stands at the clock's time."""

    story: Story
    clock: Clock

    def answer(self, request: Request, conditions: Mapping[str, str]) -> Answer:
        """request.path: the whole path. conditions: the request's If-None-Match and If-Modified-Since."""
        reply = self._reply(request)
        if reply is None:
            return Answer(HTTPStatus.NOT_FOUND, {"Content-Type": "text/html; charset=utf-8"}, NOT_FOUND)
        headers = {"Content-Type": reply.content_type, "ETag": f'"{sha256(reply.body).hexdigest()[:20]}"'}
        if reply.modified is not None:
            headers["Last-Modified"] = format_datetime(reply.modified.astimezone(UTC), usegmt=True)
        if request.method in ("GET", "HEAD") and _unchanged(headers, conditions):
            return Answer(HTTPStatus.NOT_MODIFIED, headers, b"")
        return Answer(HTTPStatus.OK, headers, reply.body)

    def _reply(self, request: Request) -> Reply | None:
        if request.path == "/robots.txt":
            return Reply(ROBOTS, "text/plain; charset=utf-8")
        now = self.clock()
        for source in SOURCES.values():
            local = _below(source, request.path)
            if local is None or source.family not in RENDERERS:
                continue
            if local in ("", "/"):
                return _home(source)
            inner = replace(request, path=local)
            if reply := RENDERERS[source.family](source, self.story.items(source.id, now), inner):
                return reply
        return None


NOT_FOUND = (
    "<html><head><title>404</title></head><body><h1>404</h1><p>您访问的页面不存在或已删除。</p></body></html>".encode()
)


def _below(source: SampleSource, path: str) -> str | None:
    """The path as seen from the source's root; Hanweb's gateway lies at the root of the host, whatever the site."""
    if path.startswith(f"{source.root}/"):
        return path[len(source.root) :]
    if source.family == "jpaas_unit" and path == jpaas_unit.GATEWAY:
        return path
    return None


def _home(source: SampleSource) -> Reply:
    return html_reply(source, document(source, title="首页", main="<p>网站首页</p>"), [])


def _unchanged(headers: Mapping[str, str], conditions: Mapping[str, str]) -> bool:
    tags = conditions.get("If-None-Match")
    if tags is not None:
        return headers["ETag"] in [tag.strip().removeprefix("W/") for tag in tags.split(",")]
    since = conditions.get("If-Modified-Since")
    if since is None or "Last-Modified" not in headers:
        return False
    try:
        return parsedate_to_datetime(headers["Last-Modified"]) <= parsedate_to_datetime(since)
    except (ValueError, TypeError):
        return False


class Handler(BaseHTTPRequestHandler):
    """One connection. HTTP/1.1, kept alive."""

    protocol_version = "HTTP/1.1"
    server_version = "nginx"
    sys_version = ""
    timeout = 30
    wbufsize = -1  # headers and body leave in one packet; in two, each answer waits 40 ms for a delayed ACK
    server: "Server"

    def do_GET(self) -> None:
        self._serve({})

    def do_HEAD(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_FORM:
            self.close_connection = True
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        body = self.rfile.read(int(length)).decode("utf-8", "replace")
        self._serve(dict(parse_qsl(body, keep_blank_values=True)))

    def _serve(self, form: Mapping[str, str]) -> None:
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            form=form,
            base=self.server.base,
        )
        answer = self.server.site.answer(request, dict(self.headers.items()))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the crawlers log what they fetch."""


class Server(ThreadingHTTPServer):
    """The site on 127.0.0.1; port 0 takes a free one."""

    daemon_threads = True

    def __init__(self, site: Site, port: int = 0) -> None:
        self.site = site
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def base(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news; anything else is."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def keep_dropping(folder: DropFolder, clock: Clock, stop: threading.Event) -> None:
    """Write the export's files as they come due, until `stop`."""
    while not stop.is_set():
        folder.write_due(clock())
        stop.wait(DROP_EVERY)


def open_server(site: Site, data: Path, port: int | None) -> Server:
    """The site on `port`; without one, on the port kept in `data`, else on the first free one, which is then kept.

    Raises OSError when `port`, or every port tried, is taken.
    """
    if port is not None:
        return Server(site, port)
    kept = data / PORT_FILE
    before = [int(json.loads(kept.read_text(encoding="utf-8"))["port"])] if kept.exists() else []
    for candidate in [*before, *range(FIRST_PORT, FIRST_PORT + PORTS_TRIED), 0]:
        try:
            server = Server(site, candidate)
        except OSError:
            continue
        kept.write_text(json.dumps({"port": server.server_address[1]}), encoding="utf-8")
        return server
    raise OSError("no free port on 127.0.0.1")


@contextmanager
def serving(data: Path, *, port: int | None, speed: float | None, clock: Clock = system_clock) -> Iterator[Server]:
    """The site and its drop folder on threads of this process, for as long as the block lasts. speed: as `open_clock`.

    Raises FengsuiError for a bad state file or speed, OSError for a taken port.
    """
    story = open_story(data, now=clock(), speed=speed)
    stop = threading.Event()
    with open_server(Site(story, clock), data, port) as server:
        drops = DropFolder(story, data)
        drops.write_due(clock())
        for target, arguments in ((server.serve_forever, ()), (keep_dropping, (drops, clock, stop))):
            threading.Thread(target=target, args=arguments, daemon=True).start()
        try:
            yield server
        finally:
            stop.set()
            server.shutdown()


def serve(data: Path, *, port: int | None, speed: float, clock: Clock = system_clock, announce: bool = True) -> None:
    """Serve until SIGTERM or SIGINT. announce: print the address once it answers. Raises as `serving`."""
    with serving(data, port=port, speed=speed, clock=clock) as server:
        stop = stop_on()
        if announce:
            print(server.base, flush=True)
        stop.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m demo.site", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--port", type=int, help="default: the one it had before")
    parser.add_argument("--data", type=Path, required=True, help="data folder of the demo")
    parser.add_argument("--speed", type=float, default=DEFAULT_SPEED, help="story seconds a real second")
    options = parser.parse_args(arguments)
    try:
        serve(options.data, port=options.port, speed=options.speed)
    except FengsuiError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"demo site: port {options.port}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
