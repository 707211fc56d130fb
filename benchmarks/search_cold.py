"""A process that starts, opens the embedded index of a folder (first argument) as of a time (second), makes one page
and says how long each took."""

import json
import sys
import time

STARTED = time.perf_counter()

from datetime import datetime, timedelta  # noqa: E402  # what is imported is part of what is measured
from pathlib import Path  # noqa: E402

from search.backend import SearchRequest  # noqa: E402
from search.embedded import EmbeddedBackend  # noqa: E402
from search.where import Words  # noqa: E402

IMPORTED = time.perf_counter()
backend = EmbeddedBackend(Path(sys.argv[1]), str.split)
since = datetime.fromisoformat(sys.argv[2]) - timedelta(days=30)
total = backend.search(SearchRequest(Words("起火"), from_=since, split="level")).total
print(
    json.dumps(
        {
            "import_ms": round((IMPORTED - STARTED) * 1000),
            "first_page_ms": round((time.perf_counter() - IMPORTED) * 1000),
            "total": total,
        }
    )
)
