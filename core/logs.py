"""Logs are events with fields: `fetched source=gz_amr run=r12 new=3`. Secrets never go in."""

import json
import logging
import logging.handlers
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.clock import beijing, system_clock

COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys: pages and answers that are told of may hold it."""
_FILE_BYTES, _FILES_KEPT = 20_000_000, 5
_REPEATING = ("elastic_transport",)
"""Libraries that warn of each failed try; what came of it is told by us."""
_TALKATIVE = ("alembic", "apscheduler", "scrapy", "uvicorn", "httpx", "asyncio")
"""Libraries that tell each step at level info; their warnings are kept."""


class FieldFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, event and the fields given through `extra={"fields": ...}`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": beijing(system_clock()).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line.update(_fields(record))
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TerminalFormatter(logging.Formatter):
    """The same for a person at a terminal: `10:48:14 warning crawlers.runner: run failed source=gz_amr`."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        when = beijing(system_clock()).strftime("%H:%M:%S")
        text = f"{when} {record.levelname.lower()} {record.name}: {record.getMessage()}{fields}"
        whole = f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text
        return COMMANDS.sub(lambda found: f"\\x{ord(found[0]):02x}", whole)


def setup_logs(level: str = "INFO", *, file: Path | None = None) -> None:
    """Log to stderr (JSON lines; plain text on a terminal). Called once, by the process's entry point.

    file: everything goes there instead, as JSON lines in at most six files of 20 MB; stderr keeps the warnings.
    """
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(TerminalFormatter() if sys.stderr.isatty() else FieldFormatter())
    handlers: list[logging.Handler] = [terminal]
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = logging.handlers.RotatingFileHandler(
            file, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8"
        )
        kept.setFormatter(FieldFormatter())
        terminal.setLevel(logging.WARNING)
        handlers.append(kept)
    logging.basicConfig(level=level, handlers=handlers, force=True)
    if logging.getLogger().level > logging.DEBUG:
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        for name in _REPEATING:
            logging.getLogger(name).setLevel(logging.ERROR)


def log_event(logger: logging.Logger, event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Write one event with its fields."""
    logger.log(level, event, extra={"fields": fields})


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = getattr(record, "fields", {})
    return fields
