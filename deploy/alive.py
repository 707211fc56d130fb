"""Whether this container's process lives: its last beat in the store is younger than a minute.

python /app/alive.py ROLE

Exit 0: it lives, or the store cannot be asked (a restart would not help); 1: it does not.

Loads the driver alone: asked every half minute beside each process, it must cost nothing.
"""

import os
import socket
import sys
from pathlib import Path

import psycopg

YOUNG = "select true from processes where name like %s and host = %s and beat_at > now() - interval '60 seconds'"


def lives(address: str, role: str, host: str) -> bool:
    """Asks the store. address: as Fengsui is given it."""
    try:
        with psycopg.connect(address.replace("+psycopg", "", 1), connect_timeout=5) as db:
            return db.execute(YOUNG, (f"{role}@%", host)).fetchone() is not None
    except psycopg.OperationalError as problem:
        print(f"store: {problem}", file=sys.stderr)
        return True


if __name__ == "__main__":
    given = os.environ.get("FENGSUI_DATABASE_URL") or Path(os.environ["FENGSUI_DATABASE_URL_FILE"]).read_text().strip()
    sys.exit(not lives(given, sys.argv[1], socket.gethostname()))
