"""Being asked to stop: by a signal, safely."""

import signal
import threading
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
