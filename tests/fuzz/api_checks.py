"""What schemathesis asks of every answer beside its own checks; loaded by it (SCHEMATHESIS_HOOKS), not by our tests.

Ids of what the caller may not see stand in `foreign.txt` of the folder that it runs in.
"""

from functools import cache
from pathlib import Path
from typing import Any

import schemathesis

FOREIGN = Path("foreign.txt")
SAME_FOR_ALL = ("content-security-policy", "x-content-type-options", "referrer-policy", "x-frame-options")
NO_OPERATION = (404, 405)
"""What is said of an address or method that there is none of, whoever asks."""


@cache
def foreign() -> tuple[bytes, ...]:
    """What must not stand in an answer; read once."""
    return tuple(line.encode() for line in FOREIGN.read_text(encoding="utf-8").split())


@schemathesis.check
def nothing_of_others(_ctx: Any, response: Any, case: Any) -> None:
    """What is asked for by its id is not there, and no list names it."""
    if response.status_code < 300 and response.content:
        told = [one.decode() for one in foreign() if one in response.content]
        assert not told, f"{case.operation.label} tells a stranger of {told}"


@schemathesis.check
def only_refused(_ctx: Any, response: Any, case: Any) -> None:
    """Without a key, or with a wrong one, nothing is answered; what is sent is not even looked at."""
    refused = response.status_code in (401, *NO_OPERATION)
    assert refused, f"{case.operation.label} answers {response.status_code} to nobody"


@schemathesis.check
def nothing_but_reading(_ctx: Any, response: Any, case: Any) -> None:
    """A key for reading alerts does nothing, and reads nothing else."""
    may = case.operation.path.startswith(("/api/alerts", "/api/deliveries", "/api/export/alerts"))
    if response.status_code < 300 and not (may and response.request.method in ("GET", "HEAD")):
        raise AssertionError(f"{response.request.method} {case.operation.path} is done with a key for reading alerts")


@schemathesis.check
def guarded(_ctx: Any, response: Any, _case: Any) -> None:
    """Every answer has the headers of every answer."""
    lacking = [name for name in SAME_FOR_ALL if name not in response.headers]
    assert not lacking, f"without {lacking}"
