"""Reads a file in a process of its own, so that a parser which hangs, crashes or eats memory costs one attachment.

`python -m crawlers.attached.worker NAME` takes the bytes on standard input and answers one JSON object.
"""

import asyncio
import contextlib
import hashlib
import json
import resource
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from crawlers.attached.content import FileContent
from crawlers.attached.kinds import KEPT, kind_of
from crawlers.attached.read import read_file

SECONDS = 40
MEMORY = 1024**3
AT_ONCE = 2
HARMLESS = frozenset((*KEPT, "html", "text", "csv"))
ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class FileReader:
    """Reads files, at most AT_ONCE at a time. seconds: wall time a file may take."""

    seconds: float = SECONDS
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def read(self, name: str, data: bytes) -> FileContent:
        """What the file holds. Never raises on any bytes; what is only kept, or read as pages are, needs no process."""
        if not data or kind_of(data, name) in HARMLESS:
            return read_file(name, data)
        async with self.places:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "crawlers.attached.worker", name.replace("\0", "")[:200],
                cwd=ROOT, env={"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"},
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            try:
                answer, _ = await asyncio.wait_for(process.communicate(data), self.seconds)
            except TimeoutError:
                return _lost(name, data, f"读取超过 {self.seconds:g} 秒，已中止，仅存档")
            finally:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
        try:
            return content_from(json.loads(answer))
        except (ValueError, TypeError, KeyError):
            return _lost(name, data, "读取时出错（内存超限或解析程序中断），仅存档")


def content_from(values: Mapping[str, Any]) -> FileContent:
    """The content that asdict() took apart."""
    tables = tuple(tuple(tuple(row) for row in table) for table in values["tables"])
    members = tuple(content_from(member) for member in values["members"])
    return FileContent(**{**values, "tables": tables, "members": members})


def _lost(name: str, data: bytes, problem: str) -> FileContent:
    return FileContent(name, kind_of(data, name), len(data), hashlib.sha256(data).hexdigest(), problem=problem)


def main() -> None:
    """Read standard input under limits of memory, time and files, and answer."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    signal.alarm(SECONDS * 2)  # the crawler is gone, or the machine is asleep
    answer = asdict(read_file(sys.argv[1] if len(sys.argv) > 1 else "", sys.stdin.buffer.read()))
    sys.stdout.write(json.dumps(answer, ensure_ascii=True))


if __name__ == "__main__":
    main()
