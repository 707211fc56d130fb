"""Being asked to stop: by a signal, safely."""

import os
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue

ASKED = (signal.SIGTERM, signal.SIGINT)


def stop_on(*numbers: signal.Signals) -> threading.Event:
    """An event that these signals set (TERM and INT where none is named). To be called in the main thread.

    A handler runs in the middle of whatever the main thread does, also of waiting for this very event; setting it there
    would wait for a lock that the interrupted wait holds, for ever. So the handler only puts the signal into a queue
    (which may be done anywhere), and a thread sets the event.
    """
    stop, asked = threading.Event(), SimpleQueue[int]()

    def pass_on() -> None:
        while True:
            asked.get()
            stop.set()

    threading.Thread(target=pass_on, name="stop-on-signal", daemon=True).start()
    for number in numbers or ASKED:
        signal.signal(number, lambda given, _frame: asked.put(given))
    return stop


class StopSignals:
    """Whether one of these signals has come; waits without a thread, so that the process may fork.

    To be made in the main thread.
    """

    def __init__(self, *numbers: signal.Signals) -> None:
        self._numbers = numbers or ASKED
        self._came = False
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        for number in self._numbers:
            signal.signal(number, self._note)

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until one comes. Whether one came."""
        if not self._came:
            select.select([self._read], [], [], seconds)
        return self._came

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let them come afterwards."""
        signal.pthread_sigmask(signal.SIG_BLOCK, self._numbers)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._numbers)

    def forget(self) -> None:
        """In a fork: signals do what they do by default."""
        for number in self._numbers:
            signal.signal(number, signal.SIG_DFL)
        os.close(self._read)
        os.close(self._write)

    def _note(self, _number: int, _frame: object) -> None:
        self._came = True
        with suppress(BlockingIOError):
            os.write(self._write, b".")
