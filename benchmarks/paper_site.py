"""A site for benchmarks, in a process of its own: feeds whose entries lead to pages, and when each page was asked for.

    /feed/N   RSS of the N-th hundred of pages that are out       /page/N   an article of some kilobytes
    /times    {page: seconds since the epoch at which it was first served}
A page is out from `start + N / rate` seconds on; with rate 0 all are at once.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path

from benchmarks.stream_texts import Text

A_FEED = 100
HEAD = (
    "<html><head><meta charset='utf-8'><title>{title}_日报网</title><style>body{{margin:0}}</style></head><body>"
    "<div class='nav'>{links}</div><h1>{title}</h1><div class='info'>发布时间：{at} 来源：日报网</div>"
)
LINKS = "".join(f"<a href='/channel/{n}'>频道{n}</a>" for n in range(60))
TAIL = "<div class='foot'>版权所有 未经许可不得转载 <a href='/about'>关于我们</a></div></body></html>"


class Site:
    """What is served."""

    def __init__(self, texts: Sequence[Text], rate: float) -> None:
        self.texts, self.rate, self.began = texts, rate, time.time()
        self.times: dict[int, float] = {}
        self.at = time.strftime("%Y-%m-%d %H:%M", time.gmtime(self.began + 8 * 3600))

    def out(self) -> int:
        """How many pages are out."""
        return min(len(self.texts), int((time.time() - self.began) * self.rate)) if self.rate else len(self.texts)

    def answer(self, path: str, host: str) -> tuple[int, str, str]:
        """Status, kind, body."""
        what, _, number = path.strip("/").partition("/")
        if what == "start":
            self.began = time.time()
            return 200, "text/plain", "ok"
        if what == "times":
            return 200, "application/json", json.dumps(self.times)
        if what == "feed":
            return 200, "application/rss+xml; charset=utf-8", self.feed(int(number), host)
        if what == "page" and int(number) < self.out():
            self.times.setdefault(int(number), time.time())
            return 200, "text/html; charset=utf-8", self.page(self.texts[int(number)])
        return 404, "text/plain", ""

    def feed(self, number: int, host: str) -> str:
        """The newest first."""
        last = min(self.out(), (number + 1) * A_FEED)
        pages = range(last - 1, number * A_FEED - 1, -1)
        rows = "".join(
            f"<item><title>{escape(self.texts[n].title)}</title><link>http://{host}/page/{n}</link></item>"
            for n in pages
        )
        return f'<?xml version="1.0"?><rss version="2.0"><channel><title>{number}</title>{rows}</channel></rss>'

    def page(self, text: Text) -> str:
        """As an editor's system makes it."""
        body = "".join(f"<p>{escape(part)}</p>" for part in (text.text or text.title).split("\n"))
        head = HEAD.format(title=escape(text.title), links=LINKS, at=self.at)
        return f"{head}<div id='content'>{body}</div>{TAIL}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while line := await reader.readline():
                path, host = line.split()[1].decode(), ""
                while (line := await reader.readline()).strip():
                    name, _, value = line.decode("latin-1").partition(":")
                    host = value.strip() if name.lower() == "host" else host
                status, kind, text = self.answer(path, host)
                body = text.encode()
                head = f"HTTP/1.1 {status} .\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@contextmanager
def serving(file: Path, rate: float = 0.0) -> Iterator[int]:
    """The port of a site that serves the texts of a file (JSON, pairs of title and text)."""
    command = [sys.executable, "-m", "benchmarks.paper_site", str(file), str(rate)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


async def _serve(file: Path, rate: float) -> None:
    site = Site([Text(*pair) for pair in json.loads(file.read_text(encoding="utf-8"))], rate)
    server = await asyncio.start_server(site.handle, "0.0.0.0", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), float(sys.argv[2])))
