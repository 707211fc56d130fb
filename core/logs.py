"""Logs are events with fields: `fetched source=gz_amr run=r12 new=3`. Secrets never go in."""

import json
import logging
import sys
from typing import Any

from core.clock import iso_beijing, system_clock


class FieldFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, event and the fields given through `extra={"fields": ...}`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": iso_beijing(system_clock()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def setup_logs(level: str = "INFO") -> None:
    """Log JSON lines to stderr. Called once, by the process's entry point."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FieldFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)


def log_event(logger: logging.Logger, event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Write one event with its fields."""
    logger.log(level, event, extra={"fields": fields})
